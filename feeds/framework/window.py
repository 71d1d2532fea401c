"""The part of a tape between two instants, and how a user writes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from ...aggregation.cutters import Covered
from ...core.clock import iso, parse_time
from ...core.errors import ParamError
from ...core.progress import METER
from ...core.tape import Tape

Instant = int | str | None
"""Epoch µs, an ISO date or date-time, or None."""


def instant(value: Instant) -> int | None:
    """Epoch µs of a bound in time.

    Raises
    ------
    ParamError
        If it is text and no ISO date.
    """
    if value is None or isinstance(value, int):
        return value
    try:
        return parse_time(value)
    except ValueError as err:
        raise ParamError(str(err)) from None


class Window:
    """The part of a tape from ``start`` up to ``end``, and what it proves about its own edges.

    Parameters
    ----------
    start, end : int or None
        Epoch µs; None for no bound.
    """

    def __init__(self, start: int | None, end: int | None) -> None:
        self._start, self._end = start, end
        self._before = self._after = False
        self.rows = 0
        self.first = 0
        """Time of the first row within, once there is one."""
        self.seen: Covered = (None, None)
        """Times of the first and the last row that were looked at, within or not."""

    def cut(self, tapes: Iterable[Tape]) -> Iterator[Tape]:
        """The rows within; stops at the first row that is not before the end."""
        for tape in tapes:
            if len(tape):
                self.seen = int(tape.time[0]) if self.seen[0] is None else self.seen[0], int(tape.time[-1])
            lo = 0 if self._start is None else int(np.searchsorted(tape.time, self._start, "left"))
            hi = len(tape) if self._end is None else int(np.searchsorted(tape.time, self._end, "left"))
            self._before |= lo > 0
            self._after |= hi < len(tape)
            if lo < hi:
                self.first = self.first if self.rows else int(tape.time[lo])
                self.rows += hi - lo
                METER.rows += hi - lo
                yield tape if hi - lo == len(tape) else tape[lo:hi]
            if self._after:
                return

    def covered(self, known: Covered) -> Covered:
        """From when to when the cut is complete, given what is ``known`` of the whole.

        Rows seen beyond a bound prove that the tape reaches past it.
        """
        since, until = known
        if self._start is not None and (self._before or (since is not None and since <= self._start)):
            since = self._start
        if self._end is not None and (self._after or (until is not None and until >= self._end)):
            until = self._end
        return since, until

    def held(self, promised: Covered) -> str:
        """What the data hold, as far as was seen or names say it, for who asked for another time; empty if unknown."""
        if self._start is None and self._end is None:
            return ""
        first, last = self.seen
        if first is None or last is None:
            first, last = promised
        if first is None or last is None:
            return ""
        # Reading ends at the first row that is not before the end: what follows was not looked at.
        return f"; the data begin at {iso(first)}" if self._after else f"; the data go from {iso(first)} to {iso(last)}"


def between(start: int | None, end: int | None) -> str:
    """The bounds in words, for errors; empty where there are none."""
    since = "" if start is None else f" from {iso(start)}"
    until = "" if end is None else f" before {iso(end)}"
    return since + until
