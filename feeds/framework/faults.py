"""What becomes of klines that are out of order, doubled or off their grid: refused, or heard of by an audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import DataError
from ..csv_reader.decode import DecodedRows, Quarantine


@dataclass(frozen=True, eq=False)
class Places:
    """Where klines stand.

    Parameters
    ----------
    paths : tuple of str
        The files.
    file : ndarray of int64
        Of each kline, the number of its file.
    row : ndarray of int64
        Of each kline, its line there.
    """

    paths: tuple[str, ...]
    file: NDArray[np.int64]
    row: NDArray[np.int64]

    @classmethod
    def of(cls, parts: Sequence[DecodedRows]) -> Places:
        """Of rows of several files, in their order."""
        numbers = {str(part.path): k for k, part in enumerate({str(p.path): p for p in parts}.values())}
        file = np.concatenate([np.full(len(p), numbers[str(p.path)], np.int64) for p in parts])
        return cls(tuple(numbers), file, np.concatenate([p.line for p in parts]).astype(np.int64))

    def take(self, rows: NDArray[Any]) -> Places:
        """Those that an index or a mask picks."""
        return Places(self.paths, self.file[rows], self.row[rows])

    def __len__(self) -> int:
        return len(self.row)

    def at(self, i: int) -> tuple[str, int]:
        """File and line of kline ``i``."""
        return self.paths[int(self.file[i])], int(self.row[i])


class Faults:
    """Refuses what is wrong with the order of klines; an audit puts one that listens in its place."""

    listens = False
    """Whether reading goes on after a fault."""

    def quarantine(self, policy: str, path: Path | None) -> Quarantine:
        """Where lines go that cannot be read."""
        return Quarantine(policy, path)

    def add(self, kind: str, path: Path | str, row: int, time: int, says: str) -> None:
        """One fault that a run does not bear.

        Parameters
        ----------
        kind : str
            As in `auditing.findings.KINDS`.
        path, row : Path, int
            Where; a row of 0 for nowhere in particular.
        time : int
            When the kline opens, epoch µs; −1 where that is not known.
        says : str
            The complaint as it goes on behind file and row.

        Raises
        ------
        DataError
            With file, row and complaint, unless this one listens.
        """
        raise DataError(f"{path}: row {row}{says}" if row else f"{path}{says}")

    def mended(self, kind: str, path: Path | str, row: int, time: int, says: str) -> None:
        """One fault that every run puts right; arguments as for `add`."""

    def damaged(self, path: Path, error: DataError) -> None:
        """A file that cannot be read on; raises ``error``, unless this one listens."""
        raise error
