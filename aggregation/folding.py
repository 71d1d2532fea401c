"""Compiled folds: the rows of a batch into bars, with the open bar carried from batch to batch.

Each kernel walks the same segments: rows ``ends[k - 1]:ends[k]`` belong to bar ``k``. Bar 0 is the bar
left open by the batch before (it may get no more rows), the last one stays open. What is open lives in
the state arrays, so that a tape gives the same bytes however it is cut into batches.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ..core.kernels import compiled, njit_internal, njit_no_refcount
from .blocks import fold_blocks
from .ending import close
from .lanes import LANES, SIZE
from .open_bar import AT, BEGIN, COLUMNS, COUNTS, EDGES, KINDS, ROOM, address, begin, enter, keep

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

PRICES = ("open", "high", "low", "close", "twap_time", "twap_trade", "realized_vol")
"""Columns of prices."""
_CLASSES = tuple(
    f"taker_{side}_{size}_order_{what}"
    for what in ("volume", "count")
    for side in ("buy", "sell")
    for size in ("small", "medium", "large")
)
FLOWS = (
    "volume",
    "quote_volume",
    "taker_buy_volume",
    "taker_sell_volume",
    "taker_buy_quote_volume",
    "taker_sell_quote_volume",
    "taker_buy_count",
    "taker_sell_count",
    *_CLASSES,
    "delta_high",
    "delta_low",
    "trades",
    "rows",
    "unknown_rows",
)
"""Columns of amounts and counts; the last two are for the quality flags."""
WIDTH = len(PRICES) + len(FLOWS)


@njit_no_refcount
def goes_back(time: Integers, before: int) -> bool:
    """Whether a row is earlier than the one ahead of it, ``before`` for the first: whether any step is negative."""
    steps = time[0] - before
    for i in range(np.uint64(1), np.uint64(len(time))):
        steps |= time[i] - time[i - np.uint64(1)]
    return bool(steps < 0)


@compiled
def add(sums: Floats, k: int, value: float) -> None:
    """Add to the sum at ``k``, and the rounding error of doing so to the one behind it."""
    a = sums[k]
    x = a + value
    z = x - a
    sums[k] = x
    sums[k + 1] += (a - (x - z)) + (value - z)


_ROWS, _KEPT = (COUNTS.index(name) for name in ("rows", "kept"))
_NONE, _ONE, _FULL = (cast("int", np.int64(number)) for number in (0, 1, LANES))
"""Of a type of their own when plain, for which all would be compiled twice."""


@njit_internal
def _work(table: int, row: int, blocks: int, live: int, state: int, counts: int) -> None:
    """`fold_blocks`, as a function of its own, so that it is compiled once."""
    fold_blocks(table, row, blocks, live, state, counts)


@njit_no_refcount
def fold(
    time: Integers,
    price: Floats,
    quantity: Floats,
    notional: Floats,
    side: NDArray[np.int8],
    trades: Integers,
    tables: Integers,
    ends: Integers,
    opens: Integers,
    closes: Integers,
    s: Floats,
    n: Integers,
    out: Floats,
) -> None:
    """Fold the rows of a batch into the open bar, and write down every bar that closes.

    Parameters
    ----------
    time, price, quantity, notional, side, trades : ndarray
        Columns of the batch; an empty ``notional`` stands for price × quantity.
    tables : ndarray of int64
        Addresses of `blocks.COLUMNS`, of the batch and of the rows that wait for their block to be filled. The first
        ones are written here.
    ends, opens, closes : ndarray of int64
        The segments, and the interval of each in µs.
    s, n : ndarray
        State: `blocks.VECTORS` and `blocks.SCALARS`, and `blocks.COUNTS`. Changed in place.
    out : ndarray of float64
        Takes `PRICES` and `FLOWS` of each closed bar, one bar behind the other.
    """
    given, state, counts, made = address(tables), address(s), address(n), address(out)
    enter((time, price, quantity, notional, side, trades), given)
    waiting, row = given + len(COLUMNS) * SIZE, _NONE
    for bar in range(len(ends)):
        end = ends[bar]
        if n[_ROWS] == 0 and row < end:
            begin(given, row, state, counts)
        n[_ROWS] += end - row
        while row < end:
            rows, free = end - row, LANES - n[_KEPT]
            if rows >= LANES and free == LANES:
                rows -= rows % LANES
                _work(given, row, rows // LANES, _FULL, state, counts)
            else:
                rows = rows if rows < free else free
                keep(given, row, rows, waiting, n[_KEPT])
                n[_KEPT] += rows
                if rows == free:
                    _work(waiting, _NONE, _ONE, _FULL, state, counts)
                    n[_KEPT] = 0
            row += rows
        if bar < len(ends) - 1:
            if n[_KEPT] != 0:
                _work(waiting, _NONE, _ONE, n[_KEPT], state, counts)
            close(opens[bar], closes[bar], state, counts, made)
            made += WIDTH * SIZE


@njit_no_refcount
def fold_flags(flags: Integers, ends: Integers, s: Integers, out: Integers) -> None:
    """Fold the flags that rows lend to their bar; an empty ``flags`` stands for none."""
    given = len(flags) > 0
    row, last = 0, len(ends) - 1
    for bar in range(len(ends)):
        if given:
            for i in range(row, ends[bar]):
                s[0] |= flags[i]
        row = ends[bar]
        if bar < last:
            out[bar] = s[0]
            s[0] = 0


class Fold:
    """The open bar of one bar kind.

    Parameters
    ----------
    edges : ndarray of float64
        Notional edges, read at every batch: where there are two, they part small, medium and large rows.
    """

    def __init__(self, edges: Floats) -> None:
        self._edges, self._spread = edges, np.empty((len(EDGES), ROOM))
        self._floats, self._counts = np.zeros(max(AT.values()) + 1), np.zeros(len(COUNTS), np.int64)
        self._floats[AT["hold"]] = np.nan
        for name, value in BEGIN.items():
            self._floats[AT[name] : AT[name] + LANES] = value
        self._kept = np.zeros((len(COLUMNS), ROOM), np.int64)
        self._tables = np.array(
            [*[0] * len(KINDS), *(row.ctypes.data for row in (*self._spread, *self._kept))], np.int64
        )
        self._flags = np.zeros(1, np.int64)

    def push(self, tape: Any, opens: Integers, closes: Integers, ends: Integers) -> tuple[Floats, Integers]:
        """Take a batch; returns `PRICES` and `FLOWS`, one row a bar, and flags of the bars that it closed.

        Parameters
        ----------
        tape : Tape
            The batch.
        opens, closes, ends : ndarray of int64
            The segments: interval and end row of every bar that the batch touches.
        """
        closed = len(ends) - 1
        made, flags = np.empty((closed, WIDTH)), np.zeros(closed, np.int64)
        self._spread[:] = self._edges[:, None] if len(self._edges) == len(EDGES) else np.inf
        notional = _NOT_GIVEN if tape.notional is None else tape.notional
        columns = tape.time, tape.price, tape.quantity, notional, tape.side, tape.trades
        time, price, quantity, notional, side, trades = map(np.ascontiguousarray, columns)
        state = self._tables, ends, opens, closes, self._floats, self._counts
        fold(time, price, quantity, notional, side, trades, *state, made.reshape(-1))
        if tape.flags is not None or self._flags[0]:
            marks = np.empty(0, np.int64) if tape.flags is None else tape.flags
            fold_flags(marks, ends, self._flags, flags)
        return made, flags


_NOT_GIVEN = np.empty(0)
