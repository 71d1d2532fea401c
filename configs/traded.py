"""The instrument that a run trades."""

from __future__ import annotations

from dataclasses import dataclass

from .broker_block import Fees
from .data_block import Data
from .instrument_block import Instrument


@dataclass(frozen=True)
class Traded:
    """The instrument that a run trades, and what its venue fixes for it.

    Parameters
    ----------
    name : str
        Its feed, the first of the run.
    block : str
        The data block that gives the feed.
    data : Data
        That block.
    fees : Fees
        What trading it costs.

    Examples
    --------
    >>> from tapeflow.configs.loader import from_mapping
    >>> data = {"btc": {"feed": "SyntheticTape", "bars": {"fast": "1m", "slow": "4h"}, "tick": 0.1}}
    >>> traded = from_mapping({"name": "x", "data": data, "strategy": {"kind": "DeltaMomentum"}}).traded
    >>> traded.name, traded.block, traded.tick, traded.lot, traded.margined
    ('fast', 'btc', 0.1, 0.0001, False)
    """

    name: str
    block: str
    data: Data
    fees: Fees

    @property
    def instrument(self) -> Instrument:
        """What one contract is, and how it is margined."""
        return self.data.instrument

    @property
    def tick(self) -> float | None:
        """Smallest step of the price; None where nobody says."""
        return self.data.tick

    @property
    def lot(self) -> float | None:
        """Smallest step of an order's size: as said, else one contract where sizes come in contracts."""
        return self.data.step

    @property
    def min_notional(self) -> float:
        """Smallest order, in quote currency."""
        return self.data.min_notional

    @property
    def contract(self) -> float:
        """Size of one contract; NaN where nobody says."""
        return self.data.contract

    @property
    def margined(self) -> bool:
        """Whether there is margin to keep, and so a liquidation price."""
        return self.instrument.margined

    @property
    def inverse(self) -> bool:
        """Whether it is margined and settled in coin."""
        return self.instrument.margin == "inverse"
