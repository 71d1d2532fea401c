"""Orders of a day: until when they stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ...aggregation.sessions import Session
from ...core.clock import date_numbers, from_day_number
from ...core.hours import parse_hours


def ends_of_days(times: Sequence[int], hours: str) -> Iterator[float]:
    """When the trading day of an order ends that is sent at each of ``times``, as backtrader's day number.

    A day is one of the trading ``hours``, without any one of UTC. What is sent at the last close of a day, or after it,
    is of the next.

    Examples
    --------
    >>> from tapeflow.core.clock import iso
    >>> at = [1_704_067_200_000_000, 1_704_100_000_000_000]
    >>> [iso(from_day_number(end)) for end in ends_of_days(at, "")]
    ['2024-01-02T00:00:00Z', '2024-01-02T00:00:00Z']
    """
    day, calendar = Session.parse("1d", hours), parse_hours(hours) if hours else None
    start, last, end = 0, -1, -1
    for time in times:
        if not start <= time < last:
            start, end = time, day.end(time)
            last = end
            if calendar is not None and not calendar.extended:
                final = int(calendar.final(np.array([time], np.int64))[0])
                last, end = (final, end) if time < final else (end, day.end(end))
        yield float(date_numbers(np.array([end], np.int64))[0])


def end_of_day(data: Any) -> float:
    """The same of an order that is sent at the close of a feed's bar."""
    line = getattr(data.lines, "close_time", None)
    time = from_day_number(data.datetime[0]) if line is None else int(line[0])
    return next(ends_of_days([time], getattr(data, "hours", "")))
