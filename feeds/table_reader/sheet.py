"""Some rows of a table, and how a user says to read them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Sheet:
    """Some rows of one table.

    Parameters
    ----------
    path : Path
        The file.
    line : ndarray of int64
        Line of each row in the file, counted from 1; element of the list in JSON, row of the table in parquet.
    names : tuple of str or None
        The header; None where there is none.
    cells : list
        One arrow array a column.
    odd : tuple
        Lines among them that have a wrong number of cells: number, complaint and text of each.
    """

    path: Path
    line: NDArray[np.int64]
    names: tuple[str, ...] | None
    cells: list[Any]
    odd: tuple[tuple[int, str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.line)

    def text(self, row: int) -> str:
        """One row as text, for the quarantine."""
        return ",".join("" if (value := c[row].as_py()) is None else str(value) for c in self.cells)

    def take(self, rows: NDArray[np.int64]) -> Sheet:
        """Some of its rows."""
        return Sheet(self.path, self.line[rows], self.names, [c.take(rows) for c in self.cells], self.odd)


@dataclass(frozen=True)
class Reading:
    """How to read a table.

    Parameters
    ----------
    delimiter : str
        Between the cells of a line.
    header : {"auto", "yes", "no"}
        ``auto`` takes a first line whose first cell does not begin with a digit for a header.
    rows : str
        Where the rows lie in a JSON answer: keys with points between; ``*`` is the only key that holds a list.
    skip : int
        Lines of text before the table.
    comment : str
        What lines that are no rows begin with; empty for nothing.
    receipt : bool
        Whether the time that recorders write before a message is wanted as a column.
    """

    delimiter: str = ","
    header: str = "auto"
    rows: str = ""
    skip: int = 0
    comment: str = ""
    receipt: bool = False
