"""Times in an audit: long gaps between trades, and days that begin late or end early."""

from __future__ import annotations

import heapq

import numpy as np

from ..aggregation.bars import Covered
from ..core.clock import DAY, MINUTE, iso
from ..core.hours import TradingDays
from .chunk import Chunk, Integers
from .findings import Log, Spot
from .prices import Histogram

_KEPT = 256
_FAR = 20


class Times:
    """Gaps between trades and the edges of days, judged at the end by the gaps of the whole tape.

    Too long is 20 times the gap that one in a thousand exceeds, and a minute at least; at the edges of a day also 20
    times the mean gap of that day. Memory: the 256 longest gaps and one entry a day.

    Parameters
    ----------
    log : Log
        Takes ``time_gap``, ``silence``, ``truncated_day`` and ``partial_day``.
    hours : TradingDays or None
        The trading hours, where there are some: time outside them is no gap, and days begin and end with them.
    """

    def __init__(self, log: Log, hours: TradingDays | None = None) -> None:
        self._log, self._gaps, self._hours = log, Histogram(), hours
        self._longest: list[tuple[int, int, bool, Spot]] = []
        self._days: dict[int, tuple[Spot, Spot, int]] = {}
        self.promised: list[tuple[int, int]] = []
        """From when to when files say that they hold every trade."""
        self.first = self.last = -1
        self._file = ""

    def promise(self, covered: Covered) -> None:
        """Note what the name of a file says that it covers."""
        if covered[0] is not None and covered[1] is not None:
            self.promised.append((covered[0], covered[1]))

    def push(self, chunk: Chunk) -> None:
        """Take new rows."""
        if not len(chunk):
            return
        time = chunk.time
        before = np.maximum.accumulate(np.concatenate([[self.last if self.last >= 0 else time[0]], time]))[:-1]
        gaps = time - before if self._hours is None else self._hours.elapsed(time) - self._hours.elapsed(before)
        self._gaps.push(np.maximum(gaps, 0))
        least = self._longest[0][0] if len(self._longest) >= _KEPT else MINUTE
        for i in np.flatnonzero(gaps > least).tolist():
            known = bool(chunk.first[i] >= 0 and not chunk.hole[i])
            entry = (int(gaps[i]), self._gaps.total + i, known, chunk.spot(i))
            (heapq.heappush if len(self._longest) < _KEPT else heapq.heapreplace)(self._longest, entry)
        self.first = int(time.min()) if self.first < 0 else min(self.first, int(time.min()))
        self.last = max(self.last, int(time.max()))
        self._note_days(chunk, time // DAY if self._hours is None else self._hours.nearest(time))

    def _note_days(self, chunk: Chunk, days: Integers) -> None:
        edges = np.concatenate([[0], np.flatnonzero(np.diff(days)) + 1, [len(days)]])
        for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            first, last = (a + int(f(chunk.time[a:b])) for f in (np.argmin, np.argmax))
            begin, end, rows = self._days.get(int(days[a]), (chunk.spot(first), chunk.spot(last), 0))
            begin = min(begin, chunk.spot(first), key=lambda spot: spot.time)
            end = max(end, chunk.spot(last), key=lambda spot: spot.time)
            self._days[int(days[a])] = (begin, end, rows + b - a)

    def finish(self) -> None:
        """Judge gaps and days."""
        limit = max(_FAR * self._gaps.quantile(0.999), MINUTE)
        for gap, _, known, spot in sorted(self._longest, key=lambda entry: entry[1]):
            if gap > limit:
                text = f"no trade for {_long(gap)}; one gap in 1000 exceeds {_long(int(limit / _FAR))}"
                self._log.add("silence" if known else "time_gap", spot.saying(text), gap)
        for day, (begin, end, rows) in sorted(self._days.items()):
            far = max(limit, _FAR * (end.time - begin.time) / max(rows, 1))
            opens, closes = self._edges_of(day)
            self._edge(opens, begin, begin.time - opens, far)
            self._edge(closes, end, closes - end.time, far)

    def _edges_of(self, day: int) -> tuple[int, int]:
        """Where a day begins and ends."""
        if self._hours is None:
            return day * DAY, (day + 1) * DAY
        (opens, closes), _ = self._hours.spans_of(np.array([day], np.int64))
        return int(opens[0]), int(closes[0])

    def _edge(self, edge: int, spot: Spot, missing: int, far: float) -> None:
        """Report a trade too far from the edge of its day."""
        if missing <= far:
            return
        begins = spot.time > edge
        what = "first" if begins else "last"
        due = any(a <= edge < b for a, b in self.promised) if begins else any(a < edge <= b for a, b in self.promised)
        inside = self.first < edge <= self.last
        text = (
            f"the {what} trade of {iso(spot.time)[:10]} is at {iso(spot.time)[11:19]}, {_long(missing)} from its edge"
        )
        self._log.add("truncated_day" if due or inside else "partial_day", spot.saying(text), missing)


def _long(us: int) -> str:
    """A length of time for people.

    >>> _long(90_000_000), _long(7_200_000_000)
    ('90 s', '120 min')
    """
    return f"{us / 1e6:.3g} s" if us < 100 * 1_000_000 else f"{us / MINUTE:.0f} min"
