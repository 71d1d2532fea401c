"""Klines: reading them from files, and putting them in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.clock import MONTH, interval_text, iso, usual_interval
from ...core.errors import DataError
from ..csv_reader.decode import DecodedRows, Decoder, Layout, Quarantine
from ..csv_reader.files import FileReader
from .calendars import is_calendar, regular, usual
from .dumps import Clock, in_time_order
from .faults import Faults, Places
from .kline_feed import KlineFeed
from .strays import jumps, stray_klines, years

Columns = dict[str, NDArray[Any]]
Integers = NDArray[np.int64]


def read_klines(feed: KlineFeed, layout: Layout, bad_rows: str) -> tuple[Columns, int]:
    """The klines of all files of ``feed`` in time order, and their interval in µs.

    ``open_time`` and ``close_time`` come back in µs, the close exclusive. Fills ``feed.files``, ``feed.counts`` and
    ``feed.places``.

    Raises
    ------
    DataError
        For klines of different length, out of order or twice in one file, or different in two files, unless
        ``feed.faults`` listens: then those that came before or are of no length are left out.
    """
    feed.files, feed.counts = [], Counter(rows=0, quarantined=0, duplicates=0)
    quarantine = feed.faults.quarantine(bad_rows, feed.quarantine)
    parts: list[DecodedRows] = []
    try:
        for path in _in_order(feed, layout):
            try:
                parts.extend(_read_file(feed, path, layout, quarantine))
            except DataError as err:
                feed.faults.damaged(path, err)
    except BaseException:
        quarantine.close(keep=False)
        raise
    quarantine.close()
    feed.counts["quarantined"] = quarantine.count
    if not parts:
        raise DataError(f"{feed.source}: no klines")
    columns, interval = _merge(feed, parts)
    feed.counts["rows"] = len(columns["open_time"])
    return columns, interval


def _in_order(feed: KlineFeed, layout: Layout) -> list[Path]:
    try:
        return in_time_order(feed.paths, layout, "open_time")
    except DataError:
        if not feed.faults.listens:
            raise
        return sorted(feed.paths)


def _read_file(feed: KlineFeed, path: Path, layout: Layout, quarantine: Quarantine) -> Iterator[DecodedRows]:
    """The klines of one file, times in µs; strictly ascending, unless the feed's faults listen."""
    source, clock, last, faults = FileReader(path), Clock(), -1, feed.faults
    decoder = Decoder(source, layout, quarantine)
    for read in decoder.rows():
        rows = _of_one_unit(faults, clock, read) if faults.listens else read
        opens, closes = clock.microseconds(rows, "open_time"), clock.microseconds(rows, "close_time") + clock.unit
        strays = jumps(opens, last if last >= 0 else None)
        if strays.any():
            _refuse_jumps(faults, rows, opens, strays)
            rows, opens, closes = rows.where(~strays), opens[~strays], closes[~strays]
        before = np.maximum.accumulate(np.append(last, opens))[:-1]
        for i in np.flatnonzero(opens <= before).tolist():
            at = int(opens[i])
            kind = "" if at == before[i] else "kline_disorder"  # twins are told when all files are known
            faults.add(kind, path, int(rows.line[i]), at, f" opens at {iso(at)}, not after the row before it")
        if len(opens):
            last = max(last, int(opens.max()))
            yield replace(rows, columns={**rows.columns, "open_time": opens, "close_time": closes})
    feed.unread |= dict.fromkeys(decoder.passed)
    feed.files.append(source.digest())


def _refuse_jumps(faults: Faults, rows: DecodedRows, opens: Integers, strays: NDArray[np.bool_]) -> None:
    for i in np.flatnonzero(strays).tolist():
        at = int(opens[i])
        far = years(int(np.abs(at - np.median(opens[~strays])))) if not strays.all() else "years"
        says = f": opens at {iso(at)}, {far} from the rows around it; mend the stray time or leave it out"
        faults.add("stray_time", rows.path, int(rows.line[i]), at, says)


def _of_one_unit(faults: Faults, clock: Clock, rows: DecodedRows) -> DecodedRows:
    """The rows whose times are in the unit of those before; of the others an audit hears."""
    odd = clock.strange(rows, "open_time") | clock.strange(rows, "close_time")
    for i in np.flatnonzero(odd).tolist():
        name = "open_time" if clock.strange(rows, "open_time")[i] else "close_time"
        says = f", column {rows.column(name)}: '{rows[name][i]}' is not in the ms or µs that the rows before have"
        faults.add("bad_time", rows.path, int(rows.line[i]), -1, says)
    return rows.where(~odd) if odd.any() else rows


def _merge(feed: KlineFeed, parts: list[DecodedRows]) -> tuple[Columns, int]:
    """All files in one, klines that are the same in two of them once."""
    names = [name for name in parts[0].columns if all(name in p.columns for p in parts)]
    columns: Columns = {name: np.concatenate([p[name] for p in parts]) for name in names}
    order = np.argsort(columns["open_time"], kind="stable")
    columns = {name: values[order] for name, values in columns.items()}
    places = Places.of(parts).take(order)
    twin = np.diff(columns["open_time"], prepend=-1) == 0
    differs = np.zeros(len(twin), bool)
    for name, values in columns.items():
        other = np.flatnonzero(twin[1:] & (values[1:] != values[:-1]) & ~differs[1:]) + 1
        for i in other.tolist():
            says = f": column {name} differs from the same kline in another file"
            _fault(feed.faults, "kline_conflict", places, columns, i, says)
        differs[other] = True
    feed.counts["duplicates"] = int(twin.sum())
    for i in np.flatnonzero(twin & ~differs).tolist() if feed.faults.listens else ():
        path, row = places.at(i)
        feed.faults.mended("kline_duplicate", path, row, int(columns["open_time"][i]), "the same kline came before")
    keep = ~twin & ~_backwards(feed.faults, places, columns)
    keep &= ~without_strays(feed.faults, places, columns["open_time"], keep)
    columns, feed.places = {name: values[keep] for name, values in columns.items()}, places.take(keep)
    if not len(columns["open_time"]):
        raise DataError(f"{feed.source}: no klines")
    return columns, _check_grid(feed.faults, feed.places, columns)


def _fault(faults: Faults, kind: str, places: Places, columns: Columns, i: int, says: str) -> None:
    path, row = places.at(i)
    faults.add(kind, path, row, int(columns["open_time"][i]), says)


def _backwards(faults: Faults, places: Places, columns: Columns) -> NDArray[np.bool_]:
    """Klines that close before they open."""
    wrong: NDArray[np.bool_] = columns["close_time"] <= columns["open_time"]
    for i in np.flatnonzero(wrong).tolist():
        text = f": the kline closes before it opens, the first one {interval_text(_first_length(columns))}"
        _fault(faults, "kline_off_grid", places, columns, i, text)
    return wrong


def without_strays(faults: Faults, places: Places, opens: Integers, keep: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which klines are years from all others; such are a fault.

    Parameters
    ----------
    faults : Faults
        What becomes of them.
    places : Places
        Where the klines stand.
    opens : ndarray of int64
        Ascending, epoch µs.
    keep : ndarray of bool
        Those that are left.
    """
    rows = np.flatnonzero(keep)
    strays = rows[stray_klines(opens[rows], places.file[rows])]
    middle = int(np.median(opens)) if len(opens) else 0
    for i in strays.tolist():
        at = int(opens[i])
        says = f": opens at {iso(at)}, {years(abs(at - middle))} from the others; mend the stray time or leave it out"
        faults.add("stray_time", *places.at(i), at, says)
    made = np.zeros(len(keep), bool)
    made[strays] = True
    return made


def _first_length(columns: Columns) -> int:
    return max(int(columns["close_time"][0] - columns["open_time"][0]), 1)


def _check_grid(faults: Faults, places: Places, columns: Columns) -> int:
    """The interval; klines that are not all of one length and on one grid, nor of a calendar, are a fault."""
    opens, closes = columns["open_time"], columns["close_time"]
    lengths = closes - opens
    interval = usual_interval(opens, closes)
    if interval == MONTH:
        return interval
    if not regular(opens, closes) and is_calendar(opens, closes):
        return usual(lengths)
    interval = usual(lengths) if faults.listens else interval
    for i in np.flatnonzero(lengths != interval).tolist():
        text = f": the kline is {interval_text(int(lengths[i]))} long, the first one {interval_text(interval)}"
        _fault(faults, "kline_off_grid", places, columns, i, text)
    for i in (np.flatnonzero(np.diff(opens) % interval) + 1).tolist():
        text = f": the kline opens off the grid of the rows before, at {iso(int(opens[i]))}"
        _fault(faults, "kline_off_grid", places, columns, i, text)
    return interval
