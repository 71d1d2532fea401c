"""The folder of a sweep: its table, and what it depended on."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ...backtest.broker.choice import funded, rates_of
from ...backtest.inputs.read import Source
from ...backtest.results.lock import lock_text, make_lock
from ...backtest.results.own_files import check_outputs
from ...configs.models import RunConfig
from ...core.errors import DataError
from ...core.files.folders import check_place, recover, replacing_folder
from ...core.files.keeping import file_digest
from ...core.files.signed import load_yaml, read_signed
from ...core.files.tables import write_parquet
from ...core.files.writing import claim, replacing, telling
from ..selection.daily import returns_of, returns_table
from .journal import Done
from .points import Point

TABLE, RETURNS, LOCK = "points.parquet", "returns.parquet", "sweep.yaml"


def check_folder(out: Path) -> None:
    """Refuse a place that holds something other than a sweep, or a sweep whose lock cannot be trusted.

    Raises
    ------
    DataError
        Naming it.
    """
    check_place(out, "sweep", LOCK)
    if (out / LOCK).exists():
        read_lock(out)
    recover(out, lambda folder: {})


def read_lock(out: Path, name: str = LOCK, what: str = "sweep") -> dict[str, Any]:
    """The content of a lock, its digest compared."""
    return load_yaml(out / name, read_signed(out / name, "the lock", "points"), f"the lock of a {what}")


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
    locks = [make_lock(config, sources, config.engine, more, ran=False) for sources in groups]
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


@contextmanager
def entered(out: Path, lock: Mapping[str, Any], folder: Path, name: str = LOCK, what: str = "sweep") -> Iterator[None]:
    """Make the folder with its lock, in one step, or go on in it; nobody else does in the block.

    Parameters
    ----------
    out : Path
        The place.
    lock : mapping
        What it depends on.
    folder : Path
        That of the YAML.
    name, what : str
        The file of the lock, and what it is of.

    Raises
    ------
    DataError
        If it holds a sweep that differs from this one, naming the first difference, or another process is at it.
    """
    text = lock_text(lock)
    with telling(out):
        if not (out / name).exists():
            with replacing_folder(out, lambda folder: {}) as (made, _):
                (made / name).write_text(text, encoding="utf-8")
        try:
            handle = claim(out)
        except BlockingIOError:
            raise DataError(f"{out}: another process is at this {what}; wait for it, or choose another --out") from None
    try:
        old, new = read_lock(out, name, what), load_yaml(out / name, text.encode(), "a lock")
        if where := _difference(_as_begun(old, new, folder), new):
            raise DataError(
                f"{out} holds another {what}: {where} in {out / name}; choose another --out, or remove the folder"
            )
        yield
    finally:
        if handle is not None:
            os.close(handle)


def _as_begun(old: Mapping[str, Any], new: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """A lock without its outputs, and without the files that were read by the runs alone and are as they were."""
    begun = {one["path"]: at for at, one in enumerate(new["reads"])}
    kept = [one for one in old["reads"] if one["path"] in begun or not _unchanged(one, folder)]
    made = {key: value for key, value in old.items() if key != "outputs"}
    return {**made, "reads": sorted(kept, key=lambda one: begun.get(one["path"], len(begun)))}


def _unchanged(one: Mapping[str, str], folder: Path) -> bool:
    places = (Path(root, one["path"]) for root in (str(folder), *sys.path))
    found = next((path for path in places if path.is_file()), None)
    return found is not None and file_digest(found) == one["sha256"]


def finish(out: Path, points: Iterable[Point], done: Mapping[int, Done], own: Mapping[str, str]) -> None:
    """Write the tables, then the lock anew: with their digests, and the files that plugins read during the runs.

    Parameters
    ----------
    out : Path
        The folder of the sweep.
    points : iterable of Point
        All of them, in the order of the grid.
    done : mapping of int to Done
        What each came to.
    own : mapping of str to str
        sha256 of the files that this process read for it, by their places.

    Raises
    ------
    DataError
        If one of the files was changed meanwhile.
    """
    lock = read_lock(out)
    lock["reads"] = reads_during(out, lock, own, done.values())
    made = write_tables(out, points, done)
    lock["outputs"] = {path.name: file_digest(path) for path in made}
    with replacing(out / LOCK) as place:
        place.write_text(lock_text(lock), encoding="utf-8")


def reads_during(
    out: Path, lock: Mapping[str, Any], own: Mapping[str, str], done: Iterable[Done]
) -> list[dict[str, str]]:
    """The files that a lock names, and those that plugins read while the runs were under way."""
    known = {one["path"]: one["sha256"] for one in lock["reads"]}
    found = dict(known)
    for reads in (own, *(one.reads or {} for one in done)):
        for path, digest in reads.items():
            if found.setdefault(path, digest) != digest:
                raise DataError(
                    f"{path} was changed while the sweep into {out} read it; remove the folder and run again"
                )
    inputs = {one["path"] for one in lock["inputs"]}
    more = {path: digest for path, digest in found.items() if path not in inputs and path not in known}
    if not more:
        return list(lock["reads"])
    return [{"path": path, "sha256": digest} for path, digest in sorted((known | more).items())]


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


def write_tables(out: Path, points: Iterable[Point], done: Mapping[int, Done]) -> list[Path]:
    """Write points.parquet, one row a point in the order of the grid, and daily returns where they were kept."""
    made = {out / TABLE: as_table(points, done)}
    if kept := {number: one.daily for number, one in sorted(done.items()) if one.daily}:
        made[out / RETURNS] = returns_table(kept)
    for path, table in made.items():
        with replacing(path) as place:
            write_parquet(table, place, compression="zstd")
    return [*made]


def is_finished(out: Path) -> bool:
    """Whether a sweep wrote all that it had to: its lock names the tables, written after them."""
    outputs = read_lock(out).get("outputs", {})
    return TABLE in outputs and all((out / name).exists() for name in outputs)


def read_table(out: Path) -> dict[int, Done]:
    """What each run of a finished sweep came to, by its number.

    Raises
    ------
    DataError
        If a byte of it changed since it was written.
    """
    outputs = read_lock(out).get("outputs", {})
    check_outputs(out, outputs, LOCK, "remove it and sweep again")
    kept = _read(out / RETURNS, returns_of) if RETURNS in outputs else {}
    made: dict[int, Done] = _read(out / TABLE, lambda table: _rows(table, kept))
    return made


def _rows(table: pa.Table, kept: Mapping[int, str]) -> dict[int, Done]:
    figures = table.column_names[table.column_names.index("engine") :] if "engine" in table.column_names else ["error"]
    made: dict[int, Done] = {}
    for number, row in zip(table["point"].to_pylist(), table.select(figures).to_pylist(), strict=True):
        error = row.pop("error") or ""
        made[number] = Done(number, {} if error else row, error, kept.get(number, ""))
    return made


def _read(path: Path, content: Callable[[pa.Table], Any]) -> Any:
    """The content of a table whose bytes are as they were written."""
    try:
        return content(pq.read_table(path))
    except (OSError, ValueError, KeyError, OverflowError, MemoryError, pa.ArrowException) as err:
        said = " ".join(str(err).split())[:200]
        raise DataError(f"{path}: is none of ours ({said}); remove it and sweep again") from None


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
