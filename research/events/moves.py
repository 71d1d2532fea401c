"""How far price moved after a bar, in three units, inside the session of that bar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...core.bars import Bars
from ...core.clock import DAY
from ...core.hours import TradingDays

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WINDOW = 60
"""Bars that volatility is measured over, the one that has just closed the last."""
_LEAST = 20
"""Known returns among them below which it is not."""


@dataclass(frozen=True)
class Moves:
    """Moves after every bar of a market.

    Parameters
    ----------
    horizon : int
        Bars, the one after the event the first.
    bp, ticks, vol : ndarray of float64, (bars,)
        From the next bar's open to the close of the last bar of the horizon: in basis points, in ticks, and in
        deviations of as many bars; NaN where the session ends before, a price or the unit is not known.
    """

    horizon: int
    bp: Floats
    ticks: Floats
    vol: Floats


def sessions_of(bars: Bars, hours: TradingDays | None = None) -> Ints:
    """The trading day of each bar, of UTC where the market has no hours.

    Examples
    --------
    >>> sessions_of(Bars.of(open_time=[0, DAY - 5], close_time=[DAY, DAY + 5])).tolist()
    [0, 1]
    """
    last = bars["close_time"].astype(np.int64) - 1
    made: Ints = last // DAY if hours is None else hours.numbers(last)
    return made


def volatility(bars: Bars) -> Floats:
    """The deviation of one-bar log returns over the last `WINDOW` bars, in basis points; NaN before it is known.

    Examples
    --------
    >>> closes = [100.0, 101.0] * 20
    >>> made = volatility(Bars.of(open_time=range(40), close_time=range(1, 41), close=closes))
    >>> int(np.isnan(made).sum()), round(float(made[-1]), 1)
    (20, 99.5)
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        made = 1e4 * np.diff(np.log(bars["close"]), prepend=np.nan)
    made = np.where(np.isfinite(made), made, np.nan)
    if len(made) < WINDOW:
        made = np.concatenate([np.full(WINDOW - len(made), np.nan), made])
    windows = np.lib.stride_tricks.sliding_window_view(np.concatenate([np.full(WINDOW - 1, np.nan), made]), WINDOW)
    windows = windows[-len(bars) :]
    known = np.isfinite(windows)
    count = known.sum(axis=1)
    held = np.where(known, windows, 0.0)
    mean = held.sum(axis=1) / np.maximum(count, 1)
    spread = np.sqrt((np.where(known, windows - mean[:, None], 0.0) ** 2).sum(axis=1) / np.maximum(count, 1))
    return np.where((count >= _LEAST) & (spread > 0), spread, np.nan)


def moves_after(bars: Bars, sessions: Ints, horizon: int, tick: float | None, spread: Floats) -> Moves:
    """The moves of one horizon.

    Parameters
    ----------
    bars : Bars
        The market.
    sessions : ndarray of int64, (bars,)
        Of `sessions_of`.
    horizon : int
        Bars, at least 1.
    tick : float or None
        Least step of price; without one there are no moves in ticks.
    spread : ndarray of float64, (bars,)
        Of `volatility`.

    Examples
    --------
    >>> bars = Bars.of(open_time=[0, 1, 2], close_time=[1, 2, 3], open=[9.0, 10.0, 10.0], close=[9.5, 10.0, 10.1])
    >>> made = moves_after(bars, np.zeros(3, dtype=np.int64), 2, 0.1, np.full(3, 50.0))
    >>> [round(float(x[0]), 6) for x in (made.bp, made.ticks, made.vol)], bool(np.isnan(made.bp[1:]).all())
    ([100.0, 1.0, 1.414214], True)
    """
    n = len(bars)
    ticks, bp, vol = (np.full(n, np.nan) for _ in range(3))
    at = np.arange(max(n - horizon, 0))
    inside = at[(sessions[at] == sessions[at + horizon])]
    began, ended = bars["open"][inside + 1], bars["close"][inside + horizon]
    with np.errstate(divide="ignore", invalid="ignore"):
        bp[inside] = np.where(began > 0, 1e4 * (ended / began - 1.0), np.nan)
        vol[inside] = bp[inside] / (spread[inside] * np.sqrt(horizon))
    if tick:
        ticks[inside] = (ended - began) / tick
    bp[~np.isfinite(bp)] = np.nan
    return Moves(horizon, bp, ticks, vol)
