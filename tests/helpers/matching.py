"""A small matching engine with price-time priority, and random markets in which one order of ours stands in line.

The same random flow of limit orders, market orders and cancellations runs through two books: one without our order,
whose trades are the tape that a backtest sees, and one with it, which knows when it truly fills.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from tapeflow.core.tape import Tape

OURS = -1
TICK = 0.5


@dataclass
class Trade:
    time: int
    tick: int
    size: int
    side: int
    maker: int
    taker: int


@dataclass
class Book:
    """Orders in line: by side (+1 bids), by price in ticks, by time."""

    levels: dict[int, dict[int, deque[list[int]]]] = field(default_factory=lambda: {1: {}, -1: {}})
    where: dict[int, tuple[int, int]] = field(default_factory=dict)
    trades: list[Trade] = field(default_factory=list)

    def best(self, side: int) -> int | None:
        ticks = self.levels[side]
        return None if not ticks else max(ticks) if side > 0 else min(ticks)

    def take(self, time: int, order: int, side: int, size: int, limit: float) -> int:
        """Trade against the other side up to ``limit``; what is left."""
        while size:
            tick = self.best(-side)
            if tick is None or side * (tick - limit) > 0:
                return size
            queue = self.levels[-side][tick]
            first = queue[0]
            got = min(size, first[1])
            first[1] -= got
            size -= got
            self.trades.append(Trade(time, tick, got, side, first[0], order))
            if not first[1]:
                queue.popleft()
                del self.where[first[0]]
                if not queue:
                    del self.levels[-side][tick]
        return 0

    def limit(self, time: int, order: int, side: int, tick: int, size: int) -> None:
        if left := self.take(time, order, side, size, tick):
            self.levels[side].setdefault(tick, deque()).append([order, left])
            self.where[order] = side, tick

    def market(self, time: int, order: int, side: int, size: int) -> None:
        self.take(time, order, side, size, side * math.inf)

    def cancel(self, order: int) -> None:
        if order not in self.where:
            return
        side, tick = self.where.pop(order)
        queue = deque(entry for entry in self.levels[side][tick] if entry[0] != order)
        if queue:
            self.levels[side][tick] = queue
        else:
            del self.levels[side][tick]


@dataclass
class Scene:
    """A random market and our order in it: what the tape shows, and what became of the order."""

    tape: Tape
    side: int
    size: float
    limit: float
    sent: int
    end: int
    fills: list[tuple[int, float]]

    def filled_by(self, time: int) -> float:
        return sum(size for at, size in self.fills if at < time)


def random_scene(seed: int, before: int = 900, after: int = 500) -> Scene:
    """A market with depth, cancellations, sweeps and spells of one-sided flow.

    How deep it is, how much is taken, how near orders are placed and how large ours is differ from scene to scene.
    """
    rng = np.random.default_rng(seed)
    plain, real = Book(), Book()
    depth, crowd, taking = rng.uniform(2, 12), int(rng.integers(60, 250)), rng.uniform(0.05, 0.25)
    side, size, behind = int(rng.choice([-1, 1])), int(rng.integers(1, 12)), int(rng.choice([0, 0, 0, 1, 2, 4]))
    time, number, lean, sent, tick = 0, 0, 0.5, 0, 0
    for step in range(20):
        for way in (1, -1):
            for book in (plain, real):
                book.limit(0, number, way, 1000 - way * (1 + step), 1 + int(depth))
            number += 1
    near = rng.uniform(0.25, 0.6)
    for event in range(before + after):
        time += 1 + int(rng.exponential(1000))
        if event == before:
            sent, time = time, time + 1
            tick = (plain.best(side) or 1000) - side * behind
            real.limit(time, OURS, side, tick, size)
            time += 1
        if event % 60 == 0:
            lean = rng.uniform(0.2, 0.8)
        _event(rng, (plain, real), time, number, (depth, crowd, taking, near, lean))
        number += 1
    return Scene(_tape(plain), side, float(size), tick * TICK, sent, time + 1, _ours(real))


def _event(
    rng: np.random.Generator, books: tuple[Book, Book], time: int, number: int, nature: tuple[float, ...]
) -> None:
    """One event of the flow, drawn by the book without us and sent to both."""
    depth, crowd, taking, near, lean = nature
    plain, kind, side = books[0], rng.random(), 1 if rng.random() < lean else -1
    if kind < taking:
        lots = 1 + int(rng.lognormal(math.log(depth), 0.9))
        for book in books:
            book.market(time, number, side, lots)
    elif kind < taking + (1 - taking) * len(plain.where) / (len(plain.where) + crowd):
        chosen = _any_of(rng, plain)
        for book in books:
            book.cancel(chosen)
    else:
        other = plain.best(-side)
        tick = (1000 + side if other is None else other) - side * int(rng.geometric(near))
        lots = 1 + int(rng.exponential(depth / 2))
        for book in books:
            book.limit(time, number, side, tick, lots)


def _any_of(rng: np.random.Generator, book: Book) -> int:
    """An order at rest, each as likely as another."""
    orders = list(book.where)
    return orders[int(rng.integers(len(orders)))] if orders else OURS - 1


def _tape(book: Book) -> Tape:
    columns = zip(*((t.time, t.tick * TICK, float(t.size), t.side) for t in book.trades), strict=True)
    return Tape.of(**dict(zip(("time", "price", "quantity", "side"), columns, strict=True)))


def _ours(book: Book) -> list[tuple[int, float]]:
    return [(t.time, float(t.size)) for t in book.trades if OURS in (t.maker, t.taker)]
