"""Sums whose only rounding is the last, as `math.fsum` gives them."""

from __future__ import annotations

import numpy as np

from ....core.kernels import njit_internal, njit_no_refcount
from .state import Floats

PARTS = 40
"""More numbers than this that do not overlap do not fit between the smallest and the largest double."""


@njit_internal
def add(parts: Floats, x: float) -> None:
    """Add ``x`` to the sum in ``parts``: how many numbers it is, and the numbers, none of which overlap."""
    kept = 0
    for i in range(1, int(parts[0]) + 1):
        y = parts[i]
        if abs(x) < abs(y):
            x, y = y, x
        high = x + y
        low = y - (high - x)
        if low != 0.0:
            kept += 1
            parts[kept] = low
        x = high
    if x != 0.0:
        kept += 1
        parts[kept] = x
    parts[0] = float(kept)


@njit_internal
def total(parts: Floats) -> float:
    """The sum in ``parts``, rounded once, half to even."""
    left = int(parts[0])
    if left == 0:
        return 0.0
    high, low = parts[left], 0.0
    left -= 1
    while left > 0:
        x, y = high, parts[left]
        left -= 1
        high = x + y
        low = y - (high - x)
        if low != 0.0:
            break
    if left > 0 and ((low < 0.0 and parts[left] < 0.0) or (low > 0.0 and parts[left] > 0.0)):
        y = low * 2.0
        x = high + y
        if y == x - high:
            high = x
    return float(high)


@njit_no_refcount
def _means(values: Floats, window: int, parts: Floats, made: Floats) -> None:
    for bar in range(1, len(values)):
        bars = min(window, bar)
        parts[0] = 0.0
        for i in range(bar - bars, bar):
            add(parts, values[i])
        made[bar] = total(parts) / bars


def means_before(values: Floats, window: int) -> Floats:
    """Mean of the ``window`` values before each, or of as many as there are; 0 for the first."""
    made = np.zeros(len(values))
    _means(values, window, np.zeros(PARTS + 2), made)
    return made
