"""A run beside its benchmark: one feed, bought with all the cash at its first open and held."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ...core.bars import Bars
from ...core.hours import TradingDays
from ..inputs.begin import first_counted
from .performance import Performance
from .statistics import drawdown, returns

Array = NDArray[np.float64]
Times = NDArray[np.int64]
DAYS = 60
"""Daily returns from which two series are compared."""


def held(time: Times, bars: Bars, start: float, since: int | None = None) -> Array:
    """What ``start`` would be worth at each ``time``, bought at the first open of ``bars`` from ``since`` on; no costs.

    NaN throughout where a price is not above 0; ``start`` before the first close.
    """
    begins = first_counted(bars["close_time"], since)
    first, close = float(bars["open"][begins]) if begins < len(bars) else np.nan, bars["close"]
    if not first > 0 or not (close > 0).all():
        return np.full(len(time), np.nan)
    if np.array_equal(bars["close_time"], time):
        return np.asarray(start * close / first)
    at = np.searchsorted(bars["close_time"], time, side="right") - 1
    return np.where(at < begins, start, start * close[np.maximum(at, 0)] / first)


def beside(
    time: Times,
    value: Array,
    start: float,
    name: str,
    bars: Bars,
    hours: TradingDays | None = None,
    why_not: str = "",
    since: int | None = None,
) -> Performance:
    """Figures of a run beside buying and holding ``bars``, which are called ``name``.

    ``beta`` is the covariance of daily returns over the variance of the benchmark's, ``alpha_pct`` what is left of the
    mean daily return after beta times the benchmark's, in percent a year and without a risk-free rate (Jensen 1968),
    ``correlation`` Pearson's. All need 60 daily returns, and none has an interval.

    Parameters
    ----------
    time, value, start, hours
        As for `performance.performance`.
    name : str
        The feed.
    bars : Bars
        Of it.
    why_not : str
        Why the account has none to stand beside; empty where it has.
    since : int, optional
        Epoch µs from which on it is held; from the first bar when left out.
    """
    made = Performance({"data": name})
    worth = held(time, bars, start, since)
    above = len(worth) > 0 and math.isfinite(worth[-1])
    unknown = why_not or ("" if above else f"{name} has prices that are not above 0")
    made.put("return_pct", 100.0 * (float(worth[-1]) / start - 1.0) if not unknown else math.nan, unknown)
    deepest = float(drawdown(worth, start).max(initial=0.0)) if not unknown else math.nan
    made.put("max_drawdown_pct", 100.0 * deepest, unknown)
    own, per_year, basis = returns(time, value, start, hours)
    other = returns(time, worth, start, hours)[0]
    count = len(own) if basis == "daily" else 0
    few = unknown or ("" if count >= DAYS else f"there are fewer than {DAYS} daily returns to compare")
    for figure, number in _compared(own, other, per_year).items() if not few else ():
        made.put(figure, number)
    for figure in ("alpha_pct", "beta", "correlation") if few else ():
        made.put(figure, math.nan, few)
    return made


def _compared(own: Array, other: Array, per_year: float) -> dict[str, float]:
    spread, together = float(np.var(other, ddof=1)), float(np.cov(own, other)[0, 1])
    beta = together / spread if spread > 0 else math.nan
    both = float(np.std(own, ddof=1)) * math.sqrt(spread)
    alpha = 100.0 * per_year * (float(own.mean()) - beta * float(other.mean()))
    return {"alpha_pct": alpha, "beta": beta, "correlation": together / both if both > 0 else math.nan}
