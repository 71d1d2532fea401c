"""Columns of a text: what the compiled scanner reads, with the buffers that it works in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cells import LINES, PADDING
from .layout import Cell
from .scan import DECIMAL, SKIP, find, returns, scan, straighten
from .text import Text

Integers = NDArray[np.int64]
Marks = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Table:
    """Some lines of a text as columns.

    Parameters
    ----------
    columns : dict of str to ndarray
        float64 for decimals, int64 for the rest; one value a line, right or not.
    odd : ndarray of int64, two columns
        Line and cell of what could not be read; cell −1 for a line with a wrong number of
        cells.
    marks : ndarray of int32
        Where in the text each cell begins, and where the last one ends.
    width : int
        Cells in a line.
    """

    columns: dict[str, NDArray[Any]]
    odd: Integers
    marks: Marks
    width: int

    def __len__(self) -> int:
        return len(self.marks) // self.width

    def line(self, text: Text, row: int) -> str:
        """A line as it stands in ``text``."""
        start, end = self.marks[row * self.width], self.marks[(row + 1) * self.width] - 1
        return text.buffer[start:end].decode("utf-8", "replace").rstrip("\r")


class Columns:
    """Reads the wanted cells of texts whose lines all have the same cells.

    Parameters
    ----------
    cells : tuple of Cell
        What stands in a line.
    """

    def __init__(self, cells: tuple[Cell, ...]) -> None:
        self.cells = cells
        self._wanted = [c for c in cells if c.kind != SKIP]
        self._kinds = np.array([c.kind for c in cells], np.int64)
        self._rows = np.array([0 if c.kind == SKIP else self._wanted.index(c) for c in cells], np.int64)
        self._marks = np.empty(0, np.int32)
        self._odd = np.empty((0, 2), np.int64)

    def tables(self, text: Text, at: int, most: int) -> Iterator[Table]:
        """All lines of ``text`` from ``at`` on, ``most`` at a time, which is a multiple of `LINES`."""
        base, width = _address(np.frombuffer(text.buffer, np.uint8)), len(self.cells)
        marks, lines, wrong, returned = self._find(text, base, at)
        for lo in range(0, lines, most):
            hi = min(lo + most, lines)
            table = self._read(base, marks[lo * width :], hi - lo, returned)
            yield _with_wrong(table, wrong[(wrong >= lo) & (wrong < hi)] - lo) if len(wrong) else table

    def _find(self, text: Text, base: int, at: int) -> tuple[Marks, int, Integers, int]:
        """Where the cells are, the lines, which of them have a wrong number of cells, and carriage returns in each."""
        width, room = len(self.cells), text.end - at + len(PADDING) + (LINES + 1) * len(self.cells)
        if len(self._marks) < room:
            self._marks = np.empty(room, np.int32)
        marks, wrong = self._marks, np.empty(0, np.int64)
        found, lines, fine = find(base, at, text.end, width, _address(marks))
        if not fine:
            marks, wrong = np.empty((lines + LINES + 1) * width, np.int32), np.empty(lines, np.int64)
            wrong = wrong[: straighten(base, _address(self._marks), found, width, _address(marks), wrong)]
        first = text.buffer.find(b"\n", at, text.end)
        returned = text.buffer[first - 1 : first] == b"\r" and returns(base, _address(marks), lines, width)
        marks[lines * width + 1 : (lines + LINES) * width + 1] = marks[lines * width]
        return marks, lines, wrong, int(returned)

    def _read(self, base: int, marks: Marks, lines: int, returned: int) -> Table:
        width, room = len(self.cells), -(-lines // LINES) * LINES
        values = np.empty((len(self._wanted), room), np.int64)
        if len(self._odd) < lines * width:
            self._odd = np.empty((lines * width, 2), np.int64)
        into = _address(values), room, self._odd
        strange = scan(base, _address(marks), self._kinds, self._rows, lines, returned, *into)
        columns = {
            cell.name: (row.view(np.float64) if cell.kind == DECIMAL else row)[:lines]
            for cell, row in zip(self._wanted, values, strict=True)
        }
        return Table(columns, self._odd[:strange], marks[: lines * width + 1], width)


def _address(array: NDArray[Any]) -> int:
    made: int = array.__array_interface__["data"][0]
    return made


def _with_wrong(table: Table, wrong: Integers) -> Table:
    """``table`` with lines that have a wrong number of cells among its oddities."""
    odd = np.concatenate([np.column_stack([wrong, np.full(len(wrong), -1)]), table.odd])
    return replace(table, odd=odd)
