"""Faults for tests of the audit: damage done to good dumps at known places."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np

from tapeflow.core.tape import Tape
from tapeflow.feeds.synthetic import SyntheticTape

Row = list[str]
Rows = list[Row]
Rng = np.random.Generator
Damaged = tuple[Rows, set[int]]
"""Damaged rows, and the lines (from 1) at which the damage is to be found."""

AGG, TRADES = "aggTrades", "trades"
ID, PRICE, QUANTITY = 0, 1, 2
TIME = {AGG: 5, TRADES: 4}
MAKER = {AGG: 6, TRADES: 5}


@dataclass(frozen=True)
class Score:
    """How well findings met the truth."""

    precision: float
    recall: float
    found: int
    true: int


def good(kind: str = AGG, *, micro: bool = False, **params: object) -> Rows:
    """A made-up tape as lines of a Binance dump, its ids contiguous, prices that follow the sides."""
    tape = Tape.join(list(SyntheticTape(**{"price": 50.0, "tick": 0.01, "rate": 0.2, "days": 3650, **params}).tapes()))
    time = tape.time if micro else tape.time // 1000
    makers = ["True" if side < 0 else "False" for side in tape.side.tolist()]
    columns = zip(tape.price.tolist(), tape.quantity.tolist(), time.tolist(), makers, strict=True)
    if kind == TRADES:
        return [
            [str(i), f"{p:.8f}", f"{q:.8f}", f"{p * q:.8f}", str(t), m, "True"]
            for i, (p, q, t, m) in enumerate(columns, 1)
        ]
    firsts, counts = tape.trade_id.tolist(), tape.trades.tolist()
    return [
        [str(i), f"{p:.8f}", f"{q:.8f}", str(f), str(f + n - 1), str(t), m, "True"]
        for i, ((p, q, t, m), f, n) in enumerate(zip(columns, firsts, counts, strict=True), 1)
    ]


def write(path: Path, rows: Rows) -> Path:
    """Rows as a file without a header, as spot dumps are."""
    path.write_text("".join(",".join(row) + "\n" for row in rows))
    return path


def _some(rows: Rows, rng: Rng, rate: float) -> list[int]:
    """Indices at a rate, never the first or the last."""
    return [i for i in np.flatnonzero(rng.random(len(rows)) < rate).tolist() if 0 < i < len(rows) - 1]


def drop(rows: Rows, rng: Rng, rate: float) -> Damaged:
    """Rows are gone; the line behind each gap tells."""
    gone = set(_some(rows, rng, rate))
    kept = [i for i in range(len(rows)) if i not in gone]
    return [rows[i] for i in kept], {line for line, i in enumerate(kept, 1) if i - 1 in gone}


def _copies(rows: Rows, rng: Rng, rate: float, change: Callable[[Row], Row]) -> Damaged:
    chosen = _some(rows, rng, rate)
    keyed = [(float(i), 0, row) for i, row in enumerate(rows)]
    keyed += [(i + int(rng.integers(0, 200)) + 0.5, 1, change(rows[i])) for i in chosen]
    keyed.sort(key=lambda entry: entry[0])
    return [row for _, _, row in keyed], {line for line, (_, copy, _) in enumerate(keyed, 1) if copy}


def duplicate(rows: Rows, rng: Rng, rate: float) -> Damaged:
    """Rows come again, up to 200 lines later."""
    return _copies(rows, rng, rate, list)


def conflict(rows: Rows, rng: Rng, rate: float) -> Damaged:
    """Rows come again with another quantity or price."""

    def change(row: Row) -> Row:
        made = list(row)
        at = PRICE if rng.random() < 0.5 else QUANTITY
        made[at] = f"{float(row[at]) + 0.01:.8f}"
        return made

    return _copies(rows, rng, rate, change)


def swap(rows: Rows, rng: Rng, rate: float) -> Damaged:
    """Pairs of rows up to 40 lines apart trade places."""
    made, lines, free = list(rows), set(), 0
    for i in _some(rows, rng, rate):
        j = i + int(rng.integers(1, 41))
        if i < free or j >= len(rows):
            continue
        made[i], made[j] = made[j], made[i]
        lines |= {i + 2, j + 1}
        free = j + 2
    return made, lines


def void(rows: Rows, rng: Rng, rate: float) -> Damaged:
    """Rows are voided as the exchange does it: price and quantity 0, raw ids −1."""
    chosen = _some(rows, rng, rate)
    made = [list(row) for row in rows]
    for i in chosen:
        made[i][PRICE] = made[i][QUANTITY] = "0.00000000"
        if len(made[i]) == 8:
            made[i][3] = made[i][4] = "-1"
    return made, {i + 1 for i in chosen}


def _stretches(rows: Rows, rng: Rng, count: int, low: int, high: int, calm: int) -> list[tuple[int, int]]:
    """Stretches with at least ``calm`` rows before each and after the last."""
    room = len(rows) // count
    if room < high + 2 * calm:
        raise ValueError("too few rows for so many stretches")
    made = []
    for k in range(count):
        length = int(rng.integers(low, high + 1))
        start = k * room + int(rng.integers(calm, room - length - calm + 1))
        made.append((start, start + length))
    return made


def _change(rows: Rows, stretches: list[tuple[int, int]], change: Callable[[Row], None]) -> Damaged:
    made = [list(row) for row in rows]
    for a, b in stretches:
        for row in made[a:b]:
            change(row)
    return made, {a + 1 for a, _ in stretches}


def time_unit(rows: Rows, rng: Rng, count: int, kind: str = AGG) -> Damaged:
    """Stretches have µs where the file has ms."""

    def change(row: Row) -> None:
        row[TIME[kind]] += "000"

    return _change(rows, _stretches(rows, rng, count, 1, 50, 60), change)


def quantity_unit(rows: Rows, rng: Rng, count: int, factor: str = "1000", rounded: int | None = None) -> Damaged:
    """Stretches have quantities in another unit: times a number, or times the ``price`` of their row."""
    calm = min(700, len(rows) // count // 4)

    def change(row: Row) -> None:
        made = Decimal(row[QUANTITY]) * Decimal(row[PRICE] if factor == "price" else factor)
        row[QUANTITY] = format(made if rounded is None else round(made, rounded), "f")

    return _change(rows, _stretches(rows, rng, count, 200, min(1500, 2 * calm), calm), change)


def dump_of(tape: Tape) -> Rows:
    """A recorded tape as lines of a dump of raw trades, ids counted anew."""
    columns = zip(
        tape.price.tolist(), tape.quantity.tolist(), (tape.time // 1000).tolist(), tape.side.tolist(), strict=True
    )
    return [
        [str(i), format(Decimal(repr(p)), "f"), format(Decimal(repr(q)), "f"), "0", str(t), str(side < 0), "True"]
        for i, (p, q, t, side) in enumerate(columns, 1)
    ]


def spike(rows: Rows, rng: Rng, rate: float) -> Damaged:
    """Single prices are 3 % to 50 % off, either way."""
    chosen = _some(rows, rng, rate)
    made = [list(row) for row in rows]
    for i in chosen:
        off = (1.0 + rng.uniform(0.03, 0.5)) ** float(rng.choice([-1.0, 1.0]))
        made[i][PRICE] = f"{round(float(rows[i][PRICE]) * off, 2):.8f}"
    return made, {i + 1 for i in chosen}


def side_flip(rows: Rows, rng: Rng, count: int, kind: str = AGG) -> Damaged:
    """Stretches have their sides swapped."""

    def change(row: Row) -> None:
        row[MAKER[kind]] = "False" if row[MAKER[kind]] == "True" else "True"

    return _change(rows, _stretches(rows, rng, count, 300, 1500, 700), change)


def one_side(rows: Rows, rng: Rng, count: int, kind: str = AGG) -> Damaged:
    """Stretches are all buys or all sells."""
    side = "True" if rng.random() < 0.5 else "False"

    def change(row: Row) -> None:
        row[MAKER[kind]] = side

    return _change(rows, _stretches(rows, rng, count, 300, 1500, 700), change)


def truncate(rows: Rows, rng: Rng, least: float = 0.1, kind: str = AGG) -> Rows:
    """A day without its end, or its beginning; at least ``least`` of it is gone."""
    cut = int(len(rows) * rng.uniform(least, 0.9))
    return rows[:-cut] if rng.random() < 0.5 else rows[cut:]


def score(found: set[int], true: set[int], slack: int = 0) -> Score:
    """Precision and recall of lines found; a finding within ``slack`` lines of a truth meets it."""

    def met(line: int, others: set[int]) -> bool:
        return any(line + k in others for k in range(-slack, slack + 1))

    right = sum(met(line, true) for line in found)
    seen = sum(met(line, found) for line in true)
    return Score(right / len(found) if found else 1.0, seen / len(true) if true else 1.0, len(found), len(true))
