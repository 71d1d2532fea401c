"""Figures that people look for: growth, risk of loss, drawdowns, trades won and lost, and what each needs to be said.

A figure that its data cannot carry is absent, and `Performance.absent` says why.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...core.clock import DAY, iso
from ...core.hours import TradingDays
from .statistics import ENOUGH_DAYS, YEAR_DAYS, Trips, net_profits, returns

Array = NDArray[np.float64]
Times = NDArray[np.int64]
WORST = 5
"""Drawdowns that are told one by one."""
NO_TRIP = "no round trip was finished"
FEWEST = 5
"""Losing days below which their size is not known."""


@dataclass
class Performance:
    """Figures of a run, and reasons for those it has not.

    Parameters
    ----------
    figures : dict
        By name; a figure that is absent is NaN.
    absent : dict of str to str
        Why, by the name of the figure.
    """

    figures: dict[str, object] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)

    def put(self, name: str, value: float, why_not: str = "") -> None:
        """Take ``value`` in, or ``why_not`` where that says something or the value is no number."""
        known = not why_not and math.isfinite(value)
        self.figures[name] = value if known else math.nan
        if not known:
            self.absent[name] = why_not or "it divides by nothing"


def performance(
    time: Times,
    value: Array,
    down: Array,
    start: float,
    since: int,
    trips: Trips,
    hours: TradingDays | None = None,
) -> Performance:
    """The figures of equity and of profits that stand beside those of `statistics.summarise`.

    Parameters
    ----------
    time, value, down : ndarray
        Close of each bar, epoch µs, and equity and its `statistics.drawdown` then.
    start : float
        Equity before the first bar.
    since : int
        Open of the first bar, epoch µs.
    trips : sequence of RoundTrip, or ndarray
        Finished ones, or the profit after fees of each.
    hours : TradingDays or None
        The trading hours of the bars, where they have some.
    """
    made = Performance()
    _growth(made, time, value, down, start, since)
    _daily(made, *returns(time, value, start, hours))
    made.figures["longest_drawdown_days"] = float(Falls.of(time, down, since).days.max(initial=0.0))
    _trades(made, net_profits(trips))
    return made


def _growth(made: Performance, time: Times, value: Array, down: Array, start: float, since: int) -> None:
    days = (int(time[-1]) - since) / DAY if len(time) else 0.0
    short = "" if days >= YEAR_DAYS else f"the run spans {days:,.1f} days, and less than a year is not made a year"
    growth = cagr_pct(start, float(value[-1]) if len(value) else start, days) if not short else math.nan
    made.put("cagr_pct", growth, short)
    deepest = 100.0 * float(down.max(initial=0.0))
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


@dataclass(frozen=True)
class Falls:
    """Falls of equity from a highest value until it is reached again, in time order.

    Parameters
    ----------
    first, end : ndarray of int64
        The bars that each goes from and up to, not including.
    peak : ndarray of int64
        When equity was highest, epoch µs.
    days : ndarray of float64
        From the peak to the recovery, or to the end of the run.
    """

    first: NDArray[np.int64]
    end: NDArray[np.int64]
    peak: Times
    days: Array

    @classmethod
    def of(cls, time: Times, down: Array, since: int) -> Falls:
        """Those of a series of drawdowns; before the first bar the account is at its first peak, at ``since``."""
        under = np.concatenate(([False], down > 0, [False]))
        first, end = np.flatnonzero(under[1:] & ~under[:-1]), np.flatnonzero(~under[1:] & under[:-1])
        if not len(first):
            return cls(first, end, first, np.zeros(0))
        peak = np.where(first > 0, time[np.maximum(first - 1, 0)], since)
        return cls(first, end, peak, (time[np.minimum(end, len(time) - 1)] - peak) / DAY)


def drawdowns(time: Times, down: Array, since: int, most: int = WORST) -> list[dict[str, object]]:
    """The deepest falls of equity, the deepest first.

    Parameters
    ----------
    time, down, since
        As for `performance`.
    most : int
        How many.

    Returns
    -------
    list of dict
        ``depth_pct``, and ISO times ``peak``, ``trough`` and ``recovered`` (None where it never was), and ``days`` from
        the peak to the recovery, or to the end.

    Examples
    --------
    >>> (one,) = drawdowns(DAY * np.arange(1, 4), np.array([0.0, 0.1, 0.0]), 0)
    >>> one["depth_pct"], one["trough"], one["days"]
    (10.0, '1970-01-03T00:00:00Z', 2.0)
    """
    falls = Falls.of(time, down, since)
    depth = np.maximum.reduceat(down, falls.first) if len(falls.first) else np.zeros(0)
    made: list[dict[str, object]] = []
    for i in np.argsort(-depth, kind="stable")[:most].tolist():
        first, end = int(falls.first[i]), int(falls.end[i])
        made.append(
            {
                "depth_pct": 100.0 * float(depth[i]),
                "peak": iso(int(falls.peak[i])),
                "trough": iso(int(time[first + np.argmax(down[first:end])])),
                "recovered": iso(int(time[end])) if end < len(time) else None,
                "days": float(falls.days[i]),
            }
        )
    return made


def _trades(made: Performance, net: Array) -> None:
    won, lost = net[net > 0], net[net < 0]
    no = {"win": "" if len(won) else "no trade won", "loss": "" if len(lost) else "no trade lost"}
    made.put("mean_win", float(won.mean()) if len(won) else math.nan, no["win"])
    made.put("mean_loss", float(lost.mean()) if len(lost) else math.nan, no["loss"])
    both = no["win"] or no["loss"]
    made.put("payoff_ratio", -float(won.mean() / lost.mean()) if not both else math.nan, both)
    none = "" if len(net) else NO_TRIP
    made.put("best_trade", float(net.max()) if len(net) else math.nan, none)
    made.put("worst_trade", float(net.min()) if len(net) else math.nan, none)
    made.figures["longest_win_streak"] = streak(net > 0)
    made.figures["longest_loss_streak"] = streak(net < 0)


def streak(flags: NDArray[np.bool_]) -> int:
    """The longest run of True.

    >>> streak(np.array([True, True, False, True])), streak(np.zeros(0, bool))
    (2, 0)
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max(initial=0))
