"""Figures of a run, from its equity and its round trips. Each states its formula; none is annualised in silence."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...core.clock import DAY
from ...core.hours import TradingDays
from ..recording.round_trips import RoundTrip

Array = NDArray[np.float64]
Times = NDArray[np.int64]
Trips = Sequence[RoundTrip] | Array
"""Round trips, or the profit after fees of each."""
YEAR_DAYS = 365.0
ENOUGH_DAYS = 20
"""Days from which daily returns say more than those of bars."""


def drawdown(value: Array, start: float) -> Array:
    """Shortfall from the highest value so far, as a share of it; ``start`` is the first peak.

    >>> drawdown(np.array([110.0, 99.0, 121.0]), 100.0).tolist()
    [0.0, 0.1, 0.0]
    """
    peak = np.maximum(np.maximum.accumulate(value), start)
    return np.asarray((peak - value) / peak)


def returns(time: Times, value: Array, start: float, hours: TradingDays | None = None) -> tuple[Array, float, str]:
    """Simple returns for the Sharpe ratio, how many fit in a year, and of what they are.

    Parameters
    ----------
    time : ndarray of int64
        Close of each bar, epoch µs.
    value : ndarray of float64
        Equity at that time.
    start : float
        Equity before the first bar.
    hours : TradingDays or None
        The trading hours of the bars, where they have some.

    Returns
    -------
    returns : ndarray of float64
        Of days in UTC, or trading days, when there are at least 20 of them, else of bars.
    periods_per_year : float
        365 for days; for bars, the year over their median length. With trading hours as many days, and as much time,
        as those have in a year, on average over the calendar years that the bars touch; where bars outside the hours
        are kept, as many bars as a day has on average.
    basis : str
        ``daily`` or ``bar``.
    """
    last = ends_of_days(time, hours)
    days, length = (YEAR_DAYS, YEAR_DAYS * DAY) if hours is None or not len(time) else hours.per_year(time[0], time[-1])
    if len(last) >= ENOUGH_DAYS:
        points, per_year, basis = value[last], days, "daily"
    else:
        step = float(np.median(np.diff(time))) if len(time) > 1 else float(DAY)
        # What lies outside the hours is no part of their time, so those bars are counted by the day.
        fit = days * len(time) / len(last) if hours is not None and hours.extended and len(time) else length / step
        points, per_year, basis = value, fit, "bar"
    return simple_returns(points, start), per_year, basis


def ends_of_days(time: Times, hours: TradingDays | None = None) -> NDArray[np.int64]:
    """Which bars, by the epoch µs of their closes, are the last of their day: in UTC, or of trading ``hours``.

    >>> ends_of_days(np.array([DAY - 5, DAY, DAY + 1]) ).tolist()
    [1, 2]
    """
    day = days_of_closes(time, hours)
    return np.flatnonzero(np.append(day[1:] != day[:-1], True)) if len(time) else np.zeros(0, np.int64)


def days_of_closes(time: Times, hours: TradingDays | None = None) -> Times:
    """The day, numbered from 1970-01-01, that each bar ends in; one that closes at midnight is of the day before."""
    return (time - 1) // DAY if hours is None else hours.numbers(time - 1)


def simple_returns(points: Array, start: float) -> Array:
    """What each of ``points`` is above the one before it, as a share of that; the first above ``start``.

    >>> simple_returns(np.array([110.0, 99.0]), 100.0).round(3).tolist()
    [0.1, -0.1]
    """
    return np.asarray(np.diff(points, prepend=start) / np.concatenate(([start], points[:-1])), np.float64)


def sharpe(made: Array, periods_per_year: float) -> float:
    """Mean over standard deviation (ddof 1) of returns, times the root of periods a year; no risk-free rate.

    NaN with fewer than two returns, or when they do not vary.

    >>> round(sharpe(np.array([0.01, 0.02, 0.03]), 252), 4)
    31.749
    """
    if len(made) < 2:
        return math.nan
    deviation = float(np.std(made, ddof=1))
    scale = float(np.max(np.abs(made)))
    if deviation <= 1e-12 * scale or deviation == 0.0:
        return math.nan
    return float(np.mean(made)) / deviation * math.sqrt(periods_per_year)


def net_profits(trips: Trips) -> Array:
    """Profit after fees of each round trip."""
    return trips if isinstance(trips, np.ndarray) else np.array([t.pnl_net for t in trips], dtype=np.float64)


def profit_factor(trips: Trips) -> float:
    """Profit of the winners over the loss of the losers, after fees; NaN without a loser."""
    net = net_profits(trips)
    won, lost = math.fsum(net[net > 0].tolist()), -math.fsum(net[net < 0].tolist())
    return won / lost if lost else math.nan


def win_rate(trips: Trips) -> float:
    """Share of round trips that earned something after fees; NaN without one."""
    return int(np.count_nonzero(net_profits(trips) > 0)) / len(trips) if len(trips) else math.nan


def mean_trade(trips: Trips) -> float:
    """Mean profit of a round trip after fees, in quote currency; NaN without one."""
    return math.fsum(net_profits(trips).tolist()) / len(trips) if len(trips) else math.nan


def exposure_pct(position: Array) -> float:
    """Percent of bars that closed with a position."""
    return 100.0 * float(np.mean(position != 0)) if len(position) else 0.0


def summarise(
    time: Times,
    value: Array,
    position: Array,
    start: float,
    trips: Trips,
    fees: float,
    hours: TradingDays | None = None,
) -> dict[str, float | str | int]:
    """The figures of ``result.json`` that come from equity and round trips."""
    trips = net_profits(trips)
    made, per_year, basis = returns(time, value, start, hours)
    final = float(value[-1]) if len(value) else start
    return {
        "initial_cash": start,
        "final_value": final,
        "net_profit": final - start,
        "return_pct": 100.0 * (final - start) / start,
        "max_drawdown_pct": 100.0 * float(drawdown(value, start).max(initial=0.0)),
        "sharpe": sharpe(made, per_year),
        "sharpe_basis": basis,
        "periods_per_year": per_year,
        "trades": len(trips),
        "profit_factor": profit_factor(trips),
        "win_rate": win_rate(trips),
        "mean_trade": mean_trade(trips),
        "exposure_pct": exposure_pct(position),
        "fees_paid": fees,
    }
