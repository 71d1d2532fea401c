"""What the figures of a run do not prove: intervals, and what they say in plain words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.clock import DAY
from .amounts import decimals
from .bootstrap import DRAWS, ENOUGH, LEVEL, Interval, equity_band, mean_block, return_intervals, trip_intervals
from .round_trips import RoundTrip
from .statistics import returns

Array = NDArray[np.float64]
FEW = 30
"""Round trips below which chance rules; the usual rule of thumb for means."""


def confidence(
    time: NDArray[np.int64], value: Array, start: float, trips: Sequence[RoundTrip], seed: int
) -> dict[str, Any]:
    """Intervals of the figures by the stationary bootstrap, for ``result.json``.

    Returns are those of the Sharpe ratio: of days, or of bars in a short run. A mean block is the cube root of their
    number, and of bars no shorter than a round trip takes on average, so that what belongs to one position stays
    together. Round trips are resampled apart. An interval holds the middle 95 % of 1,000 resampled figures.

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

    Returns
    -------
    dict
        How it was done, and ``intervals``: low and high end by the figure's name; NaN where an end is open. A figure
        that there is too little to resample of is not among them.

    References
    ----------
    Politis, Romano (1994), The stationary bootstrap, Journal of the American Statistical Association 89, 1303-1313.
    Efron, Tibshirani (1993), An Introduction to the Bootstrap, chapter 13: percentile intervals.
    """
    made, per_year, basis = returns(time, value, start)
    hold = float(np.mean([t.bars for t in trips])) if trips else 1.0
    block = mean_block(len(made), hold if basis == "bar" else 1.0) if len(made) else math.nan
    net = np.array([t.pnl_net for t in trips], dtype=np.float64)
    found: dict[str, Interval] = {}
    if len(made):
        found = return_intervals(made, per_year, seed=seed, block=block) | trip_intervals(net, seed=seed)
        *_, depth = equity_band(value, start, seed=seed, hold=hold)
        if math.isfinite(depth[0]):
            found["max_drawdown_pct"] = depth
    return {
        "level": LEVEL,
        "method": "stationary bootstrap, percentile interval",
        "draws": DRAWS,
        "seed": seed,
        "block": block,
        "block_of": f"{basis} returns",
        "intervals": {name: list(ends) for name, ends in found.items()},
    }


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
    ends = sure["intervals"]
    places = decimals(figures.get("currency", "quote"), figures.get("initial_cash"))
    said = [
        _few(len(trips)),
        _mean(figures, ends.get("mean_trade"), places),
        _sharpe(figures, ends.get("sharpe"), days),
        _costs(figures, places),
        _best(trips, places),
    ]
    return [text for text in said if text]


def _few(count: int) -> str:
    if count == 1:
        return "1 round trip is too little to tell skill from luck; nothing below proves anything."
    if count < ENOUGH:
        return f"{count} round trips are too few to tell skill from luck; nothing below proves anything."
    if count < FEW:
        return f"{count} round trips are few: read every figure with its interval."
    return ""


def _mean(figures: Mapping[str, Any], ends: Sequence[float] | None, places: int) -> str:
    if ends is None:
        return ""
    mean, (low, high) = figures["mean_trade"], ends
    interval = f"{low:+,.{places}f} to {high:+,.{places}f}"
    told = f"The mean round trip made {mean:+,.{places}f} after fees, 95 % interval {interval}"
    if low <= 0 <= high:
        return f"{told}: this cannot be told from no edge at all."
    side = "above" if low > 0 else "below"
    return f"{told}: {side} zero by more than chance explains, if this was the only setting that was tried."


def _sharpe(figures: Mapping[str, Any], ends: Sequence[float] | None, days: float) -> str:
    ratio = figures["sharpe"]
    if figures["sharpe_basis"] == "bar" and math.isfinite(ratio):
        return (
            f"The run spans {days:,.1f} days: its Sharpe ratio of {ratio:,.2f} is scaled up from single bars, "
            "and no year of trading stands behind it."
        )
    if ends is None or not (ends[0] <= 0 <= ends[1]):
        return ""
    return f"The Sharpe ratio lies anywhere from {ends[0]:,.2f} to {ends[1]:,.2f}; zero is among the possible values."


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
