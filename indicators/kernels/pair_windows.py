"""Joint moments of two series over a sliding window that neither drift nor cancel, for use inside step kernels.

Kept as in `windows`: two stacks of partial moments (count, two means, two sums of squared deviations, the sum
of their products) that are only ever merged. ``n = 0`` means all observations so far.
"""

from __future__ import annotations

import math
from typing import Any

from ...core.kernels import compiled, inlined
from .windows import deviation

Moments = tuple[float, float, float, float, float, float]
"""Count, mean of x, mean of y, squares of x, squares of y, products."""

_FRONT, _BACK, _MOMENTS, _ARRAYS = 0, 1, 2, 8


def pair_size(n: int) -> int:
    """Numbers of state that a window of ``n`` pairs takes."""
    return _ARRAYS + 8 * n


@inlined
def _merge(a: Moments, b: Moments) -> Moments:
    """Joint moments of two samples taken together; an empty one has count 0."""
    if b[0] == 0.0:
        return a
    if a[0] == 0.0:
        return b
    n = a[0] + b[0]
    dx, dy, share, weight = b[1] - a[1], b[2] - a[2], b[0] / n, a[0] * (b[0] / n)
    return (
        n,
        a[1] + dx * share,
        a[2] + dy * share,
        a[3] + b[3] + dx * dx * weight,
        a[4] + b[4] + dy * dy * weight,
        a[5] + b[5] + dx * dy * weight,
    )


@inlined
def _read(s: Any, at: int) -> Moments:
    return s[at], s[at + 1], s[at + 2], s[at + 3], s[at + 4], s[at + 5]


@inlined
def _write(s: Any, at: int, m: Moments) -> None:
    s[at], s[at + 1], s[at + 2], s[at + 3], s[at + 4], s[at + 5] = m


@inlined
def pair_push(s: Any, at: int, n: int, x: float, y: float) -> None:
    """Take a pair in, and let the oldest go when ``n`` are held."""
    if n > 0:
        if s[at + _FRONT] + s[at + _BACK] == n:
            if s[at + _FRONT] == 0.0:
                _turn(s, at, n)
            s[at + _FRONT] -= 1.0
        raw = at + _ARRAYS + 6 * n + 2 * int(s[at + _BACK])
        s[raw], s[raw + 1] = x, y
    s[at + _BACK] += 1.0
    _write(s, at + _MOMENTS, _merge(_read(s, at + _MOMENTS), (1.0, x, y, 0.0, 0.0, 0.0)))


@compiled
def _turn(s: Any, at: int, n: int) -> None:
    """Turn the newer stack over onto the older one, as running moments from its newest pair on."""
    held = int(s[at + _BACK])
    made = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    for k in range(held):
        raw = at + _ARRAYS + 6 * n + 2 * (held - 1 - k)
        made = _merge(made, (1.0, s[raw], s[raw + 1], 0.0, 0.0, 0.0))
        _write(s, at + _ARRAYS + 6 * k, made)
    s[at : at + _ARRAYS] = 0.0
    s[at + _FRONT] = held


@inlined
def pair_moments(s: Any, at: int) -> Moments:
    """Joint moments of the window at ``at``."""
    made = _read(s, at + _MOMENTS)
    front = int(s[at + _FRONT])
    if front == 0:
        return made
    return _merge(_read(s, at + _ARRAYS + 6 * (front - 1)), made)


@inlined
def slope(m: Moments) -> float:
    """Slope of the least-squares line of y on x, with intercept; NaN where x did not move, 0 where only y did not."""
    if not deviation(m[1], m[3], m[0]) > 0.0:
        return math.nan
    return m[5] / m[3] if deviation(m[2], m[4], m[0]) > 0.0 else 0.0
