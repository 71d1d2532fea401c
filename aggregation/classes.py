"""Classes of trade size: what bars keep of the rows of each, from the pass that makes the bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from ..core.bars import Levels
from ..core.kernels import njit_no_refcount
from ..core.sizes import SIZED, Edge, SizeClass, classes_between
from ..core.tape import Tape
from .folding import add
from .lanes import F64, SIZE, U32, number
from .open_bar import address
from .rows import RowFold

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_LANES = 4
"""Sums of neighbouring rows run side by side, since each waits for the one before it."""
_SIDES = 3
"""Sellers, nobody known, buyers."""
_SUMS = 4
"""Amount, notional, price and rows: a vector, with another one of their rounding errors behind it."""
_WIDTH = 2 * _SUMS
_PIECE = 1024
"""Rows whose classes are looked up at a time."""


@intrinsic
def _into(_: Any, sums: Any, quantity: Any, notional: Any, price: Any) -> Any:
    """Add a row to the sums at an address, and the rounding errors of doing so to those behind them."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.VectorType(F64, _SUMS)
        value = ir.Constant(kind, [0.0, 0.0, 0.0, 1.0])
        for k, part in enumerate(args[1:]):
            value = builder.insert_element(value, part, ir.Constant(U32, k))
        at = builder.inttoptr(args[0], kind.as_pointer())
        behind = builder.inttoptr(builder.add(args[0], number(_SUMS * SIZE)), kind.as_pointer())
        a, error = builder.load(at, align=SIZE), builder.load(behind, align=SIZE)
        x = builder.fadd(a, value)
        z = builder.fsub(x, a)
        off = builder.fadd(builder.fsub(a, builder.fsub(x, z)), builder.fsub(value, z))
        builder.store(x, at, align=SIZE)
        builder.store(builder.fadd(error, off), behind, align=SIZE)
        return context.get_dummy_value()

    return types.void(sums, types.float64, types.float64, types.float64), emit


@njit_no_refcount
def _close(table: Floats, classes: int, out: Floats, bar: int, total: Floats) -> None:
    """Write down a bar and empty its sums; ``total`` takes each side's, two numbers a sum, and then those of all."""
    for k in range(classes):
        total[:] = 0.0
        for side in range(_SIDES):
            for lane in range(_LANES):
                at = ((lane * _SIDES + side) * classes + k) * _WIDTH
                if table[at + 3] == 0.0:
                    continue
                for what in range(_SUMS):
                    for to in (side, _SIDES):
                        add(total, to * _WIDTH + 2 * what, table[at + what])
                        total[to * _WIDTH + 2 * what + 1] += table[at + _SUMS + what]
                table[at : at + _WIDTH] = 0.0
        for j in range(len(total) // 2):
            total[j] = total[2 * j] + total[2 * j + 1]
        sold, bought, both = 0, 2 * _SUMS, 3 * _SUMS
        rows = total[both + 3]
        out[bar, k], out[bar, classes + k] = total[both], total[both + 1]
        out[bar, 2 * classes + k] = total[both + 2] / rows if rows > 0.0 else np.nan
        for j, what in enumerate((0, 1, 3)):
            out[bar, (3 + 2 * j) * classes + k] = total[bought + what]
            out[bar, (4 + 2 * j) * classes + k] = total[sold + what]


@njit_no_refcount
def fold_classes(
    price: Floats,
    quantity: Floats,
    notional: Floats,
    side: NDArray[np.int8],
    edges: Floats,
    ends: Integers,
    table: Floats,
    s: Integers,
    total: Floats,
    amounts: Floats,
    places: Integers,
    out: Floats,
) -> None:
    """Fold amount, notional, price and number of rows by side and class.

    Parameters
    ----------
    price, quantity, notional, side : ndarray
        Columns of the batch; an empty ``notional`` stands for price × quantity.
    edges : ndarray of float64
        Notional at which each class but the lowest begins.
    ends : ndarray of int64
        The segments.
    table : ndarray of float64
        Sums of the open bar. Changed in place.
    s : ndarray of int64
        Rows of the open bar. Changed in place.
    total, amounts, places : ndarray
        Room to work in; the last two of `_PIECE` values.
    out : ndarray of float64, (bars, columns of `SIZED` times classes)
        Takes one row a closed bar.
    """
    row, last, classes, given = np.uint64(0), len(ends) - 1, len(edges) + 1, len(notional) > 0
    sums, size = np.uint64(address(table)), np.uint64(classes * _WIDTH * SIZE)
    for bar in range(len(ends)):
        end = np.uint64(ends[bar])
        while row < end:
            rows = min(end - row, np.uint64(_PIECE))
            for i in range(rows):
                amounts[i] = notional[row + i] if given else price[row + i] * quantity[row + i]
                places[i] = (side[row + i] + 1) * classes
            for edge in edges:
                for i in range(rows):
                    places[i] += amounts[i] >= edge
            lane = np.uint64(s[0])
            for i in range(rows):
                at = ((lane + i) & np.uint64(_LANES - 1)) * np.uint64(_SIDES) * size
                at += np.uint64(places[i]) * np.uint64(_WIDTH * SIZE)
                _into(sums + at, quantity[row + i], amounts[i], price[row + i])
            s[0] += np.int64(rows)
            row += rows
        if bar < last:
            _close(table, classes, out, bar, total)
            s[0] = 0


class ClassFold:
    """The columns of `core.sizes.SIZED` of every class, of one bar kind, gathered bar by bar.

    Rows of unknown side count into ``volume``, ``quote_volume`` and ``twap_trade`` of their class alone.

    Parameters
    ----------
    edges : sequence of float or str
        As they are written.
    values : ndarray of float64
        The amounts in force, read at every batch.
    """

    def __init__(self, edges: Sequence[Edge], values: Floats) -> None:
        self._classes, self._values = classes_between(edges), values
        self.names = tuple(span.column(name) for name in SIZED for span in self._classes)
        """Columns that it makes."""
        room = np.zeros(_LANES * _SIDES * len(self._classes) * _WIDTH + _WIDTH)
        begin = -(room.ctypes.data // SIZE) % _WIDTH  # no sum lies across two lines of the cache
        self._table = room[begin : len(room) - _WIDTH + begin]
        self._state, self._total = np.zeros(1, np.int64), np.zeros((_SIDES + 1) * _WIDTH)
        self._amounts, self._places = np.zeros(_PIECE), np.zeros(_PIECE, np.int64)
        self._parts: list[Floats] = []

    def push(self, tape: Any, ends: Integers) -> None:
        """Take a batch, cut into bars at ``ends``."""
        out = np.empty((len(ends) - 1, len(self.names)))
        notional = _NOT_GIVEN if tape.notional is None else tape.notional
        given = (tape.price, tape.quantity, notional, tape.side)
        price, quantity, notional, side = map(np.ascontiguousarray, given)
        fold_classes(
            price,
            quantity,
            notional,
            side,
            self._values,
            ends,
            self._table,
            self._state,
            self._total,
            self._amounts,
            self._places,
            out,
        )
        if len(out):
            self._parts.append(out)

    def columns(self) -> dict[str, Floats]:
        """All closed bars by column."""
        made = np.concatenate([np.zeros((0, len(self.names))), *self._parts])
        return {name: made[:, i] for i, name in enumerate(self.names)}


class ClassRows:
    """The price rows of every class, of one bar kind.

    Parameters
    ----------
    edges : tuple of float
        Amounts.
    tick, row_ticks, known
        As for `RowFold`.
    """

    def __init__(self, edges: tuple[float, ...], tick: float, row_ticks: int, *, known: bool) -> None:
        self._edges = np.array(edges)
        self._folds = {span: RowFold(tick, row_ticks, known=known) for span in classes_between(edges)}

    def push(self, tape: Tape, ends: Integers) -> None:
        """Take a batch, cut into bars at ``ends``."""
        notional = tape.price * tape.quantity if tape.notional is None else tape.notional
        of_row = np.searchsorted(self._edges, notional, "right")
        for k, fold in enumerate(self._folds.values()):
            own = of_row == k
            before = np.concatenate([[0], np.cumsum(own)])
            fold.push(tape.take(own), before[ends].astype(np.int64))

    def levels(self) -> dict[SizeClass, Levels]:
        """All rows of all closed bars by class."""
        return {span: fold.levels() for span, fold in self._folds.items()}


_NOT_GIVEN = np.empty(0)
