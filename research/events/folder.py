"""The folder of an event study: its tables, and what they depended on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
from numpy.typing import NDArray

from ...backtest.results.lock import lock_text
from ...core.files.folders import check_place, recover, replacing_folder
from ...core.files.keeping import file_digest
from ...core.files.signed import load_yaml, read_signed
from ...core.files.tables import write_table
from .study import Capacity, Part, Study, Test

LOCK = "events.yaml"


def check_folder(out: Path) -> None:
    """Refuse a place that holds something other than an event study.

    Raises
    ------
    DataError
        Naming it.
    """
    check_place(out, "event study", LOCK)
    recover(out, written)


def written(folder: Path) -> dict[str, str]:
    """The files that a study wrote into ``folder``, and their sha256.

    Raises
    ------
    DataError
        If its lock changed since it was written.
    """
    try:
        lock = load_yaml(folder / LOCK, read_signed(folder / LOCK, "the lock", "outputs"), "the lock of an event study")
    except FileNotFoundError:
        return {}
    return {**{str(name): str(digest) for name, digest in lock.get("outputs", {}).items()}, LOCK: ""}


def write_folder(
    out: Path, made: Study, lock: Mapping[str, Any], page: Callable[[Study, Path], object] | None = None
) -> None:
    """Write the tables of a study, and its lock with their digests; those of another study are replaced."""
    with replacing_folder(out, written) as (folder, _):
        write_table(_columns(Test, made.tests), folder / "tests.parquet")
        write_table(_columns(Part, made.parts), folder / "parts.parquet")
        write_table(_columns(Capacity, made.capacity), folder / "capacity.parquet")
        moves = {**made.moves, "time": made.moves["time"].view("datetime64[us]")}
        write_table(moves, folder / "moves.parquet")
        if page is not None:
            page(made, folder)
        outputs = {path.name: file_digest(path) for path in sorted(folder.iterdir())}
        (folder / LOCK).write_text(lock_text({**lock, "outputs": outputs}), encoding="utf-8")


def _columns(kind: Any, rows: Iterable[Any]) -> dict[str, NDArray[Any]]:
    """Rows of one kind as columns, their types those of the fields."""
    types: dict[Any, Any] = {str: object, int: np.int64, float: np.float64}
    hints = get_type_hints(kind)
    every = [*rows]
    return {name: np.array([getattr(row, name) for row in every], dtype=types[hints[name]]) for name in kind._fields}
