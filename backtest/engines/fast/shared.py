"""Lines that runs over the same bars have in common, copied into indicators instead of being computed again."""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import Any

import numpy as np

from ...inputs.line_cache import Computed, LineCache
from ...inputs.requested_indicators import asked


def share(strategy: Any, shelf: LineCache) -> None:
    """Have the indicators of ``strategy`` take their lines from ``shelf``, and put there those that it lacks.

    Only those whose math is a function of arrays; what backtrader computes itself may hold indicators of its own.
    """
    made, desk = getattr(strategy, "indicators", {}), getattr(strategy, "desk", None)
    uses = {**getattr(strategy, "uses", {}), **getattr(strategy.cerebro, "indicator_blocks", {})}
    for one in asked({name: uses[name] for name in made}, strategy.data._name):
        if one.shareable:
            indicator = made[one.name]
            key = one.key if desk is None else f"{desk.feed} {one.key}"
            indicator.once = MethodType(_copied(shelf, key, indicator.once), indicator)


def _copied(shelf: LineCache, key: str, own: Callable[[int, int], None]) -> Callable[[Any, int, int], None]:
    """``once`` that fills the lines from the shelf, or runs the indicator's ``own`` and keeps what it made."""

    def once(indicator: Any, start: int, end: int) -> None:
        lines = [np.frombuffer(line.array, dtype=np.float64) for line in indicator.lines.lines]
        shape, first = (len(lines), len(lines[0])), int(indicator._minperiod)
        if key not in shelf:
            own(start, end)
            shelf.lines(key, lambda: Computed(tuple(indicator.getlinealiases()), np.array(lines), first))
            return
        known = shelf[key]
        if known.table.shape != shape or known.warmup != first:
            own(start, end)
            return
        for line, values in zip(lines, known.table, strict=True):
            line[:] = values

    return once
