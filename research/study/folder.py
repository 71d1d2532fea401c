"""The folder of a study: its tables, and what they depended on."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ...backtest.inputs.read import Source
from ...backtest.results.lock import lock_text
from ...configs.models import RunConfig
from ...core.clock import iso
from ...core.errors import DataError
from ...core.files.folders import check_place, recover
from ...core.files.json_text import json_text
from ...core.files.keeping import file_digest
from ...core.files.tables import write_parquet
from ...core.files.writing import replacing
from ..selection.daily import Daily
from ..sweep import folder as sweeps
from ..sweep.journal import Done
from ..sweep.points import Point
from .marks import MARKS, plain
from .splits import Chosen
from .windows import Window

LOCK, SUMMARY = "research.yaml", "summary.json"
TIME = pa.timestamp("us", tz="UTC")


def check_folder(out: Path, *, resume: bool) -> None:
    """Refuse a place that holds something other than a study, or a study that is not to go on.

    Raises
    ------
    DataError
        Naming it.
    """
    check_place(out, "study", LOCK)
    if (out / LOCK).exists():
        sweeps.read_lock(out, LOCK, "study")
        if not resume:
            raise DataError(f"{out} holds a study; --resume goes on in it, another --out begins anew")
    recover(out, lambda folder: {})


def make_study_lock(config: RunConfig, sources: Mapping[str, Source], points: Sequence[Point]) -> dict[str, Any]:
    """The content of research.yaml: everything the tables depend on, and nothing else."""
    return sweeps.make_sweep_lock(config, [sources], points)


def entered(out: Path, lock: Mapping[str, Any], folder: Path) -> AbstractContextManager[None]:
    """Make the folder with its lock, or go on in it; nobody else does in the block."""
    return sweeps.entered(out, lock, folder, LOCK, "study")


def write(
    out: Path,
    points: Sequence[Point],
    whole: Mapping[int, Done],
    chosen: Sequence[Chosen],
    stitched: tuple[Any, Any],
    summary: Mapping[str, Any],
    reads: Mapping[str, str],
) -> None:
    """Write the tables and the summary, then the lock anew, with their digests."""
    plainly = {number: one._replace(row=plain(one.row)) for number, one in whole.items()}
    tables = {
        "points.parquet": sweeps.as_table(points, plainly),
        "returns.parquet": _returns(whole),
        "folds.parquet": _folds(points, chosen),
        "choices.parquet": _scores(chosen),
        "out_of_sample.parquet": _stitched(*stitched),
    }
    for name, table in tables.items():
        with replacing(out / name) as place:
            write_parquet(table, place, compression="zstd")
    with replacing(out / SUMMARY) as place:
        place.write_text(json_text(dict(summary)) + "\n", encoding="utf-8")
    lock = sweeps.read_lock(out, LOCK, "study")
    lock["reads"] = sweeps.reads_during(out, lock, reads, whole.values())
    lock["outputs"] = {name: file_digest(out / name) for name in (*tables, SUMMARY)}
    with replacing(out / LOCK) as place:
        place.write_text(lock_text(lock), encoding="utf-8")


def _returns(whole: Mapping[int, Done]) -> pa.Table:
    """Daily marked returns of every point on all but the hold-out, a row each."""
    rows = {number: Daily.of(one.row[MARKS]) for number, one in sorted(whole.items()) if not one.error}
    return pa.table(
        {
            "point": pa.array(list(rows), pa.int64()),
            "first_day": pa.array([one.first for one in rows.values()], pa.int32()).cast(pa.date32()),
            "returns": pa.array([one.made for one in rows.values()], pa.list_(pa.field("element", pa.float32()))),
        }
    )


def _folds(points: Sequence[Point], chosen: Sequence[Chosen]) -> pa.Table:
    """What was chosen for each fold, on what, and what became of it."""
    values = {point.number: point.values for point in points}
    rows = [_fold(number, one, values) for number, one in enumerate(chosen, 1)]
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.table({name: _column([row.get(name) for row in rows]) for name in names})


def _fold(number: int, one: Chosen, values: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    train, test = one.fold
    inside = one.figures.get(one.point, {}) if one.point is not None else {}
    own = {f"chosen.{path}": _text(value) for path, value in values[one.point].items()} if one.point else {}
    return {
        "fold": number,
        "train": _words(train),
        "test": _words(test),
        "point": one.point,
        **own,
        "score": one.scores[one.point] if one.point is not None else math.nan,
        **{f"in.{name}": value for name, value in _numbers(inside)},
        **{f"out.{name}": value for name, value in _numbers(one.outside)},
        "error": next((ran.error for ran in one.tested if ran.error), None),
    }


def _numbers(figures: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name in ("sharpe", "return_pct", "max_drawdown_pct", "trades"):
        if isinstance(value := figures.get(name), int | float):
            yield name, float(value)


def _words(windows: Iterable[Window]) -> str:
    return ", ".join(f"{iso(one.start)}/{iso(one.end)}" for one in windows)


def _text(value: Any) -> Any:
    return value if isinstance(value, str) else json.dumps(value)


def _column(values: list[Any]) -> pa.Array:
    kinds = {type(value) for value in values if value is not None}
    kind = pa.string() if str in kinds else pa.float64() if float in kinds else pa.int64()
    return pa.array([float(v) if kind == pa.float64() and v is not None else v for v in values], kind)


def _scores(chosen: Sequence[Chosen]) -> pa.Table:
    """What each point was worth where each fold was chosen on; null for one that does not qualify."""
    rows = [(fold, point, one.scores[point]) for fold, one in enumerate(chosen, 1) for point in sorted(one.scores)]
    fold, point, score = zip(*rows, strict=True) if rows else ((), (), ())
    known = [None if value != value else value for value in score]
    return pa.table({"fold": pa.array(fold, pa.int64()), "point": pa.array(point, pa.int64()),
                     "score": pa.array(known, pa.float64())})  # fmt: skip


def _stitched(days: Any, made: Any) -> pa.Table:
    """Days out of sample, one fold after the other, and what one unit of money became."""
    return pa.table(
        {
            "day": pa.array(days.astype(np.int32), pa.int32()).cast(pa.date32()),
            "return": pa.array(made, pa.float64()),
            "equity": pa.array(np.cumprod(1.0 + made), pa.float64()),
        }
    )
