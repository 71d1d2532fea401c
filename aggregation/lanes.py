"""Numbers side by side: vectors in code under way, worked on by operators, each an instruction of the processor."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from llvmlite import ir
from numba.core.cgutils import get_or_insert_function

LANES = 8
"""Numbers in a vector: as many as the widest processors add at once; others take two or four instructions."""

U1, U8, U32, U64 = (ir.IntType(bits) for bits in (1, 8, 32, 64))
F64 = ir.DoubleType()
FLOATS, WHOLES, BYTES = (ir.VectorType(kind, LANES) for kind in (F64, U64, U8))
SIZE = 8
"""Bytes of a float or a whole number."""


def number(value: int) -> Any:
    """A known whole number."""
    return ir.Constant(U64, value)


def everywhere(kind: Any, value: float) -> Any:
    """A known value in every lane."""
    return ir.Constant(kind, [value] * LANES)


def _align(kind: Any) -> int:
    return 1 if kind == BYTES else SIZE


class Lanes:
    """A vector in code under way.

    Parameters
    ----------
    builder : llvmlite.ir.IRBuilder
        What writes the code.
    value : llvmlite.ir.Value
        The vector.
    """

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value = builder, value

    @classmethod
    def load(cls, builder: Any, address: Any, kind: Any = FLOATS) -> Lanes:
        """What stands at an address."""
        return cls(builder, builder.load(builder.inttoptr(address, kind.as_pointer()), align=_align(kind)))

    @classmethod
    def spread(cls, builder: Any, value: Any) -> Lanes:
        """One value in every lane."""
        none = ir.Constant(ir.VectorType(value.type, LANES), ir.Undefined)
        return cls(builder, builder.insert_element(none, value, ir.Constant(U32, 0))).picked([0] * LANES)

    def store(self, address: Any) -> None:
        """Put it at an address."""
        place = self.builder.inttoptr(address, self.value.type.as_pointer())
        self.builder.store(self.value, place, align=_align(self.value.type))

    def lane(self, k: int) -> Any:
        """The value of one lane."""
        return self.builder.extract_element(self.value, ir.Constant(U32, k))

    def picked(self, places: Iterable[int], other: Lanes | None = None) -> Lanes:
        """Some places of it and of another, whose are counted on from its own."""
        second = ir.Constant(self.value.type, ir.Undefined) if other is None else other.value
        wanted = ir.Constant(ir.VectorType(U32, LANES), list(places))
        return self._made(self.builder.shuffle_vector(self.value, second, wanted))

    def behind(self, before: Lanes, by: int = 1) -> Lanes:
        """All moved up ``by`` lanes, the last ones of ``before`` ahead of them."""
        return before.picked(range(LANES - by, 2 * LANES - by), self)

    def where(self, mask: Any, other: Lanes | float = 0.0) -> Lanes:
        """Its lanes that ``mask`` marks, else those of another."""
        return self._made(self.builder.select(mask, self.value, self._other(other)))

    def floats(self) -> Lanes:
        """Whole numbers as floats."""
        one = self.value.type == U64
        return self._made(self.builder.sitofp(self.value, F64 if one else FLOATS))

    def root(self) -> Lanes:
        """The square root of a single number."""
        root = self.builder.module.declare_intrinsic("llvm.sqrt", [F64])
        return self._made(self.builder.call(root, [self.value]))

    def larger(self, other: Lanes) -> Lanes:
        """The larger of both, its own where that is no number."""
        return self._made(self.builder.select(other > self, other.value, self.value))

    def smaller(self, other: Lanes) -> Lanes:
        """The smaller of both, its own where that is no number."""
        return self._made(self.builder.select(other < self, other.value, self.value))

    def _made(self, value: Any) -> Lanes:
        return Lanes(self.builder, value)

    def _other(self, other: Lanes | float) -> Any:
        if isinstance(other, Lanes):
            return other.value
        return ir.Constant(F64, other) if self.value.type == F64 else everywhere(FLOATS, other)

    def __add__(self, other: Lanes | float) -> Lanes:
        return self._made(self.builder.fadd(self.value, self._other(other)))

    def __sub__(self, other: Lanes | float) -> Lanes:
        return self._made(self.builder.fsub(self.value, self._other(other)))

    def __mul__(self, other: Lanes | float) -> Lanes:
        return self._made(self.builder.fmul(self.value, self._other(other)))

    def __truediv__(self, other: Lanes | float) -> Lanes:
        return self._made(self.builder.fdiv(self.value, self._other(other)))

    def __gt__(self, other: Lanes | float) -> Any:
        return self.builder.fcmp_ordered(">", self.value, self._other(other))

    def __lt__(self, other: Lanes | float) -> Any:
        return self.builder.fcmp_ordered("<", self.value, self._other(other))

    def __ge__(self, other: Lanes | float) -> Any:
        return self.builder.fcmp_ordered(">=", self.value, self._other(other))


def two_sum(a: Lanes, b: Lanes) -> tuple[Lanes, Lanes]:
    """The sum as rounded, and what was rounded off: together the sum itself."""
    x = a + b
    z = x - a
    return x, (a - (x - z)) + (b - z)


def bits(builder: Any, mask: Any) -> Any:
    """A mask as a number, a bit a lane."""
    return builder.bitcast(mask, ir.IntType(LANES))


def place(builder: Any, base: Any, k: int) -> Any:
    """The address of value ``k``."""
    return builder.add(base, number(k * SIZE))


def single(builder: Any, address: Any, kind: Any) -> Any:
    """The value at an address."""
    return builder.load(builder.inttoptr(address, kind.as_pointer()), align=SIZE)


def put(builder: Any, value: Any, address: Any) -> None:
    """Write a value to an address."""
    builder.store(value, builder.inttoptr(address, value.type.as_pointer()), align=SIZE)


def declared(builder: Any, name: str, gives: Any, *takes: Any) -> Any:
    """A function that LLVM knows by name."""
    return get_or_insert_function(builder.module, ir.FunctionType(gives, takes), name)
