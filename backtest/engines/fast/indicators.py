"""Indicators of a strategy, nested ones included: which there are, and which feed each of them follows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backtrader.indicator import Indicator
from backtrader.lineiterator import LineIterator
from backtrader.lineseries import LineSeries

from ....strategies.framework.nested import feed_of, walk
from .cursors import SharedPosition, Ties


def of(strategy: Any) -> list[Any]:
    """The indicators registered with ``strategy`` itself."""
    made: list[Any] = strategy._lineiterators[LineIterator.IndType]
    return made


def lines_of(indicator: Any) -> list[Any]:
    """Its line buffers; a line operation is its own."""
    made: list[Any] = indicator.lines.lines if isinstance(indicator, LineSeries) else [indicator]
    return made


def tie(strategy: Any, datas: Sequence[Any], cursors: Sequence[SharedPosition], ties: Ties) -> list[Any]:
    """Tie the indicators to the cursors of their feeds; give those that have to be moved one by one."""
    by_feed = {id(data): cursor for data, cursor in zip(datas, cursors, strict=True)}
    loose = []
    for indicator in walk(of(strategy)):
        feed = feed_of(indicator, datas)
        if feed is None or not _in_step(indicator, feed):
            loose.append(indicator)
        elif isinstance(indicator, LineSeries):
            ties.series(indicator, by_feed[id(feed)])
        else:
            ties.line(indicator, by_feed[id(feed)])
    return loose


def _in_step(indicator: Any, feed: Any) -> bool:
    """Whether it has one value for each bar of ``feed``, and no mind of its own about moving on."""
    if isinstance(indicator, Indicator) and type(indicator).advance is not Indicator.advance:
        return False
    bars = feed.buflen()
    return all(len(line.array) == bars for line in lines_of(indicator))
