"""Klines: reading them from files, putting them in order, and what to do about those that are missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.bars import Bars, Levels
from ...core.clock import MONTH, interval_text, iso, month_numbers, month_starts, usual_interval
from ...core.errors import DataError, ParamError, unknown
from ...core.schema import Quality
from ..aggregation.rows import check_rows, row_grid
from ..aggregation.sessions import Grid
from ..base import KlineFeed
from .calendars import is_calendar, missing_before, regular, usual
from .decode import Decoder, Layout, Quarantine, Rows
from .dumps import Clock, in_time_order
from .faults import Faults, Places
from .files import Source
from .strays import jumps, stray_klines, years

Columns = dict[str, NDArray[Any]]
Integers = NDArray[np.int64]
GAPS = ("keep", "fill", "error")
_MOST_FILLED, _TIMES_FILLED = 1_000_000, 10
_PRICES = ("open", "high", "low", "close")
_NOTHING = (
    "volume",
    "quote_volume",
    "trades",
    "taker_buy_volume",
    "taker_sell_volume",
    "taker_buy_quote_volume",
    "taker_sell_quote_volume",
)


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
    parts: list[Rows] = []
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


def _read_file(feed: KlineFeed, path: Path, layout: Layout, quarantine: Quarantine) -> Iterator[Rows]:
    """The klines of one file, times in µs; strictly ascending, unless the feed's faults listen."""
    source, clock, last, faults = Source(path), Clock(), -1, feed.faults
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


def _refuse_jumps(faults: Faults, rows: Rows, opens: Integers, strays: NDArray[np.bool_]) -> None:
    for i in np.flatnonzero(strays).tolist():
        at = int(opens[i])
        far = years(int(np.abs(at - np.median(opens[~strays])))) if not strays.all() else "years"
        says = f": opens at {iso(at)}, {far} from the rows around it; mend the stray time or leave it out"
        faults.add("stray_time", rows.path, int(rows.line[i]), at, says)


def _of_one_unit(faults: Faults, clock: Clock, rows: Rows) -> Rows:
    """The rows whose times are in the unit of those before; of the others an audit hears."""
    odd = clock.strange(rows, "open_time") | clock.strange(rows, "close_time")
    for i in np.flatnonzero(odd).tolist():
        name = "open_time" if clock.strange(rows, "open_time")[i] else "close_time"
        says = f", column {rows.column(name)}: '{rows[name][i]}' is not in the ms or µs that the rows before have"
        faults.add("bad_time", rows.path, int(rows.line[i]), -1, says)
    return rows.where(~odd) if odd.any() else rows


def _merge(feed: KlineFeed, parts: list[Rows]) -> tuple[Columns, int]:
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


def finish(
    bars: Bars,
    interval: int,
    gaps: str,
    row_size: float | str | None,
    tick: float | None,
    grid: Grid | None = None,
) -> Bars:
    """Klines as bars: flags set, gaps dealt with, the row height recorded.

    Parameters
    ----------
    bars : Bars
        In time order.
    interval : int
        Length of one in µs.
    gaps : {"keep", "fill", "error"}
        What to do about missing klines.
    row_size : float, "auto" or None
        Recorded; ``auto`` looks at the first open only.
    tick : float or None
        The venue's price step.
    grid : Grid or None
        Of the trading hours in which klines are due.
    """
    if gaps not in GAPS:
        raise ParamError(f"gaps: {unknown('value', gaps, GAPS)}")
    size, levels = bars.row_size, bars.levels
    if row_size is not None:
        check_rows(row_size, tick)
        step, ticks = row_grid(row_size, tick, float(bars["open"][0]))
        size = step * ticks
    quality = bars["quality"] | np.where(_idle(bars), int(Quality.FILLED), 0)
    missing = missing_before(bars, interval, grid)
    holes = np.flatnonzero(missing > 0)
    if len(holes) and gaps == "error":
        _refuse_gap(bars, int(holes[0]), missing)
    beside = np.concatenate([holes - 1, holes])
    quality[beside] = quality[beside] | int(Quality.GAP)
    columns = {**bars.columns, "quality": quality}
    if gaps == "fill" and len(holes):
        _check_fill(bars, missing)
        if grid is None and interval != MONTH and not regular(bars["open_time"], bars["close_time"]):
            raise DataError(
                f"{bars.source}: klines that follow a calendar cannot be filled in; gaps: keep takes them as they are, "
                "and a session with trading hours says when they are due"
            )
        real = _spread(missing)
        columns = _filled(columns, real, interval, grid)
        levels = None if levels is None else _spread_levels(levels, real)
    return Bars(columns, levels, bars.spec, bars.source, size, bars.notes)


def _check_fill(bars: Bars, missing: Integers) -> None:
    """Refuse to fill in far more klines than there are."""
    if int(missing.sum()) > max(_MOST_FILLED, _TIMES_FILLED * len(bars)):
        i = int(np.argmax(missing))
        raise DataError(
            f"{bars.source}: {missing.sum():,} klines of {bars.spec} would be filled in for {len(bars):,}, "
            f"{missing[i]:,} of them before {iso(int(bars['open_time'][i]))}; gaps: keep takes them as they are"
        )


def _idle(bars: Bars) -> NDArray[np.bool_]:
    """In which klines nobody traded; a column that is above 0 in none of them tells nothing."""
    made = np.zeros(len(bars), bool)
    for name in ("trades", "volume"):
        if (bars[name] > 0).any():
            made |= bars[name] == 0
    return made


def _refuse_gap(bars: Bars, i: int, missing: NDArray[np.int64]) -> None:
    before = iso(int(bars["close_time"][i - 1]))
    raise DataError(
        f"{bars.source}: {missing[i]} klines of {bars.spec} are missing from {before} on; "
        "gaps: keep or fill takes them as they are"
    )


def _spread(missing: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which bars of the whole grid are there, ``missing`` before each being not."""
    times = missing + 1
    times[0] = 1
    last = np.cumsum(times) - 1
    real = np.zeros(int(last[-1]) + 1, bool)
    real[last] = True
    return real


def _filled(columns: dict[str, NDArray[Any]], real: NDArray[np.bool_], interval: int, grid: Grid | None) -> Columns:
    """``columns`` with bars without trades where klines are missing; what the source never knows stays NaN."""
    source = np.cumsum(real) - 1
    made = {name: values[source] for name, values in columns.items()}
    for name, values in made.items():
        if name in _PRICES:
            made[name] = np.where(real, values, made["close"])
        elif name in _NOTHING and not np.isnan(values).all():
            made[name] = np.where(real, values, 0.0)
        elif values.dtype.kind == "f":
            made[name] = np.where(real, values, np.nan)
    made["quality"] = np.where(real, made["quality"], int(Quality.FILLED | Quality.GAP))
    count = np.arange(len(real))
    if grid is not None:
        made["open_time"], made["close_time"] = grid.spans(int(columns["open_time"][0]), int(columns["open_time"][-1]))
    elif interval == MONTH:
        first = month_numbers(columns["open_time"])[0]
        made["open_time"], made["close_time"] = month_starts(first + count), month_starts(first + count + 1)
    else:
        made["open_time"] = columns["open_time"][0] + interval * count
        made["close_time"] = made["open_time"] + interval
    return made


def _spread_levels(levels: Levels, real: NDArray[np.bool_]) -> Levels:
    """``levels`` with no price rows in the bars that are filled in."""
    rows = np.zeros(len(real), np.int64)
    rows[real] = np.diff(levels.offsets)
    return replace(levels, offsets=np.concatenate([[0], np.cumsum(rows)]).astype(np.int64))
