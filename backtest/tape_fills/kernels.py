"""The loops over prints: what an order gets of them, what crosses a stop, what a price level takes to break."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.kernels import compiled

Floats = NDArray[np.float64]
Sides = NDArray[np.int8]
Rows = NDArray[np.int64]

OPTIMISTIC, MIDDLE, PESSIMISTIC = 0.0, 1.0, 2.0

DIRECTION, LIMIT, SHARE, SPREAD, MODEL, THROUGH, NEAR, CONTRACT, ONCE = range(9)
"""Terms of an order: +1 or −1, its limit, its share of a print, what the spread costs a taker, the assumption,
how far beyond its limit the pessimist wants a print, below what two prices are one, and the quote currency in one
unit of its size where sizes count such contracts, else 0; whether it never rests."""
LEFT, TAKING, AHEAD = range(3)
"""State of an order: what is left of it, whether it still takes, what stands before it at its price."""
TAKEN, RESTED, FIRST_TAKEN, LAST_TAKEN, FIRST_RESTED, LAST_RESTED, PAID, LOW, HIGH = range(9)
"""What came of a walk: amount taken and amount that rested, first and last row that gave some of each, notional and
lowest and highest price of what was taken."""

BUYERS, SELLERS = range(2)
DUST = 1e-12
"""A remainder this small beside what a print gives is rounding, and goes with it."""
MEMORY = 100
"""Levels over which the volume that breaks one is averaged, and flips over which the spread is."""
ENOUGH = 10
"""Levels, or flips, below which nothing is said."""


@compiled
def walk(
    price: Floats,
    quantity: Floats,
    side: Sides,
    lo: int,
    hi: int,
    terms: Floats,
    state: Floats,
    used: Floats,
    base: int,
    made: Floats,
) -> None:
    """Fill an order from the prints of rows ``lo`` to ``hi``.

    Parameters
    ----------
    price, quantity, side : ndarray
        The tape.
    lo, hi : int
        First row, and the one after the last.
    terms : ndarray of float64, (9,)
        What the order wants; an infinite limit is none.
    state : ndarray of float64, (3,)
        Changed in place.
    used : ndarray of float64
        What other orders took of each row from ``base`` on, changed in place; of length 0 where there are none.
    made : ndarray of float64, (9,)
        Taken in place.
    """
    d, limit, near, model = terms[DIRECTION], terms[LIMIT], terms[NEAR], terms[MODEL]
    for r in range(lo, hi):
        if state[LEFT] <= 0.0:
            return
        gap = d * (price[r] - limit)
        at = abs(gap) <= near
        if state[TAKING] > 0.0 and not (at and side[r] == d) and not (gap < 0.0 and not at):
            state[TAKING] = 0.0
        taking = state[TAKING] > 0.0
        if not taking and terms[ONCE] > 0.0:
            return
        if not taking and gap > near:
            continue
        offered = quantity[r]
        if not taking:
            if model == PESSIMISTIC:
                if gap > near - terms[THROUGH]:
                    continue
            elif model == MIDDLE:
                if not at or side[r] == d:
                    state[AHEAD] = 0.0
                else:
                    gone = min(state[AHEAD], offered)
                    state[AHEAD] -= gone
                    offered -= gone
        if offered <= 0.0:
            continue
        if terms[CONTRACT] > 0.0:
            offered = np.rint(offered * price[r] / terms[CONTRACT] * 1e9) / 1e9
        offered *= terms[SHARE]
        if len(used):
            offered -= used[r - base]
            if offered <= 0.0:
                continue
        got = state[LEFT] if state[LEFT] - offered <= DUST * offered else offered
        state[LEFT] -= got
        if len(used):
            used[r - base] += got
        if taking:
            made[FIRST_TAKEN] = min(made[FIRST_TAKEN], r)
            made[LAST_TAKEN] = r
            paid = price[r]
            if side[r] == -d:
                paid = d * min(d * paid + terms[SPREAD], d * limit)
            made[TAKEN] += got
            made[PAID] += got * paid
            made[LOW] = min(made[LOW], paid)
            made[HIGH] = max(made[HIGH], paid)
        else:
            made[FIRST_RESTED] = min(made[FIRST_RESTED], r)
            made[LAST_RESTED] = r
            made[RESTED] += got


@compiled
def crossing(price: Floats, lo: int, hi: int, direction: float, level: float) -> int:
    """The first row at which the price has reached ``level``, upwards or downwards; ``hi`` when none has."""
    for r in range(lo, hi):
        if direction * (price[r] - level) >= 0.0:
            return r
    return hi


@compiled
def _learn(mean: Floats, count: Floats, k: int, sample: float) -> None:
    """Take a sample into a mean that forgets."""
    count[k] += 1.0
    mean[k] += (sample - mean[k]) / min(count[k], MEMORY)


@compiled
def calibrate(
    price: Floats, quantity: Floats, side: Sides, starts: Rows, depth: NDArray[np.float64], spread: Floats
) -> None:
    """What was known of queues and spread at the start of each bar.

    A level is a price at which takers of one side traded. It breaks when they trade beyond it; what printed there
    until then is one sample. One that they leave behind unbroken is none. A row of unknown side counts for the side
    to which the last change of price points.

    Parameters
    ----------
    price, quantity, side : ndarray
        The tape.
    starts : ndarray of int64, (bars,)
        Rows before each bar.
    depth : ndarray of float64, (2, bars)
        Takes the mean volume that broke a level, by buyers and by sellers; NaN until there were ten.
    spread : ndarray of float64, (bars,)
        Takes the mean distance between prints of buyers and sellers that follow each other; NaN until then.
    """
    level, volume = np.full(2, np.nan), np.zeros(2)
    mean, count = np.zeros(3), np.zeros(3)
    last, trend, before, b = np.full(2, np.nan), 0, 0, 0
    for r in range(len(price) + 1):
        while b < len(starts) and (starts[b] <= r or r == len(price)):
            for k in range(2):
                depth[k, b] = mean[k] if count[k] >= ENOUGH else np.nan
            spread[b] = mean[2] if count[2] >= ENOUGH else np.nan
            b += 1
        if r == len(price):
            return
        p = price[r]
        if r and p != price[r - 1]:
            trend = 1 if p > price[r - 1] else -1
        s = side[r] if side[r] else trend
        if s == 0:
            continue
        k = BUYERS if s > 0 else SELLERS
        last[k] = p
        if before == -s and last[BUYERS] >= last[SELLERS]:
            _learn(mean, count, 2, last[BUYERS] - last[SELLERS])
        before = s
        if p == level[k]:
            volume[k] += quantity[r]
            continue
        if s * (p - level[k]) > 0.0:
            _learn(mean, count, k, volume[k])
        level[k], volume[k] = p, quantity[r]
