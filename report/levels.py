"""Price rows for the page: every row of the bars worth reading, sums of rows for the rest.

A long run has tens of millions of rows. The footprint is read around trades and at the end, so
those bars keep their own rows; the volume profile of any range is summed from blocks of bars.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..core.ticks import grid_of
from .codec import Packer, steps_per_unit
from .folder import Folder, microseconds
from .imbalances import imbalance_rule
from .naked import naked_levels, points_of_control
from .sessions import sessions_of

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Table = tuple[Ints, Ints, Floats, Floats]
"""Owner, row number, base amount bought and sold."""

CELLS = 800_000
"""Most rows carried bar by bar."""
BLOCKS = 2_000
"""Blocks the run is cut into for the profile."""
BLOCK_ROWS = 250_000
"""Most rows carried for the profile; blocks are joined until they fit."""
AROUND = 20
"""Bars before an entry and after an exit whose rows are kept first."""


@dataclass
class _Rows:
    """Rows of bars or of blocks: owner, row number, base amount bought and sold."""

    owner: list[Ints] = field(default_factory=list)
    row: list[Ints] = field(default_factory=list)
    buys: list[Floats] = field(default_factory=list)
    sells: list[Floats] = field(default_factory=list)

    def add(self, owner: Ints, row: Ints, buys: Floats, sells: Floats) -> None:
        for kept, part in zip((self.owner, self.row, self.buys, self.sells), (owner, row, buys, sells), strict=True):
            kept.append(part)  # type: ignore[attr-defined]

    def columns(self) -> Table:
        none, nothing = np.zeros(0, np.int64), np.zeros(0)
        return (
            np.concatenate([none, *self.owner]),
            np.concatenate([none, *self.row]),
            np.concatenate([nothing, *self.buys]),
            np.concatenate([nothing, *self.sells]),
        )


def packed_levels(folder: Folder) -> str | None:
    """The price rows of every feed as one compressed text; None when the run has none."""
    path = folder.levels
    if path is None:
        return None
    packer = Packer()
    feeds = [_pack_feed(packer, i, folder, path, name) for i, name in enumerate(folder.feeds)]
    return packer.packed(feeds=feeds) if any(feeds) else None


def _pack_feed(packer: Packer, number: int, folder: Folder, path: Path, name: str) -> dict[str, Any] | None:
    bars = folder.bars_of(name)
    times = bars["close_time"].to_numpy(np.int64)
    counts = _rows_per_bar(path, name, times)
    if not counts.any():
        return None
    said = folder.data.get(name) or {}
    grid = grid_of(float(said.get("tick") or 1.0))
    ticks = grid.row(float(said["row_size"])) if isinstance(said.get("row_size"), int | float) else 0
    ticks = ticks or _row_ticks(path, name)
    kept = bars_to_keep(counts, _trade_spans(folder, name, times), CELLS)
    size = max(1, -(-len(times) // BLOCKS))
    session = sessions_of(folder, name).of(bars["open_time"].to_numpy(np.int64))
    cells, blocks, whole = _collect(path, name, times, kept, size, ticks, session)
    _pack_naked(packer, number, bars, session, whole, grid.price(ticks))
    if kept.all() and size == 1:
        blocks = tuple(x[:0] for x in blocks)  # type: ignore[assignment]
    blocks, size = _fewer(blocks, size)
    _pack_rows(packer, f"{number}:cell", cells)
    _pack_rows(packer, f"{number}:block", blocks)
    rule = imbalance_rule(folder, name)
    return {"row": grid.price(ticks), "size": size, "whole": bool(kept.all()), "imbalance": rule}


def _pack_naked(packer: Packer, number: int, bars: pd.DataFrame, session: Ints, rows: Table, height: float) -> None:
    low, high = (bars[k].to_numpy(np.float64) for k in ("low", "high"))
    owner, row, buys, sells = rows
    since, until, price = naked_levels(session, low, high, *points_of_control(owner, row, buys + sells), height)
    packer.numbers(f"{number}:naked:since", since)
    packer.numbers(f"{number}:naked:until", until)
    packer.numbers(f"{number}:naked:price", price, 2.0 / height)


def bars_to_keep(counts: Ints, spans: list[tuple[int, int]], budget: int) -> NDArray[np.bool_]:
    """Bars whose rows are carried: all if they fit, else around trades, then the last ones.

    >>> bars_to_keep(np.array([4, 4, 4, 4, 4]), [(1, 2)], budget=12).tolist()
    [False, True, False, True, True]
    """
    kept = np.zeros(len(counts), dtype=bool)
    if counts.sum() <= budget:
        return ~kept
    near = np.zeros(len(counts) + 1, dtype=np.int64)
    for start, end in spans:
        near[start] += 1
        near[end] -= 1
    beside = np.cumsum(near[:-1]) > 0
    order = np.r_[np.flatnonzero(beside)[::-1], np.flatnonzero(~beside)[::-1]]
    kept[order[np.cumsum(counts[order]) <= budget]] = True
    return kept


def _trade_spans(folder: Folder, name: str, times: Ints) -> list[tuple[int, int]]:
    if folder.trades.empty:
        return []
    own = folder.trades[folder.trades["data"].astype(str) == name]
    moments = np.r_[microseconds(own["entry_time"]), microseconds(own["exit_time"])]
    middles = np.atleast_1d(np.searchsorted(times, moments))
    return [(max(0, int(i) - AROUND), min(len(times), int(i) + AROUND)) for i in middles]


def _batches(path: Path, name: str, columns: list[str]) -> Iterator[pd.DataFrame]:
    import pyarrow.parquet as pq

    for batch in pq.ParquetFile(path).iter_batches(1 << 20, columns=["data", *columns]):
        frame = batch.to_pandas()
        yield frame[frame["data"].astype(str) == name]


def _rows_per_bar(path: Path, name: str, times: Ints) -> Ints:
    counts = np.zeros(len(times) + 1, dtype=np.int64)
    for frame in _batches(path, name, ["close_time"]):
        at = np.searchsorted(times, microseconds(frame["close_time"]))
        counts += np.bincount(at, minlength=len(counts))
    return counts[:-1]


def _row_ticks(path: Path, name: str) -> int:
    """Height of a row in ticks, told by the rows themselves: they sit on one grid."""
    height = 0
    for frame in _batches(path, name, ["price_tick"]):
        height = int(np.gcd.reduce(np.diff(np.unique(frame["price_tick"].to_numpy(np.int64))), initial=height))
    return height or 1


def _collect(
    path: Path, name: str, times: Ints, kept: NDArray[np.bool_], size: int, ticks: int, session: Ints
) -> tuple[Table, Table, Table]:
    """Rows of the bars kept, and rows of all bars summed by block and by session; one pass, bounded memory."""
    cells, blocks, sessions = _Rows(), _Rows(), _Rows()
    for frame in _batches(path, name, ["close_time", "price_tick", "buy_volume", "sell_volume"]):
        bar = np.searchsorted(times, microseconds(frame["close_time"]))
        row = frame["price_tick"].to_numpy(np.int64) // ticks
        buys, sells = (frame[k].fillna(0.0).to_numpy(np.float64) for k in ("buy_volume", "sell_volume"))
        known = bar < len(times)
        chosen = known & kept[np.minimum(bar, len(times) - 1)]
        cells.add(bar[chosen], row[chosen], buys[chosen], sells[chosen])
        blocks.add(*_summed(bar[known] // size, row[known], buys[known], sells[known]))
        sessions.add(*_summed(session[bar[known]], row[known], buys[known], sells[known]))
    owner, row, buys, sells = cells.columns()
    order = np.lexsort((row, owner))
    kept_rows = (owner[order], row[order], buys[order], sells[order])
    return kept_rows, _summed(*blocks.columns()), _summed(*sessions.columns())


def _summed(owner: Ints, row: Ints, buys: Floats, sells: Floats) -> Table:
    """One entry for each owner and row, in that order."""
    if not len(owner):
        return owner, row, buys, sells
    low = int(row.min())
    width = int(row.max()) - low + 1
    keys, place = np.unique(owner * width + (row - low), return_inverse=True)
    bought, sold = (np.bincount(place, side).astype(np.float64) for side in (buys, sells))
    return keys // width, keys % width + low, bought, sold


def _fewer(blocks: Table, size: int) -> tuple[Table, int]:
    while len(blocks[0]) > BLOCK_ROWS and int(blocks[0][-1]) > 0:
        blocks, size = _summed(blocks[0] // 2, *blocks[1:]), size * 2
    return blocks, size


def _pack_rows(packer: Packer, prefix: str, rows: Table) -> None:
    owner, row, buys, sells = rows
    owners, counts = np.unique(owner, return_counts=True)
    packer.numbers(f"{prefix}:owner", owners)
    packer.numbers(f"{prefix}:count", counts)
    packer.numbers(f"{prefix}:row", row)
    per = steps_per_unit(np.r_[buys, sells], digits=3)
    packer.numbers(f"{prefix}:buys", buys, per)
    packer.numbers(f"{prefix}:sells", sells, per)
