"""The folder of a sweep: its table, and what it depended on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from ...configs.models import RunConfig
from ...core.errors import DataError
from ...core.tables import replacing
from ..brokers.choice import funded, rates_of
from ..lock import make_lock
from ..runner import Source
from .journal import Done
from .points import Point

TABLE, LOCK = "points.parquet", "sweep.yaml"


def check_folder(out: Path) -> None:
    """Refuse a place that holds something other than a sweep.

    Raises
    ------
    DataError
        If ``out`` is a file, or a folder with other things in it.
    """
    if out.is_file():
        raise DataError(f"{out} is a file; --out wants a folder")
    if out.is_dir() and any(out.iterdir()) and not (out / LOCK).exists():
        raise DataError(f"{out} holds something other than a sweep; choose another --out")


def make_sweep_lock(
    config: RunConfig, groups: Sequence[Mapping[str, Source]], points: Sequence[Point]
) -> dict[str, Any]:
    """The content of sweep.yaml: everything the table depends on, and nothing else.

    Parameters
    ----------
    config : RunConfig
        With its sweep.
    groups : sequence of mapping
        What was read, once for each way in which the runs read data.
    points : sequence of Point
        All of them.
    """
    more = _funding(points)
    locks = [make_lock(config, sources, config.engine, more) for sources in groups]
    made = {key: value for key, value in locks[0].items() if key not in ("engine", "inputs", "data")}
    inputs = {json.dumps(one): one for lock in locks for one in lock["inputs"]}
    read = [lock["data"] for lock in locks]
    config_block = made.pop("config")
    return {**made, "points": len(points), "inputs": [*inputs.values()], "data": read, "config": config_block}


def _funding(points: Sequence[Point]) -> dict[str, list[Any]]:
    """The files that funding is read from in any of the runs."""
    asked = {json.dumps(funding.path): funding for point in points for funding in funded(point.config).values()}
    files = (file for paths in asked.values() if paths.path for file in rates_of(points[0].config, paths).files)
    made = list(dict.fromkeys(files))
    return {"funding": made} if made else {}


def enter(out: Path, lock: Mapping[str, Any]) -> None:
    """Make the folder, or go on in it.

    Raises
    ------
    DataError
        If it holds a sweep that differs from this one, naming the first difference.
    """
    path = out / LOCK
    text = yaml.safe_dump(dict(lock), sort_keys=False, allow_unicode=True, width=120)
    if path.exists():
        old = yaml.safe_load(path.read_text(encoding="utf-8"))
        if where := _difference(old, yaml.safe_load(text)):
            raise DataError(f"{out} holds another sweep: {where}; choose another --out, or remove the folder")
        return
    out.mkdir(parents=True, exist_ok=True)
    with replacing(path) as made:
        made.write_text(text, encoding="utf-8")


def _difference(old: Any, new: Any, at: str = "") -> str:
    """The first place where two locks differ, in words; empty when they are equal."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            if (key in old) != (key in new):
                return f"{at}{key} is only in {'that' if key in old else 'this'} one"
            if found := _difference(old[key], new[key], f"{at}{key}."):
                return found
        return ""
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return next(
            (f for i, (a, b) in enumerate(zip(old, new, strict=True)) if (f := _difference(a, b, f"{at}{i}."))), ""
        )
    return "" if old == new or old != old else f"{at.rstrip('.')} was {_short(old)} and is {_short(new)}"


def _short(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:59] + "…"


def write_table(out: Path, points: Iterable[Point], done: Mapping[int, Done]) -> None:
    """Write points.parquet, one row a point in the order of the grid."""
    table = as_table(points, done)
    with replacing(out / TABLE) as made:
        pq.write_table(table, made, compression="zstd")


def read_table(out: Path) -> dict[int, Done]:
    """What each run of a finished sweep came to, by its number."""
    table = pq.read_table(out / TABLE)
    figures = table.column_names[table.column_names.index("engine") :] if "engine" in table.column_names else ["error"]
    made: dict[int, Done] = {}
    for number, row in zip(table["point"].to_pylist(), table.select(figures).to_pylist(), strict=True):
        error = row.pop("error") or ""
        made[number] = Done(number, {} if error else row, error)
    return made


def as_table(points: Iterable[Point], done: Mapping[int, Done]) -> pa.Table:
    """Point, its values by path, its figures, and what went wrong."""
    points = list(points)
    rows = [done[point.number] for point in points]
    columns: dict[str, pa.Array] = {"point": pa.array([point.number for point in points], pa.int64())}
    for path in points[0].values:
        columns[path] = _values([point.values[path] for point in points])
    names = dict.fromkeys(name for row in rows for name in row.row)
    for name in names:
        columns[name] = _figures([row.row.get(name) for row in rows])
    columns["error"] = pa.array([row.error or None for row in rows], pa.string())
    return pa.table(columns)


def _values(values: list[Any]) -> pa.Array:
    """Values of a path: of one type where they are, else as text."""
    kinds = {type(v) for v in values if v is not None}
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    if kinds == {int}:
        return pa.array(values, pa.int64())
    if kinds and kinds <= {int, float}:
        return pa.array([None if v is None else float(v) for v in values], pa.float64())
    return pa.array(
        [v if v is None or isinstance(v, str) else json.dumps(v, ensure_ascii=False) for v in values], pa.string()
    )


def _figures(values: list[Any]) -> pa.Array:
    """A figure: null where the run failed, NaN where it is undefined."""
    kinds = {type(v) for v in values if v is not None}
    kind = pa.string() if str in kinds else pa.float64() if float in kinds else pa.int64()
    return pa.array([float(v) if kind == pa.float64() and v is not None else v for v in values], kind)
