"""Naked points of control: where each session traded most, until price came back to it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..core.ticks import grid_of

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_LOOK = 4096
"""Bars looked at in one step."""


def points_of_control(owner: Ints, row: Ints, volume: Floats) -> tuple[Ints, Ints]:
    """The row with the most volume of every owner, the lowest of equal ones.

    Examples
    --------
    >>> sessions, rows = np.array([1, 1, 2, 2]), np.array([5, 6, 5, 6])
    >>> [x.tolist() for x in points_of_control(sessions, rows, np.array([1.0, 2.0, 3.0, 3.0]))]
    [[1, 2], [6, 5]]
    """
    order = np.lexsort((row, -volume, owner))
    owners, first = np.unique(owner[order], return_index=True)
    return owners, row[order][first]


def touched(low: Floats, high: Floats, bottom: float, top: float, start: int) -> int:
    """The first bar from ``start`` on that reaches ``bottom`` … ``top``; the number of bars when none does."""
    n = len(low)
    for at in range(start, n, _LOOK):
        reach = (low[at : at + _LOOK] <= top) & (high[at : at + _LOOK] >= bottom)
        hit = int(np.argmax(reach))
        if reach[hit]:
            return at + hit
    return n


def naked_levels(
    session: Ints, low: Floats, high: Floats, owners: Ints, rows: Ints, height: float
) -> tuple[Ints, Ints, Floats]:
    """From which bar to which each session's point of control was naked.

    Parameters
    ----------
    session : ndarray of int64
        The number of the session that each bar belongs to, ascending.
    low, high : ndarray of float64
        Of the bars.
    owners, rows : ndarray of int64
        Each session and the row of its point of control.
    height : float
        Of a row, in price.

    Returns
    -------
    since, until : ndarray of int64
        The first bar after the session, and the bar that came back to the row; the number of bars while none did.
    price : ndarray of float64
        The row's middle. Sessions that a run ends with, and levels that did not last a bar, are left out.
    """
    made, grid = [], grid_of(height)
    first = np.searchsorted(session, owners, "right")
    for start, row in zip(first.tolist(), rows.tolist(), strict=True):
        end = touched(low, high, grid.price(row), grid.price(row + 1), start)
        if end > start:
            made.append((start, end, grid.price(row + 0.5)))
    since, until, price = zip(*made, strict=True) if made else ((), (), ())
    return np.array(since, np.int64), np.array(until, np.int64), np.array(price, np.float64)
