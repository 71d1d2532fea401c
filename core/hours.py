"""Trading hours: when an exchange is open, as its calendar says or as written, and the days that follow from them."""

from __future__ import annotations

import re
import warnings
from functools import cached_property, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from .clock import DAY, iso, parse_zone
from .errors import DataError, ParamError, nearest
from .sessions import parse_start

Integers = NDArray[np.int64]

EXTENDED = "+extended"
"""Behind hours: trades outside them are kept."""
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WRITTEN = re.compile(r"(?P<zone>[^@]+)@(?P<open>[\d:.]+)-(?P<close>[\d:.]+)(?:\((?P<days>[A-Za-z,-]+)\))?")
_CODE = re.compile(r"\w+|24/\d")
_YEARS = 1970, 2100
_SUNDAY = -4
"""1969-12-28, from which weekdays are counted as 1 for Monday."""


class TradingDays:
    """Days on which an exchange trades, numbered by the dates that name them, from 1970-01-01.

    A day begins when trading opens and lasts until it opens again: what lies between belongs to the day before it,
    so that each instant is in a day. Where trades outside the hours are kept, a day begins at midnight in the
    exchange's zone, or when it opens if that is on the date before.

    Parameters
    ----------
    text : str
        How they are written.
    zone : ZoneInfo
        The exchange's time zone.
    opens, closes : ndarray of int64
        Each stretch of trading in order, epoch µs, the close exclusive; a day with a break has two.
    days : ndarray of int64
        The day of each stretch.
    extended : bool
        Whether trades outside the hours are kept.

    Examples
    --------
    >>> days = parse_hours("America/New_York@09:30-16:00")
    >>> [iso(days.begin(n)) for n in (19_793, 19_794)]  # Monday, 11 March 2024
    ['2024-03-11T13:30:00Z', '2024-03-12T13:30:00Z']
    """

    plain = False

    def __init__(
        self, text: str, zone: ZoneInfo, opens: Integers, closes: Integers, days: Integers, extended: bool = False
    ) -> None:
        self.text, self.zone, self.extended = text, zone, extended
        self.opens, self.closes, self.days = opens, closes, days
        first = np.flatnonzero(np.diff(days, prepend=days[0] - 1))
        self._named, self._begins = days[first], opens[first]
        if extended:
            self._begins = np.minimum(self._begins, instants(zone, self._named * DAY))

    def begin(self, number: int) -> int:
        """Where a day begins, epoch µs; of a date without trading that of the next day with it.

        Raises
        ------
        DataError
            If the calendar does not reach so far.
        """
        at = int(np.searchsorted(self._named, number))
        if at >= len(self._named) or number < self._named[0] - 366:
            raise self._beyond(number * DAY)
        return int(self._begins[at])

    def number(self, time: int) -> int:
        """The day that an instant, epoch µs, lies in."""
        return int(self.numbers(np.array([time], np.int64))[0])

    def numbers(self, times: Integers) -> Integers:
        """`number` of many instants.

        Raises
        ------
        DataError
            If the calendar does not reach so far.
        """
        at = np.searchsorted(self._begins, times, "right") - 1
        out = (at < 0) | (times >= self.closes[-1])
        if out.any():
            raise self._beyond(int(times[np.argmax(out)]))
        made: Integers = self._named[at]
        return made

    def nearest(self, times: Integers) -> Integers:
        """`numbers` of many instants; the first or the last day of those that the calendar does not reach."""
        return self.numbers(np.clip(times, self._begins[0], self.closes[-1] - 1))

    def inside(self, times: Integers) -> NDArray[np.bool_]:
        """Whether instants are within the hours."""
        at = np.searchsorted(self.opens, times, "right") - 1
        made: NDArray[np.bool_] = (at >= 0) & (times < self.closes[at])
        return made

    def stretches(self, lo: int, hi: int) -> tuple[Integers, Integers]:
        """Where stretches of trading that touch ``[lo, hi]`` open and close; those between too where they are kept."""
        opens, closes = (self.opens, self.closes) if not self.extended else self._all
        first = max(int(np.searchsorted(opens, lo, "right")) - 1, 0)
        last = int(np.searchsorted(opens, hi, "right"))
        return opens[first:last], closes[first:last]

    @cached_property
    def _all(self) -> tuple[Integers, Integers]:
        """All time, cut wherever a day begins, or trading opens or closes."""
        edges = np.unique(np.concatenate([self._begins, self.opens, self.closes]))
        return edges[:-1], edges[1:]

    def close(self, begin: int, end: int) -> int:
        """When trading closes for the last time between two begins of days; ``end`` where all is kept."""
        if self.extended:
            return end
        return int(self.closes[np.searchsorted(self.closes, end, "right") - 1])

    def final(self, times: Integers) -> Integers:
        """When the hours of the day that holds each instant end, epoch µs."""
        last = np.searchsorted(self.days, self.numbers(times), "right") - 1
        made: Integers = self.closes[last]
        return made

    def spans_of(self, dates: Integers) -> tuple[tuple[Integers, Integers], NDArray[np.bool_]]:
        """When the hours of the days of these names begin and end, and which of them are trading days."""
        first = np.searchsorted(self.days, dates, "left")
        last = np.searchsorted(self.days, dates, "right") - 1
        traded: NDArray[np.bool_] = last >= first
        at = np.minimum(first, len(self.days) - 1)
        return (self.opens[at], self.closes[np.where(traded, last, at)]), traded

    def elapsed(self, times: Integers) -> Integers:
        """µs of trading up to each instant; of all time where what lies outside the hours is kept."""
        if self.extended:
            return times
        at = np.searchsorted(self.opens, times, "right") - 1
        made: Integers = self._traded[at + 1] - np.where(at < 0, 0, np.maximum(self.closes[at] - times, 0))
        return made

    @cached_property
    def _traded(self) -> Integers:
        return np.concatenate([[0], np.cumsum(self.closes - self.opens)])

    def per_year(self, lo: int, hi: int) -> tuple[float, float]:
        """Days with trading, and µs of it, in a year: counted from the years that a stretch of time touches."""
        years = [np.datetime64(iso(t)[:4], "Y") for t in (lo, hi)]
        first, last = (int(y.astype("datetime64[D]").astype(np.int64)) for y in (years[0], years[1] + 1))
        within = (self._named >= first) & (self._named < last)
        count = int(years[1] - years[0]) + 1
        rows = (self.days >= first) & (self.days < last)
        return int(within.sum()) / count, float((self.closes - self.opens)[rows].sum()) / count

    def _beyond(self, time: int) -> DataError:
        since, until = iso(int(self.opens[0]))[:10], iso(int(self.closes[-1]))[:10]
        return DataError(f"trading hours {self.text} are known from {since} to {until} (got {iso(time)[:10]})")


def parse_hours(text: str) -> TradingDays | None:
    """Trading days of an exchange's code, or of a zone with hours; None where ``text`` has neither's form.

    Parameters
    ----------
    text : str
        ``XNYS``, the name of a calendar of the package exchange_calendars, or ``America/New_York@09:30-16:00``, which
        trades from Monday to Friday, or on other days as in ``UTC@08:00-20:00(Mon-Sun)``. Hours that close at or
        before they open begin on the date before. ``+extended`` behind it keeps what lies outside the hours.

    Raises
    ------
    ValueError
        If there is no such calendar or time, or the package is not installed.
    """
    base = text.removesuffix(EXTENDED)
    hit = _WRITTEN.fullmatch(base)
    if hit is None and not _CODE.fullmatch(base):
        return None
    if hit is None and _is_zone(base):
        if base != text:
            raise ValueError(f"'{text}' has no hours that could be extended; write {base}@09:30-16:00{EXTENDED}")
        return None
    if hit is None:
        return _of_calendar(base, base != text)
    return _written(base, hit["zone"], hit["open"], hit["close"], hit["days"] or "Mon-Fri", base != text)


def hours_in(spec: str) -> str:
    """The trading hours within the text of a kind of bars; empty where it has none.

    Raises
    ------
    ParamError
        If they are those of a calendar that is not to be had here.

    Examples
    --------
    >>> hours_in("30m@1d:America/New_York@09:30-16:00"), hours_in("4h@1d:America/New_York"), hours_in("1m")
    ('America/New_York@09:30-16:00', '', '')
    """
    text = spec.partition("@")[2].partition(":")[2]
    try:
        return "" if not text or parse_hours(text) is None else text
    except ValueError as err:
        raise ParamError(f"bars of {spec}: {err}") from None


def _is_zone(name: str) -> bool:
    try:
        parse_zone(name)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=64)
def _written(base: str, name: str, opens_at: str, closes_at: str, weekdays: str, extended: bool) -> TradingDays:
    zone, start, end = parse_zone(name), parse_start(opens_at), parse_start(closes_at)
    first, last = (int(np.datetime64(f"{y}-01-01").astype(np.int64)) for y in _YEARS)
    numbers = np.arange(first + 1, last, dtype=np.int64)
    numbers = numbers[np.isin((numbers - _SUNDAY - 1) % 7, parse_weekdays(weekdays))]
    shift = start - DAY if end <= start else start
    opens, closes = (instants(zone, numbers * DAY + at) for at in (shift, end))
    return TradingDays(base + EXTENDED * extended, zone, opens, closes, numbers, extended)


def instants(zone: ZoneInfo, local: Integers) -> Integers:
    """Epoch µs at which clocks in ``zone`` show ``local``, the first time, or skip it.

    Parameters
    ----------
    zone : ZoneInfo
        The time zone.
    local : ndarray of int64
        What clocks show, as µs from midnight of 1970-01-01 on them.
    """
    import pandas as pd

    shown = pd.DatetimeIndex(local.astype("datetime64[us]"))
    known = shown.tz_localize(zone, ambiguous=np.ones(len(local), bool), nonexistent="shift_forward")
    made: Integers = known.tz_convert(None).as_unit("us").asi8
    return made


def parse_weekdays(text: str) -> list[int]:
    """Numbers of weekdays, 0 for Monday: of ``Mon-Fri``, ``Sun-Thu`` or ``Mon,Wed``.

    Raises
    ------
    ValueError
        If one is none.

    Examples
    --------
    >>> parse_weekdays("Sun-Tue"), parse_weekdays("Mon,Fri")
    ([6, 0, 1], [0, 4])
    """
    made: list[int] = []
    for part in text.split(","):
        ends = part.split("-")
        if len(ends) > 2 or not set(ends) <= set(WEEKDAYS):
            raise ValueError(f"'{text}' are no weekdays; write them as Mon-Fri or Mon,Wed of {', '.join(WEEKDAYS)}")
        first, last = (WEEKDAYS.index(end) for end in (ends[0], ends[-1]))
        made += [(first + k) % 7 for k in range((last - first) % 7 + 1)]
    return made


@lru_cache(maxsize=64)
def _of_calendar(name: str, extended: bool) -> TradingDays:
    calendar = _calendar(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pandas, about what the calendars' package does inside
        opens, closes = _micros(calendar.opens), _micros(calendar.closes)
        pauses, resumes = _micros(calendar.break_starts), _micros(calendar.break_ends)
        days = calendar.sessions.to_numpy().astype("datetime64[D]").astype(np.int64)
    broken = pauses > 0
    starts = np.concatenate([opens, resumes[broken]])
    ends = np.concatenate([np.where(broken, pauses, closes), closes[broken]])
    order = np.argsort(starts, kind="stable")
    named = np.concatenate([days, days[broken]])[order]
    return TradingDays(
        name + EXTENDED * extended, ZoneInfo(str(calendar.tz)), starts[order], ends[order], named, extended
    )


def _micros(times: Any) -> Integers:
    """Epoch µs of a pandas series of instants; below 0 where there is none."""
    plain = times.dt.tz_convert(None) if times.dt.tz is not None else times
    made: Integers = plain.to_numpy().astype("datetime64[us]").astype(np.int64)
    return made


def _calendar(name: str) -> Any:
    try:
        import exchange_calendars
    except ImportError:
        raise ValueError(
            f"'{name}' is no time zone; if it is an exchange's calendar, install exchange_calendars: "
            "pip install 'tapeflow[calendars]'"
        ) from None
    names = exchange_calendars.get_calendar_names(include_aliases=True)
    if name not in names:
        near = nearest(name, names)
        hint = f" (did you mean '{near}'?)" if near else ""
        raise ValueError(
            f"'{name}' is no time zone and no calendar of exchange_calendars{hint}; write UTC, America/New_York, or "
            "the code of an exchange such as XNYS"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kind = exchange_calendars.get_calendar(name)
        since = type(kind).bound_min()
        early = max(since, _pandas().Timestamp("1990-01-01")) if since is not None else "1990-01-01"
        return exchange_calendars.get_calendar(name, start=early)


def _pandas() -> Any:
    import pandas as pd

    return pd
