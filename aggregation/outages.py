"""Outages of a tape: from the row before missing ids to the row behind, whatever bars they fall into."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.schema import Quality
from ..core.tape import Tape

Integers = NDArray[np.int64]
_HOLE = int(Quality.ID_HOLE)


class Outages:
    """Keeps from when to when ids are missing; of merged tapes, each venue by its own rows.

    Examples
    --------
    >>> tape = Tape.of(time=[1, 5], price=[1.0, 1.0], quantity=[1.0, 1.0], side=[1, 1], flags=[0, 16])
    >>> made = Outages()
    >>> made.note(tape, None)
    >>> made.inside({"open_time": np.array([0, 2, 4, 6]), "close_time": np.array([2, 4, 6, 8])}).tolist()
    [True, True, True, False]
    """

    def __init__(self) -> None:
        self._spans: list[tuple[Integers, Integers]] = []
        self._last: dict[int, int] = {}

    def note(self, tape: Tape, venue: Integers | None) -> None:
        """Take the next batch in time order, whose rows are of one venue, or of those that ``venue`` numbers."""
        if venue is None:
            self._note(tape.time, tape.flags, 0)
            return
        for one in np.unique(venue).tolist():
            own = venue == one
            self._note(tape.time[own], None if tape.flags is None else tape.flags[own], one)

    def _note(self, time: Integers, flags: Integers | None, venue: int) -> None:
        last = self._last.get(venue)
        self._last[venue] = int(time[-1])
        if flags is None:
            return
        behind = np.flatnonzero(flags & _HOLE)
        behind = behind[behind > 0] if last is None else behind
        if len(behind):
            before = np.where(behind > 0, time[behind - 1], time[0] if last is None else last)
            self._spans.append((before, time[behind]))

    def inside(self, columns: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
        """Which bars lie between the bar of the row before missing ids and that of the row behind, both included."""
        inside = np.zeros(len(columns["open_time"]) + 1, np.int64)
        if self._spans:
            before, behind = (np.concatenate(part) for part in zip(*self._spans, strict=True))
            first = np.searchsorted(columns["close_time"], before, "right")
            last = np.searchsorted(columns["open_time"], behind, "right")
            np.add.at(inside, first, 1)
            np.add.at(inside, np.maximum(last, first), -1)
        made: NDArray[np.bool_] = np.cumsum(inside[:-1]) > 0
        return made
