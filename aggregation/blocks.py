"""Compiled folds of whole blocks of rows, each row in a lane of its own.

Sums carry their rounding error along (two-sum), so that they are the nearest double of the sum of the rows.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .lanes import (
    BYTES,
    F64,
    FLOATS,
    LANES,
    SIZE,
    U8,
    U64,
    WHOLES,
    Lanes,
    bits,
    declared,
    everywhere,
    number,
    place,
    put,
    single,
    two_sum,
)
from .open_bar import AT, CLASSES, COUNTS, EDGES, ENDS, EXACT, PLAIN, RANK, SCALARS, columns_at, notional_factor

SMALL = 1e-3
"""Difference over sum of two prices up to which the series of the squared logarithm is exact."""


class _Block:
    """One pass of the loop over blocks: what it carries from block to block, by name, and what it reads.

    Parameters
    ----------
    builder : llvmlite.ir.IRBuilder
        What writes the code.
    state : llvmlite.ir.Value
        Address of the floats of the open bar.
    carried : dict
        What the block before has left.
    """

    def __init__(self, builder: Any, state: Any, carried: dict[str, Any]) -> None:
        self.builder, self.state, self.carried = builder, state, carried

    def add(self, name: str, value: Lanes) -> None:
        """Add to a sum and the rounding error to its own."""
        self.carried[name], error = two_sum(self.carried[name], value)
        self.carried[f"{name}_error"] += error

    def prices(self, time: Lanes, price: Lanes, live: Any) -> None:
        """Extremes, and the sums of `PLAIN`."""
        made, builder = self.carried, self.builder
        before, since = price.behind(made["price"]), time.behind(made["time"])
        made["price"], made["time"] = price, time
        made["high"], made["low"] = made["high"].larger(price), made["low"].smaller(price)
        span = Lanes(builder, builder.sub(time.value, since.value)).floats()
        made["weighted"] += (before - made["ref"]) * span
        made["above"] += (price - made["first"]).where(live)
        made["squares"] += self._squares(price, before)

    def _squares(self, price: Lanes, before: Lanes) -> Lanes:
        """A quarter of the squared logarithms of both prices' quotients.

        By the series of their difference over their sum, which for the small steps of a tape is exact where the
        quotient would have been rounded; by the logarithm for others.
        """
        builder = self.builder
        x = (price - before) / (price + before)
        y = x * x
        made = y * (y * (y * (23.0 / 45.0) + 2.0 / 3.0) + 1.0)
        large = builder.or_(x > SMALL, x < -SMALL)
        start = builder.block
        with builder.if_then(builder.icmp_unsigned("!=", bits(builder, large), ir.Constant(U8, 0)), likely=False):
            log = declared(builder, f"llvm.log.v{LANES}f64", FLOATS, FLOATS)
            r = Lanes(builder, builder.call(log, [(price / before).value]))
            exact, there = builder.select(large, (r * r * 0.25).value, made.value), builder.block
        both = builder.phi(FLOATS)
        both.add_incoming(made.value, start)
        both.add_incoming(exact, there)
        return Lanes(builder, both)

    def amounts(self, quantity: Lanes, notional: Lanes, side: Any, edges: tuple[Lanes, Lanes]) -> None:
        """Sums by class, and of the amounts whose side is unknown."""
        builder, made = self.builder, self.carried
        none = everywhere(BYTES, 0)
        ways = [builder.icmp_signed(sign, side, none) for sign in "<>"]
        small, medium = (notional >= edge for edge in edges)
        sizes = builder.not_(small), builder.and_(small, builder.not_(medium)), medium
        classes = [builder.and_(way, size) for way in ways for size in sizes]
        for name, mask in zip(CLASSES, classes, strict=True):
            self.add(name, notional.where(mask))
            rows = builder.ctpop(bits(builder, mask))
            made[f"{name}_rows"] = builder.add(made[f"{name}_rows"], builder.zext(rows, U64))
        self.add("volume", quantity)
        self._deltas(builder.select(ways[0], builder.fneg(quantity.value), quantity.where(ways[1]).value))
        self._unknown(quantity, notional, builder.icmp_signed("==", side, none))

    def _unknown(self, quantity: Lanes, notional: Lanes, mask: Any) -> None:
        """Sums of what has no side, which most tapes do not hold: they stay in memory."""
        builder = self.builder
        with builder.if_then(builder.icmp_unsigned("!=", bits(builder, mask), ir.Constant(U8, 0)), likely=False):
            for name, values in (("unknown", quantity), ("unknown_quote", notional)):
                total, error = (place(builder, self.state, AT[name + part]) for part in ("", "_error"))
                made, off = two_sum(Lanes.load(builder, total), values.where(mask))
                made.store(total)
                (Lanes.load(builder, error) + off).store(error)

    def _deltas(self, signed: Any) -> None:
        """The delta after every row, as the rows' sums with half as many rows, twice as many, up to all of them."""
        made, none = self.carried, Lanes(self.builder, everywhere(FLOATS, 0.0))
        total, error, by = Lanes(self.builder, signed), none, 1
        while by < LANES:
            ahead = error.behind(none, by)
            total, off = two_sum(total, total.behind(none, by))
            error, by = error + ahead + off if by > 1 else off, 2 * by
        total, off = two_sum(made["delta"], total)
        error = error + off + made["delta_error"]
        now = total + error
        made["delta_high"], made["delta_low"] = made["delta_high"].larger(now), made["delta_low"].smaller(now)
        made["delta"], made["delta_error"] = (values.picked([LANES - 1] * LANES) for values in (total, error))


_CARRIED = (*EXACT[: len(CLASSES) + 1], *PLAIN, *(f"{name}_error" for name in EXACT[: len(CLASSES) + 1]), *ENDS)
"""Sums that stay in registers while blocks are folded."""


@intrinsic
def fold_blocks(_: Any, table: Any, row: Any, blocks: Any, live: Any, state: Any, counts: Any) -> Any:
    """Fold blocks of rows into the open bar.

    Takes the address of a table of where `COLUMNS` begin, the first row, how many blocks, rows in the last one, and the
    addresses of the open bar's floats (`VECTORS` and `SCALARS`) and of its `COUNTS`. In the table ``notional`` is 0
    where it is price × quantity; edges are one value a lane.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        table, row, blocks, live, state, counts = args
        where = columns_at(builder, table, row)
        fixed, carried = _begun(builder, where, live, state, counts)
        entry = builder.block
        head, done = builder.append_basic_block("block"), builder.append_basic_block("folded")
        builder.branch(head)
        builder.position_at_end(head)
        phis = {name: builder.phi(value.type) for name, value in carried.items()}
        step = builder.phi(U64)
        vectors = {n: Lanes(builder, p) if isinstance(p.type, ir.VectorType) else p for n, p in phis.items()}
        block = _Block(builder, state, {**vectors, **{n: fixed[n] for n in ("ref", "first")}})
        _fold(block, where, step, fixed)
        after = builder.add(step, number(1))
        for name, phi in phis.items():
            value = block.carried[name]
            phi.add_incoming(carried[name], entry)
            phi.add_incoming(value.value if isinstance(value, Lanes) else value, builder.block)
        step.add_incoming(number(0), entry)
        step.add_incoming(after, builder.block)
        builder.cbranch(builder.icmp_unsigned("<", after, blocks), head, done)
        builder.position_at_end(done)
        _ended(builder, block.carried, state, counts)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 6), emit


def _begun(builder: Any, where: Any, live: Any, state: Any, counts: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What stays the same from block to block, and what is carried into the first."""
    alone = {name: single(builder, place(builder, state, AT[name]), F64) for name in SCALARS}
    spread = {name: Lanes.spread(builder, value) for name, value in alone.items()}
    given = builder.icmp_unsigned("!=", where["notional"], number(0))
    fixed = {
        "ref": spread["ref"],
        "first": spread["first"],
        "live": builder.icmp_unsigned("<", RANK, Lanes.spread(builder, live).value),
        "given": Lanes.spread(builder, given).value,
        "amount": builder.select(given, where["notional"], where["price"]),
        "edges": tuple(Lanes.load(builder, where[name]) for name in EDGES),
    }
    carried = {name: Lanes.load(builder, place(builder, state, AT[name])).value for name in _CARRIED}
    carried |= {name: spread[name].value for name in ("delta", "delta_error")}
    numbers = {name: single(builder, place(builder, counts, k), U64) for k, name in enumerate(COUNTS)}
    carried |= {f"{name}_rows": numbers[name] for name in CLASSES}
    carried["price"], carried["time"] = spread["hold"].value, Lanes.spread(builder, numbers["time"]).value
    carried["trades"] = builder.insert_element(everywhere(WHOLES, 0), numbers["trades"], number(0))
    return fixed, carried


def _fold(block: _Block, where: Any, step: Any, fixed: dict[str, Any]) -> None:
    builder, made = block.builder, block.carried
    row = builder.mul(step, number(LANES))
    ahead = builder.mul(row, number(SIZE))
    at = {name: builder.add(where[name], ahead) for name in ("time", "price", "quantity", "trades")}
    price, quantity = (Lanes.load(builder, at[name]) for name in ("price", "quantity"))
    side = Lanes.load(builder, builder.add(where["side"], row), BYTES).value
    notional = Lanes.load(builder, builder.add(fixed["amount"], ahead)) * notional_factor(
        builder, fixed["given"], quantity
    )
    block.prices(Lanes.load(builder, at["time"], WHOLES), price, fixed["live"])
    block.amounts(quantity, notional, side, fixed["edges"])
    raw = Lanes.load(builder, at["trades"], WHOLES)
    made["trades"] = Lanes(builder, builder.add(made["trades"].value, raw.value))


def _ended(builder: Any, made: dict[str, Any], state: Any, counts: Any) -> None:
    """Put back what was carried."""
    for name in _CARRIED:
        made[name].store(place(builder, state, AT[name]))
    for name, value in (("hold", "price"), ("delta", "delta"), ("delta_error", "delta_error")):
        put(builder, made[value].lane(LANES - 1), place(builder, state, AT[name]))
    trades = made["trades"].lane(0)
    for k in range(1, LANES):
        trades = builder.add(trades, made["trades"].lane(k))
    numbers = {f"{name}_rows": made[f"{name}_rows"] for name in CLASSES}
    for name, value in zip(COUNTS, (*numbers.values(), trades), strict=False):
        put(builder, value, place(builder, counts, COUNTS.index(name)))
    put(builder, made["time"].lane(LANES - 1), place(builder, counts, COUNTS.index("time")))
