"""The whole-array phase: what backtrader does before the first bar, without its steps of one."""

from __future__ import annotations

import array
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import MethodType
from typing import Any

from backtrader.indicator import Indicator
from backtrader.linebuffer import LineBuffer
from backtrader.lineiterator import LineIterator
from backtrader.lineseries import LineSeries

from ....strategies.framework.nested import walk
from . import indicators
from .arrays import INSTEAD
from .cursors import SharedPosition, Ties


def run_once(strategy: Any) -> None:
    """Compute every indicator of ``strategy`` over all bars, as ``Strategy._once`` does."""
    parts = list(walk(indicators.of(strategy)))
    lines = [line for part in (strategy, *parts) for line in indicators.lines_of(part)]
    with _instead(lines, "forward", _forward), _at_once(parts):
        strategy._once()
    strategy.reset()


@contextmanager
def _instead(owners: list[Any], name: str, function: Any) -> Iterator[None]:
    """``function`` as method ``name`` of each owner."""
    own = [owner for owner in owners if name not in owner.__dict__]
    for owner in own:
        owner.__dict__[name] = MethodType(function, owner)
    try:
        yield
    finally:
        for owner in own:
            del owner.__dict__[name]


def _forward(line: Any, value: float = float("nan"), size: int = 1) -> None:
    """Lengthen a line in one step."""
    if line.mode != LineBuffer.UnBounded:
        LineBuffer.forward(line, value, size)
        return
    line._idx += size
    line.lencount += size
    line.array.extend(array.array("d", (value,)) * size)


@contextmanager
def _at_once(parts: list[Any]) -> Iterator[None]:
    """Indicators that only have ``next`` run it without moving every line of their feeds; others run over arrays."""
    walking = [part for part in parts if _only_next(part)]
    with ExitStack() as stack:
        for name, step in dict(preonce=_nothing, oncestart=_nothing, once=_next_by_next).items():
            stack.enter_context(_instead(walking, name, step))
        for known, function in INSTEAD.items():
            stack.enter_context(_instead([part for part in parts if type(part).once is known], "once", function))
        yield


def _only_next(indicator: Any) -> bool:
    kind = type(indicator)
    return (
        isinstance(indicator, Indicator)
        and kind.once is Indicator.once_via_next
        and kind.preonce is Indicator.preonce_via_prenext
        and kind.oncestart is Indicator.oncestart_via_nextstart
        and kind.advance is Indicator.advance
        and all(data.buflen() == indicator._clock.buflen() for data in indicator.datas)
    )


def _nothing(indicator: Any, start: int, end: int) -> None:
    pass


def _next_by_next(indicator: Any, start: int, end: int) -> None:
    """``prenext``, ``nextstart`` and ``next`` in turn, everything they read on one cursor."""
    cursor, ties = SharedPosition(), Ties()
    first, bars = indicator._minperiod - 1, len(indicator.lines[0].array)
    try:
        for part in (*indicator.datas, indicator, *indicator._lineiterators[LineIterator.IndType]):
            if isinstance(part, LineSeries):
                ties.series(part, cursor)
            else:
                ties.line(part, cursor)
        calls = (indicator.prenext, indicator.nextstart, indicator.next)
        for a, b, call in zip((0, first, first + 1), (first, first + 1, bars), calls, strict=True):
            for i in range(a, min(b, bars)):
                cursor.i = i
                call()
    finally:
        ties.loosen()
