"""Time: int64 microseconds UTC inside, day numbers for backtrader, text for people."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
from numpy.typing import NDArray

from .errors import nearest

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
YEAR = 366 * DAY
WEEK = 7 * DAY
MONTH = 2_629_746 * SECOND
"""Length of a mean month, which stands for months of the calendar where an interval is wanted."""
UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": WEEK}
INTERVAL_WORDS = {
    "minute": "1m",
    "five_minutes": "5m",
    "fifteen_minutes": "15m",
    "thirty_minutes": "30m",
    "hour": "1h",
    "four_hours": "4h",
    "day": "1d",
    "week": "1w",
    "minutes": "1m",
    "hours": "1h",
    "days": "1d",
}
"""Intervals as data providers write them, in any case."""
_EPOCH_UNITS = ((10**11, SECOND), (10**14, 1000), (10**17, 1))
"""Below which number one is a time in which unit, in µs: from 1973 on, seconds, ms and µs cannot be confused."""
_OLDEST = 10**8
_MONDAY = 4 * DAY
"""1970-01-05, the first Monday: where weeks are counted from."""
_DAY_ONE = 719_163
"""backtrader's day number of 1970-01-01."""
_UNTOLD = 6
"""µs that a float day of our times may be off."""


def parse_interval(text: str) -> int:
    """Microseconds of ``1s``, ``5m``, ``4h``, ``1d`` or ``1w``, or of a provider's word for one: ``minute``, ``HOUR``.

    ``1mo`` is `MONTH`.

    Raises
    ------
    ValueError
        If ``text`` is none of these.

    Examples
    --------
    >>> parse_interval("5m"), parse_interval("hour")
    (300000000, 3600000000)
    """
    plain = str(text).strip()
    if plain == "1mo":
        return MONTH
    hit = re.fullmatch(r"([1-9]\d*)([smhdw])", INTERVAL_WORDS.get(plain.lower(), plain))
    if not hit:
        raise ValueError(f"'{text}' is no interval; write a whole number and s, m, h, d or w, as in 1m or 4h")
    return int(hit[1]) * UNITS[hit[2]]


def interval_text(us: int) -> str:
    """The shortest name of an interval.

    >>> interval_text(3_600_000_000)
    '1h'
    """
    if us == MONTH:
        return "1mo"
    for unit in reversed(UNITS):
        if us % UNITS[unit] == 0:
            return f"{us // UNITS[unit]}{unit}"
    return f"{us}us"


def month_numbers(us: NDArray[np.int64]) -> NDArray[np.int64]:
    """Months since January 1970, UTC.

    >>> month_numbers(np.array([0, 1577836800000000]))
    array([  0, 600])
    """
    made: NDArray[np.int64] = us.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
    return made


def month_starts(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Epoch µs of the first instant of months that `month_numbers` counts."""
    made: NDArray[np.int64] = numbers.astype("datetime64[M]").astype("datetime64[us]").astype(np.int64)
    return made


def usual_interval(opens: NDArray[np.int64], closes: NDArray[np.int64]) -> int:
    """Length of the first of some klines; `MONTH` where all are months of the calendar."""
    months = month_numbers(opens)
    if len(opens) and (opens == month_starts(months)).all() and (closes == month_starts(months + 1)).all():
        return MONTH
    return int(closes[0] - opens[0])


def steps_between(opens: NDArray[np.int64], interval: int) -> NDArray[np.int64]:
    """How many intervals, or months of the calendar, each kline begins behind the one before it."""
    made: NDArray[np.int64] = np.diff(month_numbers(opens)) if interval == MONTH else np.diff(opens) // interval
    return made


def grid_origin(interval: int) -> int:
    """Where a grid of ``interval`` is counted from: Monday for whole weeks, else midnight 1970-01-01."""
    return _MONDAY if interval % WEEK == 0 else 0


def parse_zone(text: str) -> ZoneInfo:
    """The time zone of an IANA name.

    Raises
    ------
    ValueError
        If there is none of this name; the nearest one is told.
    """
    try:
        return ZoneInfo(text)
    except (OSError, ValueError, LookupError):
        near = nearest(str(text), available_timezones())
        hint = f" (did you mean '{near}'?)" if near else ""
        raise ValueError(f"'{text}' is no time zone{hint}; write an IANA name, as in UTC or America/New_York") from None


def day_numbers(us: NDArray[np.int64]) -> NDArray[np.float64]:
    """backtrader's float days, strictly increasing.

    Equal bit for bit to ``backtrader.date2num`` of the same instants; instants closer than a float
    day resolves (about 10 µs) are moved to the next float, so that no two bars share a stamp.

    Parameters
    ----------
    us : ndarray of int64
        Epoch µs, not decreasing.
    """
    made = date_numbers(us)
    for i in np.flatnonzero(made[1:] <= made[:-1]) + 1:
        k = int(i)
        while k < len(made) and made[k] <= made[k - 1]:
            made[k] = np.nextafter(made[k - 1], np.inf)
            k += 1
    return made


def date_numbers(us: NDArray[np.int64]) -> NDArray[np.float64]:
    """``backtrader.date2num`` of each instant, of whatever order.

    Parameters
    ----------
    us : ndarray of int64
        Epoch µs.
    """
    days = us // DAY  # by a constant, which numpy's divmod is four times slower at
    made: NDArray[np.float64] = (us - days * DAY) / float(DAY)
    made += (days + _DAY_ONE).astype(np.float64)
    return made


def from_day_number(number: float) -> int:
    """Epoch µs of backtrader's float day, as exact as the float is; a whole millisecond where it cannot tell.

    >>> from_day_number(float(day_numbers(np.array([1_704_067_260_000_000]))[0]))
    1704067260000000
    """
    return int(from_day_numbers(np.array([number]))[0])


def from_day_numbers(numbers: NDArray[np.float64]) -> NDArray[np.int64]:
    """`from_day_number` of each."""
    made = np.rint((numbers - _DAY_ONE) * DAY)
    whole = np.rint(made / 1000) * 1000
    return np.where(np.abs(made - whole) <= _UNTOLD, whole, made).astype(np.int64)


def iso(us: int) -> str:
    """ISO 8601 in UTC, with as many digits as there are.

    >>> iso(1577836800000000)
    '2020-01-01T00:00:00Z'
    """
    when = datetime.fromtimestamp(us // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    micro = us % SECOND
    return f"{when}.{micro:06d}Z" if micro else f"{when}Z"


def parse_time(value: Any) -> int:
    """Epoch µs of an ISO date or date-time, or of a number of seconds, ms or µs since 1970; no zone means UTC.

    A number is in the unit in which it lies between the years 1973 and 5138.

    Raises
    ------
    ValueError
        If ``value`` is neither.

    Examples
    --------
    >>> parse_time("2020-01-01"), parse_time(1577836800), parse_time("1577836800000")
    (1577836800000000, 1577836800000000, 1577836800000000)
    """
    if (number := _since_1970(str(value).strip())) is not None:
        return number
    try:
        when = datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError(
            f"'{value}' is no time; write it as 2024-01-31, 2024-01-31T08:00:00, or in seconds or ms since 1970"
        ) from None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    passed = when - datetime(1970, 1, 1, tzinfo=UTC)
    return (passed.days * 86_400 + passed.seconds) * SECOND + passed.microseconds


def _since_1970(text: str) -> int | None:
    """Epoch µs of a number as providers write times; None for anything else, as a date without hyphens is."""
    hit = re.fullmatch(r"(\d{9,17})(?:\.(\d{1,6}))?", text)
    if not hit or int(hit[1]) < _OLDEST:
        return None
    unit = next((unit for bound, unit in _EPOCH_UNITS if int(hit[1]) < bound), 0)
    if not unit or (hit[2] and unit != SECOND):
        return None
    return int(hit[1]) * unit + int((hit[2] or "").ljust(6, "0"))
