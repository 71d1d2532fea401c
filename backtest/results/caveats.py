"""What the figures of a run do not prove: intervals, and what they say in plain words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.clock import DAY
from ...core.hours import TradingDays
from ..recording.round_trips import RoundTrip
from .bootstrap import DRAWS, LEVEL
from .decimals import decimals
from .intervals import EACH, TRADES, Interval, mean_interval, sharpe_interval
from .statistics import returns

Array = NDArray[np.float64]
ENOUGH = 10
"""Round trips below which nothing is said but that they are too few."""
AT_ONCE = 3.0
"""Round trips held at once, on average, above which their mean has no interval: what ends together ends alike. Of one
market's factor in 70 % of each, intervals hold the mean in 94-96 % up to 3, in 91 % at 4, in 76 % at 7."""


def confidence(
    time: NDArray[np.int64],
    value: Array,
    start: float,
    trips: Sequence[RoundTrip],
    seed: int,
    hours: TradingDays | None = None,
) -> dict[str, Any]:
    """Intervals of the figures of which one holds what it says, for ``result.json``.

    The Sharpe ratio has one from 60 daily returns on, the mean trade from 30 round trips on, each with at least 5
    gains and 5 losses, and the mean trade only where no more than 3 are held at once on average; no other figure has.
    Both are bootstrap-t intervals over a stationary bootstrap whose mean block is the cube root of how many values
    there are.

    Parameters
    ----------
    time, value : ndarray
        Close of each bar, epoch µs, and equity then.
    start : float
        Equity before the first bar.
    trips : sequence of RoundTrip
        Finished ones.
    seed : int
        The run's.
    hours : TradingDays or None
        The trading hours of the bars, where they have some.

    Returns
    -------
    dict
        How it was done, ``intervals``: low and high end by the figure's name, and ``made_of``: of how many returns or
        round trips, and in which mean block. A figure without an interval is in neither.
    """
    made, per_year, basis = returns(time, value, start, hours)
    found: dict[str, Interval] = {}
    if basis == "daily" and (ratio := sharpe_interval(made, seed=seed)):
        scale = math.sqrt(per_year)
        found["sharpe"] = ratio._replace(low=scale * ratio.low, high=scale * ratio.high)
    net = np.array([t.pnl_net for t in trips], dtype=np.float64)
    if held_at_once(trips) <= AT_ONCE and (mean := mean_interval(net, seed=seed)):
        found["mean_trade"] = mean
    return {
        "level": LEVEL,
        "method": "bootstrap-t",
        "draws": DRAWS,
        "seed": seed,
        "intervals": {name: [one.low, one.high] for name, one in found.items()},
        "made_of": {name: {"count": one.size, "block": one.block} for name, one in found.items()},
    }


def held_at_once(trips: Sequence[RoundTrip]) -> float:
    """How many round trips were held, itself included, when one ended; the mean, 0 without any.

    Examples
    --------
    >>> trip = RoundTrip("btc", "long", 1.0, 2, 10.0, 5, 10.2, 3, 0.2, 0.0, "", "")
    >>> held_at_once([trip]), held_at_once([trip, trip, trip])
    (1.0, 3.0)
    """
    if not trips:
        return 0.0
    ends = np.sort([t.exit_time for t in trips])
    begun = np.sort([min(t.entry_time, t.exit_time - 1) for t in trips])  # within one bar: held in it
    return float(np.mean(np.searchsorted(begun, ends, "left") - np.searchsorted(ends, ends, "left")))


def hints(figures: Mapping[str, Any], sure: Mapping[str, Any], trips: Sequence[RoundTrip], days: float) -> list[str]:
    """What the figures say and what they do not, in plain words.

    Parameters
    ----------
    figures : mapping
        As `statistics.summarise` gives them.
    sure : mapping
        As `confidence` gives it.
    trips : sequence of RoundTrip
        Finished ones.
    days : float
        How long the run was.
    """
    if not trips:
        sent = figures.get("orders", 0)
        why = f"{sent:,} orders were sent" if sent else f"no order was sent in {figures.get('bars', 0):,} bars"
        return [f"No round trip was finished, {why}: there is nothing to judge."]
    places = decimals(figures.get("currency", "quote"), figures.get("initial_cash"))
    said = [
        _few(len(trips)),
        _mean(figures, sure, places),
        _one_sided(trips, places),
        _together(trips),
        _sharpe(figures, sure, days),
        _costs(figures, places),
        _best(trips, places),
    ]
    return [text for text in said if text]


def _few(count: int) -> str:
    if count == 1:
        return "1 round trip is too little to tell skill from luck; nothing below proves anything."
    if count < ENOUGH:
        return f"{count} round trips are too few to tell skill from luck; nothing below proves anything."
    if count < TRADES:
        return f"{count} round trips are few: below {TRADES} no interval of their mean holds what it says."
    return ""


def _interval(sure: Mapping[str, Any], name: str, form: str, of: str) -> str:
    """An interval in words, with all that it was made of."""
    (low, high), made = sure["intervals"][name], sure["made_of"][name]
    how = f"{sure['method']}, {made['count']:,} {of}, mean block {made['block']:.1f}"
    return f"{100 * sure['level']:.0f} % interval {low:{form}} to {high:{form}} ({how})"


def _mean(figures: Mapping[str, Any], sure: Mapping[str, Any], places: int) -> str:
    if "mean_trade" not in sure["intervals"]:
        return ""
    low, high = sure["intervals"]["mean_trade"]
    form = f"+,.{places}f"
    told = f"The mean round trip made {figures['mean_trade']:{form}} after fees, "
    told += _interval(sure, "mean_trade", form, "round trips")
    if low <= 0 <= high:
        return f"{told}."
    side = "above" if low > 0 else "below"
    return f"{told}: {side} zero by more than chance explains, if this was the only setting that was tried."


def _one_sided(trips: Sequence[RoundTrip], places: int) -> str:
    """What hardly any trade lost, or won, cannot tell."""
    net = [t.pnl_net for t in trips]
    lost, won, total = sum(x < 0 for x in net), sum(x > 0 for x in net), math.fsum(net)
    if len(net) < ENOUGH or min(lost, won) >= EACH:
        return ""
    if lost >= EACH:
        return f"Only {won} of {len(net):,} trades won: what a win brings is not known; no interval."
    told = f"Only {lost} of {len(net):,} trades lost: what a loss costs is not known; no interval."
    return f"{told} One more loss of {total:,.{places}f} would erase the result." if total > 0 else told


def _together(trips: Sequence[RoundTrip]) -> str:
    """What many positions at a time cannot tell."""
    if len(trips) < TRADES or (at_once := held_at_once(trips)) <= AT_ONCE:
        return ""
    return (
        f"{at_once:.1f} round trips were held at once on average: what ends together ends alike, and above "
        f"{AT_ONCE:g} no interval of their mean holds what it says."
    )


def _sharpe(figures: Mapping[str, Any], sure: Mapping[str, Any], days: float) -> str:
    ratio = figures["sharpe"]
    if figures["sharpe_basis"] == "bar" and math.isfinite(ratio):
        return (
            f"The run spans {days:,.1f} days: its Sharpe ratio of {ratio:,.2f} is scaled up from single bars, "
            "and no year of trading stands behind it."
        )
    if "sharpe" not in sure["intervals"]:
        return ""
    return f"The Sharpe ratio of {ratio:,.2f} has the {_interval(sure, 'sharpe', ',.2f', 'daily returns')}."


def _costs(figures: Mapping[str, Any], places: int) -> str:
    net, fees = figures["net_profit"], figures["fees_paid"]
    if net < 0 < net + fees:
        return (
            f"Before fees the run made {net + fees:+,.{places}f}; fees of {fees:,.{places}f} turned that into a loss."
        )
    if net > 0 and fees > net:
        return f"Fees of {fees:,.{places}f} are more than what is left: a little more cost, and nothing is."
    return ""


def _best(trips: Sequence[RoundTrip], places: int) -> str:
    net = sorted(t.pnl_net for t in trips)
    total = math.fsum(net)
    if len(net) < ENOUGH or total <= 0:
        return ""
    top = max(1, len(net) // 20)
    rest = total - math.fsum(net[-top:])
    if rest > 0:
        return ""
    which = "the best round trip" if top == 1 else f"the best {top} of {len(net)} round trips"
    return f"Without {which} the others lost {-rest:,.{places}f} together: the result hangs on few of them."


def damage_warning(share: float, net: float, places: int = 2) -> str:
    """What part of the result came from damaged bars, in words; empty where none did."""
    if not math.isfinite(share) or abs(share) < 0.005:
        return ""
    made, of = f"{share * net:+,.{places}f}", f"{net:+,.{places}f}"
    told = f"made {made} of the {of} of all ({share:.0%})" if share > 0 else f"made {made}, all together {of}"
    return f"round trips over damaged bars (gaps, holes, disorder, a cut interval) {told}"


def days_of(time: NDArray[np.int64]) -> float:
    """Days from the first close to the last."""
    return float(time[-1] - time[0]) / DAY if len(time) else 0.0
