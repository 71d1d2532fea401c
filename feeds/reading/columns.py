"""Columns of a text: what the compiled scanner reads, with the buffers that it works in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cells import PADDING
from .layout import Cell
from .scan import DECIMAL, SKIP, Marks, even, find, scan, straighten

Integers = NDArray[np.int64]


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

    def line(self, text: bytes, row: int) -> str:
        """A line as it stands in ``text``."""
        start, end = self.marks[row * self.width], self.marks[(row + 1) * self.width] - 1
        return text[start:end].decode("utf-8", "replace").rstrip("\r")


class Columns:
    """Reads the wanted cells of texts whose lines all have the same cells.

    Parameters
    ----------
    cells : tuple of Cell
        What stands in a line.
    """

    def __init__(self, cells: tuple[Cell, ...]) -> None:
        self.cells = cells
        self._decimals = [c.name for c in cells if c.kind == DECIMAL]
        self._integers = [c.name for c in cells if c.kind not in (DECIMAL, SKIP)]
        self._kinds = np.array([c.kind for c in cells], np.int64)
        self._slots = np.array([self._slot(c) for c in cells], np.int64)
        self._marks = np.empty(0, np.int32)
        self._odd = np.empty((0, 2), np.int64)

    def _slot(self, cell: Cell) -> int:
        if cell.kind == SKIP:
            return 0
        return (self._decimals if cell.kind == DECIMAL else self._integers).index(cell.name)

    def tables(self, text: bytes, at: int, most: int) -> Iterator[Table]:
        """All lines from ``at`` on, ``most`` at a time; `PADDING` stands before and behind whole lines."""
        base, width = np.frombuffer(text, np.uint8).__array_interface__["data"][0], len(self.cells)
        marks, lines, wrong = self._find(base, at, len(text) - len(PADDING))
        for lo in range(0, lines, most):
            hi = min(lo + most, lines)
            table = self._read(base, marks[lo * width : hi * width + 1])
            yield _with_wrong(table, wrong[(wrong >= lo) & (wrong < hi)] - lo) if len(wrong) else table

    def _find(self, base: int, at: int, end: int) -> tuple[Marks, int, Integers]:
        """Where the cells are, the lines, and which lines have a wrong number of cells."""
        if len(self._marks) < end - at + len(PADDING):
            self._marks = np.empty(end - at + len(PADDING), np.int32)
        marks, width = self._marks, len(self.cells)
        found, lines = find(base, at, end, marks)
        if found == lines * width and even(base, marks, lines, width):
            return marks, lines, np.empty(0, np.int64)
        straight, wrong = np.empty(lines * width + 1, np.int32), np.empty(lines, np.int64)
        return straight, lines, wrong[: straighten(base, marks, found, width, straight, wrong)]

    def _read(self, base: int, marks: Marks) -> Table:
        width = len(self.cells)
        rows = len(marks) // width
        floats, integers = np.empty((len(self._decimals), rows)), np.empty((len(self._integers), rows), np.int64)
        if len(self._odd) < rows * width:
            self._odd = np.empty((rows * width, 2), np.int64)
        strange = scan(base, marks, self._kinds, self._slots, floats, integers, self._odd)
        columns: dict[str, NDArray[Any]] = dict(zip(self._decimals, floats, strict=True))
        columns |= dict(zip(self._integers, integers, strict=True))
        return Table(columns, self._odd[:strange], marks, width)


def _with_wrong(table: Table, wrong: Integers) -> Table:
    """``table`` with lines that have a wrong number of cells among its oddities."""
    odd = np.concatenate([np.column_stack([wrong, np.full(len(wrong), -1)]), table.odd])
    return replace(table, odd=odd)
