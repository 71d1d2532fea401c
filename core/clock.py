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
UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": WEEK}
_MONDAY = 4 * DAY
"""1970-01-05, the first Monday: where weeks are counted from."""
_DAY_ONE = 719_163
"""backtrader's day number of 1970-01-01."""


def parse_interval(text: str) -> int:
    """Microseconds of ``1s``, ``5m``, ``4h``, ``1d`` or ``1w``.

    Raises
    ------
    ValueError
        If ``text`` is none of these.

    Examples
    --------
    >>> parse_interval("5m")
    300000000
    """
    hit = re.fullmatch(r"([1-9]\d*)([smhdw])", str(text).strip())
    if not hit:
        raise ValueError(f"'{text}' is no interval; write a whole number and s, m, h, d or w, as in 1m or 4h")
    return int(hit[1]) * UNITS[hit[2]]


def interval_text(us: int) -> str:
    """The shortest name of an interval.

    >>> interval_text(3_600_000_000)
    '1h'
    """
    for unit in reversed(UNITS):
        if us % UNITS[unit] == 0:
            return f"{us // UNITS[unit]}{unit}"
    return f"{us}us"


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
    days = us // DAY  # by a constant, which numpy's divmod is four times slower at
    made: NDArray[np.float64] = (us - days * DAY) / float(DAY)
    made += (days + _DAY_ONE).astype(np.float64)
    for i in np.flatnonzero(made[1:] <= made[:-1]) + 1:
        k = int(i)
        while k < len(made) and made[k] <= made[k - 1]:
            made[k] = np.nextafter(made[k - 1], np.inf)
            k += 1
    return made


def from_day_number(number: float) -> int:
    """Epoch µs of backtrader's float day, as exact as the float is."""
    return round((number - _DAY_ONE) * DAY)


def iso(us: int) -> str:
    """ISO 8601 in UTC, with as many digits as there are.

    >>> iso(1577836800000000)
    '2020-01-01T00:00:00Z'
    """
    when = datetime.fromtimestamp(us // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    micro = us % SECOND
    return f"{when}.{micro:06d}Z" if micro else f"{when}Z"


def parse_time(value: Any) -> int:
    """Epoch µs of an ISO date or date-time; no zone means UTC.

    Raises
    ------
    ValueError
        If ``value`` is neither.

    Examples
    --------
    >>> parse_time("2020-01-01")
    1577836800000000
    """
    try:
        when = datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"'{value}' is no time; write it as 2024-01-31 or 2024-01-31T08:00:00") from None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    since = when - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds
