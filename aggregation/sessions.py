"""Sessions: where days, weeks, months or hours begin, in a time zone; and time grids that start anew with them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from ..core.clock import DAY, HOUR, grid_origin, interval_text, iso, parse_interval
from ..core.days import parse_days
from ..core.errors import DataError, unknown
from ..core.hours import EXTENDED, TradingDays
from ..core.sessions import Days

Integers = NDArray[np.int64]

KEYS = ("length", "zone", "start", "open", "close", "days", "calendar", "extended")
"""What a session written as a mapping may have."""
_FORMS = (
    "must be as in 1d, 1d:America/New_York, 1d:America/Chicago@17:00, 1d:XNYS, "
    '{zone: America/Chicago, start: "17:00"}, {calendar: XNYS} or '
    '{open: "09:30", close: "16:00", zone: America/New_York}'
)
_MONTHS = re.compile(r"(?:([1-9]\d*)mo|month)")
_EPOCH = date(1970, 1, 1).toordinal()
_MOST_EMPTY = 20_000_000
"""More empty bars in a row than this are taken for a broken time stamp."""


def _meant(text: str) -> str:
    """The way to write days that stand without their length, or behind another sign; empty where it names none."""
    _, at, behind = text.partition("@")
    for days in (text, behind) if at else (text,):
        try:
            parse_days(days)
        except ValueError:
            continue
        return f"days of {days} are written 1d:{days}, as in 1m@1d:{days}"
    return ""


@dataclass(frozen=True)
class Session:
    """A division of time that bars do not cross.

    Parameters
    ----------
    text : str
        An interval of whole hours, such as ``8h``, ``1d`` or ``1w``, or ``month`` or ``3mo``.
    timezone : str
        IANA name of the zone in which days, weeks (from Monday) and months begin, with ``@`` and the time of day at
        which they do where that is not midnight. Those that begin at noon or later are named by the date after. Or
        trading hours, as ``core.hours.parse_hours`` reads them: ``XNYS``, ``America/New_York@09:30-16:00``. Then days,
        weeks and months are of days with trading.

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
    def parse(cls, text: str, hours: str = "") -> Session:
        """From text: a session, a colon and a zone if wished, and behind that ``@`` and when a day begins.

        Days, weeks and months without a zone are those of ``hours``, trading hours, where there are some.

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
        >>> [str(Session.parse(text, "UTC@08:00-16:00")) for text in ("1d", "1d:UTC", "4h")]
        ['1d:UTC@08:00-16:00', '1d', '4h']
        """
        name, colon, zone = text.partition(":")
        months = parse_months(name)
        try:
            length = 0 if months else parse_interval(name)
        except ValueError as err:
            raise ValueError(_meant(text) or str(err)) from None
        if length % HOUR:
            raise ValueError(f"session '{name}' must be whole hours, days or weeks, or month")
        if colon and zone != "UTC":
            parse_days(zone)
            if length % DAY:
                raise ValueError(f"session '{name}' is not whole days, weeks or month, which a time zone needs")
        if not colon and length % DAY == 0:
            zone = hours
        return cls(interval_text(length) if length else months_text(months), zone or "UTC")

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
        if not isinstance(value, Mapping) or not value:
            raise ValueError(_FORMS)
        for key, given in value.items():
            if key not in KEYS:
                raise ValueError(f"{unknown('key', str(key), KEYS)}; a session {_FORMS}")
            if not isinstance(given, bool if key == "extended" else str):
                what = "true or false" if key == "extended" else f'text; write {key}: "{_clock(given)}"'
                raise ValueError(f"{key} must be {what}; a session {_FORMS}")
        return cls.parse(f"{value.get('length', '1d')}:{_days_of(value)}")

    def __str__(self) -> str:
        return self.text if self.timezone == "UTC" else f"{self.text}:{self.timezone}"

    @cached_property
    def _months(self) -> int:
        return parse_months(self.text)

    @cached_property
    def _length(self) -> int:
        return 0 if self._months else parse_interval(self.text)

    @cached_property
    def _days(self) -> Days | TradingDays:
        return parse_days(self.timezone)

    @property
    def hours(self) -> TradingDays | None:
        """The trading hours, where it has some."""
        return self._days if isinstance(self._days, TradingDays) else None

    @property
    def by_date(self) -> bool:
        """Whether it is days, weeks or months, and not hours."""
        return not self._length or self._length % DAY == 0

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

    def close(self, time: int) -> int:
        """When the session that holds ``time`` ends: its last hours, where it has some, else the next begin."""
        end = self.end(time)
        return end if self.hours is None else self.hours.close(self.start(time), end)

    def cut(self, time: int) -> int:
        """Where a bar that holds ``time`` is cut at the latest: as `close`, and where kept hours begin or end."""
        if self.hours is None or not self.hours.extended or self._length != DAY:
            return self.close(time)
        return int(self.hours.stretches(time, time)[1][0])

    def labels(self, times: Integers) -> Integers:
        """The day, numbered from 1970-01-01, that holds each instant."""
        return self._days.numbers(times)

    @cached_property
    def _by_days(self) -> bool:
        return not self._length or not self._days.plain

    def _number(self, time: int) -> int:
        if not self._by_days:
            return (time - grid_origin(self._length)) // self._length
        day = self._days.number(time)
        if not self._length:
            named = date.fromordinal(_EPOCH + day)
            return (named.year * 12 + named.month - 1) // self._months
        return (day - grid_origin(self._length) // DAY) // (self._length // DAY)

    def _begin(self, number: int) -> int:
        if not self._by_days:
            return grid_origin(self._length) + number * self._length
        if self._length:
            return self._days.begin((grid_origin(self._length) + number * self._length) // DAY)
        month = number * self._months
        return self._days.begin(date(month // 12, month % 12 + 1, 1).toordinal() - _EPOCH)


def parse_months(text: str) -> int:
    """How many months ``month`` or ``3mo`` is; 0 for anything else.

    >>> parse_months("month"), parse_months("12mo"), parse_months("1d")
    (1, 12, 0)
    """
    hit = _MONTHS.fullmatch(text)
    return int(hit[1] or 1) if hit else 0


def months_text(months: int) -> str:
    """The name of a session of months.

    >>> months_text(1), months_text(3)
    ('month', '3mo')
    """
    return "month" if months == 1 else f"{months}mo"


def _days_of(value: Mapping[str, Any]) -> str:
    """The days that a session's mapping describes, as text."""
    extended = EXTENDED if value.get("extended") else ""
    if "calendar" in value:
        if more := value.keys() - {"length", "calendar", "extended"}:
            raise ValueError(f"calendar says {sorted(more)[0]} itself; leave one of the two out")
        return f"{value['calendar']}{extended}"
    zone = value.get("zone", "UTC")
    if "open" in value or "close" in value:
        if not {"open", "close"} <= value.keys() or "start" in value:
            raise ValueError('hours are an open and a close and no start, as in {open: "09:30", close: "16:00"}')
        days = f"({value['days']})" if "days" in value else ""
        return f"{zone}@{value['open']}-{value['close']}{days}{extended}"
    if extended or "days" in value:
        raise ValueError(f"{'extended' if extended else 'days'} goes with calendar, or with open and close")
    return f"{zone}@{value['start']}" if "start" in value else str(zone)


def _clock(given: Any) -> str:
    """What YAML made a number of, as the time of day that was meant: 17:00 is read as 1020."""
    return f"{given // 60:02d}:{given % 60:02d}" if isinstance(given, int) and 0 <= given < 1440 else str(given)


class Grid:
    """Edges of time bars: every ``interval`` from midnight UTC, or from the start of each session.

    Where the session has trading hours, bars begin when trading opens, end when it closes, and there are none between.

    Parameters
    ----------
    interval : int
        Length of a bar in µs; whole weeks are counted from Monday.
    session : Session or None
        Where bars are cut besides; the last bar of a session may be shorter.
    whole : bool
        Whether each bar is one session, however long.

    Examples
    --------
    >>> Grid(5 * HOUR, Session("1d")).edges(22 * HOUR, 25 * HOUR) // HOUR
    array([20, 24, 29])
    """

    def __init__(self, interval: int, session: Session | None = None, *, whole: bool = False) -> None:
        self._interval, self._session, self._whole = interval, session, whole

    @property
    def hours(self) -> TradingDays | None:
        """The trading hours, where bars follow some."""
        return None if self._session is None else self._session.hours

    def elapsed(self, times: Integers) -> Integers:
        """Time that counts up to each instant, µs: that of trading where there are hours."""
        return times if self.hours is None else self.hours.elapsed(times)

    def spans(self, lo: int, hi: int) -> tuple[Integers, Integers]:
        """Where bars open and close, from the one that holds ``lo`` to the one that holds ``hi``.

        Both instants are within the hours, where there are some.

        Raises
        ------
        DataError
            If that is more bars than any data hold.
        """
        if self._session is None or (self.hours is None and not self._whole):
            edges = self.edges(lo, hi)
            return edges[:-1], edges[1:]
        self._check(lo, hi)
        hours = None if self._whole else self.hours
        opens, closes = self._sessions(self._session, lo, hi) if hours is None else self._stretches(hours, lo, hi)
        first, last = np.searchsorted(opens, (lo, hi), "right")
        return opens[max(first - 1, 0) : last], closes[max(first - 1, 0) : last]

    def _sessions(self, session: Session, lo: int, hi: int) -> tuple[Integers, Integers]:
        edges = [session.start(lo)]
        while edges[-1] <= hi:
            edges.append(session.end(edges[-1]))
        opens, ends = np.array(edges[:-1], np.int64), np.array(edges[1:], np.int64)
        hours = session.hours
        if hours is None or not len(opens):
            return opens, ends
        return opens, np.array([hours.close(a, b) for a, b in itertools.pairwise(edges)], np.int64)

    def _stretches(self, hours: TradingDays, lo: int, hi: int) -> tuple[Integers, Integers]:
        """Bars of the interval within each stretch of trading; sessions begin where stretches do."""
        starts, ends = hours.stretches(lo, hi)
        counts = -(-(ends - starts) // self._interval)
        of = np.repeat(np.arange(len(starts)), counts)
        nth = np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)
        opens = starts[of] + nth * self._interval
        return opens, np.minimum(opens + self._interval, ends[of])

    def _check(self, lo: int, hi: int) -> None:
        if (hi - lo) // self._interval > _MOST_EMPTY:
            raise DataError(
                f"tape: {iso(lo)} to {iso(hi)} is too long for bars of {interval_text(self._interval)}; "
                "a time stamp is wrong or the bars are too short"
            )

    def edges(self, lo: int, hi: int) -> Integers:
        """From the edge at or before ``lo`` to the first one after ``hi``.

        Raises
        ------
        DataError
            If that is more bars than any data hold.
        """
        self._check(lo, hi)
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
