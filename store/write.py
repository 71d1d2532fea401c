"""Writing a catalog: one writer at a time, every day staged, then renamed into place; what a kill left is swept."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..core.clock import steps_between, usual_interval
from ..core.errors import DataError, SystemFaultError
from ..core.files.writing import sync, why
from .codec import Columns, canonical, encode, holes, with_holes, write_parquet
from .footer import footer_digest
from .layout import ADDED, LOCK, MANIFEST, QUARANTINE, STAGING, Partition, Series, SourceFile, day_folder, day_text
from .merge import DayRows


@contextmanager
def writing(root: Path) -> Iterator[Writer]:
    """A writer of the catalog in ``root``, which is made if there is none; nobody else writes meanwhile.

    Raises
    ------
    DataError
        If another process writes to it, or ``root`` is something else than a catalog.
    """
    _check_root(root)
    try:
        root.mkdir(parents=True, exist_ok=True)
        with (root / LOCK).open("a+b") as file:
            _lock(file, root)
            writer = Writer(root)
            try:
                yield writer
            finally:
                writer.close()
                file.truncate(0)
    except (BrokenPipeError, DataError):
        raise
    except OSError as err:
        raise SystemFaultError(f"{err.filename or root}: cannot be written: {why(err)}") from err


def _check_root(root: Path) -> None:
    if root.exists() and not root.is_dir():
        raise DataError(f"{root}: is a file, a catalog is a folder")
    if root.is_dir() and not (root / LOCK).exists() and not any(root.glob("venue=*")) and any(root.iterdir()):
        raise DataError(f"{root}: holds other files and is no catalog; name a new or empty folder")


def _lock(file: Any, root: Path) -> None:
    """Take the lock, which the system gives back when the process ends, however it ends."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        else:
            import fcntl

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        who = file.read(20).decode("ascii", "replace").strip()
        by = f"process {who}" if who else "another process"
        raise DataError(f"{root}: {by} is writing to this catalog; try again when it is done") from None
    file.truncate(0)
    file.write(str(os.getpid()).encode())
    file.flush()


class Writer:
    """Stages days and puts them in place; made by `writing`.

    A day is committed by the rename of its manifest, which names the Parquet file beside it: whoever reads by manifest
    sees the day before or the day after, whole. As long as the staging folder is there, something is unfinished.

    Parameters
    ----------
    root : Path
        The catalog.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._staging = root / STAGING
        self._staged: list[tuple[Partition, Path, Path | None]] = []
        self._committing = False
        if self._staging.exists():
            _sweep(root)
        self._staging.mkdir(exist_ok=True)
        sync(root)

    def close(self) -> None:
        """Throw away what was not committed; what broke off half committed is left for the next writer to sweep."""
        if not self._committing:
            shutil.rmtree(self._staging)

    def stage(
        self,
        series: Series,
        day: int,
        rows: DayRows,
        sources: list[SourceFile],
        contract_size: float | None,
        old: Partition | None,
    ) -> None:
        """Make the files of a day, not yet visible.

        Parameters
        ----------
        series, day
            Where they belong.
        rows : Rows
            All rows of the day, in order.
        sources : list of SourceFile
            Where they come from.
        contract_size : float or None
            Of coin-margined contracts.
        old : Partition or None
            What stands there now.
        """
        name = self._staging / str(len(self._staged))
        trades = rows.key == "trade_id"
        columns = canonical(with_holes(rows.columns) if trades else rows.columns)
        data = name.with_suffix(".parquet")
        write_parquet(data, *encode(columns, contract_size))
        digest = _synced_digest(data)
        made = Partition(
            folder=self.root / series.folder / day_folder(day),
            file=f"part-{digest[:16]}.parquet",
            bytes=data.stat().st_size,
            sha256=digest,
            rows=len(rows),
            min_time=int(rows.times[0]),
            max_time=int(rows.times[-1]),
            first_id=int(rows.keys.min()) if trades else -1,
            last_id=int(rows.keys.max()) if trades else -1,
            **(_ids(columns) if trades else _intervals(columns)),
            sources=tuple(sorted(sources, key=lambda s: s.sha256)),
            footer=footer_digest(data),
            series=series,
        )
        self._staged.append((made, name, None if old is None else old.path))

    def commit(self) -> None:
        """Put everything that was staged in place."""
        self._committing = True
        for made, name, old in self._staged:
            self._make(made.folder)
            name.with_suffix(".parquet").replace(made.path)
            self._put(made.folder / MANIFEST, made.text())
            if old is not None and old != made.path:
                old.unlink(missing_ok=True)
            sync(made.folder)
        self._staged, self._committing = [], False

    def discard(self) -> None:
        """Forget what was staged."""
        for _, name, _ in self._staged:
            name.with_suffix(".parquet").unlink(missing_ok=True)
        self._staged = []

    def added(self, series: Series, digest: str, days: list[int]) -> None:
        """Note that a file is in the catalog whole, with all the days that it has rows of."""
        path, text = self.root / series.folder / ADDED / digest, "".join(f"{day_text(day)}\n" for day in days)
        if not path.is_file() or path.read_bytes() != text.encode():
            self._make(path.parent)
            self._put(path, text)

    def quarantine(self, name: str) -> Path:
        """Where the lines of a file that cannot be read are written."""
        folder = self.root / QUARANTINE
        self._make(folder)
        return folder / f"{name}.quarantine.csv"

    def _make(self, folder: Path) -> None:
        """Make a folder that outlasts a power cut."""
        new = [f for f in (folder, *folder.parents) if f.is_relative_to(self.root) and not f.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        for made in new:
            sync(made.parent)

    def _put(self, path: Path, text: str) -> None:
        staged = self._staging / "text"
        with staged.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        staged.replace(path)


def _ids(columns: Columns) -> dict[str, int]:
    hole, after = holes(columns)
    first = columns.get("first_id", columns["trade_id"])
    if columns["trade_id"][0] < 0:
        return {"begins": -1, "ends": -1, "holes": 0, "missing": 0}
    missing = int((first[1:] - after[:-1])[hole[1:]].sum())
    return {"begins": int(first[0]), "ends": int(after[-1]), "holes": int(hole.sum()), "missing": missing}


def _intervals(columns: Columns) -> dict[str, int]:
    opens = columns["open_time"]
    missing = steps_between(opens, usual_interval(opens, columns["close_time"])) - 1
    return {"begins": -1, "ends": -1, "holes": int((missing > 0).sum()), "missing": int(missing.sum())}


def _synced_digest(path: Path) -> str:
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sweep(root: Path) -> None:
    """Remove what a writer that was killed left: staged files, files that no manifest names, empty folders."""
    for folder in sorted(root.glob("venue=*/market=*/symbol=*/kind=*/day=*")):
        manifest = folder / MANIFEST
        named = Partition.read(manifest).file if manifest.exists() else ""
        for path in folder.iterdir():
            if path.name not in (named, MANIFEST):
                path.unlink()
    for depth in ("day=*", "kind=*", "symbol=*", "market=*", "venue=*"):
        for folder in root.rglob(depth):
            with suppress(OSError):
                folder.rmdir()
    for path in (root / QUARANTINE).glob("*.part"):
        path.unlink()
    shutil.rmtree(root / STAGING)
