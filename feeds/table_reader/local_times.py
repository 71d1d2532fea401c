"""Clocks of a time zone: local stamps into UTC, with the hour that comes twice and the one that never comes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from ...core.clock import DAY, SECOND, parse_zone
from ...core.errors import DataError

Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]
AMBIGUOUS = ("infer", "earlier", "later")
_EPOCH = datetime(1970, 1, 1)


class LocalClock:
    """Stamps of one file, in its order, as clocks of a zone show them.

    Times that clocks show twice are told apart by the order of the rows: the first time until the clock of the file
    steps back, the second time from there on. A file whose clock does not step back just once does not tell, and is
    refused.

    Parameters
    ----------
    name : str
        IANA name of the zone.
    ambiguous : {"infer", "earlier", "later"}
        What times that come twice are: told by the order of rows, always the first time, or always the second.
    strictly : bool
        Whether the same stamp again is a step back, as it is of bars.

    Examples
    --------
    >>> clock = LocalClock("America/New_York", strictly=True)
    >>> hours = [int((datetime(2024, 11, 3, h) - _EPOCH).total_seconds()) * SECOND for h in (0, 1, 1, 2)]
    >>> [datetime.fromtimestamp(t // SECOND, UTC).hour for t in clock.utc(np.array(hours))[0]]
    [4, 5, 6, 7]
    """

    def __init__(self, name: str, ambiguous: str = "infer", *, strictly: bool = False) -> None:
        self.name, self._zone = name, parse_zone(name)
        self._ambiguous, self._strictly = ambiguous, strictly
        self._sign = 0
        self._last: dict[int, int] = {}
        self._steps: dict[int, int] = {}
        """By day: the last time that comes twice, and how often the file stepped back among them."""

    def utc(self, local: Integers) -> tuple[Integers, Mask]:
        """Epoch µs of local stamps, and which of them no clock ever showed.

        Raises
        ------
        DataError
            If clocks step back twice where they do once.
        """
        if not len(local):
            return local, np.zeros(0, bool)
        if not self._sign:
            self._sign = -1 if local[0] > local[-1] else 1
        first, second = self._offsets(local)
        skipped, twice = first < second, first > second
        made = np.where(twice & (self._ambiguous == "later"), second, first)
        if self._ambiguous == "infer" and twice.any():
            for day in np.unique(local[twice] // DAY).tolist():
                rows = np.flatnonzero(twice & (local // DAY == day))
                made[rows] = np.where(self._second_time(day, local[rows]), second[rows], first[rows])
        return local - made, skipped

    def finish(self) -> None:
        """Refuse a file that has times that come twice, and never stepped back.

        Raises
        ------
        DataError
            Naming the day.
        """
        for day, steps in self._steps.items():
            if not steps:
                raise self._untold(day, "no row steps back")

    def _second_time(self, day: int, local: Integers) -> Mask:
        """Which times of a day that come twice are there for the second time."""
        moved = np.diff(local * self._sign, prepend=self._last.get(day, int(local[0]) * self._sign - 1))
        steps = self._steps.get(day, 0) + np.cumsum(moved <= 0 if self._strictly else moved < 0)
        self._last[day], self._steps[day] = int(local[-1]) * self._sign, int(steps[-1])
        if steps[-1] > 1:
            raise self._untold(day, "rows step back more than once")
        made: Mask = (steps > 0) if self._sign > 0 else (steps == 0)
        return made

    def _untold(self, day: int, why: str) -> DataError:
        date = (_EPOCH + timedelta(days=day)).date().isoformat()
        return DataError(
            f"clocks of {self.name} show an hour of {date} twice, and {why} there: which is which is not told; "
            "ambiguous: earlier or later settles it"
        )

    def _offsets(self, local: Integers) -> tuple[Integers, Integers]:
        """How far clocks are ahead of UTC, read as what they show first and second, in µs."""
        days, where = np.unique(local // DAY, return_inverse=True)
        whole = np.array([_of_day(self._zone, day) for day in days.tolist()], np.int64)
        first = whole[where]
        second = first.copy()
        rows = np.flatnonzero(first == _CHANGES)
        if len(rows):
            seconds, back = np.unique(local[rows] // SECOND, return_inverse=True)
            both = np.array([[_ahead(self._zone, s, fold) for fold in (0, 1)] for s in seconds.tolist()], np.int64)
            first[rows], second[rows] = both[back, 0], both[back, 1]
        return first, second


_CHANGES = np.iinfo(np.int64).max
"""Of a day on which clocks are set."""


@lru_cache(maxsize=65_536)
def _of_day(zone: ZoneInfo, day: int) -> int:
    """How far clocks are ahead all day long."""
    ends = {_ahead(zone, (day + k) * DAY // SECOND, fold) for k in (0, 1) for fold in (0, 1)}
    return ends.pop() if len(ends) == 1 else int(_CHANGES)


def _ahead(zone: ZoneInfo, second: int, fold: int) -> int:
    wall = (_EPOCH + timedelta(seconds=second)).replace(tzinfo=zone, fold=fold)
    return round((wall.utcoffset() or timedelta()).total_seconds()) * SECOND


def file_day(name: str) -> int | None:
    """The day that a file's name says, in days since 1970: ``20131008_spy_minute_trade.csv``.

    >>> file_day("20131008_spy_minute_trade.csv"), file_day("spy-2013-10-08.csv"), file_day("spy.csv")
    (15986, 15986, None)
    """
    import re

    for hit in re.finditer(r"(?<!\d)((?:19|20)\d\d)([-_.]?)(\d\d)\2(\d\d)(?!\d)", name):
        try:
            when = datetime(int(hit[1]), int(hit[3]), int(hit[4]), tzinfo=UTC)
        except ValueError:
            continue
        return (when - datetime(1970, 1, 1, tzinfo=UTC)).days
    return None
