"""The result folder: written beside its place, then put there in one step."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ...core.arrow import column
from ...core.files.folders import replacing_folder
from ...core.files.json_text import json_text
from ...core.files.tables import write_parquet
from ..broker.choice import paying
from .account_figures import dividends_of, flows_of
from .excursions import excursions
from .lock import digests, lock_text
from .outcome import Outcome, SavedRun
from .own_files import check_place, written
from .together import Together
from .trial import Trial, write_trial

Count = Callable[[Outcome, dict[str, Any]], Trial]
"""What says which trial on its data a run is."""
TIME = pa.timestamp("us", tz="UTC")
ORDER_COLUMNS = {
    "ref": pa.int64(),
    "data": pa.string(),
    "side": pa.string(),
    "type": pa.string(),
    "size": pa.float64(),
    "price": pa.float64(),
    "created_time": TIME,
    "status": pa.string(),
    "executed_time": TIME,
    "executed_price": pa.float64(),
    "executed_size": pa.float64(),
    "commission": pa.float64(),
    "pnl": pa.float64(),
    "reason": pa.string(),
}
TRIP_COLUMNS = {
    "data": pa.string(),
    "direction": pa.string(),
    "size": pa.float64(),
    "entry_time": TIME,
    "entry_price": pa.float64(),
    "exit_time": TIME,
    "exit_price": pa.float64(),
    "bars": pa.int64(),
    "pnl": pa.float64(),
    "pnl_net": pa.float64(),
    "commission": pa.float64(),
    "return_pct": pa.float64(),
    "entry_reason": pa.string(),
    "exit_reason": pa.string(),
}
EXCURSION_COLUMNS = {"mae_pct": pa.float64(), "mfe_pct": pa.float64()}
PAID_COLUMNS = {"dividends": pa.float64()}
BAND_COLUMNS = {"pnl_low": pa.float64(), "pnl_high": pa.float64()}
FLOW_COLUMNS = {
    "time": TIME,
    "data": pa.string(),
    "kind": pa.string(),
    "position": pa.float64(),
    "price": pa.float64(),
    "rate": pa.float64(),
    "amount": pa.float64(),
}
CUT_COLUMNS = {
    "time": TIME,
    "data": pa.string(),
    "side": pa.string(),
    "limit": pa.string(),
    "asked": pa.float64(),
    "sent": pa.float64(),
}
FILL_COLUMNS = {
    "assumption": pa.string(),
    "ref": pa.int64(),
    "data": pa.string(),
    "time": TIME,
    "last_time": TIME,
    "size": pa.float64(),
    "price": pa.float64(),
    "maker": pa.bool_(),
}


def save(
    outcome: Outcome,
    out: Path,
    *,
    count: Count | None = None,
    finish: Callable[[Path], object] | None = None,
    aside: Path | None = None,
) -> SavedRun:
    """Write the whole folder beside its place, then put it there in one step; files in ``aside`` join it.

    ``count`` is given the run and its figures, and says which trial on its data it was; then ``finish`` is given the
    folder before it is put in its place, to add a file.

    What an earlier run wrote there is replaced; what somebody else did, or changed, stays, as `SavedRun.kept` tells.

    Raises
    ------
    DataError
        If ``out`` is a file, or a folder that holds something other than a run, or cannot be written.
    """
    check_place(out)
    with replacing_folder(out, written) as (made, kept):
        summary = _write(outcome, made)
        for extra in sorted(aside.iterdir()) if aside else ():
            shutil.copy(extra, made / extra.name)
        _write_lock(outcome, made)
        trial = count(outcome, summary) if count is not None else None
        if trial is not None:
            write_trial(trial, made)
        if finish is not None:
            finish(made)
    return SavedRun(out, summary, tuple(kept), trial)


def _write(outcome: Outcome, folder: Path) -> dict[str, Any]:
    summary = outcome.summary()
    summary |= outcome.doubts(summary)
    (folder / "result.json").write_text(json_text(summary) + "\n", encoding="utf-8")
    whose = {"strategy": pa.string()} if isinstance(outcome, Together) else {}
    _table(folder / "orders.parquet", ORDER_COLUMNS | whose, list(outcome.record.orders.values()))
    columns = TRIP_COLUMNS | EXCURSION_COLUMNS | whose
    trips = [{name: getattr(t, name) for name in TRIP_COLUMNS} for t in outcome.trips]
    reached = excursions(outcome.trips, {name: source.bars for name, source in outcome.sources.items()})
    trips = [{**row, "mae_pct": against, "mfe_pct": good} for row, against, good in zip(trips, *reached, strict=True)]
    if isinstance(outcome, Together):
        trips = [{**row, "strategy": name} for row, (name, _) in zip(trips, outcome.named_trips, strict=True)]
    ends = outcome.band.trades() if outcome.band else []
    trips = [row | more for row, more in zip(trips, ends, strict=True)] if ends else trips
    columns |= BAND_COLUMNS if outcome.band else {}
    if paying(outcome.config):
        columns |= PAID_COLUMNS
        paid = dividends_of(outcome.trips, flows_of(outcome.strategy))
        trips = [{**row, "dividends": amount} for row, amount in zip(trips, paid, strict=True)]
    _table(folder / "trades.parquet", columns, trips)
    equity = dict(outcome.equity)
    _columns(folder / "equity.parquet", {"time": column(equity.pop("time"), TIME), **equity})
    if len(outcome.dealt) > 1 or isinstance(outcome, Together):
        _columns(folder / "positions.parquet", _position_columns(outcome))
    if cuts := _cuts(outcome):
        _table(folder / "cuts.parquet", CUT_COLUMNS | whose, cuts)
    _columns(folder / "indicators.parquet", _line_columns(outcome))
    _columns(folder / "bars.parquet", _bar_columns(outcome))
    if levels := _level_columns(outcome):
        _columns(folder / "levels.parquet", levels)
    if flows := flows_of(outcome.strategy):
        _table(folder / "flows.parquet", FLOW_COLUMNS, [asdict(flow) for flow in flows])
    if outcome.band:
        curves = outcome.band.curves()
        _columns(folder / "band.parquet", {"time": column(curves.pop("time"), TIME), **curves})
        _table(folder / "fills.parquet", FILL_COLUMNS, outcome.band.executions())
    return summary


def _write_lock(outcome: Outcome, folder: Path) -> None:
    """Write run.lock, last of all, for it has the digests of the others."""
    lock = outcome.lock() | {"outputs": digests(folder)}
    (folder / "run.lock").write_text(lock_text(lock), encoding="utf-8")


def _table(path: Path, columns: dict[str, pa.DataType], rows: list[dict[str, Any]]) -> None:
    arrays = {name: column([row.get(name) for row in rows], kind) for name, kind in columns.items()}
    _columns(path, arrays)


def _columns(path: Path, columns: dict[str, Any]) -> None:
    table = pa.table({name: v if isinstance(v, pa.Array) else column(v) for name, v in columns.items()})
    # Numbers hardly repeat: looking for those that do takes longer than all the rest, and more room.
    text: Any = [field.name for field in table.schema if pa.types.is_string(field.type)]
    write_parquet(table, path, compression="lz4", use_dictionary=text or False)


def _position_columns(outcome: Outcome) -> dict[str, Any]:
    """The position of each desk and the cash that it brought, a row for each fill and payment that changed them."""
    parts: Mapping[str, Outcome] = outcome.parts if isinstance(outcome, Together) else {"": outcome}
    rows = [(name, data, one) for name, part in parts.items() for data, one in part.ledgers.items()]
    counts = [len(one.time) for *_, one in rows]
    made = {
        "time": column(np.concatenate([np.zeros(0, np.int64), *(one.time for *_, one in rows)]), TIME),
        "data": np.repeat(np.array([data for _, data, _ in rows], dtype=object), counts),
        "position": np.concatenate([np.zeros(0), *(one.position for *_, one in rows)]),
        "cash": np.concatenate([np.zeros(0), *(one.cash for *_, one in rows)]),
    }
    if isinstance(outcome, Together):
        made["strategy"] = np.repeat(np.array([name for name, *_ in rows], dtype=object), counts)
    return made


def _cuts(outcome: Outcome) -> list[dict[str, Any]]:
    """Orders that limits of the portfolio cut or left out."""
    parts: Mapping[str, Outcome] = outcome.parts if isinstance(outcome, Together) else {"": outcome}
    return [{**asdict(cut), "strategy": name} for name, part in parts.items() for cut in part.portfolio_cuts]


def _line_columns(outcome: Outcome) -> dict[str, Any]:
    """The lines of indicators at the closes of the traded bars; those of other bars have no place there."""
    closes = outcome.first["close_time"]
    columns: dict[str, Any] = {"time": column(closes, TIME)}
    for name, indicator in outcome.made.items():
        source = outcome.sources.get(outcome.followed(indicator))
        if len(indicator.lines[0].array) != len(closes):
            continue
        if source is not None and not np.array_equal(source.bars["close_time"], closes):
            continue
        for alias in indicator.lines.getlinealiases():
            columns[f"{name}.{alias}"] = np.array(getattr(indicator.lines, alias).array, dtype=np.float64)
    return columns


def _bar_columns(outcome: Outcome) -> dict[str, Any]:
    all_bars = {name: source.bars for name, source in outcome.sources.items()}
    names = np.repeat(list(all_bars), [len(b) for b in all_bars.values()])
    shared = [c for c in outcome.first.columns if all(c in b.columns for b in all_bars.values())]
    return {"data": names, **{c: np.concatenate([b[c] for b in all_bars.values()]) for c in shared}}


def _level_columns(outcome: Outcome) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    for name, source in outcome.sources.items():
        levels = source.bars.levels
        if levels is None:
            continue
        rows = np.diff(levels.offsets)
        parts.append(
            {
                "data": np.full(len(levels.price_tick), name),
                "close_time": np.repeat(source.bars["close_time"], rows),
                "price_tick": levels.price_tick,
                "buy_volume": levels.buy_volume,
                "sell_volume": levels.sell_volume,
            }
        )
    return {k: np.concatenate([p[k] for p in parts]) for k in parts[0]} if parts else {}
