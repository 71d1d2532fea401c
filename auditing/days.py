"""Days of a catalog in an audit: trades that two of them have."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..core.clock import iso
from ..store.layout import Partition, day_text
from ..store.shared import Shared, overlapping, shared
from .findings import Log, Spot


def look_at_days(log: Log, days: Iterable[Partition]) -> None:
    """Find ids that two days have, however far they lie apart, in memory for a row group of each.

    Parameters
    ----------
    log : Log
        Takes ``day_duplicate`` where only the times differ, ``conflict`` where more does.
    days : iterable of Partition
        The days of one series.
    """
    for day, before in overlapping(days):
        for found in shared(day, before):
            _tell(log, found)


def _tell(log: Log, found: Shared) -> None:
    def spot(i: int) -> Spot:
        text = f"id {found.ids[i]} is at {iso(int(found.time_before[i]))} on {day_text(found.before.day)} too"
        other = "" if found.same[i] else ", with other content"
        return Spot(str(found.day.path), 0, int(found.time[i]), text + other)

    log.many("day_duplicate", np.flatnonzero(found.same), spot)
    log.many("conflict", np.flatnonzero(~found.same), spot)
