"""Klines that are missing: kept as gaps, filled in, or refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...aggregation.rows import check_rows, row_grid
from ...aggregation.sessions import Grid
from ...core.bars import Bars, Levels
from ...core.clock import MONTH, iso, month_numbers, month_starts
from ...core.errors import DataError, ParamError, unknown
from ...core.schema import Quality
from .calendars import missing_before, regular
from .closings import closings

Columns = dict[str, NDArray[Any]]
Integers = NDArray[np.int64]
GAPS = ("keep", "fill", "error")
_MOST_FILLED, _TIMES_FILLED = 100_000, 10
_SHUT = (
    "gaps come again at the same times and are taken for closing hours, no damage; trading hours, as in "
    "bars: 1d@1d:XNYS, say when bars are due"
)
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
    shut = closings(bars["close_time"][holes - 1], bars["open_time"][holes]) & (grid is None)
    damaged, notes = holes[~shut], bars.notes
    if shut.any() and gaps == "keep":
        notes = (*notes, f"{np.count_nonzero(shut):,} {_SHUT}")
    if len(damaged) and gaps == "error":
        _refuse_gap(bars, int(damaged[0]), missing)
    beside = np.concatenate([damaged - 1, damaged])
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
    return Bars(columns, levels, bars.spec, bars.source, size, notes)


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
