"""Stray times: rows years from all around them, which would be bars over the whole span between."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.clock import YEAR

Integers = NDArray[np.int64]
_TIMES = 10


def stray_trades(time: Integers, last: int | None = None) -> NDArray[np.bool_]:
    """Rows of a file that are more than a year from the middle of those read with them.

    Parameters
    ----------
    time : ndarray of int64
        Epoch µs of some rows of one file.
    last : int or None
        The row before them in the file.

    Examples
    --------
    >>> stray_trades(np.array([0, 1, 400 * 86_400_000_000, 2])).tolist()
    [False, False, True, False]
    """
    ends = (int(time.min()), int(time.max())) if len(time) else (0, 0)
    near = last if last is not None else ends[0]
    if max(ends[1], near) - min(ends[0], near) <= YEAR:
        return np.zeros(len(time), bool)
    middle = np.sort(time)[(len(time) - 1) // 2]
    if last is not None and len(time) < 3:
        middle = last
    made: NDArray[np.bool_] = np.abs(time - middle) > YEAR
    return made


def stray_klines(opens: Integers, file: Integers) -> NDArray[np.bool_]:
    """Klines that are more than a year from the others of their file, and ten times as many klines as there are.

    Parameters
    ----------
    opens : ndarray of int64
        Ascending, epoch µs.
    file : ndarray of int64
        Number of each kline's file.

    Examples
    --------
    >>> minute, year = 60_000_000, 366 * 86_400_000_000
    >>> stray_klines(np.array([0, minute, 2 * minute, 2 * year]), np.zeros(4, np.int64)).tolist()
    [False, False, False, True]
    """
    made = np.zeros(len(opens), bool)
    steps = np.diff(opens)
    if len(steps) < 2:
        return made
    usual = max(int(np.median(steps)), 1)
    far = np.flatnonzero((steps > YEAR) & (steps > _TIMES * usual * len(opens)) & (np.diff(file) == 0))
    for i in far.tolist():
        before, behind = slice(0, i + 1), slice(i + 1, len(opens))
        made[before if i + 1 < len(opens) - i - 1 else behind] = True
    return made


def jumps(opens: Integers, last: int | None = None) -> NDArray[np.bool_]:
    """Klines more than a year from the one before them and from the one behind, which are near each other.

    Parameters
    ----------
    opens : ndarray of int64
        As a file has them, epoch µs.
    last : int or None
        The one before them in the file.

    Examples
    --------
    >>> year = 366 * 86_400_000_000
    >>> jumps(np.array([0, 1, 200 * year, 2])).tolist()
    [False, False, True, False]
    """
    made = np.zeros(len(opens), bool)
    whole = opens if last is None else np.append(last, opens)
    if len(whole) >= 3:
        before, behind = whole[1:-1] - whole[:-2], whole[2:] - whole[1:-1]
        odd = (np.abs(before) > YEAR) & (np.abs(behind) > YEAR) & (np.abs(whole[2:] - whole[:-2]) <= YEAR)
        made[len(made) - 1 - len(odd) : len(made) - 1] = odd
    return made


def years(us: int) -> str:
    """A length of time in years.

    >>> years(400 * 86_400_000_000)
    '1.1 years'
    """
    return f"{us / (YEAR / 366 * 365.25):,.1f} years"
