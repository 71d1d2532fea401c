"""The compiled scanner: CSV bytes straight into columns, without a string in between.

A text is looked through twice: first for commas and newlines, 64 bytes at a time, which tells where every cell is;
then the wanted cells are read where they are. What nobody wants is not looked at again.

Texts, marks (int32, where each cell begins) and values are given by their addresses.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.kernels import njit_no_refcount
from .cells import LINES, byte, count, decimals, equal64, lowest, mark, set_mark, wholes, words

SKIP, DECIMAL, INTEGER, FLAG, SIDE = range(5)
"""What a cell is: nothing we want, a decimal, a whole number, true or false, buy or sell."""
_GROUP = 256
"""Lines read column by column before the next ones: their text stays in the nearest cache."""
_COMMA, _NEWLINE, _RETURN = np.uint8(44), np.uint8(10), 13
_ONE, _LANE = np.uint64(1), np.uint64(2**16 - 1)

Integers = NDArray[np.int64]


@njit_no_refcount
def find(base: int, at: int, end: int, width: int, marks: int) -> tuple[int, int, bool]:
    """Where cells begin: behind every comma and newline.

    Eight are written per block whether it has them or not, and the surplus is overwritten: that is cheaper than to
    guess how many there are.

    Parameters
    ----------
    base : int
        Address of the text.
    at, end : int
        First byte to look at, and the one behind the last.
    width : int
        Cells that each line should have.
    marks : int
        Address that takes positions in the text, of cells, from ``at`` itself on; there is room for one for every
        byte of the text, and for a block more.

    Returns
    -------
    tuple
        Cells and lines that end, and whether every line has ``width`` cells.
    """
    set_mark(marks, 0, at)
    cells, lines = 1, 0
    for block in range(at, end, 64):
        newline = equal64(base + block, _NEWLINE)
        bits = equal64(base + block, _COMMA) | newline
        if end - block < 64:
            inside = (_ONE << np.uint64(end - block)) - _ONE
            newline, bits = newline & inside, bits & inside
        n = count(bits)
        for j in range(8 if n <= 8 else n):
            set_mark(marks, cells + j, block + 1 + lowest(bits))
            bits &= bits - _ONE
        cells, lines = cells + n, lines + count(newline)
    fine = cells - 1 == lines * width
    for line in range(1, lines + 1 if fine else 1):
        fine &= byte(base + mark(marks, line * width) - 1) == _NEWLINE
    return cells - 1, lines, fine


@njit_no_refcount
def returns(base: int, marks: int, lines: int, width: int) -> bool:
    """Whether a carriage return stands before the newline of every line, of which each has ``width`` cells."""
    fine = True
    for line in range(1, lines + 1):
        fine &= byte(base + mark(marks, line * width) - 2) == _RETURN
    return fine


@njit_no_refcount
def straighten(base: int, marks: int, found: int, cells: int, out: int, wrong: Integers) -> int:
    """Marks with ``cells`` cells for every line: the cells of a line that has more or fewer are made empty.

    Parameters
    ----------
    base : int
        Address of the text.
    marks : int
        As `find` filled them.
    found, cells : int
        Cells that there are, and how many each line should have.
    out : int
        Address that takes the marks.
    wrong : ndarray of int64
        Takes the lines that have more or fewer.

    Returns
    -------
    int
        How many lines have more or fewer.
    """
    line, strange, first = 0, 0, 0
    set_mark(out, 0, mark(marks, 0))
    for last in range(1, found + 1):
        if byte(base + mark(marks, last) - 1) != _NEWLINE:
            continue
        right = last - first == cells
        for cell in range(1, cells + 1):
            set_mark(out, line * cells + cell, mark(marks, first + cell if right else last))
        if not right:
            wrong[strange] = line
            strange += 1
        line, first = line + 1, last
    return strange


@njit_no_refcount
def scan(
    base: int,
    marks: int,
    kinds: Integers,
    rows: Integers,
    lines: int,
    returned: int,
    values: int,
    room: int,
    odd: Integers,
) -> int:
    """Read the wanted cells of some lines.

    A decimal becomes the float nearest to it. Whatever cannot be read here (more than 15 or 16 digits, an exponent, a
    sign, a letter) is written down in ``odd`` for the caller to look at.

    Parameters
    ----------
    base : int
        Address of the text.
    marks : int
        Where cells begin, as `find` tells, from the first cell of the first line on; those of `LINES` lines more may
        be anywhere in the text.
    kinds, rows : ndarray of int64
        Per cell: what it is, and the row of ``values`` it goes to.
    lines, returned : int
        How many there are, and carriage returns at the end of each.
    values : int
        Address that takes the values, one row a column, of 64 bits each.
    room : int
        Values in a row: ``lines``, and as many more as make it a multiple of `LINES`.
    odd : ndarray of int64, two columns
        Takes line and cell of what could not be read; has room for every cell.

    Returns
    -------
    int
        Oddities written.
    """
    cells, strange = len(kinds), 0
    for lo in range(0, lines, _GROUP):
        hi = lines if lines - lo < _GROUP else lo + _GROUP
        for cell in range(cells):
            kind, k, out = kinds[cell], lo * cells + cell, values + 8 * (rows[cell] * room + lo)
            behind = 1 + (returned if cell == cells - 1 else 0)
            for line in range(lo, hi if kind != SKIP else lo, LINES):
                if kind == DECIMAL:
                    wrong = decimals(base, marks, k, cells, behind, out)
                elif kind == INTEGER:
                    wrong = wholes(base, marks, k, cells, behind, out)
                else:
                    wrong = words(base, marks, k, cells, behind, out, kind == FLAG)
                k, out = k + LINES * cells, out + LINES * 8
                at = line
                while wrong != 0:
                    if wrong & _LANE != 0 and at < hi:
                        odd[strange, 0], odd[strange, 1] = at, cell
                        strange += 1
                    wrong >>= np.uint64(16)
                    at += 1
    return strange
