"""Time of day, weekday and session of bars, for expressions, in any time zone.

Time of day and weekday are those of a bar's close, the moment at which a rule is looked at. A session is the one in
which a bar opens, as it is for indicators. Where the feed has trading hours and no zone is said, days are theirs and
clocks those of their zone.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ...aggregation.sessions import Session
from ...core.clock import DAY, MINUTE, grid_origin, parse_zone
from ...core.days import parse_days
from ...indicators.framework.inputs import Session as SessionNumber
from ...indicators.framework.inputs import local_times
from .operators import Array

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?|24:00")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def parse_clock(text: str) -> float:
    """Minutes since midnight of ``9:30``, ``09:30:15`` or ``24:00``.

    Raises
    ------
    ValueError
        If ``text`` is no time of day.

    Examples
    --------
    >>> parse_clock("09:30")
    570.0
    """
    hit = _CLOCK.fullmatch(text)
    if not hit:
        raise ValueError(f"'{text}' is no time of day; write it as 09:30 or 09:30:15")
    if hit[1] is None:
        return 1440.0
    return (int(hit[1]) * 3600 + int(hit[2]) * 60 + int(hit[3] or 0)) * 1_000_000 / MINUTE


def parse_day(text: str) -> float:
    """Number of a weekday: ``Mon`` is 1, ``Sun`` 7.

    Raises
    ------
    ValueError
        If ``text`` is none of the seven.
    """
    if text not in _DAYS:
        raise ValueError(f"'{text}' is no weekday (allowed: {', '.join(_DAYS)})")
    return float(_DAYS.index(text) + 1)


def parse_rule_session(text: str, hours: str = "") -> Session:
    """A session and, after an @ or a colon, its zone, and when a day begins: ``1d@Europe/Berlin@17:00``.

    Days without a zone are those of ``hours``, the feed's trading hours, where it has some.

    Raises
    ------
    ValueError
        If it is none.
    """
    return Session.parse(re.sub(r"^([^:@]*)@", r"\1:", text), hours)


def time_of_day(close_time: Array, zone: str = "", hours: str = "") -> Array:
    """Minutes since midnight when the bar closes, in ``zone``: that of the feed's trading hours, else UTC, if not said.

    Examples
    --------
    >>> time_of_day(np.array([1_704_101_400e6]), "Europe/Berlin").tolist()
    [630.0]
    """
    made: Array = np.mod(_local(close_time, zone, hours), DAY) / MINUTE
    return made


def weekday(close_time: Array, zone: str = "", hours: str = "") -> Array:
    """Weekday on which the bar closes: 1 for Monday to 7 for Sunday.

    Examples
    --------
    >>> weekday(np.array([1_704_101_400e6])).tolist()
    [1.0]
    """
    week = 7 * DAY
    made: Array = np.floor_divide(np.mod(_local(close_time, zone, hours) - grid_origin(week), week), DAY) + 1.0
    return made


def between(close_time: Array, start: str, end: str, zone: str = "", hours: str = "") -> Array:
    """Whether the bar closes at ``start`` or later and before ``end``; over midnight where ``end`` is the earlier.

    Examples
    --------
    >>> between(np.array([1_704_101_400e6]), "09:30", "16:00").tolist()
    [1.0]
    """
    now, low, high = time_of_day(close_time, zone, hours), parse_clock(start), parse_clock(end)
    inside = (now >= low) & (now < high) if low <= high else (now >= low) | (now < high)
    return inside.astype(np.float64)


def session(open_time: Array, text: str, hours: str = "") -> Array:
    """Number of the session in which the bar opens; it changes where one begins.

    Examples
    --------
    >>> session(np.array([0.0, 3_600e6, 7_200e6]), "2h").tolist()
    [0.0, 0.0, 1.0]
    """
    asked = parse_rule_session(text, hours)
    params = {"session": asked.text, "timezone": asked.timezone}
    return SessionNumber().array(params, np.asarray(open_time))


def elapsed(open_time: Array, close_time: Array, text: str, hours: str = "") -> Array:
    """Minutes from the start of the session in which the bar opens to the bar's close.

    Examples
    --------
    >>> elapsed(np.array([0.0, 7_200e6]), np.array([60e6, 7_260e6]), "1d").tolist()
    [1.0, 121.0]
    """
    asked, opened = parse_rule_session(text, hours), np.asarray(open_time).astype(np.int64)
    numbers = session(open_time, text, hours)
    _, first, of = np.unique(numbers, return_index=True, return_inverse=True)
    starts = np.array([asked.start(int(opened[i])) for i in first], np.int64)
    made: Array = (np.asarray(close_time).astype(np.int64) - starts[of]) / MINUTE
    return made


def remaining(open_time: Array, close_time: Array, text: str, hours: str = "") -> Array:
    """Minutes from the bar's close to the end of the session in which it opens: its close, where it has hours.

    Examples
    --------
    >>> remaining(np.array([0.0, 7_200e6]), np.array([60e6, 7_260e6]), "1d").tolist()
    [1439.0, 1319.0]
    """
    asked, opened = parse_rule_session(text, hours), np.asarray(open_time).astype(np.int64)
    numbers = session(open_time, text, hours)
    _, first, of = np.unique(numbers, return_index=True, return_inverse=True)
    ends = np.array([asked.close(int(opened[i])) for i in first], np.int64)
    made: Array = (ends[of] - np.asarray(close_time).astype(np.int64)) / MINUTE
    return made


def _local(times: Array, zone: str, hours: str) -> Any:
    whole = np.asarray(times).astype(np.int64)
    if not zone and hours:
        zone = parse_days(hours).zone.key
    return whole if zone in ("", "UTC") else local_times(whole, parse_zone(zone))
