"""What trading one feed is: its venue's steps, its contract, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass

from .broker_block import Broker, Fees, Funding, Impact
from .data_block import Data
from .instrument_block import Instrument
from .units import Slippage


@dataclass(frozen=True)
class Terms:
    """What a venue fixes for an instrument, and what trading it costs; the one place that asks a data block for it.

    Parameters
    ----------
    name : str
        The feed.
    block : str
        The data block that gives the feed.
    data : Data
        That block; what it says of costs stands before the broker's.
    broker : Broker
        The broker block.
    first : bool
        Whether the feed is the first of the run, which the broker's funding is for.

    Examples
    --------
    >>> from tapeflow.configs.loader import from_mapping
    >>> data = {
    ...     "btc": {"feed": "SyntheticTape", "bars": {"fast": "1m", "slow": "4h"}, "tick": 0.1},
    ...     "eth": {"feed": "SyntheticTape", "lot": 0.01, "fees": {"taker": "10bp"}},
    ... }
    >>> config = from_mapping({"name": "x", "data": data, "strategy": {"kind": "DeltaMomentum"}})
    >>> traded = config.traded
    >>> traded.name, traded.block, traded.tick, traded.lot, traded.margined, traded.fees.taker
    ('fast', 'btc', 0.1, 0.0001, False, 0.0)
    >>> [(name, terms.lot, terms.fees.taker) for name, terms in config.terms.items()]
    [('fast', 0.0001, 0.0), ('slow', 0.0001, 0.0), ('eth', 0.01, 0.001)]
    """

    name: str
    block: str
    data: Data
    broker: Broker
    first: bool

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
    def fees(self) -> Fees:
        """What a fill costs."""
        return self.broker.fees if self.data.fees is None else self.data.fees

    @property
    def slippage(self) -> Slippage:
        """How much worse than quoted a market order fills."""
        return self.broker.slippage if self.data.slippage is None else self.data.slippage

    @property
    def impact(self) -> Impact | None:
        """How far an order moves the price against itself."""
        return self.broker.impact if self.data.impact is None else self.data.impact

    @property
    def participation(self) -> float | None:
        """Most of a bar's volume that own orders may be."""
        return self.broker.participation if self.data.participation is None else self.data.participation

    @property
    def funding(self) -> Funding | None:
        """What longs pay to shorts: the instrument's own, else the broker's where it is the first feed."""
        own = self.instrument.funding
        return self.broker.funding if own is None and self.first else own

    @property
    def margined(self) -> bool:
        """Whether there is margin to keep, and so a liquidation price."""
        return self.instrument.margined

    @property
    def inverse(self) -> bool:
        """Whether it is margined and settled in coin."""
        return self.instrument.margin == "inverse"

    def asked_by(self, key: str) -> str:
        """Where ``key``, a cost, stands in the YAML: in the data block, or in the broker's."""
        return f"broker.{key}" if getattr(self.data, key) is None else f"data.{self.block}.{key}"
