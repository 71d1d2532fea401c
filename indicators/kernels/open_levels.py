"""Rows that wait to be traded at again, inside a kernel's state: the oldest goes when there is no room for more."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.kernels import compiled

_NEXT, _ROWS = 0, 1


def open_size(n: int) -> int:
    """Numbers of state that room for ``n`` rows takes; NaN where there is none."""
    return _ROWS + n


@compiled
def open_add(s: Any, at: int, n: int, row: float) -> None:
    """Let ``row`` wait, in the place of what was added ``n`` additions ago; NaN only takes the place."""
    s[at + _ROWS + int(s[at + _NEXT])] = row
    s[at + _NEXT] = (int(s[at + _NEXT]) + 1) % n


@compiled
def open_touch(s: Any, at: int, n: int, low: int, high: int) -> None:
    """Strike out the rows from ``low`` to ``high``, which have been traded at."""
    for k in range(at + _ROWS, at + _ROWS + n):
        if low <= s[k] <= high:
            s[k] = np.nan


@compiled
def open_nearest(s: Any, at: int, n: int, here: int) -> tuple[float, float, int]:
    """The nearest waiting rows above and below row ``here`` (NaN: none), and how many wait in all."""
    above, below, count = np.nan, np.nan, 0
    for k in range(at + _ROWS, at + _ROWS + n):
        row = s[k]
        if row != row:
            continue
        count += 1
        if row > here and not row >= above:
            above = row
        if row < here and not row <= below:
            below = row
    return above, below, count
