"""Moments and sums of a sliding window that neither drift nor cancel, for use inside step kernels.

A window is kept as two stacks of partial moments (weight, mean, sum of squared deviations) that are
only ever merged, never subtracted. So an outlier that has left leaves no trace, a flat window has a
deviation of exactly zero, and the cost a bar does not depend on the window's length.

The state of a window of ``n`` observations is `window_size(n)` numbers from a base index; ``n = 0``
means all observations so far. A plain sum is kept the same way, in `total_size(n)` numbers.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.kernels import compiled, inlined

Floats = NDArray[np.float64]
FLAT = 1e-12
"""A deviation below this share of the mean is rounding noise."""
_FRONT, _BACK, _WEIGHT, _MEAN, _SQUARES, _ARRAYS = 0, 1, 2, 3, 4, 5
_SUM, _REST, _SUMS = 2, 3, 4
"""Of a plain sum: what is added up, what rounding took off it, and where its stacks begin."""


def window_size(n: int) -> int:
    """Numbers of state that a window of ``n`` observations takes."""
    return _ARRAYS + 5 * n


@inlined
def merge(wa: float, ma: float, qa: float, wb: float, mb: float, qb: float) -> tuple[float, float, float]:
    """Moments of two samples taken together; an empty one has weight 0."""
    if wb == 0.0:
        return wa, ma, qa
    if wa == 0.0:
        return wb, mb, qb
    w = wa + wb
    gap = mb - ma
    return w, ma + gap * (wb / w), qa + qb + gap * gap * (wa * wb / w)


@compiled
def window_clear(s: Any, at: int) -> None:
    """Forget every observation of the window at ``at``."""
    s[at : at + _ARRAYS] = 0.0


@inlined
def window_push(s: Any, at: int, n: int, value: float, weight: float) -> None:
    """Take ``value`` in, and let the oldest go when ``n`` are held."""
    if n > 0:
        if s[at + _FRONT] + s[at + _BACK] == n:
            if s[at + _FRONT] == 0.0:
                _turn(s, at, n)
            s[at + _FRONT] -= 1.0
        raw = at + _ARRAYS + 3 * n + 2 * int(s[at + _BACK])
        s[raw], s[raw + 1] = value, weight
    s[at + _BACK] += 1.0
    made = merge(s[at + _WEIGHT], s[at + _MEAN], s[at + _SQUARES], weight, value, 0.0)
    s[at + _WEIGHT], s[at + _MEAN], s[at + _SQUARES] = made


@compiled
def _turn(s: Any, at: int, n: int) -> None:
    """Turn the newer stack over onto the older one, as running moments from its newest observation on."""
    held = int(s[at + _BACK])
    w, m, q = 0.0, 0.0, 0.0
    for k in range(held):
        raw = at + _ARRAYS + 3 * n + 2 * (held - 1 - k)
        w, m, q = merge(w, m, q, s[raw + 1], s[raw], 0.0)
        top = at + _ARRAYS + 3 * k
        s[top], s[top + 1], s[top + 2] = w, m, q
    window_clear(s, at)
    s[at + _FRONT] = held


@inlined
def window_count(s: Any, at: int) -> float:
    """Observations held, those of weight 0 included."""
    return float(s[at + _FRONT] + s[at + _BACK])


@inlined
def window_moments(s: Any, at: int) -> tuple[float, float, float]:
    """Weight, mean, and weighted sum of squared deviations of the window at ``at``."""
    w, m, q = s[at + _WEIGHT], s[at + _MEAN], s[at + _SQUARES]
    front = int(s[at + _FRONT])
    if front == 0:
        return w, m, q
    top = at + _ARRAYS + 3 * (front - 1)
    return merge(s[top], s[top + 1], s[top + 2], w, m, q)


@inlined
def deviation(mean: float, squares: float, weight: float) -> float:
    """Root of ``squares / weight``; exactly 0 where it is rounding noise, NaN without weight."""
    if weight <= 0.0:
        return math.nan
    sd = math.sqrt(max(squares / weight, 0.0))
    return 0.0 if sd <= FLAT * abs(mean) else sd


@compiled
def z_score(value: float, mean: float, squares: float, free: float) -> float:
    """Deviations that ``value`` lies above ``mean``; NaN where nothing moved."""
    sd = deviation(mean, squares, free)
    return (value - mean) / sd if sd > 0.0 else np.nan


def total_size(n: int) -> int:
    """Numbers of state that a sum over ``n`` observations takes; ``n = 0`` means all of them."""
    return _SUMS + 2 * n


@compiled
def total_clear(s: Any, at: int) -> None:
    """Forget every observation of the sum at ``at``."""
    s[at : at + _SUMS] = 0.0


@inlined
def total_push(s: Any, at: int, n: int, value: float) -> None:
    """Take ``value`` into the sum, and let the oldest go when ``n`` are held; nothing is subtracted."""
    if n > 0:
        if s[at + _FRONT] + s[at + _BACK] == n:
            if s[at + _FRONT] == 0.0:
                _turn_total(s, at, n)
            s[at + _FRONT] -= 1.0
        s[at + _SUMS + n + int(s[at + _BACK])] = value
    s[at + _BACK] += 1.0
    _add(s, at, value)


@inlined
def _add(s: Any, at: int, value: float) -> None:
    """Neumaier's sum: what the addition rounds off is kept beside it."""
    before = s[at + _SUM]
    after = before + value
    if abs(before) >= abs(value):
        s[at + _REST] += (before - after) + value
    else:
        s[at + _REST] += (value - after) + before
    s[at + _SUM] = after


@compiled
def _turn_total(s: Any, at: int, n: int) -> None:
    held = int(s[at + _BACK])
    total_clear(s, at)
    for k in range(held):
        _add(s, at, s[at + _SUMS + n + held - 1 - k])
        s[at + _SUMS + k] = s[at + _SUM] + s[at + _REST]
    total_clear(s, at)
    s[at + _FRONT] = held


@inlined
def total_count(s: Any, at: int) -> float:
    """Observations in the sum."""
    return float(s[at + _FRONT] + s[at + _BACK])


@inlined
def total_value(s: Any, at: int) -> float:
    """The sum at ``at``."""
    made = s[at + _SUM] + s[at + _REST]
    front = int(s[at + _FRONT])
    return float(made if front == 0 else made + s[at + _SUMS + front - 1])
