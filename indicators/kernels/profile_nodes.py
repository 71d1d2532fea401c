"""High and low volume nodes: rows that stand out from, or sink below, those around them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.kernels import compiled
from .profile_state import HEAD, HIGH, LOW, MASK, price_of
from .value_area import NEAR


@compiled
def _heights(s: Any, skip: bool) -> tuple[Any, Any]:
    """The rows of the profile, and their volumes."""
    low, mask = int(s[LOW]), int(s[MASK])
    count = int(s[HIGH]) - low + 1
    rows, volumes = np.empty(count, dtype=np.int64), np.empty(count)
    n = 0
    for row in range(low, low + count):
        volume = s[HEAD + (row & mask)]
        if volume > 0.0 or not skip:
            rows[n], volumes[n] = row, volume
            n += 1
    return rows[:n], volumes[:n]


@compiled
def _smoothed(volumes: Any, width: int) -> Any:
    """Means over ``width`` rows, centred; over fewer at the ends."""
    n, half = len(volumes), width // 2
    made = np.empty(n)
    for i in range(n):
        first, last = max(i - half, 0), min(i + half, n - 1)
        total = 0.0
        for j in range(first, last + 1):
            total += volumes[j]
        made[i] = total / (last - first + 1)
    return made


@compiled
def _stands_out(heights: Any, i: int, order: int, up: bool) -> bool:
    for j in range(i - order, i + order + 1):
        if j == i:
            continue
        more, less = (heights[i], heights[j]) if up else (heights[j], heights[i])
        if not more * (1.0 - NEAR) > less:
            return False
    return True


@compiled
def nearest_nodes(s: Any, y: Any, at: int, here: int, order: int, width: int, ratio: float, skip: bool) -> None:
    """Write the nearest high volume nodes above and below row ``here``, then the low ones, from ``y[at]`` on."""
    rows, volumes = _heights(s, skip)
    heights = _smoothed(volumes, width) if width > 1 else volumes
    mean = volumes.sum() / max(len(volumes), 1)
    for i in range(order, len(rows) - order):
        for low in range(2):
            level = heights[i] * (1.0 - NEAR) if low else heights[i] * (1.0 + NEAR)
            enough = level * ratio <= mean if low else level >= ratio * mean
            if not enough or not _stands_out(heights, i, order, low == 0):
                continue
            if rows[i] > here and y[at + 2 * low] != y[at + 2 * low]:
                y[at + 2 * low] = price_of(s, rows[i])
            elif rows[i] <= here:
                y[at + 2 * low + 1] = price_of(s, rows[i])
