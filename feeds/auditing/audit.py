"""The audit: one pass over files as they are, below what feeds put right, and a grade for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...core.clock import interval_text
from ...core.errors import DataError, ParamError
from ...core.schema import Quality
from ...core.tape import Tape
from ..aggregation.bars import Covered
from ..base import Feed, KlineFeed, TapeFeed
from ..catalog import Catalog
from ..reading.decode import Decoder, Quarantine, Rows
from ..reading.dumps import DumpTape
from ..reading.files import Source
from ..reading.order import Batch
from .chunk import Chunk, Integers, chunk_of, first_ids
from .days import look_at_days
from .findings import Log, Spot, grade
from .ids import Ids
from .klines import Reconciliation, look_at_klines
from .prices import Sizes, Spikes, Ticks
from .quantities import QuantityUnits
from .report import Report
from .run import Rehearsal, kept, quality_counts
from .sides import TRUSTED, Flips, Runs
from .times import Times
from .units import TimeUnits, microseconds, unit_of

_ROW = re.compile(r": row (\d+)\b")
_READ = (2, 3)
"""Units of time that feeds read: ms and µs."""


def audit(
    feed: Feed, *, klines: KlineFeed | None = None, spec: str = "1m", quarantine: Path | None = None, keep: int = 100
) -> Report:
    """Audit what a feed reads, in one pass and bounded memory.

    A dump is read below the cleaning that its feed does, row by row as the files have them. A feed of another kind,
    such as a catalog, is read as it gives its tape: what it put right long ago cannot be seen any more.

    Parameters
    ----------
    feed : Feed
        Of trades or klines.
    klines : KlineFeed or None
        The exchange's klines to hold the tape against.
    spec : str
        Bars of which the quality bits are counted.
    quarantine : Path or None
        File for lines that cannot be read.
    keep : int
        Places kept of each kind of finding; all are counted.

    Raises
    ------
    DataError
        If no file can be read at all.
    ParamError
        If the feed gives neither trades nor klines, or ``klines`` were given for klines.
    """
    if isinstance(feed, KlineFeed):
        if klines is not None:
            raise ParamError(f"{type(feed).__name__} gives klines; only trades are held against klines")
        return _audit_klines(feed, keep)
    if not isinstance(feed, TapeFeed):
        raise ParamError(f"{type(feed).__name__} gives {feed.gives}; an audit looks at trades or klines")
    return _Audit(feed, klines, spec, quarantine, keep).report()


def _audit_klines(feed: KlineFeed, keep: int) -> Report:
    log, bars = Log(keep), feed.bars()
    look_at_klines(log, bars)
    start, end = int(bars["open_time"][0]), int(bars["close_time"][-1])
    interval = int(bars["close_time"][0]) - start
    found = log.findings({"bars": (end - start) // interval})
    return Report(
        source=feed.source,
        feed=type(feed).__name__,
        files=len(feed.files),
        rows=int(feed.counts.get("rows", len(bars))),
        start=start,
        end=end,
        findings=tuple(found),
        grade=grade(found),
        quality=quality_counts(bars),
        bars=len(bars),
        spec=interval_text(interval),
    )


class _Unreadable(Quarantine):
    """A quarantine that tells of each line."""

    def __init__(self, log: Log, path: Path | None) -> None:
        super().__init__("quarantine", path)
        self._log = log
        self.first = ""

    def add(self, complaint: str, line: str) -> None:
        super().add(complaint, line)
        self.first = self.first or complaint
        hit = _ROW.search(complaint)
        file, _, text = complaint.partition(": row ")
        where = Spot(file, int(hit[1]) if hit else 0, -1, text.partition(", ")[2] or complaint)
        self._log.add("unreadable", where)


class _Audit:
    """One pass over trades: every detector sees every row once."""

    def __init__(self, feed: TapeFeed, klines: KlineFeed | None, spec: str, quarantine: Path | None, keep: int) -> None:
        self.feed, self.log = feed, Log(keep)
        self.bad_lines = _Unreadable(self.log, quarantine)
        self.ids, self.units = Ids(self.log), TimeUnits(self.log)
        self.times, self.runs, self.flips = Times(self.log), Runs(self.log), Flips(self.log)
        self.spikes, self.sizes, self.ticks = Spikes(self.log), Sizes(self.log), Ticks(self.log)
        size = feed.p.get("contract_size")
        self.quantities = QuantityUnits(self.log, None if size is None else float(size))
        self.rehearsal = Rehearsal(feed if isinstance(feed, DumpTape) else None, spec, feed.source)
        self.klines: Reconciliation | None = None
        if klines is not None:
            rounded = feed.p.get("market") == "cm"
            self.klines = Reconciliation(self.log, klines.bars(), rounded=rounded)
        self.spec, self.rows, self.files = spec, 0, 0
        self.covered: Covered = (None, None)

    def report(self) -> Report:
        """Read everything, then judge."""
        try:
            if isinstance(self.feed, DumpTape):
                self._read_files(self.feed)
            else:
                self._read_tapes(self.feed)
        except BaseException:
            self.bad_lines.close(keep=False)
            raise
        self.bad_lines.close()
        bars = self.rehearsal.finish(self.covered)
        self._finish()
        found = self.log.findings(self._bases())
        return Report(
            source=self.feed.source,
            feed=type(self.feed).__name__,
            files=self.files,
            rows=self.rows,
            start=self.times.first,
            end=self.times.last,
            findings=tuple(found),
            grade=grade(found, bool(self.rehearsal.refused)),
            refused=self.rehearsal.refused,
            quality=quality_counts(bars) if bars is not None else {},
            bars=len(bars) if bars is not None else 0,
            spec=self.spec,
            compared=self.klines.compared if self.klines else 0,
            differences=tuple(self.klines.differences) if self.klines else (),
            unchecked=tuple(self._unchecked()),
        )

    def _read_files(self, feed: DumpTape) -> None:
        failed: list[DataError] = []
        for path in _in_order(feed):
            self.files += 1
            try:
                self._read_file(feed, path)
            except DataError as err:
                failed.append(err)
                self.rehearsal.refuse(str(err))
                self.log.add("damaged_file", Spot(str(path), 0, -1, str(err).removeprefix(f"{path}: ")))
            self.units.finish_file()
        if not self.rows:
            raise failed[0] if failed else DataError(f"{feed.source}: no trades")
        if self.bad_lines.count and feed.p.get("bad_rows") == "error":
            self.rehearsal.refuse(self.bad_lines.first)

    def _read_file(self, feed: DumpTape, path: Path) -> None:
        promised, unit = feed._promised(path), 0
        first = self.files == 1
        for rows, stamps, time in _raw(feed, feed._open(path), self.bad_lines):
            units = np.full(len(rows), 3, np.int8) if stamps is None else unit_of(stamps)
            if stamps is not None:
                self.units.push(str(path), rows.line, stamps, units)
                time = microseconds(stamps, units)
            self.rows += len(rows)
            unit = unit or (int(units[0]) if len(units) else 0)
            self.rehearsal.rows(rows, time, (units != unit) | (unit not in _READ))
            known = units > 0
            if known.any():
                self._trades(feed, rows.where(known), time[known])
                promised = kept(promised, time[known])
        self.covered = promised[0] if first else self.covered[0], promised[1]
        self.times.promise(promised)

    def _trades(self, feed: DumpTape, rows: Rows, time: Integers) -> None:
        """Rows with a time: put voids aside, follow ids, hand new trades to the detectors."""
        price, quantity = rows["price"], rows["quantity"]
        void = (price <= 0) | (quantity <= 0)
        if void.any():
            rows = replace(rows, columns={**rows.columns, "price": np.where(void, 1.0, price)})
        chunk = chunk_of(feed.batch(rows, time), quantity)
        self.log.many(
            "void", np.flatnonzero(void), lambda i: chunk.spot(i, f"price {price[i]:g}, quantity {quantity[i]:g}")
        )
        self._look(self.ids.push(chunk, void))

    def _read_tapes(self, feed: TapeFeed) -> None:
        if isinstance(feed, Catalog):
            self.ids.unique = True
            look_at_days(self.log, feed.partitions(None, None))
        for tape in feed.tapes():
            line = self.rows + 1 + np.arange(len(tape))
            chunk = chunk_of(Batch(tape, Path(feed.source), line, *first_ids(tape)), tape.quantity)
            if tape.flags is not None:
                self._told(chunk, tape)
            self.rehearsal.tape(tape)
            self._look(self.ids.push(chunk, np.zeros(len(tape), bool)))
            self.rows += len(tape)
        self.files = len(feed.files)
        self.covered = feed.covered()
        self.times.promise(self.covered)
        if not self.rows:
            raise DataError(f"{feed.source}: no trades")

    def _told(self, chunk: Chunk, tape: Tape) -> None:
        """What the feed itself says of its rows, where their ids alone do not tell."""
        flags: NDArray[np.int64] = tape.flags if tape.flags is not None else np.zeros(len(tape), np.int64)
        for kind, bit in (("disorder", Quality.DISORDER), ("void", Quality.VOID), ("id_hole", Quality.ID_HOLE)):
            if kind != "id_hole" or tape.first_id is None:
                rows = np.flatnonzero(flags & int(bit))
                self.log.many(kind, rows, lambda i, bit=bit: chunk.spot(i, f"flagged {bit.name}"))  # type: ignore[misc]
        chunk.hole[:] |= (flags & int(Quality.ID_HOLE)) > 0

    def _look(self, chunk: Chunk) -> None:
        """Show new trades to every detector."""
        if not len(chunk):
            return
        detectors = (self.times, self.spikes, self.sizes, self.ticks, self.flips, self.runs, self.quantities)
        for detector in detectors:
            detector.push(chunk)
        if self.klines is not None:
            self.klines.push(chunk)

    def _finish(self) -> None:
        for detector in (self.ids, self.times, self.sizes, self.ticks, self.flips, self.quantities):
            detector.finish()
        self.runs.finish(self.flips.agreement)
        if self.klines is not None:
            since, until = self.covered
            self.klines.finish(
                self.times.first if since is None else since, self.times.last if until is None else until
            )

    def _bases(self) -> dict[str, int]:
        missing = self.log.amounts.get("id_hole", 0)
        return {
            "rows": self.rows + self.bad_lines.count,
            "ids": self.ids.span or self.rows + missing,
            "time": self.times.last - self.times.first + self.log.amounts.get("truncated_day", 0),
            "bars": self.klines.compared if self.klines else 0,
            "files": self.files,
        }

    def _unchecked(self) -> Iterator[str]:
        if not self.ids.seen:
            yield "ids: the rows have none, so neither duplicates nor holes can be told by them"
        elif not self.ids.span and not isinstance(self.feed, DumpTape):
            yield "ids: the feed does not keep where rows begin and end; holes are those it flagged itself"
        if self.runs.rows and self.runs.unknown == self.runs.rows:
            yield "sides: no row has one"
        elif not self.flips.agreement >= TRUSTED:
            share = f"{self.flips.agreement:.0%} of moves go" if self.flips.agreement >= 0 else "no move is known to go"
            yield f"sides against prices: {share} with the side, too few to judge"
        if self.quantities.unchecked:
            yield f"quantity units: {self.quantities.unchecked}"
        if not self.ticks.step:
            yield "price step: no 4,096 rows in a row hold 30 prices"
        if self.klines is None:
            yield "klines: none were given"
        elif not self.klines.compared:
            yield "klines: none lies wholly within the tape"


def _in_order(feed: DumpTape) -> list[Path]:
    """The files by the time of their first row; by name where that cannot be told."""
    try:
        return feed._in_time_order()
    except DataError:
        return sorted(feed.paths)


def _raw(feed: DumpTape, source: Source, quarantine: Quarantine) -> Iterator[tuple[Rows, Integers | None, Integers]]:
    """The rows of a file with their stamps as they stand there; None from a feed that reads times in its own way."""
    if type(feed)._decoded is not DumpTape._decoded:
        for rows, time in feed._decoded(source, quarantine):
            yield rows, None, time
        return
    for rows in Decoder(source, feed.layout, quarantine).rows():
        yield rows, rows["time"], rows["time"]
