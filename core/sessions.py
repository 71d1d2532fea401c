"""Days of a time zone, which may begin at another time than midnight: what every session is counted by."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from .clock import DAY, HOUR, MINUTE, SECOND, parse_zone

Integers = NDArray[np.int64]

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?")
_EPOCH = date(1970, 1, 1).toordinal()


def parse_start(text: str) -> int:
    """Microseconds since midnight of a time of day: ``17:00``, ``9:30`` or ``09:30:15``.

    Raises
    ------
    ValueError
        If ``text`` is none.

    Examples
    --------
    >>> parse_start("17:00") // HOUR
    17
    """
    hit = _CLOCK.fullmatch(text)
    if not hit:
        raise ValueError(f"'{text}' is no time of day at which a session begins; write it as 17:00 or 09:30")
    return int(hit[1]) * HOUR + int(hit[2]) * MINUTE + int(hit[3] or 0) * SECOND


@dataclass(frozen=True)
class Days:
    """Days of a time zone, numbered from 1970-01-01.

    A day begins at the first instant at which clocks show its start: where they skip that time, when they skip it;
    where they show it twice, the first time. A day that begins at noon or later is named by the date after, as
    exchanges do: the week of a market that opens at 17:00 begins on Sunday.

    Parameters
    ----------
    zone : ZoneInfo
        The time zone.
    start : int
        When a day begins, µs since midnight on clocks there.

    Examples
    --------
    >>> days = Days.parse("America/Chicago@17:00")
    >>> [datetime.fromtimestamp(days.begin(n) // SECOND, UTC).isoformat() for n in (19_792, 19_793)]
    ['2024-03-09T23:00:00+00:00', '2024-03-10T22:00:00+00:00']
    """

    zone: ZoneInfo
    start: int = 0

    @classmethod
    def parse(cls, text: str) -> Days:
        """From the IANA name of a zone, with ``@`` and a time of day if wished.

        Raises
        ------
        ValueError
            If there is no such zone or time of day.
        """
        name, at, start = text.partition("@")
        return cls(parse_zone(name), parse_start(start) if at else 0)

    @property
    def plain(self) -> bool:
        """Whether they are those of UTC, from midnight to midnight."""
        return self.zone.key == "UTC" and not self.start

    @property
    def _shift(self) -> int:
        """Where a day begins on clocks, from midnight of the date that names it."""
        return self.start if self.start < DAY // 2 else self.start - DAY

    def begin(self, number: int) -> int:
        """Where a day begins, epoch µs."""
        if self.zone.key == "UTC":
            return number * DAY + self._shift
        return _begin(self.zone, self._shift // SECOND, number)

    def number(self, time: int) -> int:
        """The day that an instant, epoch µs, lies in."""
        if self.zone.key == "UTC":
            return (time - self._shift) // DAY
        ahead = datetime.fromtimestamp(time // SECOND, UTC).astimezone(self.zone).utcoffset() or timedelta()
        made = (time + round(ahead.total_seconds()) * SECOND - self._shift) // DAY
        while self.begin(made + 1) <= time:
            made += 1
        while self.begin(made) > time:
            made -= 1
        return made

    def numbers(self, times: Integers) -> Integers:
        """`number` of many instants."""
        if not len(times) or self.zone.key == "UTC":
            made: Integers = (times - self._shift) // DAY
            return made
        first, last = self.number(int(times.min())), self.number(int(times.max()))
        begins = np.array([self.begin(n) for n in range(first, last + 1)], np.int64)
        return first + np.searchsorted(begins, times, "right").astype(np.int64) - 1


@lru_cache(maxsize=65_536)
def _begin(zone: ZoneInfo, shift: int, number: int) -> int:
    wall = datetime.fromordinal(_EPOCH + number) + timedelta(seconds=shift)
    first, second = (round(wall.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1))
    if second >= first:
        return first * SECOND
    # Clocks skip this time: between the two readings of it lies the instant at which they go forward.
    before = datetime.fromtimestamp(second, zone).utcoffset()
    while first - second > 1:
        middle = (first + second) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == before:
            second = middle
        else:
            first = middle
    return first * SECOND
