"""What came in each month, and of the round trips by hour and weekday of their entry."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from ...core.clock import SECOND
from ..recording.round_trips import RoundTrip

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def monthly(time: NDArray[np.int64], value: NDArray[np.float64], start: float) -> dict[str, float]:
    """Return of each calendar month in UTC, in percent; a bar that closes at midnight ends the month before.

    >>> found = monthly(86_400_000_000 * np.array([31, 40]), np.array([110.0, 99.0]), 100.0)
    >>> {name: round(change, 6) for name, change in found.items()}
    {'1970-01': 10.0, '1970-02': -10.0}
    """
    last: dict[str, float] = {}
    months = (np.asarray(time) - 1).astype("datetime64[us]").astype("datetime64[M]")
    ends = np.flatnonzero(np.append(months[1:] != months[:-1], True)) if len(time) else ()
    for i in ends:
        last[str(months[i])] = float(value[i])
    before = [start, *last.values()]
    return {name: 100.0 * (now / was - 1.0) for (name, now), was in zip(last.items(), before, strict=False)}


def by_hour(trips: Sequence[RoundTrip]) -> dict[str, dict[str, float]]:
    """Round trips by the hour of their entry in UTC."""
    return _by(trips, lambda moment: f"{moment.hour:02}")


def by_weekday(trips: Sequence[RoundTrip]) -> dict[str, dict[str, float]]:
    """Round trips by the weekday of their entry in UTC, Monday first."""
    found = _by(trips, lambda moment: DAYS[moment.weekday()])
    return {day: found[day] for day in DAYS if day in found}


def _by(trips: Sequence[RoundTrip], name: Callable[[datetime], str]) -> dict[str, dict[str, float]]:
    groups: dict[str, list[float]] = {}
    for trip in trips:
        # The close of the bar of the fill, which began the moment before.
        moment = datetime.fromtimestamp((trip.entry_time - 1) / SECOND, UTC)
        groups.setdefault(name(moment), []).append(trip.pnl_net)
    return {
        key: {
            "trades": len(net),
            "net_profit": math.fsum(net),
            "mean_trade": math.fsum(net) / len(net),
            "win_rate": sum(x > 0 for x in net) / len(net),
        }
        for key, net in sorted(groups.items())
    }
