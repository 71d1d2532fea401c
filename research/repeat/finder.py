"""Files found by their digest, wherever they lie now."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from ...backtest.inputs.read import Progress
from ...core.errors import DataError
from ...core.files.keeping import file_digest
from .locked_run import LockedFile

PROJECT = "project"
"""Folder of what a citation brings with it, beside its lock."""


class FileFinder:
    """Looks for the files of a lock, first where they lay, then by their digest alone.

    Parameters
    ----------
    lock : Path
        The lock's file: its folder and those above it are where the places of files may begin.
    folders : sequence of Path
        Looked through with all below them.
    progress : callable, optional
        Told what is looked for.

    Raises
    ------
    DataError
        If one of ``folders`` is none.
    """

    def __init__(self, lock: Path, folders: Sequence[Path] = (), progress: Progress | None = None) -> None:
        for folder in folders:
            if not folder.is_dir():
                raise DataError(f"--data {folder}: no such folder")
        beside = lock.absolute().parent
        self._bases = [*folders, beside / PROJECT, beside, *beside.parents, Path.cwd()]
        self._searched = [*folders, beside / PROJECT]
        self._say = progress or (lambda text: None)
        self._digests: dict[Path, str] = {}

    def find(self, wanted: LockedFile) -> Path:
        """Where a file with the digest of ``wanted`` lies.

        Raises
        ------
        DataError
            Naming it: there is none, or another one stands in its place.
        """
        self._say(f"looking for {wanted.path}")
        there = [path for path in self._places(wanted) if path.is_file()]
        for path in (*there, *self._alike(wanted)):
            if (wanted.size is None or path.stat().st_size == wanted.size) and self._digest(path) == wanted.sha256:
                return path.resolve()
        known = f"sha256 {wanted.sha256[:12]}…" + (f", {wanted.size:,} bytes" if wanted.size is not None else "")
        if there:
            raise DataError(
                f"{wanted}: {there[0]} is another file than the one of the run (sha256 {self._digest(there[0])[:12]}…, "
                f"the lock has {known}); --data DIR says where the one of the run lies"
            )
        raise DataError(f"{wanted}: not found ({known}); --data DIR says in which folder to look, by digest")

    def _places(self, wanted: LockedFile) -> Iterator[Path]:
        """Where the file would lie if one of our folders were that of the YAML."""
        yield from dict.fromkeys(base / wanted.path for base in self._bases)

    def _alike(self, wanted: LockedFile) -> Iterator[Path]:
        """Files of its size, or of its name where the size is not known."""
        name = Path(wanted.path).name
        for path, size in self._below:
            if size == wanted.size if wanted.size is not None else path.name == name:
                yield path

    @cached_property
    def _below(self) -> list[tuple[Path, int]]:
        found = []
        for folder in self._searched:
            for inner, _, names in os.walk(folder):
                paths = (Path(inner, name) for name in sorted(names))
                found += [(path, path.stat().st_size) for path in paths if path.is_file()]
        return found

    def _digest(self, path: Path) -> str:
        if path not in self._digests:
            self._digests[path] = file_digest(path)
        return self._digests[path]
