"""How fast a sweep goes, and how long it still takes."""

from __future__ import annotations

import time
from collections.abc import Callable


class Pace:
    """Points done, at what rate, and the time that is left.

    Parameters
    ----------
    total : int
        Points of the sweep.
    done : int
        Those that an earlier run of it left.
    now : callable
        The clock, in seconds.

    Examples
    --------
    >>> clock = iter([0.0, 4.0])
    >>> pace = Pace(100, 20, now=lambda: next(clock))
    >>> pace.add(40)
    >>> pace.line()
    '60/100 points, 10/s, 0:00:04 left'
    """

    def __init__(self, total: int, done: int = 0, *, now: Callable[[], float] = time.monotonic) -> None:
        self._total, self._done, self._new = total, done, 0
        self._now, self._since = now, now()

    def add(self, count: int) -> None:
        """So many more are done."""
        self._new += count
        self._done += count

    def line(self) -> str:
        """All of it in words."""
        rate = self._new / max(self._now() - self._since, 1e-9)
        made = f"{self._done:,}/{self._total:,} points"
        if not self._new:
            return made
        seconds = round((self._total - self._done) / rate)
        left = f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d} left"
        return f"{made}, {rate:,.{0 if rate >= 10 else 2}f}/s, {left}"
