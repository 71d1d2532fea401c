"""Closed bars: what the fold has written of each, as columns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.schema import Quality
from .folding import FLOWS, PRICES, WIDTH

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Columns = dict[str, NDArray[Any]]

_MANY = 4096
"""Bars that are worth the overhead of as many calls as make their columns."""


class ClosedBars:
    """The bars of one kind that have closed, column by column."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Integers, Integers, Floats, Integers]] = []
        self._bars = 0
        self._parts: dict[str, list[NDArray[Any]]] = {}
        self.rows = self.unknown = 0.0
        """Rows of the tape in them, and how many have no side."""

    def add(self, opens: Integers, closes: Integers, made: Floats, flags: Integers) -> None:
        """Take some more: their intervals, what `folding.fold` has written of them, and the flags of their rows."""
        if not len(flags):
            return
        self._waiting.append((opens, closes, made, flags))
        self._bars += len(flags)
        if self._bars >= _MANY:
            self._settle()

    def columns(self) -> Columns:
        """All of them by column; they are gone then, so that there is one copy at a time."""
        self._settle()
        return {name: np.concatenate(self._parts.pop(name)) for name in tuple(self._parts)}

    def _settle(self) -> None:
        if self._parts and not self._waiting:
            return
        nothing = np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, WIDTH)), np.zeros(0, np.int64)
        opens, closes, table, flags = (np.concatenate(part) for part in zip(*(self._waiting or [nothing]), strict=True))
        self._waiting, self._bars = [], 0
        made: Columns = {"open_time": opens, "close_time": closes}
        made |= zip((*PRICES, *FLOWS), table.T, strict=True)
        rows, unknown = made.pop("rows"), made.pop("unknown_rows")
        self.rows, self.unknown = self.rows + float(rows.sum()), self.unknown + float(unknown.sum())
        flags = flags | np.where(rows == 0, int(Quality.FILLED), 0)
        made["quality"] = flags | np.where(unknown > 0, int(Quality.INFERRED_SIDE), 0)
        for name, values in made.items():  # a part of a table would keep all of it
            self._parts.setdefault(name, []).append(values if values.flags.owndata else values.copy())
