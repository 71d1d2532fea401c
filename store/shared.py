"""Trade ids that two days of a catalog have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .codec import Columns, same_bits
from .layout import Partition
from .read import read_groups

_CONTENT = ("price", "quantity", "side", "trades")
_UNUSED = ("flags", "first_id")


@dataclass(frozen=True, eq=False)
class Shared:
    """Ids of one day that an earlier one has too.

    Parameters
    ----------
    day, before : Partition
        The two days.
    ids, time, time_before : ndarray of int64
        The ids, and when the trades were (epoch µs) by each day.
    same : ndarray of bool
        Whether price, quantity, side and raw trades are the same, so that only the times differ.
    """

    day: Partition
    before: Partition
    ids: NDArray[np.int64]
    time: NDArray[np.int64]
    time_before: NDArray[np.int64]
    same: NDArray[np.bool_]


def overlapping(days: Iterable[Partition]) -> Iterator[tuple[Partition, Partition]]:
    """Pairs of days, the later one first, whose ids lie between one another; days without ids have none.

    Ids that rise with time leave no pair, or neighbours whose borders are shared.
    """
    open_: list[Partition] = []
    for day in sorted((d for d in days if d.first_id >= 0), key=lambda d: (d.first_id, d.min_time)):
        open_ = [before for before in open_ if before.last_id >= day.first_id]
        yield from ((day, b) if b.min_time < day.min_time else (b, day) for b in open_)
        open_.append(day)


def shared(day: Partition, before: Partition) -> Iterator[Shared]:
    """What two days have in common, in memory for a row group of each.

    Parameters
    ----------
    day, before : Partition
        The later and the earlier day.
    """
    lo, hi = max(day.first_id, before.first_id), min(day.last_id, before.last_id)
    if lo > hi:
        return
    for here in read_groups(day, "trade_id", lo, hi + 1, leave_out=_UNUSED):
        ids = here["trade_id"]
        first, last = max(int(ids.min()), lo), min(int(ids.max()), hi)
        for there in read_groups(before, "trade_id", first, last + 1, leave_out=_UNUSED):
            found, a, b = np.intersect1d(ids, there["trade_id"], assume_unique=True, return_indices=True)
            if len(found):
                yield Shared(day, before, found, here["time"][a], there["time"][b], _same(here, a, there, b))


def _same(here: Columns, a: NDArray[np.intp], there: Columns, b: NDArray[np.intp]) -> NDArray[np.bool_]:
    equal = [same_bits(here[name][a], there[name][b]) for name in _CONTENT]
    made: NDArray[np.bool_] = np.logical_and.reduce(equal)
    return made


def count_shared(days: Iterable[Partition], own: Iterable[Partition]) -> tuple[int, int]:
    """How many trades of some days have ids that other days have too, and how many of those have other content.

    Parameters
    ----------
    days : iterable of Partition
        All days of the series.
    own : iterable of Partition
        The days that are asked about; of two of them a shared id counts once.
    """
    asked, rows, other = {day.day for day in own}, 0, 0
    for day, before in overlapping(days):
        if asked & {day.day, before.day}:
            for found in shared(day, before):
                rows += len(found.ids)
                other += int(np.count_nonzero(~found.same))
    return rows, other
