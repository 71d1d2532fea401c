"""How much of a year is trading, by the hours of a feed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.hours import TradingDays, parse_hours

YEAR = 365 * 86_400_000_000
"""µs."""


def hours_of(data: Any) -> TradingDays | None:
    """The trading hours of bars, or of a feed over them; None where it has none, or nobody says."""
    text = getattr(data, "hours", "")
    return parse_hours(text) if text else None


def traded_time(
    hours: TradingDays | None, since: NDArray[Any], until: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """µs of trading from ``since`` to ``until``, and in a year: the 365 days before ``until``, so that none is ahead.

    A calendar that begins within them tells by what it has of them.

    Parameters
    ----------
    hours : TradingDays or None
        The trading hours; None where trading never ends.
    since, until : ndarray
        Epoch µs.

    Examples
    --------
    Twenty days of six hours and a half, and a year of 261 such days:

    >>> ends = np.array(["2024-03-01T16", "2024-03-29T16"], "M8[us]").astype(np.int64)
    >>> made = traded_time(parse_hours("UTC@09:30-16:00"), ends[:1], ends[1:])
    >>> [float(part[0]) / (390 * 60e6) for part in made]
    [20.0, 261.0]
    """
    if hours is None:
        return until - since, np.full(np.shape(until), float(YEAR))
    since, until = np.asarray(since).astype(np.int64), np.asarray(until).astype(np.int64)
    back = np.minimum(YEAR, until - hours.opens[0])
    year = (hours.elapsed(until) - hours.elapsed(until - back)) * (YEAR / back)
    return (hours.elapsed(until) - hours.elapsed(since)).astype(np.float64), year
