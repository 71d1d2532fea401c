"""Indicators inside indicators."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from backtrader.lineiterator import LineIterator


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
