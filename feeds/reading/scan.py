"""The compiled scanner: CSV bytes straight into columns, without a string in between.

A text is looked through twice: first for commas and newlines, 64 bytes at a time, which tells where every cell is;
then the wanted cells are read where they are. What nobody wants is not looked at again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.kernels import compiled, inlined
from .cells import Bits, byte, count, decimal, equal64, letters, lowest, spelled, whole

SKIP, DECIMAL, INTEGER, FLAG, SIDE = range(5)
"""What a cell is: nothing we want, a decimal, a whole number, true or false, buy or sell."""
_GROUP = 256
"""Rows read column by column before the next ones: their text stays in the nearest cache."""
_COMMA, _NEWLINE, _RETURN = np.uint8(44), np.uint8(10), 13
_TRUE, _FALSE, _BUY, _SELL = (spelled(s) for s in ("true", "false", "buy", "sell"))
_1, _0, _B, _S = (spelled(s) for s in ("1", "0", "b", "s"))
_ONE = np.uint64(1)

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Marks = NDArray[np.int32]


@compiled
def find(base: int, at: int, end: int, marks: Marks) -> tuple[int, int]:
    """Where cells begin: behind every comma and newline.

    Eight are written per block whether it has them or not, and the surplus is overwritten: that is cheaper than to
    guess how many there are.

    Parameters
    ----------
    base : int
        Address of the text.
    at, end : int
        First byte to look at, and the one behind the last.
    marks : ndarray of int32
        Takes positions in the text, of cells, from ``at`` itself on; longer than the text by a block.

    Returns
    -------
    tuple of int
        Cells and lines that end.
    """
    marks[0] = at
    cells, lines = 1, 0
    for block in range(at, end, 64):
        newline = equal64(base + block, _NEWLINE)
        bits = equal64(base + block, _COMMA) | newline
        if end - block < 64:
            inside = (_ONE << np.uint64(end - block)) - _ONE
            newline, bits = newline & inside, bits & inside
        n = count(bits)
        for j in range(8 if n <= 8 else n):
            marks[np.uint64(cells + j)] = block + 1 + lowest(bits)
            bits &= bits - _ONE
        cells, lines = cells + n, lines + count(newline)
    return cells - 1, lines


@compiled
def even(base: int, marks: Marks, lines: int, cells: int) -> bool:
    """Whether every line has ``cells`` cells, where there are as many in all."""
    fine = True
    for line in range(1, lines + 1):
        fine &= byte(base + marks[np.uint64(line * cells)] - 1) == _NEWLINE
    return fine


@compiled
def straighten(base: int, marks: Marks, found: int, cells: int, out: Marks, wrong: Integers) -> int:
    """Marks with ``cells`` cells for every line: the cells of a line that has more or fewer are made empty.

    Parameters
    ----------
    base : int
        Address of the text.
    marks : ndarray of int32
        As `find` filled them.
    found, cells : int
        Cells that there are, and how many each line should have.
    out : ndarray of int32
        Takes the marks.
    wrong : ndarray of int64
        Takes the lines that have more or fewer.

    Returns
    -------
    int
        How many lines have more or fewer.
    """
    line, strange, first = 0, 0, 0
    out[0] = marks[0]
    for last in range(1, found + 1):
        if byte(base + marks[last] - 1) != _NEWLINE:
            continue
        right = last - first == cells
        for cell in range(1, cells + 1):
            out[line * cells + cell] = marks[first + cell if right else last]
        if not right:
            wrong[strange] = line
            strange += 1
        line, first = line + 1, last
    return strange


@inlined
def _edges(base: int, marks: Marks, k: int, last: bool) -> tuple[int, int]:
    """Where cell ``k`` begins and ends; a carriage return belongs to the newline."""
    end = base + marks[np.uint64(k + 1)] - 1
    if last and byte(end - 1) == _RETURN:
        end -= 1
    return base + marks[np.uint64(k)], end


@inlined
def _word(start: int, end: int, flag: bool) -> tuple[Any, Bits]:
    """1 for true or buy, 0 for false, −1 for sell, and 0 if it is one of them."""
    found = letters(start, end)
    yes = (found == (_TRUE if flag else _BUY)) | (found == (_1 if flag else _B))
    no = (found == (_FALSE if flag else _SELL)) | (found == (_0 if flag else _S))
    return np.int64(yes) - (0 if flag else np.int64(no)), _ONE - np.uint64(yes | no)


@compiled
def _decimals(base: int, marks: Marks, k: int, step: int, last: bool, out: Floats, odd: Integers) -> int:
    """Read cell ``k`` and every ``step``-th from there on; returns how many could not be read."""
    strange = 0
    for row in range(len(out)):
        start, end = _edges(base, marks, k, last)
        out[row], wrong = decimal(start, end)
        if wrong:
            odd[strange, 0] = row
            strange += 1
        k += step
    return strange


@compiled
def _integers(base: int, marks: Marks, k: int, step: int, last: bool, out: Integers, odd: Integers) -> int:
    """The same for whole numbers."""
    strange = 0
    for row in range(len(out)):
        start, end = _edges(base, marks, k, last)
        out[row], wrong = whole(start, end)
        if wrong:
            odd[strange, 0] = row
            strange += 1
        k += step
    return strange


@compiled
def _words(base: int, marks: Marks, k: int, step: int, last: bool, flag: bool, out: Integers, odd: Integers) -> int:
    """The same for words."""
    strange = 0
    for row in range(len(out)):
        start, end = _edges(base, marks, k, last)
        out[row], wrong = _word(start, end, flag)
        if wrong:
            odd[strange, 0] = row
            strange += 1
        k += step
    return strange


@compiled
def scan(
    base: int, marks: Marks, kinds: Integers, slots: Integers, floats: Floats, integers: Integers, odd: Integers
) -> int:
    """Read the wanted cells of some lines.

    A decimal becomes the float nearest to it. Whatever cannot be read here (more than 15 or 16 digits, an exponent, a
    sign, a letter) is written down in ``odd`` for the caller to look at.

    Parameters
    ----------
    base : int
        Address of the text.
    marks : ndarray of int32
        Where cells begin, as `find` tells, from the first cell of the first line on.
    kinds, slots : ndarray of int64
        Per cell: what it is, and the row of ``floats`` or ``integers`` it goes to.
    floats, integers : ndarray, one row per column, one column per line
        Take the values.
    odd : ndarray of int64, two columns
        Takes line and cell of what could not be read; has room for every cell.

    Returns
    -------
    int
        Oddities written.
    """
    cells, rows, strange = len(kinds), floats.shape[1], 0
    for lo in range(0, rows, _GROUP):
        hi = min(lo + _GROUP, rows)
        for cell in range(cells):
            kind, slot, k, last = kinds[cell], slots[cell], lo * cells + cell, cell == cells - 1
            n, more = 0, odd[strange:]
            if kind == DECIMAL:
                n = _decimals(base, marks, k, cells, last, floats[slot, lo:hi], more)
            elif kind == INTEGER:
                n = _integers(base, marks, k, cells, last, integers[slot, lo:hi], more)
            elif kind != SKIP:
                n = _words(base, marks, k, cells, last, kind == FLAG, integers[slot, lo:hi], more)
            for j in range(strange, strange + n):
                odd[j, 0], odd[j, 1] = odd[j, 0] + lo, cell
            strange += n
    return strange
