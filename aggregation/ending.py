"""The end of a bar: the columns that its sums come to, in compiled code."""

from __future__ import annotations

import math
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .lanes import F64, FLOATS, LANES, U64, Lanes, everywhere, number, place, put, single, two_sum
from .open_bar import AT, BEGIN, COUNTS, ENDS, EXACT, PLAIN, SCALARS, VECTORS


@intrinsic
def close(_: Any, opens: Any, closes: Any, state: Any, counts: Any, out: Any) -> Any:
    """Write down the open bar, `PRICES` and `FLOWS`, at the address ``out``, and begin the next.

    Takes its interval and the addresses of its floats and of its `COUNTS`, of which none wait.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        opens, closes, state, counts, out = args
        made = _joined(builder, state)
        made |= {name: Lanes(builder, single(builder, place(builder, state, AT[name]), F64)) for name in SCALARS}
        for k, name in enumerate(COUNTS):
            made[f"{name}_rows"] = Lanes(builder, single(builder, place(builder, counts, k), U64))
        span = Lanes(builder, builder.sub(closes, opens)).floats()
        held = Lanes(builder, builder.sub(closes, made["time_rows"].value)).floats()
        columns = [*_prices(made, span, held), *_flows(made)]
        for k, column in enumerate(columns):
            put(builder, column.value, place(builder, out, k))
        for name in ("delta", "delta_error"):
            put(builder, ir.Constant(F64, 0.0), place(builder, state, AT[name]))
        for k in range(COUNTS.index("time")):
            put(builder, number(0), place(builder, counts, k))
        return context.get_dummy_value()

    return types.void(*[types.int64] * 5), emit


def _joined(builder: Any, state: Any) -> dict[str, Lanes]:
    """What the lanes of each of `VECTORS` come to; they begin anew."""
    made = {name: Lanes.load(builder, place(builder, state, AT[name])) for name in VECTORS}
    for name in VECTORS:
        Lanes(builder, everywhere(FLOATS, BEGIN.get(name, 0.0))).store(place(builder, state, AT[name]))
    by = LANES // 2
    while by:
        moved = {name: values.picked([(k + by) % LANES for k in range(LANES)]) for name, values in made.items()}
        for name in EXACT:
            made[name], off = two_sum(made[name], moved[name])
            made[f"{name}_error"] += moved[f"{name}_error"] + off
        for name in PLAIN:
            made[name] += moved[name]
        for name in ENDS:
            made[name] = made[name].smaller(moved[name]) if name.endswith("low") else made[name].larger(moved[name])
        by //= 2
    return {name: Lanes(builder, values.lane(0)) for name, values in made.items()}


def _prices(made: dict[str, Lanes], span: Lanes, held: Lanes) -> list[Lanes]:
    """`PRICES`; without rows, the price that holds stands for all."""
    rows, hold, ref, first = made["rows_rows"].floats(), made["hold"], made["ref"], made["first"]
    traded = rows > 0.0
    over_time = ref + (made["weighted"] + (hold - ref) * held) / span
    prices = [values.where(traded, hold) for values in (first, made["high"], made["low"])]
    means = over_time.where(traded, hold).where(span > 0.0, hold), first + made["above"] / rows
    volatility = made["squares"].root() * 2.0
    return [*prices, hold, means[0], *(values.where(traded, math.nan) for values in (means[1], volatility))]


def _flows(made: dict[str, Lanes]) -> list[Lanes]:
    """`FLOWS`."""
    both = {name: (made[name], made[f"{name}_error"]) for name in (*EXACT, "delta")}
    sides = {side: [f"{side}_{size}" for size in ("small", "medium", "large")] for side in ("buy", "sell")}
    classes = [name for names in sides.values() for name in names]
    counts = {name: made[f"{name}_rows"].floats() for name in (*classes, "trades", "rows")}
    minus = {name: (both[name][0] * -1.0, both[name][1] * -1.0) for name in ("unknown", "delta")}
    taken = [_total(both["volume"], minus["unknown"], way["delta"]) * 0.5 for way in (both, minus)]
    known = [counts[names[0]] + counts[names[1]] + counts[names[2]] for names in sides.values()]
    return [
        _total(both["volume"]),
        _total(both["unknown_quote"], *(both[name] for name in classes)),
        *taken,
        *(_total(*(both[name] for name in names)) for names in sides.values()),
        *known,
        *(_total(both[name]) for name in classes),
        *(counts[name] for name in classes),
        *(made[name] for name in ("delta_high", "delta_low")),
        *(counts[name] for name in ("trades", "rows")),
        counts["rows"] - (known[0] + known[1]),
    ]


def _total(*parts: tuple[Lanes, Lanes]) -> Lanes:
    """The sum of sums that have their rounding errors with them."""
    total, error = parts[0]
    for values, rest in parts[1:]:
        total, off = two_sum(total, values)
        error = error + off + rest
    return total + error
