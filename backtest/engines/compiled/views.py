"""Arrays of several desks as compiled code sees them: a table of where each begins, and tuples of them made of a row.

So one loop serves any number of desks whose bars differ in number, without copies, and what it calls is compiled once
for runs of one desk and of many.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from .state import Integers

DIMENSIONS = 3
"""The most that an array has."""


def table_of(rows: Sequence[Sequence[Any]]) -> tuple[Integers, list[Any]]:
    """Where the arrays of each row begin, and their shapes; and the arrays themselves, which have to be kept.

    Parameters
    ----------
    rows : sequence of sequence of ndarray
        Arrays of one place have one type and number of dimensions in all rows. Those that do not lie in one piece are
        copied, so that only what is read may be such.

    Returns
    -------
    table : ndarray of int64, (rows, arrays, 4)
        Address and shape.
    kept : list of ndarray
        What lies there.
    """
    kept = [[np.ascontiguousarray(array) for array in row] for row in rows]
    table = np.zeros((len(kept), len(kept[0]), 1 + DIMENSIONS), np.int64)
    for place, row in zip(table, kept, strict=True):
        for entry, array in zip(place, row, strict=True):
            entry[0] = array.ctypes.data
            entry[1 : 1 + array.ndim] = array.shape
    return table, kept


def _array(context: Any, builder: Any, kind: Any, entry: Any) -> Any:
    """The array of a type that an entry of a table tells of."""
    where, *shape = (builder.load(cgutils.gep_inbounds(builder, entry, i)) for i in range(1 + kind.ndim))
    size = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(kind.dtype)))
    strides = [size]
    for length in reversed(shape[1:]):
        strides.insert(0, builder.mul(strides[0], length))
    made = context.make_array(kind)(context, builder)
    data = builder.inttoptr(where, made.data.type)
    populate_array(made, data=data, shape=shape, strides=strides, itemsize=size, meminfo=None)
    return made._getvalue()


@intrinsic
def arrays_at(_: Any, table: Any, row: Any, first: Any, like: Any) -> Any:
    """The arrays of a row of a table from place ``first`` on, as a tuple of the same types as ``like``."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        given = context.make_array(signature.args[0])(context, builder, args[0])
        places = cgutils.unpack_tuple(builder, given.shape, DIMENSIONS)[1]
        width = context.get_constant(types.intp, 1 + DIMENSIONS)
        begin = builder.add(builder.mul(args[1], places), args[2])
        made = []
        for i, kind in enumerate(signature.args[3]):
            at = builder.mul(builder.add(begin, context.get_constant(types.intp, i)), width)
            made.append(_array(context, builder, kind, cgutils.gep_inbounds(builder, given.data, at)))
        return context.make_tuple(builder, signature.return_type, made)

    return like(table, types.intp, types.intp, like), emit
