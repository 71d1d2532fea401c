"""The audit: one pass over files as they are, below what feeds put right, and a grade for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..aggregation.bars import Covered, hours_of
from ..aggregation.kinds import BarSpec
from ..aggregation.sessions import Grid
from ..core.bars import Bars
from ..core.clock import interval_text, iso
from ..core.errors import DataError, ParamError, TapeflowError
from ..core.schema import Quality
from ..core.tape import Tape
from ..feeds.catalog import Catalog
from ..feeds.csv_reader.decode import DecodedRows, Decoder, Quarantine
from ..feeds.csv_reader.files import FileReader
from ..feeds.framework.calendars import in_hours
from ..feeds.framework.dumps import DumpTape
from ..feeds.framework.feed import Feed
from ..feeds.framework.gaps import finish
from ..feeds.framework.kline_feed import KlineFeed
from ..feeds.framework.settling import settled
from ..feeds.framework.sort_and_dedup import Batch
from ..feeds.framework.strays import stray_trades
from ..feeds.framework.tape_feed import TapeFeed
from ..feeds.framework.units import check_units
from .chunk import Chunk, Integers, chunk_of, first_ids
from .contiguity import Contiguity
from .days import look_at_days
from .findings import NINE, Log, Spot, grade
from .ids import Ids
from .klines import Reconciliation, look_at_klines, usual_length
from .listening import Listening, Unreadable
from .prices import Sizes, Spikes, Ticks
from .quantities import QuantityUnits
from .report import Report
from .run import Rehearsal, kept, quality_counts
from .sides import TRUSTED, Flips, Runs
from .times import Times
from .units import TimeUnits, microseconds, unit_of

_READ = (2, 3)
"""Units of time that feeds read: ms and µs."""


def audit(
    feed: Feed,
    *,
    klines: KlineFeed | None = None,
    spec: str = "1m",
    quarantine: Path | None = None,
    keep: int = 100,
    ids: str = "auto",
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
        Bars of which the quality bits are counted. Where it has trading hours, as ``1m@1d:XNYS``, gaps and days are
        judged by them: nights and weekends are none, nor is what lies outside them.
    quarantine : Path or None
        File for lines that cannot be read.
    keep : int
        Places kept of each kind of finding; all are counted.
    ids : {"auto", "contiguous", "scattered"}
        Whether ids of one market follow each other without a hole, where the feed does not know; ``auto`` looks at
        the first rows.

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
        return _audit_klines(feed, spec, quarantine, keep)
    if not isinstance(feed, TapeFeed):
        raise ParamError(f"{type(feed).__name__} gives {feed.gives}; an audit looks at trades or klines")
    return _Audit(feed, klines, spec, quarantine, keep, ids).report()


def _audit_klines(feed: KlineFeed, spec: str, quarantine: Path | None, keep: int) -> Report:
    log = Log(keep)
    faults = Listening(log, quarantine)
    feed.faults = faults
    try:
        raw = feed.klines()
    except TapeflowError as err:
        raise faults.first_error(err) from None
    finally:
        del feed.faults
    if not len(raw):
        raise DataError(f"{feed.source}: no klines")
    judged, grid = in_hours(raw, BarSpec.parse(spec), assumed=feed.assumes_ends)
    look_at_klines(log, judged, feed.places, grid, may_be_negative=feed.negative_prices)
    bars = _of_a_run(feed, judged, faults, grid)
    interval = usual_length(raw)
    start, end = int(raw["open_time"][0]), int(raw["close_time"].max())
    found = log.findings({"bars": max(len(raw), (end - start) // interval), "rows": len(raw) + faults.bad_lines})
    return Report(
        source=feed.source,
        feed=type(feed).__name__,
        files=len(feed.files),
        rows=int(feed.counts.get("rows", len(raw))),
        start=start,
        end=end,
        findings=tuple(found),
        grade=grade(found, bool(faults.refused)),
        refused=faults.refused,
        quality=quality_counts(bars) if bars is not None else {},
        bars=len(bars) if bars is not None else 0,
        spec=raw.spec or interval_text(interval),
        unread=tuple(feed.unread),
    )


def _of_a_run(feed: KlineFeed, raw: Bars, faults: Listening, grid: Grid | None) -> Bars | None:
    """The bars that a run would make of the klines; None when it would refuse them."""
    if faults.bad_lines and feed.p.get("bad_rows") == "error":
        faults.refuse(faults.first_line)
    if faults.refused:
        return None
    try:
        check_units(raw, feed.of_units)
        return finish(
            settled(raw, may_miss_prices=feed.may_miss_prices, may_be_negative=feed.negative_prices),
            int(feed.interval or 0),
            "keep",
            None,
            feed.tick,
            grid,
        )
    except DataError as err:
        faults.refuse(str(err))
        return None


class _Audit:
    """One pass over trades: every detector sees every row once."""

    def __init__(
        self, feed: TapeFeed, klines: KlineFeed | None, spec: str, quarantine: Path | None, keep: int, follow: str
    ) -> None:
        self.feed, self.log = feed, Log(keep)
        self.bad_lines = Unreadable(self.log, quarantine)
        self.ids, self.units = Ids(self.log), TimeUnits(self.log)
        self.contiguity = Contiguity(follow)
        self.times, self.runs, self.flips = (
            Times(self.log, hours_of(BarSpec.parse(spec))),
            Runs(self.log),
            Flips(self.log),
        )
        self.spikes, self.sizes, self.ticks = Spikes(self.log), Sizes(self.log), Ticks(self.log)
        size = feed.p.get("contract_size")
        self.quantities = QuantityUnits(self.log, None if size is None else float(size))
        self.rehearsal = Rehearsal(feed if isinstance(feed, DumpTape) else None, spec, feed.source)
        self.klines: Reconciliation | None = None
        if klines is not None:
            rounded = feed.p.get("market") == "cm"
            klines.faults = Listening(self.log, None)
            self.klines = Reconciliation(self.log, klines.klines(), rounded=rounded)
        self.spec, self.rows, self.files = spec, 0, 0
        self.covered: Covered = (None, None)
        self._last_time: tuple[Path, int] | None = None

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
            fields=self.klines.fields if self.klines else (),
            unread=tuple(self.feed.unread),
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
            nothing = self.bad_lines.first or f"{feed.source}: {feed.without_rows()}"
            raise failed[0] if failed else DataError(nothing)
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
            known = units > 0
            strays = self._strays(rows.where(known), time[known])
            self.rehearsal.rows(rows, time, (units != unit) | (unit not in _READ))
            if known.any():
                near = np.where(strays, self._last_time[1] if self._last_time else 0, time[known])
                self._trades(feed, rows.where(known), near, strays)
                promised = kept(promised, near)
        self.covered = promised[0] if first else self.covered[0], promised[1]
        self.times.promise(promised)

    def _strays(self, rows: DecodedRows, time: Integers) -> NDArray[np.bool_]:
        """Find rows whose times are years from those around them, which a run refuses."""
        last = self._last_time[1] if self._last_time and self._last_time[0] == rows.path else None
        strays = stray_trades(time, last)
        if strays.any():
            i = int(np.argmax(strays))
            self.rehearsal.refuse(
                f"{rows.path}: row {rows.line[i]}, column {rows.column('time')}: '{rows['time'][i]}' is "
                f"{iso(int(time[i]))}, years from the rows around it"
            )
            place = str(rows.path)
            self.log.many(
                "stray_time",
                np.flatnonzero(strays),
                lambda i: Spot(
                    place, int(rows.line[i]), int(time[i]), f"time {rows['time'][i]} is {iso(int(time[i]))}"
                ),
            )
        if not strays.all():
            self._last_time = rows.path, int(time[~strays][-1])
        return strays

    def _trades(self, feed: DumpTape, rows: DecodedRows, time: Integers, strays: NDArray[np.bool_]) -> None:
        """Rows with a time: put voids and strays aside, follow ids, hand new trades to the detectors."""
        price, quantity = rows["price"], rows["quantity"]
        void = (~np.isfinite(price) if feed.negative_prices else price <= 0) | (quantity <= 0)
        if void.any():
            rows = replace(rows, columns={**rows.columns, "price": np.where(void, 1.0, price)})
        batch = feed.batch(rows, time)
        if len(batch) < len(rows):
            taken = np.isin(rows.line, batch.line)
            price, quantity, void, strays = price[taken], quantity[taken], void[taken], strays[taken]
        if not len(batch):
            return
        chunk = self.contiguity.followed(chunk_of(batch, quantity))
        self.log.many(
            "void", np.flatnonzero(void), lambda i: chunk.spot(i, f"price {price[i]:g}, quantity {quantity[i]:g}")
        )
        self._look(self.ids.push(chunk, void | strays))

    def _read_tapes(self, feed: TapeFeed) -> None:
        if isinstance(feed, Catalog):
            self.ids.unique = feed.as_stored = True
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
                self.times.first if since is None else since,
                self.times.last if until is None else until,
                sided=self.runs.unknown < self.runs.rows,
            )
        self.spikes.finish(self.klines.confirms if self.klines is not None else lambda time: False)

    def _bases(self) -> dict[str, int]:
        missing = self.log.amounts.get("id_hole", 0)
        return {
            "rows": self.rows + self.bad_lines.count,
            "ids": self.ids.span or self.rows + missing,
            "time": self.times.last - self.times.first + self.log.amounts.get("truncated_day", 0),
            "bars": self.klines.compared if self.klines else 0,
            "files": self.files,
        }

    def _other_ids(self) -> str:
        """How to have a column read that may hold ids."""
        names = [name for name in self.feed.unread if re.search(r"(?i)(^|_)id$|Id$|ID$", name)]
        if not names or "columns" not in self.feed.p:
            return ""
        return f'; if {names[0]} is one, --param "columns={{trade_id: {names[0]}}}" has it read'

    def _unchecked(self) -> Iterator[str]:
        if said := self.contiguity.unchecked:
            yield said
        elif not self.ids.seen:
            yield f"ids: the rows have none, so neither duplicates nor holes can be told by them{self._other_ids()}"
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
        elif left := [name for name in NINE if name not in self.klines.fields]:
            yield f"klines: {', '.join(left)}, which one of the two does not know"


def _in_order(feed: DumpTape) -> list[Path]:
    """The files by the time of their first row; by name where that cannot be told."""
    try:
        return feed._in_time_order()
    except DataError:
        return sorted(feed.paths)


def _raw(
    feed: DumpTape, source: FileReader, quarantine: Quarantine
) -> Iterator[tuple[DecodedRows, Integers | None, Integers]]:
    """The rows of a file with their stamps as they stand there; None from a feed that reads times in its own way."""
    if type(feed)._decoded is not DumpTape._decoded:
        for rows, time in feed._decoded(source, quarantine):
            yield rows, None, time
        return
    decoder = Decoder(source, feed.layout, quarantine)
    for rows in decoder.rows():
        yield rows, rows["time"], rows["time"]
    feed.unread |= dict.fromkeys(decoder.passed)
