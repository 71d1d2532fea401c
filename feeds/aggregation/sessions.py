"""Sessions: where days, weeks, months or hours begin, in a time zone; and time grids that start anew with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from ...core.clock import DAY, HOUR, grid_origin, interval_text, iso, parse_interval
from ...core.errors import DataError, unknown
from ...core.sessions import Days, parse_days

Integers = NDArray[np.int64]

_KEYS = ("length", "zone", "start")
_FORMS = 'must be as in 1d, 1d:America/New_York, 1d:America/Chicago@17:00 or {zone: America/Chicago, start: "17:00"}'
_EPOCH = date(1970, 1, 1).toordinal()
_MOST_EMPTY = 20_000_000
"""More empty bars in a row than this are taken for a broken time stamp."""


@dataclass(frozen=True)
class Session:
    """A division of time that bars do not cross.

    Parameters
    ----------
    text : str
        An interval of whole hours, such as ``8h``, ``1d`` or ``1w``, or ``month``.
    timezone : str
        IANA name of the zone in which days, weeks (from Monday) and months begin, with ``@`` and the time of day at
        which they do where that is not midnight. Those that begin at noon or later are named by the date after.

    Examples
    --------
    The day on which clocks in New York went forward has 23 hours:

    >>> day = Session("1d", "America/New_York")
    >>> start = day.start(1_710_072_000_000_000)
    >>> iso(start), iso(day.end(start))
    ('2024-03-10T05:00:00Z', '2024-03-11T04:00:00Z')

    The week of a futures exchange begins on Sunday at 17:00 in Chicago:

    >>> iso(Session("1w", "America/Chicago@17:00").start(start))
    '2024-03-03T23:00:00Z'
    """

    text: str
    timezone: str = "UTC"

    @classmethod
    def parse(cls, text: str) -> Session:
        """From text: a session, a colon and a zone if wished, and behind that ``@`` and when a day begins.

        Raises
        ------
        ValueError
            If it is no session, or a zone or a time of day stands with hours.

        Examples
        --------
        >>> Session.parse("24h:Europe/Paris")
        Session(text='1d', timezone='Europe/Paris')
        >>> str(Session.parse("1d:America/New_York@18:00"))
        '1d:America/New_York@18:00'
        """
        name, colon, zone = text.partition(":")
        length = 0 if name == "month" else parse_interval(name)
        if length % HOUR:
            raise ValueError(f"session '{name}' must be whole hours, days or weeks, or month")
        if colon and zone != "UTC":
            parse_days(zone)
            if length % DAY:
                raise ValueError(f"session '{name}' is not whole days, weeks or month, which a time zone needs")
        return cls(interval_text(length) if length else name, zone or "UTC")

    @classmethod
    def of(cls, value: Any) -> Session:
        """From text as `parse` reads it, or from a mapping of ``length``, ``zone`` and ``start``, as YAML has them.

        Raises
        ------
        ValueError
            If it is neither, with the key that is wrong.

        Examples
        --------
        >>> str(Session.of({"zone": "America/Chicago", "start": "17:00"}))
        '1d:America/Chicago@17:00'
        """
        if isinstance(value, str):
            return cls.parse(value)
        if not isinstance(value, Mapping) or not value or not all(isinstance(v, str) for v in value.values()):
            raise ValueError(_FORMS)
        for key in value:
            if key not in _KEYS:
                raise ValueError(f"{unknown('key', str(key), _KEYS)}; a session {_FORMS}")
        start = f"@{value['start']}" if "start" in value else ""
        return cls.parse(f"{value.get('length', '1d')}:{value.get('zone', 'UTC')}{start}")

    def __str__(self) -> str:
        return self.text if self.timezone == "UTC" else f"{self.text}:{self.timezone}"

    @cached_property
    def _length(self) -> int:
        return 0 if self.text == "month" else parse_interval(self.text)

    @cached_property
    def _days(self) -> Days:
        return parse_days(self.timezone)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone."""
        return self._days.zone

    def start(self, time: int) -> int:
        """Where the session that holds ``time`` begins, epoch µs."""
        return self._begin(self._number(time))

    def end(self, time: int) -> int:
        """Where the session after the one that holds ``time`` begins."""
        return self._begin(self._number(time) + 1)

    @cached_property
    def _by_days(self) -> bool:
        return not self._length or not self._days.plain

    def _number(self, time: int) -> int:
        if not self._by_days:
            return (time - grid_origin(self._length)) // self._length
        day = self._days.number(time)
        if not self._length:
            named = date.fromordinal(_EPOCH + day)
            return named.year * 12 + named.month - 1
        return (day - grid_origin(self._length) // DAY) // (self._length // DAY)

    def _begin(self, number: int) -> int:
        if not self._by_days:
            return grid_origin(self._length) + number * self._length
        if self._length:
            return self._days.begin((grid_origin(self._length) + number * self._length) // DAY)
        return self._days.begin(date(number // 12, number % 12 + 1, 1).toordinal() - _EPOCH)


class Grid:
    """Edges of time bars: every ``interval`` from midnight UTC, or from the start of each session.

    Parameters
    ----------
    interval : int
        Length of a bar in µs; whole weeks are counted from Monday.
    session : Session or None
        Where bars are cut besides; the last bar of a session may be shorter.

    Examples
    --------
    >>> Grid(5 * HOUR, Session("1d")).edges(22 * HOUR, 25 * HOUR) // HOUR
    array([20, 24, 29])
    """

    def __init__(self, interval: int, session: Session | None = None) -> None:
        self._interval, self._session = interval, session

    def edges(self, lo: int, hi: int) -> Integers:
        """From the edge at or before ``lo`` to the first one after ``hi``.

        Raises
        ------
        DataError
            If that is more bars than any data hold.
        """
        if (hi - lo) // self._interval > _MOST_EMPTY:
            raise DataError(
                f"tape: {iso(lo)} to {iso(hi)} is too long for bars of {interval_text(self._interval)}; "
                "a time stamp is wrong or the bars are too short"
            )
        if self._session is None:
            origin = grid_origin(self._interval)
            first = origin + (lo - origin) // self._interval * self._interval
            return np.arange(first, hi + self._interval + 1, self._interval, dtype=np.int64)
        made = self._in_sessions(self._session, lo, hi)
        return made[np.searchsorted(made, lo, "right") - 1 : np.searchsorted(made, hi, "right") + 1]

    def _in_sessions(self, session: Session, lo: int, hi: int) -> Integers:
        parts, start = [], session.start(lo)
        while start <= hi:
            end = session.end(start)
            parts.append(np.arange(start, end, self._interval, dtype=np.int64))
            start = end
        return np.concatenate([*parts, np.array([start], np.int64)])
