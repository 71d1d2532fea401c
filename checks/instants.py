"""When to attack: where orders are sent, spread over the run, and where things are rarely as they usually are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from ..core.bars import Bars
from ..core.clock import DAY
from ..core.errors import DataError
from .run_trace import Trace

Instants = NDArray[np.int64]
_RARE = 0.02
"""Share of bars in which a line of two values is at the rarer one, at most, for that to be a rare event."""


def choose(base: Trace, count: int, seed: int, bars: Mapping[str, Bars] | None = None) -> Instants:
    """Closes of bars to attack behind.

    Half of them where orders were sent and spread over the run, after the warm-up; where ``bars`` are given, half in
    the warm-up, before gaps, at ends of sessions and right before rare events.

    Parameters
    ----------
    base : Trace
        Of the run.
    count : int
        How many, at most.
    seed : int
        Same seed, same instants.
    bars : mapping of str to Bars, optional
        Of every feed.

    Raises
    ------
    DataError
        If there is no bar after the warm-up.
    """
    closes = np.unique(np.concatenate(list(base.closes.values())))
    warm = warm_at(base)
    # A single bar can be cut off or replaced, but in no other order.
    end = closes[-2 if len(closes) > 2 else -1]
    free = closes[(closes >= warm) & (closes < end)]
    if not len(free):
        need = max(base.minimum.values())
        raise DataError(f"nothing to attack: the data ends before the first bar after a warm-up of {need} bars")
    rng = np.random.default_rng(seed)
    odd = np.zeros(0, dtype=np.int64)
    if bars is not None and count > 2:
        odd = _few(rng, [kind[kind < end] for kind in _odd(base, bars, closes, warm)], count // 2)
        count -= len(odd)
    sent = np.unique([row[-1] for row in base.orders]).astype(np.int64)
    # An order on a slow feed may have been sent at any close of a fast one after the slow bar it is dated by.
    later = closes[np.minimum(np.searchsorted(closes, sent, "right"), len(closes) - 1)]
    at_orders = np.intersect1d(np.concatenate([sent, later]) if len(base.closes) > 1 else sent, free)
    picked = rng.choice(at_orders, min(count // 2, len(at_orders)), replace=False)
    strata = np.array_split(free, min(count - len(picked), len(free)))
    return np.unique(np.concatenate([odd, picked, [rng.choice(part) for part in strata]]).astype(np.int64))


def warm_at(base: Trace) -> int:
    """The first close at which every feed has warmed up."""
    return max(int(c[min(base.minimum[k], len(c)) - 1]) for k, c in base.closes.items())


def _few(rng: np.random.Generator, kinds: list[Instants], count: int) -> Instants:
    """One of each kind in turn, until there are enough."""
    order = [rng.permutation(kind) for kind in kinds]
    turns = [kind[i] for i in range(count) for kind in order if i < len(kind)]
    return np.array([*dict.fromkeys(turns)][:count], dtype=np.int64)


def _odd(base: Trace, bars: Mapping[str, Bars], closes: Instants, warm: int) -> Iterator[Instants]:
    """Closes that an attack anywhere hardly meets, kind by kind."""
    first = next(iter(bars.values()))
    own, n = first["close_time"].astype(np.int64), len(first)
    yield _before(own, _rare_bars(first))
    yield _before(own, _rare_lines(base))
    yield closes[closes < warm]
    steps = np.diff(own)
    yield own[:-1][steps > 3 * np.median(steps)] if n > 2 else own[:0]
    yield own[:-1][np.diff((own - 1) // DAY) > 0]


def _before(closes: Instants, at: NDArray[np.int64]) -> Instants:
    """The close before each bar, so that the bar itself is what an attack changes."""
    return closes[np.unique(at[(at > 0) & (at < len(closes))]) - 1]


def _rare_bars(bars: Bars) -> NDArray[np.int64]:
    """The bars of the largest moves and of the most volume."""
    most: list[int] = []
    moved = np.abs(np.diff(bars["close"], prepend=bars["close"][:1]))
    for values in (moved, bars["volume"]):
        known = np.where(np.isfinite(values), values, -1.0)
        most += np.argsort(known, kind="stable")[-3:].tolist()
    return np.array(sorted(set(most)), dtype=np.int64)


def _rare_lines(base: Trace) -> NDArray[np.int64]:
    """Bars of the first feed at which a line that hardly ever changes is as it hardly ever is, and those after them."""
    feed, found = next(iter(base.closes)), list[int]()
    for line in base.lines:
        known = line.values[np.isfinite(line.values)]
        if line.feed != feed or len(known) < 10:
            continue
        usual = np.median(known)
        rare = np.flatnonzero(np.isfinite(line.values) & (line.values != usual))
        if 0 < len(rare) <= max(_RARE * len(known), 1):
            found += [*rare[:3].tolist(), *(rare[:3] + 1).tolist()]
    return np.array(sorted(set(found)), dtype=np.int64)
