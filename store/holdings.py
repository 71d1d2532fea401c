"""What a catalog holds, told from its manifests alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from ..core.clock import DAY, parse_interval, steps_between
from .layout import MANIFEST, CatalogStore, Partition, Series, day_text
from .read import current


@dataclass(frozen=True)
class StoredSeries:
    """One series of a catalog.

    Parameters
    ----------
    series : Series
        Its names.
    first, last : str
        Days in UTC.
    days, rows, bytes : int
        How many days it has, and what they hold.
    missing_days : tuple of str
        Days between the first and the last that are not there.
    holes, missing : int
        Places inside a day or between two neighbouring days where ids (of klines: intervals) are missing, and how
        many of them are.
    """

    series: Series
    first: str
    last: str
    days: int
    rows: int
    bytes: int
    missing_days: tuple[str, ...]
    holes: int
    missing: int


def holdings(root: Path | str) -> list[StoredSeries]:
    """Every series of the catalog in ``root``, in the order of their names.

    Raises
    ------
    DataError
        If a manifest is damaged, or the file of a day is missing or of another size.
    """
    shelf = CatalogStore(root)
    found = [(series, list(shelf.partitions(series))) for series in shelf.series()]
    for _, days in found:
        for day in days:
            # A writer may be replacing the file meanwhile; the manifest is read once more then.
            if not day.path.exists():
                day = current(day.folder / MANIFEST)
            day.check_there()
    return [_holding(series, days) for series, days in found if days]


def _holding(series: Series, days: list[Partition]) -> StoredSeries:
    there = {p.day for p in days}
    first, last = days[0].day, days[-1].day
    length = parse_interval(series.interval) if series.interval else 0
    seams = [gap for gap in (_long_seams(days, length) if length > DAY else _seams(days)) if gap > 0]
    return StoredSeries(
        series=series,
        first=day_text(first),
        last=day_text(last),
        days=len(days),
        rows=sum(p.rows for p in days),
        bytes=sum(p.bytes for p in days),
        missing_days=tuple(day_text(day) for day in range(first, last + 1) if day not in there and length <= DAY),
        holes=sum(p.holes for p in days) + len(seams),
        missing=sum(p.missing for p in days) + sum(seams),
    )


def _long_seams(days: list[Partition], interval: int) -> list[int]:
    """Missing klines between each one longer than a day and the next."""
    made: list[int] = (steps_between(np.array([day.min_time for day in days]), interval) - 1).tolist()
    return made


def _seams(days: list[Partition]) -> Iterator[int]:
    """Missing ids between each day and the next; where whole days are missing, the days tell it."""
    for before, behind in pairwise(days):
        if behind.day == before.day + 1 and before.ends >= 0:
            yield behind.begins - before.ends
