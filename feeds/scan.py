"""The compiled scanner: CSV bytes straight into columns, without a string in between."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from ..core.kernels import compiled

SKIP, DECIMAL, INTEGER, FLAG, SIDE = range(5)
"""What a cell is: nothing we want, a decimal, a whole number, true or false, buy or sell."""
POWERS = np.array([10.0**k for k in range(23)])
"""The powers of ten that a float64 holds exactly."""
_EXACT = 1 << 53
_TRUE, _FALSE, _BUY, _SELL = (int.from_bytes(word) for word in (b"true", b"false", b"buy", b"sell"))
_COMMA, _NEWLINE, _RETURN, _POINT, _ZERO = 44, 10, 13, 46, 48

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@intrinsic
def byte(_: Any, address: Any) -> Any:
    """The byte at a memory address, as a number.

    Compiled functions pay for every array they are called with; an address costs nothing, and the small functions
    below are called once or more per cell.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = context.get_value_type(types.uint8)
        value = builder.load(builder.inttoptr(args[0], kind.as_pointer()))
        return builder.zext(value, context.get_value_type(types.int64))

    return types.int64(address), emit


@compiled
def _digits(i: int) -> tuple[int, int, int, int]:
    """Digits at ``i``, a point among them allowed: their value, how many, how many behind the point, where they end.

    The value is right for up to 18 digits.
    """
    value, start = 0, i
    digit = byte(i) - _ZERO
    while 0 <= digit <= 9:
        value = value * 10 + digit
        i += 1
        digit = byte(i) - _ZERO
    if byte(i) != _POINT:
        return value, i - start, 0, i
    point = i
    i += 1
    digit = byte(i) - _ZERO
    while 0 <= digit <= 9:
        value = value * 10 + digit
        i += 1
        digit = byte(i) - _ZERO
    return value, i - start - 1, i - point - 1, i


@compiled
def _past(i: int) -> int:
    """The end of the cell that ``i`` is in."""
    b = byte(i)
    while b not in (_COMMA, _NEWLINE):
        i += 1
        b = byte(i)
    return i


@compiled
def _end(i: int) -> int:
    """``i``, or the newline behind it when a carriage return stands there."""
    return i + 1 if byte(i) == _RETURN and byte(i + 1) == _NEWLINE else i


@compiled
def _word(start: int, size: int) -> int:
    """A word of one to five bytes in lower case, as one big-endian number; 0 for a longer or an empty one."""
    word = 0
    for i in range(start, start + size if size <= 5 else start):
        word = word << 8 | byte(i) | 32
    return word


@compiled
def _flag(word: int) -> int:
    """1 for true, 0 for false, −1 for neither."""
    if word in (_TRUE, 49):
        return 1
    return 0 if word in (_FALSE, 48) else -1


@compiled
def _side(word: int) -> int:
    """1 for buy or b, −1 for sell or s, 0 for neither."""
    if word in (_BUY, 98):
        return 1
    return -1 if word in (_SELL, 115) else 0


@compiled
def scan(
    at: int,
    end: int,
    kinds: Integers,
    slots: Integers,
    powers: Floats,
    floats: Floats,
    integers: Integers,
    odd: Integers,
) -> tuple[int, int, int]:
    """Read whole lines until the text, the room for rows or the room for oddities ends.

    A decimal becomes the float nearest to it: digits and power of ten are both exact as floats, so their quotient
    is rounded once. Whatever is not read that way (more than 15 to 17 digits, an exponent, a sign, a letter, a wrong
    number of cells) is written down in ``odd`` for the caller to look at; its row is kept, so that rows number lines.

    Parameters
    ----------
    at, end : int
        Addresses of the first byte and behind the last, which is a newline.
    kinds, slots : ndarray of int64
        Per cell: what it is, and the row of ``floats`` or ``integers`` it goes to.
    powers : ndarray of float64
        `POWERS`.
    floats, integers : ndarray, one row per column
        Take the values.
    odd : ndarray of int64, four columns
        Takes row, cell (−1 for a line with a wrong number of cells) and the addresses of what could not be read.

    Returns
    -------
    tuple of int
        Where reading stopped, rows read, oddities written.
    """
    cells, room, most = len(kinds), min(floats.shape[1], integers.shape[1]), len(odd) - len(kinds) - 1
    i, row, strange = at, 0, 0
    while i < end and row < room and strange < most:
        line, cell = i, 0
        while True:
            start, kind = i, kinds[cell]
            good = True
            if kind == SKIP:
                i = _past(i)
            elif kind <= INTEGER:
                value, count, scale, i = _digits(i)
                if kind == DECIMAL:
                    while value >= _EXACT and scale > 0 and value % 10 == 0:
                        value //= 10
                        scale -= 1
                    good = 0 < count <= 18 and value < _EXACT and i - start <= count + 1
                    floats[slots[cell], row] = value / powers[scale] if good else np.nan
                else:
                    good = 0 < count <= 18 and i - start == count
                    integers[slots[cell], row] = value
            else:
                i = _past(i)
                size = i - start - (byte(i) == _NEWLINE and byte(i - 1) == _RETURN)
                word = _flag(_word(start, size)) if kind == FLAG else _side(_word(start, size))
                good = word >= 0 if kind == FLAG else word != 0
                integers[slots[cell], row] = word
            i = _end(i)
            if byte(i) != _COMMA and byte(i) != _NEWLINE:
                good = False
                i = _past(i)
            if not good:
                odd[strange, 0], odd[strange, 1], odd[strange, 2], odd[strange, 3] = row, cell, start, i
                strange += 1
            cell += 1
            if byte(i) == _NEWLINE or cell == cells:
                break
            i += 1
        if cell != cells or byte(i) != _NEWLINE:
            while byte(i) != _NEWLINE:
                i += 1
            odd[strange, 0], odd[strange, 1], odd[strange, 2], odd[strange, 3] = row, -1, line, i
            strange += 1
        i += 1
        row += 1
    return i, row, strange
