"""Klines whose prices lie far from all that trades around them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..core.bars import Bars

Floats = NDArray[np.float64]
BACK = 8
"""Klines on either side that a price is held against."""
LEAST = math.log(1.2)
IMPOSSIBLE = math.log(10.0)
"""From which factor on no market is believed to have gone there and come back within one kline."""
_REACH = 4.0


def wicks(bars: Bars) -> tuple[NDArray[np.bool_], NDArray[np.bool_], Floats]:
    """Which klines reach far from the opens and closes around them, and come back.

    Far is four times the range of those opens and closes, and at least a factor of 1.2. Prices that contradict
    themselves are left to `contradictions`.

    Parameters
    ----------
    bars : Bars
        In time order; prices above 0.

    Returns
    -------
    spike : ndarray of bool
        More than tenfold away: no price of this market.
    wick : ndarray of bool
        Far, and not that far: an exchange may have traded there.
    price : ndarray of float64
        The farther one of high and low.

    Examples
    --------
    >>> flat = dict(open_time=range(4), close_time=range(1, 5), open=[10.0] * 4, low=[10.0] * 4, close=[10.0] * 4)
    >>> spike, wick, price = wicks(Bars.of(high=[10.0, 1e5, 16.0, 10.0], **flat))
    >>> spike.tolist(), wick.tolist(), price[1:3].tolist()
    ([False, True, False, False], [False, False, True, False], [100000.0, 16.0])
    """
    far, least, price = reach(bars)
    with np.errstate(invalid="ignore"):
        spike = far > np.fmax(least, IMPOSSIBLE)
        return spike, (far > least) & ~spike, price


def reach(bars: Bars) -> tuple[Floats, Floats, Floats]:
    """How far each kline reaches from the opens and closes around it, from where on that is far, and its price there.

    Parameters
    ----------
    bars : Bars
        In time order.

    Returns
    -------
    far, least : ndarray of float64
        As logarithms of a factor; NaN without prices above 0.
    price : ndarray of float64
        The farther one of high and low.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        opens, high, low, closes = (_logs(bars[name]) for name in ("open", "high", "low", "close"))
        top, bottom = _around(np.fmax(opens, closes), np.fmax), _around(np.fmin(opens, closes), np.fmin)
        up, down = high - top, bottom - low
        far = np.fmax(up, down)
        least = np.fmax(_REACH * (top - bottom), LEAST)
        return far, least, np.where(down > np.nan_to_num(up), bars["low"], bars["high"])


def _logs(prices: Floats) -> Floats:
    """Logarithms; NaN where there is no price."""
    return np.log(np.where((prices > 0) & (prices < np.inf), prices, np.nan))


def _around(values: Floats, most: np.ufunc) -> Floats:
    """The extreme of the values around each, itself left out; at an end, where one side is missing, itself too."""
    made = np.full(len(values), np.nan)
    for step in range(1, BACK + 1):
        made[step:] = most(made[step:], values[:-step])
        made[:-step] = most(made[:-step], values[step:])
    made[:1], made[-1:] = most(made[:1], values[:1]), most(made[-1:], values[-1:])
    return made
