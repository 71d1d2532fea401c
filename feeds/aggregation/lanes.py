"""Four sums side by side: a numba type of four floats that the processor adds with one instruction."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, register_model

LANES = 4


class _FourType(types.Type):
    def __init__(self) -> None:
        super().__init__(name="Four")


FOUR = _FourType()
_VECTOR, _F64, _U64 = ir.VectorType(ir.DoubleType(), LANES), ir.DoubleType(), ir.IntType(64)


@register_model(_FourType)
class _FourModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VECTOR)


def _place(context: Any, builder: Any, kind: Any, array: Any, at: Any) -> Any:
    """Where four floats of an array begin, as an address of theirs."""
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [at]), _VECTOR.as_pointer())


@intrinsic
def four(_: Any, array: Any, at: Any) -> Any:
    """The four floats of an array of float64 from ``at`` on."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_place(context, builder, signature.args[0], *args), align=8)

    return FOUR(array, types.int64), emit


@intrinsic
def put(_: Any, array: Any, at: Any, value: Any) -> Any:
    """Write four floats into an array of float64 from ``at`` on."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[2], _place(context, builder, signature.args[0], args[0], args[1]), align=8)
        return context.get_dummy_value()

    return types.void(array, types.int64, FOUR), emit


@intrinsic
def first(_: Any, value: Any) -> Any:
    """The first of four."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.extract_element(args[0], ir.Constant(ir.IntType(32), 0))

    return types.float64(FOUR), emit


@intrinsic
def with_first(_: Any, value: Any, new: Any) -> Any:
    """The same four with another first."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.insert_element(args[0], args[1], ir.Constant(ir.IntType(32), 0))

    return FOUR(FOUR, types.float64), emit


def _both(operation: Any) -> Any:
    """An intrinsic that does to each of two fours what ``operation`` does."""

    def work(_: Any, a: Any, b: Any) -> Any:
        def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return operation(builder, *args)

        return FOUR(FOUR, FOUR), emit

    return intrinsic(work)


plus = _both(lambda builder, a, b: builder.fadd(a, b))
minus = _both(lambda builder, a, b: builder.fsub(a, b))
larger = _both(lambda builder, a, b: builder.select(builder.fcmp_ordered(">", a, b), a, b))
smaller = _both(lambda builder, a, b: builder.select(builder.fcmp_ordered("<", a, b), a, b))
