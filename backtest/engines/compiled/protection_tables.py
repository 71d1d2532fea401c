"""What protects the positions of each entry, as tables that compiled code reads."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ....core.distances import Atr
from ....strategies.framework.guards import CLOSES, HIGHS, WHOLE, Guards, Price
from . import desk as by
from .state import Floats

Far = tuple[float, float, float]
"""Kind of a distance, how much it is, and which column it goes by."""


class ProtectionTables:
    """Guards of every entry, one row each, and what the bars say of them.

    Parameters
    ----------
    every : Guards
        What protects every position.
    own : sequence of Guards or None
        What protects that of each entry; None for what protects every position.
    names : sequence of str
        Of the entries.
    levels : mapping of (str, str) to ndarray of float64, (bars,)
        Prices, by the entry's name and their own.
    tick : float or None
        Of the traded feed.

    Attributes
    ----------
    guards : ndarray of float64, (entries, guards, 4)
        Stop, trailing stop and targets, by the columns of `desk`.
    more : ndarray of float64, (entries, 10)
        What else protects.
    in_parts, moves : bool
        Whether any target closes a part of a position, and whether any stop is moved at closes.
    """

    def __init__(
        self,
        every: Guards,
        own: Sequence[Guards | None],
        names: Sequence[str],
        levels: Mapping[tuple[str, str], Floats],
        tick: float | None,
    ) -> None:
        self._levels, self._tick = levels, tick
        self._asked: dict[Any, int] = {}
        rows = [every if one is None else one for one in own] or [every]
        most = max(len(one.targets) for one in rows)
        self.guards = np.zeros((len(rows), by.FIRST_TARGET + max(most, 1), by.COLUMN + 1))
        self.more = np.zeros((len(rows), by.TO_VALUE + 1))
        for i, one in enumerate(rows):
            self._fill(one, self.guards[i], self.more[i], names[i] if own else "")
        self.in_parts, self.moves = any(one.in_parts for one in rows), any(one.moves for one in rows)

    def columns(self, bars: int, atr: Callable[[int], Floats]) -> Floats:
        """What the bars say, one row for each that is asked for; ``atr`` gives average true ranges of a period."""
        made = np.zeros((len(self._asked), bars if self._asked else 0))
        for asked, row in self._asked.items():
            made[row] = asked.multiple * atr(asked.period) if isinstance(asked, Atr) else self._levels[asked]
        return made

    def _fill(self, asked: Guards, guards: Floats, more: Floats, name: str) -> None:
        if asked.stop is not None:
            guards[by.STOP] = self._guard(asked.stop, name)
        if asked.trail is not None:
            distance, following = asked.trail.distance, asked.trail.by
            guards[by.TRAIL] = (by.AWAY, 0.0, 1.0, 0.0) if distance is None else self._guard(distance, name)
            more[by.BY] = {CLOSES: by.BY_CLOSES, HIGHS: by.BY_HIGHS}.get(following, by.BY_LEVEL)
            if more[by.BY] == by.BY_LEVEL:
                more[by.BY_COLUMN] = self._column((name, following))
        for i, target in enumerate(asked.targets):
            guards[by.FIRST_TARGET + i] = self._guard(target.at, name, target.share)
        more[by.BARS], more[by.PARTS] = asked.bars or 0, asked.in_parts
        more[by.ALL] = math.fsum(target.share for target in asked.targets) >= WHOLE
        if asked.break_even is not None:
            after, to = asked.break_even
            more[[by.AFTER_KIND, by.AFTER_VALUE, by.AFTER_COLUMN]] = self._far(after, name)
            more[[by.TO_KIND, by.TO_VALUE]] = self._far(to, name)[:2]

    def _guard(self, place: Any, name: str, share: float = 1.0) -> tuple[float, float, float, float]:
        kind, value, column = self._far(place, name)
        return kind, value, share, column

    def _far(self, place: Any, name: str) -> Far:
        if isinstance(place, Price):
            return by.LEVEL, 0.0, float(self._column((name, place.what)))
        if isinstance(place, Atr):
            return by.RANGES, 0.0, float(self._column(place))
        if place.unit == "fraction":
            return by.SHARE, place.value, 0.0
        return by.AWAY, place.at(math.nan, self._tick), 0.0

    def _column(self, asked: Any) -> int:
        return self._asked.setdefault(asked, len(self._asked))
