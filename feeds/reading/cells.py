"""Compiled readers of one cell: whole numbers and decimals sixteen digits at a time, and words.

They are written for addresses, as compiled functions pay for every array they are called with and these are called once
or more per cell. The vectors below become what the processor has: one instruction or a few.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.cgutils import global_constant
from numba.extending import intrinsic

from ...core.kernels import inlined

PADDING = bytes(64)
"""What has to stand before a text and behind it: readers look that far beyond a cell."""
MOST = 16
"""Digits that `digits` takes."""
POWERS = np.array([10.0 ** min(k, 22) for k in range(32)])
"""The powers of ten that a float64 holds exactly, and some to fill the table."""

Bits = Any
"""64 bits without a sign, which Python has no type for."""

_U8, _U64, _U1 = ir.IntType(8), ir.IntType(64), ir.IntType(1)
_POINT, _ZERO = np.uint8(46), 48
_TOO_LARGE = np.uint64(2**64 - 2**53)
_TOO_MANY = np.uint64(2**64 - MOST)
_LOWER = np.uint64(0x2020202020202020)


def _load(builder: Any, address: Any, kind: Any) -> Any:
    """What stands at an address."""
    return builder.load(builder.inttoptr(address, kind.as_pointer()), align=1)


def _everywhere(builder: Any, value: Any, kind: Any) -> Any:
    """A vector that holds ``value`` in every place."""
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    nowhere = ir.Constant(ir.VectorType(ir.IntType(32), kind.count), [0] * kind.count)
    return builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), nowhere)


def _equal(width: int) -> Any:
    """An intrinsic that compares ``width`` bytes with one: a bit for each that is the same, the first one lowest."""

    def equal(_: Any, address: Any, value: Any) -> Any:
        def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kind = ir.VectorType(_U8, width)
            same = builder.icmp_unsigned("==", _load(builder, args[0], kind), _everywhere(builder, args[1], kind))
            bits = builder.bitcast(same, ir.IntType(width))
            return bits if width == 64 else builder.zext(bits, _U64)

        return types.uint64(address, types.uint8), emit

    return intrinsic(equal)


equal16, equal64 = _equal(16), _equal(64)


@intrinsic
def byte(_: Any, address: Any) -> Any:
    """The byte at an address."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.zext(_load(builder, args[0], _U8), _U64)

    return types.int64(address), emit


@intrinsic
def word(_: Any, address: Any) -> Any:
    """The eight bytes from an address on, the first one lowest."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _load(builder, args[0], _U64)

    return types.uint64(address), emit


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


@intrinsic
def digits(_: Any, end: Any, size: Any, places: Any) -> Any:
    """The number that ``size`` digits make (up to `MOST`), and one bit for each of them that is no digit.

    The last ``places`` of them stand before the address ``end``, the rest before one byte more, which is the point.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.VectorType(_U8, MOST)
        start = builder.sub(args[0], ir.Constant(_U64, MOST))
        behind, before = (_load(builder, builder.sub(start, ir.Constant(_U64, k)), kind) for k in range(2))
        inside, last = _last(builder, args[1], kind), _last(builder, args[2], kind)
        found = builder.or_(builder.and_(behind, last), builder.and_(before, builder.not_(last)))
        found = builder.and_(builder.xor(found, ir.Constant(kind, [_ZERO] * MOST)), inside)
        strange = builder.bitcast(builder.icmp_unsigned(">", found, ir.Constant(kind, [9] * MOST)), ir.IntType(MOST))
        value = _joined(builder, found), builder.zext(strange, _U64)
        return context.make_tuple(builder, signature.return_type, value)

    return types.UniTuple(types.uint64, 2)(types.int64, types.int64, types.int64), emit


def _last(builder: Any, size: Any, kind: Any) -> Any:
    """A mask of the last ``size`` places of a vector.

    From memory, because a comparison would want ``size`` in a register of eight bits, and those make the processor
    wait for what stood in the rest of it.
    """
    mask = [0] * MOST + [255] * MOST + [0] * MOST
    table = global_constant(builder, "last_bytes", ir.Constant(ir.ArrayType(_U8, len(mask)), mask))
    at = builder.add(builder.ptrtoint(table, _U64), builder.and_(size, ir.Constant(_U64, 2 * MOST - 1)))
    return _load(builder, at, kind)


def _joined(builder: Any, ones: Any) -> Any:
    """The number that sixteen digits make.

    Neighbours are joined to pairs and pairs to fours. Of two in one lane the first is the lower, so that a product
    with ``1 + (base << bits)`` has base × first + second on top.
    """
    for bits, base in ((8, 10), (16, 100)):
        lanes = ir.VectorType(ir.IntType(2 * bits), MOST * 8 // (2 * bits))
        factor = ir.Constant(lanes, [1 + (base << bits)] * lanes.count)
        ones = builder.mul(builder.bitcast(ones, lanes), factor)
        ones = builder.lshr(ones, ir.Constant(lanes, [bits] * lanes.count))
    halves = ir.VectorType(_U64, 2)
    fours = builder.bitcast(ones, halves)
    first = builder.and_(fours, ir.Constant(halves, [0xFFFFFFFF] * 2))
    second = builder.lshr(fours, ir.Constant(halves, [32] * 2))
    eights = builder.add(builder.mul(first, ir.Constant(halves, [10_000] * 2)), second)
    head, tail = (builder.extract_element(eights, ir.Constant(ir.IntType(32), k)) for k in range(2))
    return builder.add(builder.mul(head, ir.Constant(_U64, 10**8)), tail)


@inlined
def whole(start: int, end: int) -> tuple[Any, Bits]:
    """The whole number of some bytes, and 0 if it is one: up to `MOST` digits without a sign."""
    size = end - start
    value, wrong = digits(end, size, MOST)
    return np.int64(value), wrong | np.uint64(size - 1) & _TOO_MANY


@inlined
def decimal(start: int, end: int) -> tuple[float, Bits]:
    """The decimal of some bytes as the float nearest to it, and 0 if it could be read: up to `MOST` digits.

    Digits below 2 ** 53 and the power of ten are both exact as floats, so their quotient is rounded once.
    """
    size = end - start
    point = lowest(equal16(start, _POINT))
    pointed = np.int64(point < size)
    places = (size - point - 1) * pointed
    value, wrong = digits(end, size - pointed, places + MOST * (1 - pointed))
    wrong |= np.uint64(size - pointed - 1) & _TOO_MANY | value & _TOO_LARGE
    return np.float64(np.int64(value)) / POWERS[np.uint64(places & 31)], wrong


@inlined
def letters(start: int, end: int) -> Bits:
    """A word of one to seven bytes in lower case, as `spelled` writes it; 0 for any other."""
    size = end - start
    if size < 1 or size > 7:
        return np.uint64(0)
    return (word(start) | _LOWER) << np.uint64(64 - 8 * size)


def spelled(text: str) -> np.uint64:
    """The number that `letters` reads for a word."""
    return np.uint64(int.from_bytes(text.encode().rjust(8, b"\0"), "little"))
