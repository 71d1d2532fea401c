"""Figures that people look for: growth, risk of loss, drawdowns, trades won and lost, and what each needs to be said.

A figure that its data cannot carry is absent, and `Performance.absent` says why.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...core.clock import DAY, iso
from ...core.hours import TradingDays
from ..recording.round_trips import RoundTrip
from .statistics import ENOUGH_DAYS, YEAR_DAYS, drawdown, net_profits, returns

Array = NDArray[np.float64]
Times = NDArray[np.int64]
WORST = 5
"""Drawdowns that are told one by one."""
FEWEST = 5
"""Losing days below which their size is not known."""


@dataclass
class Performance:
    """Figures of a run, and reasons for those it has not.

    Parameters
    ----------
    figures : dict
        By name; a figure that is absent is None.
    absent : dict of str to str
        Why, by the name of the figure.
    """

    figures: dict[str, object] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)

    def put(self, name: str, value: float, why_not: str = "") -> None:
        """Take ``value`` in, or ``why_not`` where that says something or the value is no number."""
        known = not why_not and math.isfinite(value)
        self.figures[name] = value if known else None
        if not known:
            self.absent[name] = why_not or "it divides by nothing"


def performance(
    time: Times, value: Array, start: float, since: int, trips: Sequence[RoundTrip], hours: TradingDays | None = None
) -> Performance:
    """All figures of equity and round trips that stand beside those of `statistics.summarise`.

    Parameters
    ----------
    time, value : ndarray
        Close of each bar, epoch µs, and equity then.
    start : float
        Equity before the first bar.
    since : int
        Open of the first bar, epoch µs.
    trips : sequence of RoundTrip
        Finished ones.
    hours : TradingDays or None
        The trading hours of the bars, where they have some.
    """
    made = Performance()
    _growth(made, time, value, start, since)
    _daily(made, *returns(time, value, start, hours))
    made.figures["drawdowns"], made.figures["longest_drawdown_days"] = drawdowns(time, value, start, since)
    _trades(made, trips)
    return made


def _growth(made: Performance, time: Times, value: Array, start: float, since: int) -> None:
    days = (int(time[-1]) - since) / DAY if len(time) else 0.0
    short = "" if days >= YEAR_DAYS else f"the run spans {days:,.1f} days, and less than a year is not made a year"
    growth = cagr_pct(start, float(value[-1]) if len(value) else start, days) if not short else math.nan
    made.put("cagr_pct", growth, short)
    deepest = 100.0 * float(drawdown(value, start).max(initial=0.0))
    made.put("calmar", growth / deepest if deepest else math.nan, short or ("" if deepest else "there was no drawdown"))


def cagr_pct(start: float, final: float, days: float) -> float:
    """The yearly rate, in percent, that turns ``start`` into ``final`` in so many days of 365 a year.

    >>> round(cagr_pct(100.0, 121.0, 730.0), 6), cagr_pct(100.0, -5.0, 730.0)
    (10.0, -100.0)
    """
    return 100.0 * ((final / start) ** (YEAR_DAYS / days) - 1.0) if final > 0 else -100.0


def _daily(made: Performance, daily: Array, per_year: float, basis: str) -> None:
    short = "" if basis == "daily" else f"there are fewer than {ENOUGH_DAYS} daily returns"
    deviation = float(np.std(daily, ddof=1)) if len(daily) > 1 else math.nan
    made.put("volatility_pct", 100.0 * deviation * math.sqrt(per_year), short)
    lost = int(np.count_nonzero(daily < 0))
    few = f"{lost} daily returns are below 0, and {FEWEST} are the least that tell how far down they go"
    made.put("sortino", sortino(daily, per_year), short or (few if lost < FEWEST else ""))


def sortino(made: Array, per_year: float) -> float:
    """Mean return over the root of the mean squared loss, of all returns, times the root of periods a year; target 0.

    NaN without a loss.

    References
    ----------
    Sortino, Price (1994), Performance Measurement in a Downside Risk Framework, Journal of Investing 3(3), 59-64.

    Examples
    --------
    >>> round(sortino(np.array([0.02, -0.01, 0.02, -0.01]), 1.0), 6)
    0.707107
    """
    below = np.minimum(made, 0.0)
    deviation = math.sqrt(float(np.mean(below * below))) if len(made) else 0.0
    return float(np.mean(made)) / deviation * math.sqrt(per_year) if deviation else math.nan


def drawdowns(
    time: Times, value: Array, start: float, since: int, most: int = WORST
) -> tuple[list[dict[str, object]], float]:
    """The deepest falls of equity from a highest value until it is reached again, and the days of the longest one.

    Parameters
    ----------
    time, value, start, since
        As for `performance`; the account is at its first peak, ``start``, at ``since``.
    most : int
        How many, the deepest first.

    Returns
    -------
    list of dict
        ``depth_pct``, and ISO times ``peak``, ``trough`` and ``recovered`` (None where it never was), and ``days`` from
        the peak to the recovery, or to the end.
    float
        Days of the longest, which need not be among the deepest; 0 without one.

    Examples
    --------
    >>> (one,), longest = drawdowns(DAY * np.arange(1, 4), np.array([110.0, 99.0, 121.0]), 100.0, 0)
    >>> one["depth_pct"], one["trough"], one["days"], longest
    (10.0, '1970-01-03T00:00:00Z', 2.0, 2.0)
    """
    down = drawdown(value, start)
    under = np.concatenate(([False], down > 0, [False]))
    first, end = np.flatnonzero(under[1:] & ~under[:-1]), np.flatnonzero(~under[1:] & under[:-1])
    if not len(first):
        return [], 0.0
    peak = np.where(first > 0, time[np.maximum(first - 1, 0)], since)
    days = (time[np.minimum(end, len(time) - 1)] - peak) / DAY
    depth = np.maximum.reduceat(down, first)
    made: list[dict[str, object]] = []
    for i in np.argsort(-depth, kind="stable")[:most].tolist():
        trough = int(first[i] + np.argmax(down[first[i] : end[i]]))
        made.append(
            {
                "depth_pct": 100.0 * float(depth[i]),
                "peak": iso(int(peak[i])),
                "trough": iso(int(time[trough])),
                "recovered": iso(int(time[end[i]])) if end[i] < len(time) else None,
                "days": float(days[i]),
            }
        )
    return made, float(days.max())


def _trades(made: Performance, trips: Sequence[RoundTrip]) -> None:
    net = net_profits(trips)
    won, lost = net[net > 0], net[net < 0]
    no = {"win": "" if len(won) else "no trade won", "loss": "" if len(lost) else "no trade lost"}
    made.put("mean_win", float(won.mean()) if len(won) else math.nan, no["win"])
    made.put("mean_loss", float(lost.mean()) if len(lost) else math.nan, no["loss"])
    both = no["win"] or no["loss"]
    made.put("payoff_ratio", -float(won.mean() / lost.mean()) if not both else math.nan, both)
    none = "" if len(net) else "no round trip was finished"
    shares = np.array([t.return_pct for t in trips])
    made.put("expectancy_pct", float(shares.mean()) if len(net) else math.nan, none)
    made.put("best_trade", float(net.max()) if len(net) else math.nan, none)
    made.put("worst_trade", float(net.min()) if len(net) else math.nan, none)
    made.figures["longest_win_streak"] = streak(net > 0)
    made.figures["longest_loss_streak"] = streak(net < 0)
    made.put("mean_bars_held", float(np.mean([t.bars for t in trips])) if len(net) else math.nan, none)


def streak(flags: NDArray[np.bool_]) -> int:
    """The longest run of True.

    >>> streak(np.array([True, True, False, True])), streak(np.zeros(0, bool))
    (2, 0)
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max(initial=0))
