"""The compiled loops that carry a step kernel over bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numba import types as nt
from numpy.typing import NDArray

from ...core.bars import Levels
from ...core.kernels import COLUMN, INTEGERS, LEVELS_STEP, STEP, TABLE, driver, inlined, ready

Floats = NDArray[np.float64]
CHUNK = 32_768
"""Bars whose inputs are laid side by side at a time; a call of compiled code costs as much as some thousand bars."""

_SPAN = (nt.int64, nt.int64, nt.int64, nt.boolean)


@inlined
def _show(x: Any, i: int, row: Any) -> bool:
    """Copy bar ``i`` into ``row``, whether a value is NaN: a view of the bar would be counted, at more than its use."""
    nan = False
    for j in range(len(row)):
        row[j] = x[i, j]
        nan |= row[j] != row[j]
    return nan


@driver(nt.void(nt.FunctionType(STEP), COLUMN, TABLE, COLUMN, TABLE, *_SPAN))
def _run(step: Any, p: Any, x: Any, s: Any, out: Any, at: int, count: int, first: int, skip: bool) -> None:
    lines = out.shape[0]
    y, row = np.empty(lines), np.empty(x.shape[1])
    for i in range(count):
        nan = _show(x, i, row)
        for j in range(lines):
            y[j] = np.nan
        if not (skip and nan):
            step(p, row, s, y)
        if at + i >= first:
            for j in range(lines):
                out[j, at + i] = y[j]


@driver(
    nt.void(
        nt.FunctionType(LEVELS_STEP), COLUMN, TABLE, COLUMN, TABLE, *_SPAN, INTEGERS, INTEGERS, INTEGERS, COLUMN, COLUMN
    )
)
def _run_levels(
    step: Any,
    p: Any,
    x: Any,
    s: Any,
    out: Any,
    at: int,
    count: int,
    first: int,
    skip: bool,
    rows: Any,
    offsets: Any,
    tick: Any,
    buy: Any,
    sell: Any,
) -> None:
    lines = out.shape[0]
    y, row = np.empty(lines), np.empty(x.shape[1])
    for i in range(count):
        nan = _show(x, i, row)
        for j in range(lines):
            y[j] = np.nan
        if not (skip and nan):
            a, b = offsets[rows[at + i]], offsets[rows[at + i] + 1]
            step(p, row, s, y, tick[a:b], buy[a:b], sell[a:b])
        if at + i >= first:
            for j in range(lines):
                out[j, at + i] = y[j]


def drive(
    step: Any,
    numbers: Floats,
    columns: Sequence[NDArray[Any]],
    state: Floats,
    lines: int,
    n: int,
    *,
    start: int = 0,
    first: int = 0,
    skip: bool = True,
    levels: Levels | None = None,
    rows: NDArray[np.int64] | None = None,
) -> Floats:
    """Run ``step`` over ``n`` bars.

    Parameters
    ----------
    step : compiled kernel
        Of `core.kernels.step`, or of `core.kernels.levels_step` when ``levels`` are given.
    numbers : ndarray of float64
        The kernel's parameters.
    columns : sequence of ndarray, each (n,)
        Its inputs.
    state : ndarray of float64
        Its state, changed in place.
    lines : int
        Values it gives a bar.
    n : int
        Bars.
    start, first : int
        First bar the kernel sees, first bar whose values are kept; NaN before.
    skip : bool
        Whether a bar with a NaN input leaves the state alone and gives NaN.
    levels : Levels or None
        Price rows.
    rows : ndarray of int64 or None
        Which entry of ``levels`` belongs to each bar; None when they go in step.

    Returns
    -------
    ndarray of float64, (lines, n)
    """
    out = np.full((lines, n), np.nan)
    side = _level_arguments(levels, rows, n)
    buffer = np.zeros((min(CHUNK, max(n, 1)), len(columns)))
    step, run = ready(step), ready(_run if levels is None else _run_levels)
    for at in range(start, n, CHUNK):
        count = min(CHUNK, n - at)
        for j, column in enumerate(columns):
            buffer[:count, j] = column[at : at + count]
        run(step, numbers, buffer, state, out, at, count, first, skip, *side)
    return out


def _level_arguments(levels: Levels | None, rows: NDArray[np.int64] | None, n: int) -> tuple[NDArray[Any], ...]:
    if levels is None:
        return ()
    rows = np.arange(n, dtype=np.int64) if rows is None else rows
    return rows, *writable(levels)


def writable(levels: Levels) -> tuple[NDArray[Any], ...]:
    """The arrays of ``levels`` as compiled code takes them: contiguous, and not marked read-only."""
    integers = [np.require(a, np.int64, ["C", "W"]) for a in (levels.offsets, levels.price_tick)]
    floats = [np.require(a, np.float64, ["C", "W"]) for a in (levels.buy_volume, levels.sell_volume)]
    return *integers, *floats


def untraded(levels: Levels) -> Levels:
    """The same rows with nothing known of what traded at them: what a kernel's first state may be sized by.

    Examples
    --------
    >>> from tapeflow.core.samples import sample_bars
    >>> made = untraded(sample_bars(3).levels)
    >>> bool(np.isnan(made.buy_volume).all()), len(made)
    (True, 3)
    """
    unknown = np.broadcast_to(np.nan, len(levels.price_tick))
    return replace(levels, buy_volume=unknown, sell_volume=unknown, classes=None)
