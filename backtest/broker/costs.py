"""What a run's fills cost, as the numbers that both brokers take."""

from __future__ import annotations

from typing import NamedTuple

from ...configs.models import RunConfig
from ...core.errors import DataError
from ...core.ticks import grid_of


class Costs(NamedTuple):
    """Fees and slippage.

    Parameters
    ----------
    maker, taker : float
        Fees as shares of notional.
    slip_share : float
        Slippage as a share of the price.
    slip_price : float
        Slippage as a price distance; at most one of the two is above 0.
    tick : float
        The traded feed's step of prices, on which a price stays that slips by a distance; 0 where it is not known.
    """

    maker: float
    taker: float
    slip_share: float
    slip_price: float
    tick: float = 0.0


def costs_of(config: RunConfig) -> Costs:
    """The costs that ``config`` asks for.

    Raises
    ------
    DataError
        If slippage is in ticks and the traded feed's tick is not known.
    """
    fees, slip = config.broker.fees, config.broker.slippage
    tick = config.traded.tick
    if slip.unit == "ticks" and slip.amount and not tick:
        raise DataError("broker.slippage is in ticks: set `tick` in the traded data block")
    if slip.unit == "fraction":
        return Costs(fees.maker, fees.taker, slip.amount, 0.0, tick or 0.0)
    distance = {"range": 0.0, "ticks": grid_of(tick).price(slip.amount)}.get(slip.unit, slip.amount)
    return Costs(fees.maker, fees.taker, 0.0, distance, tick or 0.0)


def not_compiled(config: RunConfig) -> str:
    """What of the costs and instruments of ``config`` is the work of backtrader's broker alone; empty for none.

    The compiled engine refuses a run by this name.
    """
    traded = config.traded.instrument
    return "margin inverse is worked out by backtrader's broker" if traded.margin == "inverse" else ""
