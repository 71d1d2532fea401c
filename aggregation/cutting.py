"""Compiled cuts: after which rows a bar ends, decided on whole numbers.

Each kernel walks the rows of a batch, carries the open bar in its state, and writes one past the last row of every
bar that ended. Amounts are counted in whole quanta, so that no order of adding and no cut into batches can move an
edge. An amount larger than ``most`` quanta counts as ``most``, which ends any bar and overflows nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..core.kernels import compiled
from ..core.tick_kernels import row_near

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MEMORY = 20
"""Bars behind the expectations of imbalance and run bars: each weighs ``2 / (MEMORY + 1)``, the latest most."""
MOST_ROWS = 100_000
"""Rows after which an imbalance or run bar ends whatever its flow."""


@compiled
def quanta(amount: float, scale: float, most: int) -> int:
    """``amount`` in quanta of ``1 / scale``, to the nearest, halves to even.

    Examples
    --------
    >>> quanta(0.123456784, 1e8, 10**17), quanta(5.0, 1e8, 10**8)
    (12345678, 100000000)
    """
    counted = amount * scale
    return most if counted >= most else int(np.rint(counted))


@compiled
def cut_sums(amount: Floats, scale: float, most: int, threshold: int, s: Integers, ends: Integers) -> int:
    """Bars end with the row that brings their sum to ``threshold``.

    Parameters
    ----------
    amount : ndarray of float64
        What each row adds.
    scale, most : float, int
        As for `quanta`.
    threshold : int
        In quanta.
    s : ndarray of int64
        State: the sum so far. Changed in place.
    ends : ndarray of int64, as long as ``amount``
        Takes the row after the last one of each bar that ended.

    Returns
    -------
    int
        How many ended.
    """
    total, found = s[0], 0
    for i in range(len(amount)):
        total += quanta(amount[i], scale, most)
        if total >= threshold:
            ends[found] = i + 1
            found += 1
            total = 0
    s[0] = total
    return found


@compiled
def cut_ranges(price: Floats, num: float, den: float, threshold: int, s: Integers, ends: Integers) -> int:
    """Bars end with the row that brings high less low to ``threshold`` ticks.

    ``s`` holds whether the bar has a row, and its highest and lowest price in ticks; otherwise as `cut_sums`.
    """
    found = 0
    for i in range(len(price)):
        at = np.int64(row_near(price[i], num, den))
        if s[0] == 0:
            s[0], s[1], s[2] = 1, at, at
        s[1], s[2] = max(s[1], at), min(s[2], at)
        if s[1] - s[2] >= threshold:
            ends[found] = i + 1
            found += 1
            s[0] = 0
    return found


@compiled
def expect(s: Integers, means: Floats, run: bool, lowest: int, highest: int) -> None:
    """Learn from the bar in ``s`` that ended, and begin the next: its threshold, and nothing in it."""
    weight = 2.0 / (MEMORY + 1.0) if s[4] else 1.0
    rows = float(s[0])
    means[0] += (rows - means[0]) * weight
    means[1] += (s[1] / rows - means[1]) * weight
    means[2] += (s[2] / rows - means[2]) * weight
    flow = max(means[1], means[2]) if run else abs(means[1] - means[2])
    s[3] = np.int64(min(max(np.rint(means[0] * flow), float(lowest)), float(highest)))
    s[0], s[1], s[2], s[4] = 0, 0, 0, 1


@compiled
def cut_flows(
    amount: Floats,
    side: NDArray[np.int8],
    scale: float,
    most: int,
    run: bool,
    lowest: int,
    highest: int,
    s: Integers,
    means: Floats,
    ends: Integers,
) -> int:
    """Bars end with the row that brings their one-sided flow to a threshold that is learnt from the bars before.

    Parameters
    ----------
    amount, side : ndarray
        What each row adds, and to which side; rows of unknown side add nothing.
    scale, most : float, int
        As for `quanta`.
    run : bool
        Whether the flow is the larger of bought and sold, or else the distance between the two.
    lowest, highest : int
        What the threshold keeps within, in quanta.
    s : ndarray of int64
        State: rows, bought, sold, threshold, whether a bar has ended yet. Changed in place.
    means : ndarray of float64
        State: expected rows of a bar, bought and sold per row. Changed in place.
    ends : ndarray of int64, as long as ``amount``
        As for `cut_sums`.
    """
    found = 0
    for i in range(len(amount)):
        s[0] += 1
        if side[i] > 0:
            s[1] += quanta(amount[i], scale, most)
        elif side[i] < 0:
            s[2] += quanta(amount[i], scale, most)
        flow = max(s[1], s[2]) if run else abs(s[1] - s[2])
        if flow >= s[3] or s[0] >= MOST_ROWS:
            ends[found] = i + 1
            found += 1
            expect(s, means, run, lowest, highest)
    return found
