"""Feeds that read a catalog: the tape or the klines of one series, only the days asked for."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..aggregation.bars import Covered
from ..core.bars import Bars
from ..core.clock import usual_interval
from ..core.errors import DataError
from ..core.params import Rule, Text, resolve
from ..core.schema import Quality
from ..core.tape import Tape
from ..store.codec import Columns
from ..store.layout import CatalogStore, Partition, Series
from ..store.read import current, read_groups, rows_of
from .csv_reader.files import InputFile, ahead
from .framework.feed import Feed
from .framework.kline_feed import KlineFeed
from .framework.once import Once
from .framework.tape_feed import TapeFeed
from .framework.window import Instant, instant

_PARAMS = {"symbol": None, "kind": None, "market": None, "venue": None}
_BOUNDS: dict[str, Rule] = {
    name: Text(str, "a name that `tapeflow data list` shows", optional=True) for name in _PARAMS
}


class _Shelved(Feed):
    """What both feeds of a catalog share: finding the series and its days."""

    abstract = True
    params = _PARAMS
    bounds = _BOUNDS

    def __init__(self, paths: str | Path | Sequence[str | Path] = (), **params: Any) -> None:
        cls = type(self)
        wanted = resolve(cls.__name__, params, cls.params, cls.bounds)
        given = [paths] if isinstance(paths, str | Path) else list(paths)
        if len(given) != 1:
            raise DataError(f"{cls.__name__}: path must be one catalog (got {len(given)} paths)")
        self.shelf = CatalogStore(given[0])
        self.series: Series = self.shelf.find(wanted, klines=cls.gives == "bars")
        super().__init__(list(self.shelf.days(self.series).values()), **params)

    @property
    def source(self) -> str:
        """Where the data come from, for errors and reports."""
        return f"{self.shelf.root}: {self.series}"

    def partitions(self, start: int | None, end: int | None) -> list[Partition]:
        """The days that may have rows of ``[start, end)``; becomes `files`."""
        days = [p for p in map(current, self.paths) if _meets(p, start, end)]
        self.files = [InputFile(p.path, p.bytes, p.sha256) for p in days]
        return days


def _meets(day: Partition, start: int | None, end: int | None) -> bool:
    return (start is None or day.max_time >= start) and (end is None or day.min_time < end)


class Catalog(_Shelved, TapeFeed):
    """Trades from a catalog that ``tapeflow data add`` made.

    Gives the same trades, bit for bit, as reading the files that were added, in whatever order they were added: one
    that two days have, under one id, is given once.

    Parameters
    ----------
    paths : path
        The catalog's folder.
    symbol, kind, market, venue : str or None, default=None
        Which series, as ``tapeflow data list`` shows it; what can only be one thing may be left out.

    Raises
    ------
    DataError
        If there is no such series, or more than one; if a file of it is damaged.
    """

    abstract = False
    params = _PARAMS
    as_stored = False
    """Whether trades that two days have are given twice, as an audit wants to see them."""

    def tapes(self) -> Iterator[Tape]:
        """Batches in time order, a row group each; fills `files` and `counts`."""
        return self._tapes_between(None, None)

    def covered(self) -> Covered:
        """What the files that were added promise for the first and the last day that were read."""
        return self._covered

    def between(self, start: Instant, end: Instant) -> Iterator[Tape]:
        """The trades of ``[start, end)`` alone."""
        lo, hi = instant(start), instant(end)
        for tape in self._tapes_between(lo, hi):
            a = 0 if lo is None else int(np.searchsorted(tape.time, lo, "left"))
            b = len(tape) if hi is None else int(np.searchsorted(tape.time, hi, "left"))
            if a < b:
                yield tape[a:b]

    def _tapes_between(self, start: int | None, end: int | None) -> Iterator[Tape]:
        days = self.partitions(start, end)
        self.counts = {"rows": 0, "duplicates": 0, "id_holes": 0}
        self._covered = self._known(days, start, end)
        once = Once()
        for stored in ahead(self._read(days, start, end)):
            tape = stored if self.as_stored else once.kept(stored, self.source)
            self.counts["duplicates"] += len(stored) - len(tape)
            if not len(tape):
                continue
            self.counts["rows"] += len(tape)
            if tape.flags is not None:
                self.counts["id_holes"] += int(np.count_nonzero(tape.flags & int(Quality.ID_HOLE)))
            yield tape

    @staticmethod
    def _read(days: list[Partition], start: int | None, end: int | None) -> Generator[Tape, None, None]:
        ends = -1
        for day in days:
            hole = 0 <= ends < day.begins
            for columns in read_groups(day, "time", start, end, leave_out=("first_id",)):
                yield _tape(columns, hole)
                hole = False
            ends = day.ends

    def _known(self, days: list[Partition], start: int | None, end: int | None) -> Covered:
        """From when to when the days hold every trade: as their files promise, or as rows beyond the bounds prove."""
        if not days:
            return None, None
        since = next((a for a, b in _promises(days[0]) if a <= days[0].min_time < b), None)
        until = next((b for a, b in _promises(days[-1]) if a <= days[-1].max_time < b), None)
        if start is not None and current(self.paths[0]).min_time < start:
            since = start if since is None else min(since, start)
        if end is not None and current(self.paths[-1]).max_time >= end:
            until = end if until is None else max(until, end)
        return since, until


def _tape(columns: Columns, hole: bool) -> Tape:
    if hole:
        flags = columns.setdefault("flags", np.zeros(len(columns["time"]), np.int64))
        flags[0] |= int(Quality.ID_HOLE)
    return Tape(**columns)


def _promises(day: Partition) -> list[tuple[int, int]]:
    """The spans that a day's files promise to hold every trade of, those that touch in one."""
    made: list[tuple[int, int]] = []
    for since, until in sorted((s.covered[0], s.covered[1]) for s in day.sources if s.covered):
        if made and since <= made[-1][1]:
            made[-1] = made[-1][0], max(made[-1][1], until)
        else:
            made.append((since, until))
    return made


class CatalogKlines(_Shelved, KlineFeed):
    """Klines from a catalog that ``tapeflow data add`` made.

    Parameters
    ----------
    paths : path
        The catalog's folder.
    symbol, kind, market, venue : str or None, default=None
        Which series, as ``tapeflow data list`` shows it; kind is ``klines_1m`` or another interval. What can only be
        one thing may be left out.

    Raises
    ------
    DataError
        If there is no such series, or more than one; if a file of it is damaged.
    """

    abstract = False
    may_have_classes = True
    params = _PARAMS
    _span: tuple[int | None, int | None] = (None, None)

    def klines(self) -> Bars:
        """All klines in time order, as the exchange sent them; fills `files`, `counts` and `interval`."""
        days = self.partitions(*self._span)
        if not days:
            return Bars.of(open_time=[], close_time=[], source=self.source)
        parts = [rows_of(day, klines=True).columns for day in days]
        names = dict.fromkeys(name for part in parts for name in part)
        columns = {
            name: np.concatenate([p.get(name, np.full(len(p["open_time"]), np.nan)) for p in parts]) for name in names
        }
        self.counts = {"rows": len(columns["open_time"])}
        self.interval = usual_interval(columns["open_time"], columns["close_time"])
        return Bars(columns, None, self.series.interval or "", self.source)

    def bars(
        self,
        spec: str | None = None,
        *,
        row_size: float | str | None = None,
        start: Instant = None,
        end: Instant = None,
        gaps: str = "keep",
    ) -> Bars:
        """The klines as bars; see `KlineFeed.bars`. Only the days asked for are read."""
        self._span = instant(start), instant(end)
        try:
            return super().bars(spec, row_size=row_size, start=start, end=end, gaps=gaps)
        finally:
            self._span = None, None
