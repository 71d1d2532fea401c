"""A sliding window kept in order of size, for ranks and medians inside step kernels.

Its state at a base index is `sorted_size(n)` numbers for a window of ``n`` observations: how many are held,
where the next is written, the observations as they came, and the same in ascending order. One push moves at
most ``n`` numbers.
"""

from __future__ import annotations

import math
from typing import Any

from ...core.kernels import compiled

_HELD, _NEXT, _ARRAYS = 0, 1, 2


def sorted_size(n: int) -> int:
    """Numbers of state that a window of ``n`` observations takes."""
    return _ARRAYS + 2 * n


@compiled
def _first_at_least(s: Any, low: int, high: int, value: float) -> int:
    while low < high:
        middle = (low + high) // 2
        if s[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def sorted_push(s: Any, at: int, n: int, value: float) -> None:
    """Take ``value`` in, and let the oldest go when ``n`` are held."""
    held, write = int(s[at + _HELD]), int(s[at + _NEXT])
    ring, first = at + _ARRAYS, at + _ARRAYS + n
    hole = first + held
    if held == n:
        hole = _first_at_least(s, first, first + n, s[ring + write])
    else:
        s[at + _HELD] = held + 1
    while hole > first and s[hole - 1] > value:
        s[hole] = s[hole - 1]
        hole -= 1
    while held == n and hole < first + n - 1 and s[hole + 1] < value:
        s[hole] = s[hole + 1]
        hole += 1
    s[hole] = value
    s[ring + write] = value
    s[at + _NEXT] = (write + 1) % n


@compiled
def sorted_count(s: Any, at: int) -> float:
    """Observations held."""
    return float(s[at + _HELD])


@compiled
def sorted_at(s: Any, at: int, n: int, k: int) -> float:
    """The observation with ``k`` smaller or equal ones before it."""
    return float(s[at + _ARRAYS + n + k])


@compiled
def sorted_below(s: Any, at: int, n: int, value: float) -> int:
    """How many observations are below ``value``."""
    first = at + _ARRAYS + n
    return _first_at_least(s, first, first + int(s[at + _HELD]), value) - first


@compiled
def sorted_upto(s: Any, at: int, n: int, value: float) -> int:
    """How many observations are not above ``value``."""
    held = int(s[at + _HELD])
    made = sorted_below(s, at, n, value)
    while made < held and s[at + _ARRAYS + n + made] == value:
        made += 1
    return made


@compiled
def sorted_median(s: Any, at: int, n: int) -> float:
    """The middle observation, or the mean of the two; NaN of none."""
    held = int(s[at + _HELD])
    if held == 0:
        return math.nan
    low, high = sorted_at(s, at, n, (held - 1) // 2), sorted_at(s, at, n, held // 2)
    return low if low == high else low + (high - low) / 2.0


@compiled
def sorted_spread(s: Any, at: int, n: int, middle: float) -> float:
    """The median distance of the observations from ``middle``, their median; NaN of none."""
    held = int(s[at + _HELD])
    if held == 0:
        return math.nan
    up = sorted_below(s, at, n, middle)
    down = up - 1
    near, last = 0.0, 0.0
    for _ in range(held // 2 + 1):
        near = last
        above = sorted_at(s, at, n, up) - middle if up < held else math.inf
        below = middle - sorted_at(s, at, n, down) if down >= 0 else math.inf
        if above <= below:
            last = above
            up += 1
        else:
            last = below
            down -= 1
    return last if held % 2 == 1 else near + (last - near) / 2.0
