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
from ...core.clock import interval_text, iso
from ...core.errors import DataError, ParamError, unknown
from ...core.schema import Quality
from ..aggregation.rows import check_rows, row_grid
from ..base import Feed
from .decode import Decoder, Layout, Quarantine, Rows
from .dumps import Clock, in_time_order
from .files import Source

Columns = dict[str, NDArray[Any]]
GAPS = ("keep", "fill", "error")
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


def read_klines(feed: Feed, layout: Layout, bad_rows: str) -> tuple[Columns, int]:
    """The klines of all files of ``feed`` in time order, and their interval in µs.

    ``open_time`` and ``close_time`` come back in µs, the close exclusive. Fills ``feed.files`` and ``feed.counts``.

    Raises
    ------
    DataError
        For klines of different length, out of order or twice in one file, or different in two files.
    """
    feed.files, feed.counts = [], Counter(rows=0, quarantined=0, duplicates=0)
    quarantine = Quarantine(bad_rows, feed.quarantine)
    parts: list[Rows] = []
    try:
        for path in in_time_order(feed.paths, layout, "open_time"):
            parts += _read_file(feed, path, layout, quarantine)
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


def _read_file(feed: Feed, path: Path, layout: Layout, quarantine: Quarantine) -> Iterator[Rows]:
    """The klines of one file, times in µs; strictly ascending."""
    source, clock, last = Source(path), Clock(), -1
    for rows in Decoder(source, layout, quarantine).rows():
        opens, closes = clock.microseconds(rows, "open_time"), clock.microseconds(rows, "close_time") + clock.unit
        back = np.flatnonzero(np.diff(opens, prepend=last) <= 0)
        if len(back):
            i = int(back[0])
            raise DataError(f"{path}: row {rows.line[i]} opens at {iso(int(opens[i]))}, not after the row before it")
        if len(opens):
            last = int(opens[-1])
            yield replace(rows, columns={**rows.columns, "open_time": opens, "close_time": closes})
    feed.files.append(source.digest())


def _merge(feed: Feed, parts: list[Rows]) -> tuple[Columns, int]:
    """All files in one, klines that are the same in two of them once."""
    names = [name for name in parts[0].columns if all(name in p.columns for p in parts)]
    columns: Columns = {name: np.concatenate([p[name] for p in parts]) for name in names}
    order = np.argsort(columns["open_time"], kind="stable")
    columns = {name: values[order] for name, values in columns.items()}
    opens = columns["open_time"]
    twin = np.diff(opens, prepend=-1) == 0
    for name, values in columns.items():
        differs = np.flatnonzero(twin[1:] & (values[1:] != values[:-1])) + 1
        if len(differs):
            _complain(parts, int(order[differs[0]]), f"column {name} differs from the same kline in another file")
    feed.counts["duplicates"] = int(twin.sum())
    _check_grid(parts, order[~twin], {name: values[~twin] for name, values in columns.items()})
    kept = {name: values[~twin] for name, values in columns.items()}
    return kept, int(kept["close_time"][0] - kept["open_time"][0])


def _check_grid(parts: list[Rows], order: NDArray[np.intp], columns: Columns) -> None:
    """Refuse klines that are not all of one length and on one grid."""
    lengths = columns["close_time"] - columns["open_time"]
    interval = int(lengths[0])
    other = np.flatnonzero(lengths != interval)
    if interval <= 0 or len(other):
        i = int(other[0]) if len(other) else 0
        what = f"is {interval_text(int(lengths[i]))} long" if lengths[i] > 0 else "closes before it opens"
        _complain(parts, int(order[i]), f"the kline {what}, the first one {interval_text(max(interval, 1))}")
    off = np.flatnonzero(np.diff(columns["open_time"]) % interval)
    if len(off):
        i = int(off[0]) + 1
        _complain(parts, int(order[i]), f"the kline opens off the grid of the rows before, at {_at(columns, i)}")


def _at(columns: Columns, i: int) -> str:
    return iso(int(columns["open_time"][i]))


def _complain(parts: list[Rows], at: int, complaint: str) -> None:
    """Raise ``complaint`` about row ``at`` of all rows of all files."""
    for part in parts:
        if at < len(part):
            raise DataError(f"{part.path}: row {part.line[at]}: {complaint}")
        at -= len(part)


def finish(bars: Bars, interval: int, gaps: str, row_size: float | str | None, tick: float | None) -> Bars:
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
    """
    if gaps not in GAPS:
        raise ParamError(f"gaps: {unknown('value', gaps, GAPS)}")
    size, levels = bars.row_size, bars.levels
    if row_size is not None:
        check_rows(row_size, tick)
        step, ticks = row_grid(row_size, tick, float(bars["open"][0]))
        size = step * ticks
    idle = (bars["trades"] == 0) | (bars["volume"] == 0)
    quality = bars["quality"] | np.where(idle, int(Quality.FILLED), 0)
    missing = np.diff(bars["open_time"], prepend=bars["open_time"][0] - interval) // interval - 1
    holes = np.flatnonzero(missing > 0)
    if len(holes) and gaps == "error":
        _refuse_gap(bars, int(holes[0]), missing)
    if gaps == "keep":
        quality[holes] = quality[holes] | int(Quality.GAP)
    columns = {**bars.columns, "quality": quality}
    if gaps == "fill" and len(holes):
        real = _spread(missing)
        columns = _filled(columns, real, interval)
        levels = None if levels is None else _spread_levels(levels, real)
    return Bars(columns, levels, bars.spec, bars.source, size, bars.notes)


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


def _filled(columns: dict[str, NDArray[Any]], real: NDArray[np.bool_], interval: int) -> Columns:
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
    made["quality"] = np.where(real, made["quality"], int(Quality.FILLED))
    made["open_time"] = columns["open_time"][0] + interval * np.arange(len(real))
    made["close_time"] = made["open_time"] + interval
    return made


def _spread_levels(levels: Levels, real: NDArray[np.bool_]) -> Levels:
    """``levels`` with no price rows in the bars that are filled in."""
    rows = np.zeros(len(real), np.int64)
    rows[real] = np.diff(levels.offsets)
    return replace(levels, offsets=np.concatenate([[0], np.cumsum(rows)]).astype(np.int64))
