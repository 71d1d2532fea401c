"""How much likelier each quantity of a tape is in another unit, summed up from row to row."""

from __future__ import annotations

import math

import numpy as np

from ..core.kernels import compiled
from .amounts import BINS, NEAR, OFF, PER_DECADE, ROUND, bin_of, whole_lots, zeros_of
from .chunk import Floats, Integers

CAP = 6.0
"""Most that one row can say for or against a unit."""
MEMORY, SLOTS = 64, 256
"""For how many rows a quantity is known to have come before, and how many are."""
GRID, SIZE, ROWS, NEED, NEW, TOTAL = range(6)
"""Sums of a unit: by grid and size, by size alone and what that has to reach, of rows, of quantities that had not come
of late; and the first one, not taken back to 0 while rows are in another unit."""
START, LINE, TIME, FILE = range(4)
"""Where the sums of a unit left 0."""
FACTOR, LOG, DECADES, PRICE = range(4)
"""Of a unit: its factor, the decimal logarithm, decades where it is a power of ten, the power of the price."""
NO_ALARM, LOTS = -1, -2
_SURE, _LIKELY, _LEAD = 40.0, 15.0, 12.0
_LEAST, _DIFFERENT, _LONG = 12.0, 5.0, 512.0
_AGAIN, _PROOF = 0.1, 30.0
_CLOSE = 0.9
_FINER = 9
_ROUNDED = 1e-2


@compiled
def _capped(x: float) -> float:
    return min(max(x, -CAP), CAP)


@compiled
def _decades(lots: float, b: int, sizes: Floats, points: Floats, units: Floats, made: Floats) -> float:
    """How much likelier a quantity is in units of powers of ten; returns the log probability of it in the usual one.

    ``made`` takes it for each unit, by grid and size, and by size alone.
    """
    whole, finer, power = whole_lots(lots, NEAR), 0, 1.0
    while not whole and finer < _FINER:
        finer += 1
        power *= 10.0
        whole = whole_lots(lots * power, NEAR)
    zeros = zeros_of(whole) - finer if whole else -_FINER - 1
    here = points[b, min(zeros, ROUND - 1)] if zeros >= 0 else OFF
    for h in range(len(units)):
        decades = int(units[h, DECADES])
        if decades == 0:
            continue
        there, left = min(max(b - PER_DECADE * decades, 0), BINS - 1), zeros - decades
        if zeros >= 0 and left >= 0:
            made[h, GRID] = _capped(points[there, min(left, ROUND - 1)] - here)
        else:
            made[h, GRID] = 0.0 if zeros < 0 and left < 0 else CAP if left >= 0 else -_PROOF
        made[h, SIZE] = _capped(sizes[there] - sizes[b])
    return here


@compiled
def _others(
    lots: float,
    logs: float,
    b: int,
    here: float,
    price: float,
    sizes: Floats,
    points: Floats,
    units: Floats,
    made: Floats,
) -> None:
    """The same for units that follow the price, and for contracts of no power of ten."""
    log_price = math.log10(price)
    for h in range(len(units)):
        if units[h, DECADES] != 0.0:
            continue
        power = units[h, PRICE]
        other = lots / units[h, FACTOR] / (price if power > 0.0 else 1.0 / price if power < 0.0 else 1.0)
        there = bin_of(other, logs - units[h, LOG] - power * log_price)
        whole = whole_lots(other, _ROUNDED)
        fits = points[there, min(zeros_of(whole), ROUND - 1)] if whole else OFF
        made[h, GRID] = 0.0 if not whole and here == OFF else _capped(fits - here)
        made[h, SIZE] = _capped(sizes[there] - sizes[b])


@compiled
def _weight(quantity: float, row: int, lots: float, seen: Floats) -> float:
    """What a row counts: little when the very same quantity came just before, as from a machine."""
    slot = int(lots * 7.0) % SLOTS if lots < 1e15 else 0
    again = seen[slot, 0] == quantity and row - seen[slot, 1] <= MEMORY
    seen[slot, 0], seen[slot, 1] = quantity, row
    return _AGAIN if again else 1.0


@compiled
def _alarmed(sums: Floats, first: int, last: int) -> int:
    """The unit that is beyond doubt and ahead of every other; or that the lots are other ones and the sizes are not."""
    best, second, other_lots = -1, 0.0, False
    for h in range(first, last):
        s = sums[h]
        if s[SIZE] < s[NEED]:
            other_lots = other_lots or (s[GRID] >= _SURE and s[ROWS] > _LONG)
        elif best < 0 or s[GRID] > sums[best, GRID]:
            second, best = (sums[best, GRID] if best >= 0 else second), h
        else:
            second = max(second, s[GRID])
    if best < 0 or sums[best, GRID] < _SURE:
        return LOTS if other_lots else NO_ALARM
    s = sums[best]
    ahead = s[GRID] - second >= _LEAD or s[ROWS] >= 4 * _LEAST
    return best if s[ROWS] >= _LEAST and s[NEW] >= _DIFFERENT and ahead else NO_ALARM


@compiled
def watch(
    quantity: Floats,
    price: Floats,
    line: Integers,
    time: Integers,
    row: int,
    file: int,
    now: int,
    lot: float,
    sizes: Floats,
    points: Floats,
    units: Floats,
    sums: Floats,
    where: Integers,
    seen: Floats,
) -> tuple[int, int]:
    """Sum up, for every unit, how much likelier the rows are in it, from the row on at which that sum was last 0.

    Parameters
    ----------
    quantity, price, line, time : ndarray
        Columns of some rows; quantity above 0.
    row, file : int
        Numbers of the first row and of its file.
    now : int
        The unit that rows are in; −1 for the usual one.
    lot, sizes, points
        What is usual, as `Amounts` has it.
    units : ndarray of float64
        Factor, its decimal logarithm, decades where it is a power of ten, power of the price.
    sums, where, seen : ndarray
        What is carried on. Changed in place.

    Returns
    -------
    tuple of two int
        Row of an alarm (the number of rows without one), and the unit that began; −1 for none, −2 for other lots.
    """
    made = np.zeros((len(units), 2))
    first, last, sign = (0, len(units), 1.0) if now < 0 else (now, now + 1, -1.0)
    for i in range(len(quantity)):
        lots = quantity[i] / lot
        logs = math.log10(lots)
        b, weight, raised = bin_of(lots, logs), _weight(quantity[i], row + i, lots, seen), False
        here = _decades(lots, b, sizes, points, units, made)
        _others(lots, logs, b, here, price[i], sizes, points, units, made)
        if now >= 0:
            sums[:, TOTAL] += weight * made[:, GRID]
        for h in range(first, last):
            s, grid = sums[h], sign * weight * made[h, GRID]
            if s[GRID] + grid <= 0.0:
                s[:TOTAL] = 0.0
                continue
            if weight < 1.0 and s[ROWS] >= 2.0 * s[NEW] and grid > 0.0:
                continue
            if s[ROWS] == 0.0:
                where[h, START], where[h, LINE], where[h, TIME], where[h, FILE] = row + i, line[i], time[i], file
            s[GRID] += grid
            s[SIZE] += sign * weight * made[h, SIZE]
            s[ROWS] += weight
            s[NEW] += 1.0 if weight == 1.0 else 0.0
            far = abs(units[h, LOG] + units[h, PRICE] * math.log10(price[i])) >= _CLOSE
            s[NEED] = _LIKELY if far else -_LIKELY
            raised = raised or s[GRID] >= _SURE
        if raised:
            found = _alarmed(sums, first, last)
            if found != NO_ALARM:
                return i, found
    return len(quantity), NO_ALARM
