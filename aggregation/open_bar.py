"""The bar under way: what it is made of, where that lies in memory, and the rows that wait for their block.

A block is `LANES` rows that follow each other in a bar, from its first row on. Which rows make a block depends on the
bar alone, so that what is added up in which order does too, however the tape is cut into batches. Rows of a block that
is not full yet wait for the others.
"""

from __future__ import annotations

import math
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.cgutils import unpack_tuple
from numba.extending import intrinsic

from .lanes import (
    BYTES,
    F64,
    FLOATS,
    LANES,
    SIZE,
    U32,
    U64,
    WHOLES,
    Lanes,
    declared,
    everywhere,
    number,
    place,
    put,
    single,
)

CLASSES = tuple(f"{side}_{size}" for side in ("sell", "buy") for size in ("small", "medium", "large"))
EXACT = (*CLASSES, "volume", "unknown_quote", "unknown")
"""What is added up with its rounding error: notional by class, base, notional and base of unknown side."""
PLAIN = ("weighted", "squares", "above")
"""The same of prices: price × µs above that at the open, a quarter of the squared returns, prices above the first."""
ENDS = ("high", "low", "delta_high", "delta_low")
VECTORS = (*EXACT, *PLAIN, *(f"{name}_error" for name in EXACT), *ENDS)
BEGIN = {"high": -math.inf, "low": math.inf}
"""What a sum is before there are rows, where that is not 0."""
SCALARS = ("first", "hold", "ref", "delta", "delta_error")
"""First price, the price that holds, the price at the open; the running delta and its rounding error."""
COUNTS = (*CLASSES, "trades", "rows", "kept", "time")
"""Rows by class, raw trades, rows, those of them that wait for their block to be filled, and time of the last."""
AT = {name: k * LANES for k, name in enumerate(VECTORS)}
"""Where the sums of the open bar begin among its floats."""
AT |= {name: len(VECTORS) * LANES + k for k, name in enumerate(SCALARS)}
COLUMNS = ("time", "price", "quantity", "notional", "side", "trades", "small", "medium")
"""What a block is read from; the last are the notional edges of each row."""
KINDS = dict(zip(COLUMNS, (WHOLES, FLOATS, FLOATS, FLOATS, BYTES, WHOLES), strict=False))
EDGES = COLUMNS[len(KINDS) :]
RANK = ir.Constant(WHOLES, list(range(LANES)))
ROOM = 2 * LANES
"""Values in a column of the rows that wait: they are written a vector at a time."""


@intrinsic
def address(_: Any, array: Any) -> Any:
    """Where the values of an array begin."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.ptrtoint(data, U64)

    return types.int64(array), emit


@intrinsic
def enter(_: Any, columns: Any, table: Any) -> Any:
    """Write down where the values of some arrays begin, 0 for one that has none, at an address."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        arrays = zip(signature.args[0], unpack_tuple(builder, args[0]), strict=True)
        for k, (kind, value) in enumerate(arrays):
            array = context.make_array(kind)(context, builder, value)
            none = builder.icmp_unsigned("==", array.nitems, number(0))
            begins = builder.select(none, number(0), builder.ptrtoint(array.data, U64))
            put(builder, begins, place(builder, args[1], k))
        return context.get_dummy_value()

    return types.void(columns, types.int64), emit


def columns_at(builder: Any, table: Any, row: Any) -> dict[str, Any]:
    """Addresses of a row in `COLUMNS`, from the table of where they begin; 0 stays 0, and edges are for all rows."""
    made, ahead = {}, builder.mul(row, number(SIZE))
    for k, name in enumerate(COLUMNS):
        base = single(builder, place(builder, table, k), U64)
        made[name] = base if name in EDGES else builder.add(base, row if name == "side" else ahead)
        if name == "notional":
            made[name] = builder.select(builder.icmp_unsigned("==", base, number(0)), base, made[name])
    return made


def notional_factor(builder: Any, given: Any, quantity: Lanes) -> Lanes:
    """What makes a notional of what is read: 1 where it is given, else the quantity to a price."""
    return Lanes(builder, builder.select(given, everywhere(FLOATS, 1.0), quantity.value))


@intrinsic
def begin(_: Any, table: Any, row: Any, state: Any, counts: Any) -> Any:
    """Begin a bar with its first row; takes addresses as `fold_blocks` does.

    The price at its open is the one that held before, or its first where there was none.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        table, row, state, counts = args
        where = columns_at(builder, table, row)
        at = {name: place(builder, state, AT[name]) for name in ("first", "hold", "ref")}
        first, hold = single(builder, where["price"], F64), single(builder, at["hold"], F64)
        known = builder.fcmp_ordered("==", hold, hold)
        put(builder, builder.select(known, hold, first), at["ref"])
        for name in ("first", "hold"):
            put(builder, first, at[name])
        put(builder, single(builder, where["time"], U64), place(builder, counts, COUNTS.index("time")))
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4), emit


@intrinsic
def keep(_: Any, table: Any, row: Any, rows: Any, to: Any, at: Any) -> Any:
    """Copy fewer rows than a block behind those that wait.

    Takes the address of the table as `fold_blocks` does, the first row, how many, the address of the table of those
    that wait, and how many wait. What is behind them becomes rows of no amount at the last price, so that a block may
    be folded before it is full.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        table, row, rows, to, at = args
        where, target = columns_at(builder, table, row), columns_at(builder, to, at)
        mask = builder.icmp_unsigned("<", RANK, Lanes.spread(builder, rows).value)
        last = builder.mul(builder.sub(rows, number(1)), number(SIZE))
        given = builder.icmp_unsigned("!=", where["notional"], number(0))
        where["notional"] = builder.select(given, where["notional"], where["price"])
        found = {}
        for name, kind in KINDS.items():
            rest = everywhere(kind, 0)
            if name in ("time", "price"):
                rest = Lanes.spread(builder, single(builder, builder.add(where[name], last), kind.element)).value
            found[name] = _masked(builder, where[name], kind, mask, rest)
        found["notional"] *= notional_factor(builder, Lanes.spread(builder, given).value, found["quantity"])
        for name in EDGES:
            found[name] = Lanes.load(builder, where[name])
            target[name] = builder.add(target[name], builder.mul(at, number(SIZE)))
        for name, values in found.items():
            values.store(target[name])
        return context.get_dummy_value()

    return types.void(*[types.int64] * 5), emit


_NAMES = {WHOLES: "i64", FLOATS: "f64", BYTES: "i8"}


def _masked(builder: Any, address: Any, kind: Any, mask: Any, rest: Any) -> Lanes:
    """The lanes at an address that ``mask`` marks, and of ``rest`` where it does not; others are not touched."""
    begins = builder.inttoptr(address, kind.as_pointer())
    name = f"llvm.masked.load.v{LANES}{_NAMES[kind]}.p0"
    load = declared(builder, name, kind, begins.type, U32, mask.type, kind)
    return Lanes(builder, builder.call(load, [begins, ir.Constant(U32, 1 if kind == BYTES else SIZE), mask, rest]))
