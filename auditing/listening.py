"""What an audit hears while a feed reads: lines that cannot be read, and klines that are out of order."""

from __future__ import annotations

import re
from pathlib import Path

from ..core.errors import DataError, TapeflowError
from ..feeds.csv_reader.decode import Quarantine
from ..feeds.framework.faults import Faults
from .findings import Log, Spot

_ROW = re.compile(r": row (\d+)\b")


class Unreadable(Quarantine):
    """A quarantine that tells of each line."""

    def __init__(self, log: Log, path: Path | None) -> None:
        super().__init__("quarantine", path)
        self._log = log
        self.first = ""

    def add(self, complaint: str, line: str) -> None:
        """Count and write down a line that cannot be read."""
        super().add(complaint, line)
        self.first = self.first or complaint
        hit = _ROW.search(complaint)
        file, _, text = complaint.partition(": row ")
        where = Spot(file, int(hit[1]) if hit else 0, -1, text.partition(", ")[2] or complaint)
        self._log.add("unreadable", where)


class Listening(Faults):
    """Hears of every fault of klines, so that all of them can be graded.

    Parameters
    ----------
    log : Log
        Takes ``kline_…``, ``bad_time``, ``unreadable`` and ``damaged_file``.
    path : Path or None
        File for lines that cannot be read.
    """

    listens = True

    def __init__(self, log: Log, path: Path | None) -> None:
        self._log, self._path = log, path
        self._lines: Unreadable | None = None
        self._files: list[DataError] = []
        self.refused = ""
        """The error that a run would end with; empty when it would not."""

    def quarantine(self, policy: str, path: Path | None) -> Quarantine:
        """One that tells the audit of each line."""
        self._lines = Unreadable(self._log, self._path)
        return self._lines

    @property
    def bad_lines(self) -> int:
        """Lines that could not be read."""
        return self._lines.count if self._lines is not None else 0

    @property
    def first_line(self) -> str:
        """The complaint about the first of them."""
        return self._lines.first if self._lines is not None else ""

    def add(self, kind: str, path: Path | str, row: int, time: int, says: str) -> None:
        """Write down what a run would refuse; a fault of no ``kind`` is no finding by itself."""
        self.refuse(f"{path}: row {row}{says}" if row else f"{path}{says}")
        self.mended(kind, path, row, time, says.lstrip(":, "))

    def mended(self, kind: str, path: Path | str, row: int, time: int, says: str) -> None:
        """Write down what a run puts right."""
        if kind:
            self._log.add(kind, Spot(str(path), row, time, says))

    def damaged(self, path: Path, error: DataError) -> None:
        """Write down a file that cannot be read on."""
        self._files.append(error)
        self.refuse(str(error))
        self._log.add("damaged_file", Spot(str(path), 0, -1, str(error).removeprefix(f"{path}: ")))

    def refuse(self, why: str) -> None:
        """Note the first reason that a run has to give up."""
        self.refused = self.refused or why

    def first_error(self, last: TapeflowError) -> TapeflowError:
        """Why nothing could be read: the first file or line that could not, else ``last``."""
        if self._files:
            return self._files[0]
        return DataError(self.first_line) if self.first_line else last
