"""Days, as parameters name them: of a time zone, or of trading hours."""

from __future__ import annotations

from .hours import TradingDays, parse_hours
from .sessions import Days


def parse_days(text: str) -> Days | TradingDays:
    """The days that a parameter names: of a time zone, of a zone from a time of day on, or those of trading hours.

    Raises
    ------
    ValueError
        If there is no such zone, time of day or calendar.

    Examples
    --------
    >>> from tapeflow.core.clock import HOUR
    >>> parse_days("America/New_York@18:00").start // HOUR, parse_days("UTC").plain
    (18, True)
    >>> parse_days("America/Chicago@17:00-16:00").plain
    False
    """
    return parse_hours(text) or Days.parse(text)
