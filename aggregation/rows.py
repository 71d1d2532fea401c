"""Price rows: the volume bought and sold at each price inside a bar."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.bars import Levels
from ..core.errors import ParamError
from ..core.kernels import compiled, njit_inline
from ..core.tick_kernels import price_at, row_near
from ..core.tick_kernels import row_under as woven_row_under
from ..core.ticks import NOISE, grid_of, row_under
from .folding import add

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

AUTO = 5e-4
"""Share of the price that ``row_size: auto`` aims at: 5 basis points."""
_BESIDE = 1e-3
"""Share of a tick by which a price may lie beside it and still be on it."""
_SINGLE = 2.0**-24
"""Rounding of a price that was kept in single precision, as a share."""


def auto_row_size(price: float) -> float:
    """The row height of 1, 2 or 5 times a power of ten that is nearest, by ratio, to 5 basis points of ``price``.

    Examples
    --------
    >>> auto_row_size(60_000.0), auto_row_size(0.04)
    (20.0, 2e-05)
    """
    aim = abs(price) * AUTO
    if not (math.isfinite(aim) and aim > 0):
        raise ParamError(f"row_size: auto needs a price above 0 (got {price!r})")
    power = math.floor(math.log10(aim))
    choices = [float(f"{m}e{p}") for p in (power - 1, power, power + 1) for m in (1, 2, 5)]
    return min(choices, key=lambda size: abs(math.log(size / aim)))


def row_grid(row_size: float | str, tick: float | None, first_price: float) -> tuple[float, int]:
    """Tick and ticks per row for a row height.

    Parameters
    ----------
    row_size : float or "auto"
        Height in quote currency; ``auto`` takes `auto_row_size` of ``first_price``, in whole ticks.
    tick : float or None
        The venue's price step; None takes the row height itself for the tick.
    first_price : float
        Price of the first trade, the only one that ``auto`` sees.

    Raises
    ------
    ParamError
        If the row height is not above 0 or no whole number of ticks.

    Examples
    --------
    >>> row_grid(10, 0.1, 60_000.0), row_grid("auto", None, 60_000.0)
    ((0.1, 100), (20.0, 1))
    """
    check_rows(row_size, tick)
    size = auto_row_size(first_price) if row_size == "auto" else float(row_size)
    if tick is None:
        return size, 1
    return tick, max(1, grid_of(tick).row(size))


def check_rows(row_size: float | str, tick: float | None) -> None:
    """Refuse a row height or a tick that cannot be, before anything is read."""
    if tick is not None and not (math.isfinite(tick) and tick > 0):
        raise ParamError(f"tick must be a number above 0 (got {tick!r})")
    if row_size == "auto":
        return
    if isinstance(row_size, str | bool) or not (math.isfinite(row_size) and row_size > 0):
        raise ParamError(f"row_size must be a number above 0 or 'auto' (got {row_size!r})")
    if tick is not None:
        grid = grid_of(tick)
        ticks = grid.row(row_size)
        if ticks < 1 or abs(grid.price(ticks) - row_size) > 1e-9 * row_size:
            raise ParamError(f"row_size must be a whole number of ticks of {tick:g} (got {row_size:g})")


def row_index(price: float, size: float) -> int:
    """The row that holds ``price``: row ``k`` covers ``[k × size, (k + 1) × size)``, counted in decimals.

    A price that is a multiple of ``size`` in decimals opens its own row, though the quotient of the floats
    may fall short by a few units in the last place (0.3 / 0.1 is 2.9999999999999996).

    Examples
    --------
    >>> row_index(0.3, 0.1), row_index(4.35, 0.01), row_index(-0.05, 0.1)
    (3, 435, -1)
    """
    return int(row_under(price, *grid_of(size)))


@compiled
def _slot(key: int, keys: Integers, stamps: Integers, stamp: int) -> int:
    """Where ``key`` is, or would go: the table is open, neighbours in price are neighbours in memory."""
    mask = len(keys) - 1
    at = key & mask
    while stamps[at] == stamp and keys[at] != key:
        at = (at + 1) & mask
    return at


@compiled
def _claim(key: int, keys: Integers, stamps: Integers, sums: Floats, used: Integers, s: Integers) -> int:
    """The slot of ``key``, opened when the bar has no such row yet."""
    at = _slot(key, keys, stamps, s[0])
    if stamps[at] != s[0]:
        stamps[at], keys[at] = s[0], key
        sums[at] = 0.0
        used[s[1]] = key
        s[1] += 1
    return at


@compiled
def _emit(
    keys: Integers, stamps: Integers, sums: Floats, used: Integers, s: Integers, ticks: Integers, out: Floats, w: int
) -> int:
    """Write the rows of the open bar, lowest first, and empty the table."""
    n = s[1]
    used[:n].sort()
    for j in range(n):
        at = _slot(used[j], keys, stamps, s[0])
        ticks[w] = used[j]
        out[0, w] = sums[at, 0] + sums[at, 1]
        out[1, w] = sums[at, 2] + sums[at, 3]
        w += 1
    s[0] += 1
    s[1] = 0
    return w


@njit_inline
def _row_of(price: float, num: float, den: float, per_row: int) -> tuple[int, bool]:
    """The row of a price, and whether the price lies beside the tick that it counts for, or within its row."""
    if per_row == 0:
        row = woven_row_under(price, num, den)
        edge = price_at(row, num, den)
        return int(row), bool(abs(price - edge) > NOISE * abs(edge))
    row = row_near(price, num, den)
    off = abs(price - price_at(row, num, den)) > max(_BESIDE * num / den, _SINGLE * abs(price))
    return int(row) if per_row == 1 else int(np.floor(row / per_row)), bool(off)


@compiled
def fold_rows(
    price: Floats,
    quantity: Floats,
    side: NDArray[np.int8],
    num: float,
    den: float,
    per_row: int,
    ends: Integers,
    keys: Integers,
    stamps: Integers,
    sums: Floats,
    used: Integers,
    s: Integers,
    counts: Integers,
    ticks: Integers,
    out: Floats,
) -> int:
    """Fold bought and sold volume by price row.

    Parameters
    ----------
    price, quantity, side : ndarray
        Columns of the batch.
    num, den : float
        The tick as a fraction, or where ``per_row`` is 0 the height of a row.
    per_row : int
        Ticks in a row: a price counts for the tick nearest to it. 0 where no tick is known: for the row that holds it.
    ends : ndarray of int64
        The segments.
    keys, stamps, sums, used : ndarray
        The table of the open bar: row, bar that wrote it, bought and sold with their errors, rows in use.
    s : ndarray of int64
        Stamp of the open bar, how many rows it has, and trades at prices between two ticks, or within a row. Changed
        in place.
    counts : ndarray of int64
        Takes the rows of each closed bar.
    ticks, out : ndarray
        Take the rows themselves: index; bought and sold.

    Returns
    -------
    int
        Rows written.
    """
    w, row, last = 0, 0, len(ends) - 1
    for bar in range(len(ends)):
        key, at, off, before = 0, -1, False, np.nan
        for i in range(np.uint64(row), np.uint64(ends[bar])):
            x = price[i]
            if x != before:
                before = x
                found, off = _row_of(x, num, den, per_row)
                if found != key or at < 0:
                    key = found
                    at = _claim(key, keys, stamps, sums, used, s)
            s[2] += off
            q = quantity[i]
            if side[i] == 0:
                q *= 0.5
                add(sums[at], 2, q)
            add(sums[at], 2 if side[i] < 0 else 0, q)
        row = ends[bar]
        if bar < last:
            counts[bar] = s[1]
            w = _emit(keys, stamps, sums, used, s, ticks, out, w)
    return w


class RowFold:
    """The price rows of one bar kind, gathered bar by bar.

    Volume whose aggressor is unknown is split half and half between the two sides, so that the rows of a
    bar always add up to its volume and their delta is that of the known sides.

    Parameters
    ----------
    tick : float
        Price of one tick; the height of a row where none is known.
    row_ticks : int
        Height of a row in ticks.
    known : bool, default=True
        Whether ``tick`` is the venue's, so that a price counts for the tick nearest to it; else for the row that
        holds it.
    """

    def __init__(self, tick: float, row_ticks: int, *, known: bool = True) -> None:
        self._tick, self._row_ticks, self._grid = tick, row_ticks, grid_of(tick)
        self._per_row = row_ticks if known else 0
        self._state = np.array([1, 0, 0], np.int64)
        self._table(1 << 12)
        self._parts: list[tuple[Integers, Integers, Floats]] = []

    def _table(self, capacity: int) -> None:
        self._keys, self._stamps = np.zeros(capacity, np.int64), np.zeros(capacity, np.int64)
        self._sums, self._used = np.zeros((capacity, 4)), np.zeros(capacity, np.int64)

    def _grow(self, capacity: int) -> None:
        """A larger table with the rows of the open bar moved over."""
        keys, stamps, sums, used = self._keys, self._stamps, self._sums, self._used
        self._table(capacity)
        stamp, n = int(self._state[0]), int(self._state[1])
        self._state[1] = 0
        for key in used[:n].tolist():
            at = _claim(key, self._keys, self._stamps, self._sums, self._used, self._state)
            self._sums[at] = sums[_slot(key, keys, stamps, stamp)]

    def push(self, tape: Any, ends: Integers) -> None:
        """Take a batch, cut into bars at ``ends``."""
        most = int(self._state[1]) + len(tape)
        if 2 * most > len(self._keys):
            self._grow(1 << (2 * most).bit_length())
        counts, ticks = np.empty(len(ends) - 1, np.int64), np.empty(most, np.int64)
        out = np.empty((2, most))
        table = self._keys, self._stamps, self._sums, self._used, self._state
        grid = self._grid
        w = fold_rows(
            tape.price, tape.quantity, tape.side, grid.num, grid.den, self._per_row, ends, *table, counts, ticks, out
        )
        if len(counts):
            self._parts.append((counts, ticks[:w].copy(), out[:, :w].copy()))

    def levels(self) -> Levels:
        """All rows of all closed bars."""
        counts = np.concatenate([np.zeros(1, np.int64), *(p[0] for p in self._parts)])
        ticks = np.concatenate([np.zeros(0, np.int64), *(p[1] for p in self._parts)])
        sums = np.concatenate([np.zeros((2, 0)), *(p[2] for p in self._parts)], axis=1)
        rows = np.cumsum(counts), ticks * self._row_ticks, sums[0], sums[1], self._tick, self._row_ticks
        return Levels(*rows, tick_known=self._per_row > 0, exact=not self.off_tick)

    @property
    def off_tick(self) -> int:
        """Trades so far at prices that are no whole number of ticks."""
        return int(self._state[2])
