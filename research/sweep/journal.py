"""The finished runs of a sweep that is not finished: a line each, kept as they come."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from ...core.errors import DataError
from ...core.files.writing import is_stream, telling

NAME = "points.part.jsonl"


class Done(NamedTuple):
    """A finished run.

    Parameters
    ----------
    number : int
        Of the point, from 1.
    row : dict
        Its figures; empty where it failed.
    error : str
        What went wrong; empty where nothing did.
    daily : str
        Its daily returns, as `Daily` writes them; empty where they are not kept.
    reads : dict of str to str or None
        sha256 of the files that plugins opened while it ran, by their places, until the lock has them.
    """

    number: int
    row: dict[str, Any]
    error: str
    daily: str = ""
    reads: Mapping[str, str] | None = None


class Journal:
    """A file to which finished runs are added.

    A line that was cut short by the end of the process is no line, nor is one whose digest is not that of its row: its
    point is run again. A row stands in it with every bit of its numbers,
    and for one point only, so that the order in which rows came does not show in the table made of them.

    Parameters
    ----------
    folder : Path
        Of the sweep.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with Journal(folder) as journal:
    ...     journal.add([Done(2, {"sharpe": 0.1}, "")])
    >>> Journal(folder).read()
    {2: Done(number=2, row={'sharpe': 0.1}, error='', daily='', reads=None)}
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._file: Any = None

    def read(self) -> dict[int, Done]:
        """What is in it, by point."""
        made: dict[int, Done] = {}
        if not self._path.exists():
            return made
        if is_stream(self._path):
            raise DataError(f"{self._path}: is a pipe or a device, where a file is wanted; remove it")
        for line in self._path.read_bytes().split(b"\n")[:-1]:
            digest, _, row = line.partition(b" ")
            if digest != _digest(row):
                continue
            done = Done(*json.loads(row))
            made.setdefault(done.number, done)
        return made

    def add(self, rows: list[Done]) -> None:
        """Keep rows; once this returns they survive the end of the process."""
        with telling(self._path):
            for row in (json.dumps(row).encode() for row in rows):
                self._file.write(_digest(row) + b" " + row + b"\n")
            self._file.flush()

    def remove(self) -> None:
        """Take the file away; the table has its rows."""
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> Journal:
        with telling(self._path):
            self._file = self._path.open("ab")
        # What was cut short must not run together with what follows.
        if self._file.tell():
            self._file.write(b"\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, where: TracebackType | None
    ) -> None:
        with telling(self._path):
            try:
                self._file.flush()
                os.fsync(self._file.fileno())
            finally:
                self._file.close()


def _digest(row: bytes) -> bytes:
    return hashlib.sha256(row).hexdigest()[:16].encode()
