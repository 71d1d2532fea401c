"""What a study keeps of each run beside its figures: daily returns, however few, and the longest time in the market."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...backtest.results.statistics import YEAR_DAYS, drawdown, sharpe
from ...core.clock import DAY
from ..selection.daily import Daily

MARKS, LONGEST = "marks", "longest_us"
Floats = NDArray[np.float64]


def marked(outcome: Any) -> dict[str, Any]:
    """Daily returns of a run, marked at each day's last close, and the longest time it was in the market, in µs."""
    equity = outcome.equity
    longest = max((_longest(equity["time"], size) for size in outcome.positions.values()), default=0)
    days, made = daily_marks(equity["time"], equity["value"], float(outcome.config.broker.cash))
    whole = np.full(int(days[-1] - days[0]) + 1 if len(days) else 0, np.nan, dtype=np.float32)
    if len(days):
        whole[days - days[0]] = made
    return {
        MARKS: Daily(int(days[0]) if len(days) else 0, whole, False).text(),
        LONGEST: longest,
    }


def daily_marks(time: NDArray[np.int64], value: Floats, start: float) -> tuple[NDArray[np.int64], Floats]:
    """Days of UTC, counted from 1970, and the simple return of each from the one before; the first from ``start``.

    Examples
    --------
    >>> days, made = daily_marks(np.array([DAY // 2, DAY, 2 * DAY]), np.array([101.0, 110.0, 99.0]), 100.0)
    >>> days.tolist(), made.round(2).tolist()
    ([0, 1], [0.1, -0.1])
    """
    day = (time - 1) // DAY
    last = np.flatnonzero(np.append(day[1:] != day[:-1], True)) if len(day) else np.zeros(0, np.int64)
    points = value[last]
    return day[last], np.diff(points, prepend=start) / np.concatenate(([start], points[:-1]))


def _longest(time: NDArray[np.int64], held: Floats) -> int:
    """From the close before a position is seen to the close with which it ends or turns, at most.

    Examples
    --------
    >>> _longest(np.array([10, 20, 30, 40, 50]), np.array([0.0, 1.0, 1.0, -1.0, 0.0]))
    30
    """
    side = np.sign(held)
    first = np.flatnonzero((side != 0) & (np.diff(side, prepend=0.0) != 0))
    if not len(first):
        return 0
    turned = np.flatnonzero(np.diff(side) != 0) + 1
    ends = np.append(turned, len(side) - 1)[np.searchsorted(turned, first, side="right")]
    return int((time[ends] - time[np.maximum(first - 1, 0)]).max())


def series_of(text: str) -> tuple[NDArray[np.int64], Floats]:
    """Days and returns of what `marked` wrote."""
    one = Daily.of(text)
    known = ~np.isnan(one.made)
    return one.first + np.flatnonzero(known), one.made[known].astype(np.float64)


def figures_of_days(made: Floats, trades: int) -> dict[str, float]:
    """The figures that daily returns alone can give, of parts that do not lie together.

    Parameters
    ----------
    made : ndarray of float64
        Daily returns, in time order.
    trades : int
        Round trips in them.
    """
    value = np.asarray(np.cumprod(1.0 + made), dtype=np.float64)
    falls = drawdown(value, 1.0).max(initial=0.0) if len(made) else 0.0
    spread = float(np.std(made, ddof=1)) if len(made) > 1 else float("nan")
    return {
        "sharpe": sharpe(made, YEAR_DAYS),
        "return_pct": 100.0 * (float(value[-1]) - 1.0) if len(made) else 0.0,
        "max_drawdown_pct": 100.0 * float(falls),
        "volatility_pct": 100.0 * spread * YEAR_DAYS**0.5,
        "trades": trades,
        "days": len(made),
    }


OF_DAYS = ("sharpe", "return_pct", "max_drawdown_pct", "volatility_pct", "trades", "days")


def joined(parts: Iterable[tuple[NDArray[np.int64], Floats]]) -> tuple[NDArray[np.int64], Floats]:
    """Days and returns of several parts, in time."""
    every = [*parts]
    if not every:
        return np.zeros(0, np.int64), np.zeros(0)
    days, made = (np.concatenate([one[i] for one in every]) for i in (0, 1))
    order = np.argsort(days, kind="stable")
    return days[order], made[order]


def plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of a row, without what a study keeps beside them."""
    return {key: value for key, value in row.items() if key not in (MARKS, LONGEST)}
