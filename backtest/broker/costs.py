"""What a run's fills cost, as the numbers that both brokers take."""

from __future__ import annotations

from typing import NamedTuple

from ...configs.models import RunConfig
from ...configs.terms import Terms
from ...core.errors import DataError
from ...core.ticks import grid_of
from .impact import SquareRoot


class Costs(NamedTuple):
    """Fees and slippage of one feed.

    Parameters
    ----------
    maker, taker : float
        Fees as shares of notional.
    slip_share : float
        Slippage as a share of the price.
    slip_price : float
        Slippage as a price distance; at most one of the two is above 0.
    tick : float
        The feed's step of prices, on which a price stays that slips by a distance; 0 where it is not known.
    """

    maker: float
    taker: float
    slip_share: float
    slip_price: float
    tick: float = 0.0


class FillTerms(NamedTuple):
    """What decides at which price, and how much of, an order on one feed is filled; see `Costs` for the first three.

    Parameters
    ----------
    slip_share, slip_price, tick : float
        Slippage, and the step of prices.
    range_share : float
        Slippage as a share of the bar's range.
    impact : SquareRoot or None
        Market impact.
    participation : float or None
        Most of a bar's volume that own fills may be.
    """

    slip_share: float = 0.0
    slip_price: float = 0.0
    tick: float = 0.0
    range_share: float = 0.0
    impact: SquareRoot | None = None
    participation: float | None = None


def fill_terms(terms: Terms) -> FillTerms:
    """What decides fills under ``terms``.

    Raises
    ------
    DataError
        If slippage is in ticks and the feed's tick is not known.
    """
    slip, impact = terms.slippage, terms.impact
    return FillTerms(
        *costs_of(terms)[2:],
        slip.amount if slip.unit == "range" else 0.0,
        None if impact is None else SquareRoot(impact.coefficient, impact.window),
        terms.participation,
    )


def costs_of(terms: Terms) -> Costs:
    """The costs that ``terms`` ask for.

    Raises
    ------
    DataError
        If slippage is in ticks and the feed's tick is not known.
    """
    fees, slip, tick = terms.fees, terms.slippage, terms.tick
    if slip.unit == "ticks" and slip.amount and not tick:
        raise DataError(f"{terms.asked_by('slippage')} is in ticks: set `tick` in data.{terms.block}")
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
