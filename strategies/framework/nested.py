"""Indicators inside indicators, and the feeds that they follow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from backtrader.lineiterator import LineIterator
from backtrader.lineseries import LineSeriesStub

DEEPEST = 64
"""No chain of clocks is longer."""


def walk(indicators: Iterable[Any]) -> Iterator[Any]:
    """Every indicator once, those that another is made of before it."""
    seen: set[int] = set()

    def down(indicator: Any) -> Iterator[Any]:
        if id(indicator) in seen:
            return
        seen.add(id(indicator))
        if isinstance(indicator, LineIterator):
            for part in indicator._lineiterators[LineIterator.IndType]:
                yield from down(part)
        yield indicator

    for indicator in indicators:
        yield from down(indicator)


def feed_of(indicator: Any, datas: Sequence[Any]) -> Any:
    """The feed whose bars ``indicator`` follows; None where that is not to be found."""
    if len(datas) == 1:
        return datas[0]
    owners = {id(data): data for data in datas} | {id(line): data for data in datas for line in data.lines.lines}
    clock = getattr(indicator, "_clock", None)
    for _ in range(DEEPEST):
        if isinstance(clock, LineSeriesStub):
            clock = clock.lines[0]
        if clock is None or id(clock) in owners:
            return owners.get(id(clock))
        above = getattr(clock, "_clock", None)
        clock = above if above is not None else getattr(getattr(clock, "_owner", None), "_clock", None)
    return None
