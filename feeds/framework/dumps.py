"""Dumps: files of trades or klines under a layout, read in time order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ...aggregation.bars import Covered
from ...core.clock import DAY, iso
from ...core.errors import DataError
from ...core.params import Choice
from ...core.schema import Quality
from ...core.tape import Tape
from ..csv_reader.decode import DecodedRows, Decoder, Layout, Quarantine
from ..csv_reader.files import FileReader
from .sort_and_dedup import Batch, RowSorter
from .strays import stray_trades, years
from .tape_feed import TapeFeed, counted

Integers = NDArray[np.int64]
COUNTS = ("rows", "void", "quarantined", "duplicates", "disordered", "id_holes")
BAD_ROWS = Choice("error", "quarantine")
_MS, _US, _END = 10**11, 10**14, 10**17
_MOST = 1e280
_STAMPED = re.compile(r"-(?:aggtrades|trades)-(\d{4})-(\d{2})(?:-(\d{2}))?\.(?:zip|csv|csv\.gz)$", re.IGNORECASE)


class Clock:
    """Time stamps of one file in µs: its first one tells by its magnitude whether they are ms or µs.

    Examples
    --------
    >>> rows = DecodedRows(Path("a.csv"), np.array([1]), {"time": np.array([1577977823305])})
    >>> Clock().microseconds(rows, "time").tolist()
    [1577977823305000]
    """

    def __init__(self) -> None:
        self.unit = 0
        """µs in one unit of the file; 0 until known."""

    def strange(self, rows: DecodedRows, name: str) -> NDArray[np.bool_]:
        """Rows whose stamp is of another magnitude than the file's first, or neither ms nor µs."""
        stamps = rows[name]
        if len(stamps) and not self.unit:
            self.unit = 1 if stamps[0] >= _US else 1000
        low, high = (_US, _END) if self.unit == 1 else (_MS, _US)
        made: NDArray[np.bool_] = (stamps < low) | (stamps >= high)
        return made

    def microseconds(self, rows: DecodedRows, name: str) -> Integers:
        """Column ``name`` in µs.

        Raises
        ------
        DataError
            If a stamp is of another magnitude than the first, or neither ms nor µs.
        """
        stamps = rows[name]
        if not len(stamps):
            return stamps
        if not self.unit:
            self.unit = 1 if stamps[0] >= _US else 1000
        low, high = (_US, _END) if self.unit == 1 else (_MS, _US)
        if int(stamps.min()) < low or int(stamps.max()) >= high:
            i = int(np.flatnonzero(self.strange(rows, name))[0])
            like = f"the µs or ms of an epoch{'' if i == 0 else ' that the rows before have'}"
            where = f"{rows.path}: row {rows.line[i]}, column {rows.column(name)}"
            raise DataError(f"{where}: '{stamps[i]}' is not in {like}")
        return stamps if self.unit == 1 else stamps * 1000


def first_stamp(path: Path, layout: Layout, name: str) -> int:
    """The first time stamp of a file in µs, to sort files by; 0 where there is none."""
    for rows in Decoder(FileReader(path), layout, Quarantine("quarantine")).rows():
        if len(rows):
            return int(Clock().microseconds(rows, name)[0])
    return 0


def in_time_order(paths: list[Path], layout: Layout, name: str) -> list[Path]:
    """Files by the time of their first row, whatever their names are."""
    if len(paths) < 2:
        return paths
    return sorted(paths, key=lambda path: (first_stamp(path, layout, name), path.name))


def stamped(path: Path) -> Covered:
    """From when to when a dump holds every trade, as its name says: ``…-trades-2024-01-31.zip`` is a day UTC.

    Examples
    --------
    >>> stamped(Path("BTCUSDT-trades-1970-01-02.zip")), stamped(Path("mine.csv"))
    ((86400000000, 172800000000), (None, None))
    """
    hit = _STAMPED.search(path.name)
    if not hit:
        return None, None
    try:
        since = datetime(int(hit[1]), int(hit[2]), int(hit[3] or 1), tzinfo=UTC)
    except ValueError:
        return None, None
    until = since + timedelta(days=1) if hit[3] else (since + timedelta(days=31)).replace(day=1)
    days = [(day - datetime(1970, 1, 1, tzinfo=UTC)).days * DAY for day in (since, until)]
    return days[0], days[1]


class DumpTape(TapeFeed):
    """A tape read from files; a subclass gives the ``layout`` and turns rows into a `Batch`."""

    abstract = True
    params = {"bad_rows": "error"}
    bounds = {"bad_rows": BAD_ROWS}
    layout: ClassVar[Layout]
    _last_time: tuple[Path, int] | None = None
    _source: FileReader | None = None
    """The file being read; None where rows come from elsewhere."""

    def batch(self, rows: DecodedRows, time: Integers) -> Batch:
        """Rows of one file, none of them void, as a batch of the tape."""
        raise NotImplementedError

    def tapes(self) -> Iterator[Tape]:
        """Batches in time order, in bounded memory; fills `files` and `counts`."""
        return self._tapes_between(None, None)

    def covered(self) -> Covered:
        """What the names of the first and the last file say, if their rows keep to it."""
        return self._covered

    def promised(self) -> Covered:
        """What the names of all files say."""
        spans = [self._promised(path) for path in self.paths]
        since, until = [a for a, _ in spans if a is not None], [b for _, b in spans if b is not None]
        whole = len(since) == len(until) == len(spans)
        return (min(since), max(until)) if spans and whole else (None, None)

    def _tapes_between(self, start: int | None, end: int | None) -> Iterator[Tape]:
        counts = Counter(dict.fromkeys(COUNTS, 0))
        self.files, self.counts = [], counts
        self._covered: Covered = (None, None)
        self._void, self._last_time = False, None
        quarantine, order = Quarantine(self.p["bad_rows"], self.quarantine), RowSorter(counts)
        paths = [p for p in self._in_time_order() if _may_hold(self._promised(p), start, end)]
        try:
            for path in paths:
                done = False
                for tape in counted(counts, self._read(path, order, quarantine)):
                    yield tape
                    done = end is not None and tape.time[0] >= end
                    if done:
                        break
                counts["quarantined"] = quarantine.count
                if done:
                    if self._source is not None:
                        self.files.append(self._source.digest())
                    break
            yield from counted(counts, order.finish())
        except GeneratorExit:
            # Whoever reads has all they wanted; the file they left was an input all the same.
            if self._source is not None and not any(f.path == self._source.path for f in self.files):
                self.files.append(self._source.digest())
            quarantine.close()
            raise
        except BaseException:
            quarantine.close(keep=False)
            raise
        quarantine.close()

    def _read(self, path: Path, order: RowSorter, quarantine: Quarantine) -> Iterator[Tape]:
        """The rows of one file that are in their final place by its end."""
        source, promised = self._open(path), self._promised(path)
        self._source, first = source, not self.files
        for rows, time in self._decoded(source, quarantine):
            batch = self._without_void(rows, time)
            if len(batch):
                promised = _kept(promised, batch.tape.time)
                self._covered = promised[0] if first else self._covered[0], promised[1]
                yield from order.push(batch)
        self.files.append(source.digest())

    def identify(self) -> None:
        """Settle the parameters that files themselves tell, by the first rows of the first file."""
        if not self.paths or "auto" not in (self.p.get("market"), self.p.get("contracts")):
            return
        with suppress(DataError):
            for rows, time in self._decoded(self._open(self.paths[0]), Quarantine("quarantine")):
                if len(rows):
                    self.batch(rows, time)
                    return

    def _in_time_order(self) -> list[Path]:
        """The files by the time of their first row."""
        return in_time_order(self.paths, self.layout, "time")

    def _promised(self, path: Path) -> Covered:
        """From when to when a file holds every trade, as its name says."""
        return stamped(path)

    def _open(self, path: Path) -> FileReader:
        return FileReader(path)

    def _decoded(self, source: FileReader, quarantine: Quarantine) -> Iterator[tuple[DecodedRows, Integers]]:
        """The rows of one file with their times in µs, in the order of the file."""
        clock = Clock()
        for rows in Decoder(source, self.layout, quarantine).rows():
            yield rows, clock.microseconds(rows, "time")

    def _without_void(self, rows: DecodedRows, time: Integers) -> Batch:
        """The batch of ``rows`` less voided ones (price or quantity 0); the row behind a voided one is flagged.

        Where prices may be negative, only a quantity voids.
        """
        price, quantity = rows["price"], rows["quantity"]
        _check_notional(rows, price, quantity)
        self._check_strays(rows, time)
        if len(rows) and price.min() > 0 and quantity.min() > 0 and not self._void:
            return self.batch(rows, time)
        keep = (np.isfinite(price) if self.negative_prices else price > 0) & (quantity > 0)
        self.counts["void"] += int((~keep).sum())
        kept = np.flatnonzero(keep)
        behind = np.diff(kept, prepend=-2 if self._void else -1) > 1
        self._void = self._void if not len(keep) else not keep[-1]
        return self.batch(rows.where(keep), time[keep]).flag(np.where(behind, int(Quality.VOID), 0))

    def _check_strays(self, rows: DecodedRows, time: Integers) -> None:
        """Refuse a time that is years from those around it."""
        if not len(rows):
            return
        last = self._last_time[1] if self._last_time and self._last_time[0] == rows.path else None
        strays = np.flatnonzero(stray_trades(time, last))
        if len(strays):
            i = int(strays[0])
            near = last if len(strays) == len(time) and last is not None else int(np.median(time))
            where = f"{rows.path}: row {rows.line[i]}, column {rows.column('time')}: '{rows['time'][i]}'"
            raise DataError(
                f"{where} is {iso(int(time[i]))}, {years(abs(int(time[i]) - near))} from the rows around it; mend the "
                "stray time or leave the row out"
            )
        self._last_time = rows.path, int(time[-1])


def _check_notional(rows: DecodedRows, price: NDArray[np.float64], quantity: NDArray[np.float64]) -> None:
    """Refuse amounts that no sum could hold."""
    if not len(rows) or float(price.max()) * float(quantity.max()) < _MOST:
        return
    with np.errstate(over="ignore"):
        large = np.flatnonzero(price * quantity >= _MOST)
    if len(large):
        i = int(large[0])
        raise DataError(f"{rows.path}: row {rows.line[i]}, {price[i]:g} × {quantity[i]:g} is too large for a notional")


def _kept(promised: Covered, time: Integers) -> Covered:
    """What a name promises, dropped when rows do not keep to it."""
    since, until = promised
    if since is None or until is None or time.min() < since or time.max() >= until:
        return None, None
    return promised


def _may_hold(promised: Covered, start: int | None, end: int | None) -> bool:
    """Whether a file may hold rows of ``[start, end)``; false only where what its name promises rules it out."""
    since, until = promised
    if since is None or until is None:
        return True
    return (start is None or until > start) and (end is None or since < end)
