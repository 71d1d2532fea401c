"""Compiled readers of cells: whole numbers, decimals and words, the cells of four lines at once.

They are written for addresses, as compiled functions pay for every array they are called with, and in vectors, which
become what the processor has: a few instructions for four cells where it knows 64 bytes at once, else some more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.cgutils import global_constant
from numba.extending import intrinsic

PADDING = bytes(64)
"""What has to stand before a text and behind it: readers look that far beyond a cell."""
MOST = 16
"""Digits that a number may have."""
LINES = 4
"""Lines that are read at once."""

_U1, _U8, _U16, _U32, _U64 = (ir.IntType(bits) for bits in (1, 8, 16, 32, 64))
_F64 = ir.DoubleType()
_BYTES = ir.VectorType(_U8, LINES * MOST)
_FOUR = ir.VectorType(_U64, LINES)
_ZERO, _POINT, _MARK = ord("0"), ord("."), 4
_LARGEST = 2**53
"""Whole numbers below it are exact as floats."""
_LOWER = 0x2020202020202020
_EVERY, _TOP = 0x0001000100010001, 0x8000800080008000
"""The lowest and the highest of the sixteen bits that each line has in a mask."""


def _load(builder: Any, address: Any, kind: Any) -> Any:
    """What stands at an address."""
    return builder.load(builder.inttoptr(address, kind.as_pointer()), align=1)


def _store(builder: Any, value: Any, address: Any) -> None:
    """Put a vector at an address."""
    builder.store(value, builder.inttoptr(address, value.type.as_pointer()), align=8)


def _number(value: int) -> Any:
    return ir.Constant(_U64, value)


def _all(kind: Any, value: int) -> Any:
    """A vector that holds a known ``value`` in every place."""
    return ir.Constant(kind, [value] * kind.count)


def _picked(builder: Any, first: Any, second: Any, places: Iterable[int]) -> Any:
    """A vector of some places of two others; the places of the second are counted on from the first's."""
    at = list(places)
    return builder.shuffle_vector(first, second, ir.Constant(ir.VectorType(_U32, len(at)), at))


def _everywhere(builder: Any, value: Any, kind: Any) -> Any:
    """A vector that holds ``value`` in every place."""
    nothing = ir.Constant(kind, ir.Undefined)
    one = builder.insert_element(nothing, value, ir.Constant(_U32, 0))
    return _picked(builder, one, nothing, [0] * kind.count)


def _row(builder: Any, values: Sequence[Any]) -> Any:
    """A vector of single values."""
    row = ir.Constant(ir.VectorType(values[0].type, len(values)), ir.Undefined)
    for place, value in enumerate(values):
        row = builder.insert_element(row, value, ir.Constant(_U32, place))
    return row


def _joined(builder: Any, parts: Sequence[Any]) -> Any:
    """Vectors one behind the other, as many as a power of two."""
    while len(parts) > 1:
        both = range(2 * parts[0].type.count)
        parts = [_picked(builder, a, b, both) for a, b in zip(parts[::2], parts[1::2], strict=True)]
    return parts[0]


@intrinsic
def equal64(_: Any, address: Any, value: Any) -> Any:
    """Which of 64 bytes are ``value``: a bit for each, the first one lowest."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.VectorType(_U8, 64)
        same = builder.icmp_unsigned("==", _load(builder, args[0], kind), _everywhere(builder, args[1], kind))
        return builder.bitcast(same, _U64)

    return types.uint64(address, types.uint8), emit


@intrinsic
def byte(_: Any, address: Any) -> Any:
    """The byte at an address."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.zext(_load(builder, args[0], _U8), _U64)

    return types.int64(address), emit


@intrinsic
def mark(_: Any, marks: Any, k: Any) -> Any:
    """Mark ``k`` of those at an address."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at = builder.add(args[0], builder.mul(args[1], _number(_MARK)))
        return builder.zext(_load(builder, at, _U32), _U64)

    return types.int64(types.int64, types.int64), emit


@intrinsic
def set_mark(_: Any, marks: Any, k: Any, value: Any) -> Any:
    """Write mark ``k`` of those at an address."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at = builder.add(args[0], builder.mul(args[1], _number(_MARK)))
        builder.store(builder.trunc(args[2], _U32), builder.inttoptr(at, _U32.as_pointer()), align=_MARK)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), emit


@intrinsic
def lowest(_: Any, bits: Any) -> Any:
    """Number of the lowest bit that is set, 64 when none is."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(_U1, 0))

    return types.int64(types.uint64), emit


@intrinsic
def count(_: Any, bits: Any) -> Any:
    """How many bits are set."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.int64(types.uint64), emit


def _cells(builder: Any, base: Any, marks: Any, k: Any, step: Any, behind: Any) -> tuple[list[Any], list[Any], Any]:
    """Addresses where the cells of four lines begin and end, and their sizes as a vector."""
    at, stride = builder.add(marks, builder.mul(k, _number(_MARK))), builder.mul(step, _number(_MARK))
    starts, ends, pairs = [], [], []
    for _ in range(LINES):
        begin, end = (_load(builder, builder.add(at, _number(j * _MARK)), _U32) for j in range(2))
        starts.append(builder.add(base, builder.zext(begin, _U64)))
        ends.append(builder.sub(builder.add(base, builder.zext(end, _U64)), behind))
        pairs.append(_load(builder, at, _U64))
        at = builder.add(at, stride)
    both = _row(builder, pairs)
    begins, finishes = builder.and_(both, _all(_FOUR, 2**32 - 1)), builder.lshr(both, _all(_FOUR, 32))
    return starts, ends, builder.sub(builder.sub(finishes, begins), _everywhere(builder, behind, _FOUR))


def _before(builder: Any, ends: Sequence[Any], far: int) -> Any:
    """The sixteen bytes that end ``far`` bytes before the end of each cell."""
    kind = ir.VectorType(_U8, MOST)
    return _joined(builder, [_load(builder, builder.sub(end, _number(MOST + far)), kind) for end in ends])


def _inside(builder: Any, sizes: Any) -> Any:
    """Which of the sixteen bytes that end with each cell are among its last ``sizes``."""
    spread = builder.bitcast(sizes, ir.VectorType(_U8, 8 * LINES))
    spread = _picked(builder, spread, spread, [8 * (k // MOST) for k in range(LINES * MOST)])
    left = ir.Constant(_BYTES, [MOST - 1 - k % MOST for k in range(LINES * MOST)])
    return builder.icmp_unsigned("<", left, spread)


def _digits(builder: Any, text: Any, sizes: Any) -> tuple[Any, Any]:
    """The numbers that the last ``sizes`` bytes make, and a bit for every one that is no digit."""
    nothing = _all(_BYTES, 0)
    ones = builder.select(_inside(builder, sizes), builder.xor(text, _all(_BYTES, _ZERO)), nothing)
    strange = builder.icmp_unsigned(">", ones, _all(_BYTES, 9))
    return _added(builder, ones), builder.bitcast(strange, _U64)


def _added(builder: Any, ones: Any) -> Any:
    """The numbers that sixteen digits each make.

    Neighbours are joined to pairs and pairs to fours. Of two in one lane the first is the lower, so that a product
    with ``1 + (base << bits)`` has base × first + second on top. What a lane can hold at most is said by a mask, so
    that products stay as narrow as they are.
    """
    for bits, base in ((8, 10), (16, 100)):
        lanes = ir.VectorType(ir.IntType(2 * bits), LINES * MOST * 8 // (2 * bits))
        ones = builder.mul(builder.bitcast(ones, lanes), _all(lanes, 1 + (base << bits)))
        ones = builder.lshr(ones, _all(lanes, bits))
    halves = ir.VectorType(_U64, 2 * LINES)
    fours, most = builder.bitcast(ones, halves), _all(halves, 2**14 - 1)
    first, second = builder.and_(fours, most), builder.and_(builder.lshr(fours, _all(halves, 32)), most)
    eights = builder.add(builder.mul(first, _all(halves, 10_000)), second)
    head, tail = (_picked(builder, eights, eights, range(k, 2 * LINES, 2)) for k in range(2))
    return builder.add(builder.mul(head, _all(_FOUR, 10**8)), tail)


def _wrong(builder: Any, which: Any) -> Any:
    """A bit in the sixteen of each line that ``which`` marks."""
    return builder.bitcast(builder.zext(which, ir.VectorType(_U16, LINES)), _U64)


def _too_long(builder: Any, sizes: Any) -> Any:
    """Whether numbers have no digits or more than `MOST`."""
    return builder.icmp_unsigned(">", builder.sub(sizes, _all(_FOUR, 1)), _all(_FOUR, MOST - 1))


def _until_point(builder: Any, points: Any) -> tuple[Any, Any]:
    """The bytes of each line up to its first point, the point included; none where there is none. And who has one.

    ``points`` has sixteen bits a line, those of its points. Lines that have none get one beyond what is looked at,
    so that nothing is borrowed from the next line.
    """
    lower = _number(_TOP - _EVERY)
    some = builder.and_(builder.or_(builder.add(builder.and_(points, lower), lower), points), _number(_TOP))
    have = builder.lshr(some, _number(MOST - 1))
    whole = builder.mul(have, _number(2**16 - 1))
    safe = builder.or_(points, builder.and_(_number(_TOP), builder.not_(whole)))
    below = builder.xor(builder.sub(safe, _number(_EVERY)), safe)
    return builder.and_(below, whole), have


def _powers(builder: Any, points: Any) -> Any:
    """What the digits of each line have to be divided by: ten to the power of the digits behind the point."""
    table = ir.Constant(ir.ArrayType(_F64, MOST), [10.0 ** (MOST - 1 - k) for k in range(MOST)])
    powers, points = global_constant(builder, "powers_of_ten", table), builder.or_(points, _number(_TOP))
    found = []
    for line in range(LINES):
        at = builder.cttz(builder.lshr(points, _number(16 * line)), ir.Constant(_U1, 1))
        found.append(builder.load(builder.gep(powers, [_number(0), at])))
    return _row(builder, found)


@intrinsic
def wholes(_: Any, base: Any, marks: Any, k: Any, step: Any, behind: Any, out: Any) -> Any:
    """Read the whole numbers, up to `MOST` digits without a sign, of a cell in four lines.

    Takes the addresses of the text, of the marks and of where the values go, the number of the first cell, cells from
    one line to the next, and bytes from the end of a cell to the next. Gives sixteen bits a line, 0 where all is well.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, ends, sizes = _cells(builder, *args[:5])
        values, strange = _digits(builder, _before(builder, ends, 0), sizes)
        _store(builder, values, args[5])
        return builder.or_(strange, _wrong(builder, _too_long(builder, sizes)))

    return types.uint64(*[types.int64] * 6), emit


@intrinsic
def decimals(_: Any, base: Any, marks: Any, k: Any, step: Any, behind: Any, out: Any) -> Any:
    """Read the decimals, up to `MOST` digits without a sign, of a cell in four lines, as the floats nearest to them.

    As `wholes`. Digits that make less than 2 ** 53 and the power of ten are both exact as floats, so that their
    quotient is rounded once.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, ends, sizes = _cells(builder, *args[:5])
        text = _before(builder, ends, 0)
        points = builder.icmp_unsigned("==", text, _all(_BYTES, _POINT))
        points = builder.bitcast(builder.and_(points, _inside(builder, sizes)), _U64)
        until, have = _until_point(builder, points)
        # What stands up to the point moves up by a byte, over it.
        moved = builder.bitcast(until, ir.VectorType(_U1, LINES * MOST))
        text = builder.select(moved, _before(builder, ends, 1), text)
        sizes = builder.sub(sizes, builder.zext(builder.bitcast(have, ir.VectorType(_U16, LINES)), _FOUR))
        values, strange = _digits(builder, text, sizes)
        floats = builder.sitofp(values, ir.VectorType(_F64, LINES))
        _store(builder, builder.fdiv(floats, _powers(builder, points)), args[5])
        large = builder.icmp_unsigned(">=", values, _all(_FOUR, _LARGEST))
        return builder.or_(strange, _wrong(builder, builder.or_(large, _too_long(builder, sizes))))

    return types.uint64(*[types.int64] * 6), emit


@intrinsic
def words(_: Any, base: Any, marks: Any, k: Any, step: Any, behind: Any, out: Any, flag: Any) -> Any:
    """Read the words of a cell in four lines: with ``flag`` true as 1 and false as 0, else buy as 1 and sell as −1.

    As `wholes`. Words have one to seven letters, large or small.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        starts, _, sizes = _cells(builder, *args[:5])
        # Moved up, so that what stands behind the word is gone.
        rest = builder.mul(builder.sub(_all(_FOUR, 8), sizes), _all(_FOUR, 8))
        rest = builder.and_(rest, _all(_FOUR, 63))
        found = builder.shl(_row(builder, [_load(builder, start, _U64) for start in starts]), rest)
        small = builder.or_(found, builder.shl(_all(_FOUR, _LOWER), rest))
        short = builder.select(args[6], found, small)
        yes = _either(builder, args[6], (small, "true", "buy"), (short, "1", "b"))
        no = _either(builder, args[6], (small, "false", "sell"), (short, "0", "s"))
        less = builder.select(args[6], _all(_FOUR, 0), builder.zext(no, _FOUR))
        _store(builder, builder.sub(builder.zext(yes, _FOUR), less), args[5])
        long = builder.icmp_unsigned(">", builder.sub(sizes, _all(_FOUR, 1)), _all(_FOUR, 6))
        return _wrong(builder, builder.or_(long, builder.not_(builder.or_(yes, no))))

    return types.uint64(*[types.int64] * 6, types.boolean), emit


def _either(builder: Any, flag: Any, *wanted: tuple[Any, str, str]) -> Any:
    """Which words are one of some: the first of each pair where ``flag`` is set, else the second."""
    hits = []
    for found, true, side in wanted:
        spelled = builder.select(flag, _number(_spelled(true)), _number(_spelled(side)))
        hits.append(builder.icmp_unsigned("==", found, _everywhere(builder, spelled, _FOUR)))
    return builder.or_(*hits)


def _spelled(text: str) -> int:
    """The number that a word makes in the highest bytes."""
    return int.from_bytes(text.encode().rjust(8, b"\0"), "little")
