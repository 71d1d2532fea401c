"""Decoding: the text of a dump or a REST answer into columns, by a table that says what each cell is."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from ...core.errors import DataError
from .columns import Columns, Table
from .files import FileReader
from .layout import Cell, Layout
from .row_cells import check_width, refuse_returns
from .scan import DECIMAL, FLAG, INTEGER, SIDE, SKIP
from .text import Text, whole_lines

__all__ = ["DECIMAL", "FLAG", "INTEGER", "SIDE", "SKIP", "Cell", "DecodedRows", "Decoder", "Layout", "Quarantine"]

_ROWS = 65_536
_HEAD = 16
"""First lines that are handed on as text."""
_DECIMAL = re.compile(r"\+?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_LONG = re.compile(r"[+-]?\d{19,}", re.ASCII)
_EMPTY = re.compile(rb"(?:[ \t\r]*\n)+")
"""Lines that hold nothing, one after the other."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_BOM = b"\xef\xbb\xbf"
_FLAGS = {"true": 1, "1": 1, "false": 0, "0": 0}
_SIDES = {"buy": 1, "b": 1, "sell": -1, "s": -1}
_SAYS = {DECIMAL: "no number", INTEGER: "no whole number", FLAG: "neither true nor false", SIDE: "neither buy nor sell"}


@dataclass(frozen=True, eq=False)
class DecodedRows:
    """Some decoded rows of one file.

    Parameters
    ----------
    path : Path
        The file.
    line : ndarray of int64
        Line of each row in the file, counted from 1, header included (in JSON: element of the list).
    columns : dict of str to ndarray
        float64 for decimals, int64 for the rest, by the names of the layout.
    called : mapping of str to str
        What the file itself calls them, where it says so.
    head : tuple of mapping
        With the first rows of a file: its first lines as text, by what their cells are called in lower case.
    """

    path: Path
    line: NDArray[np.int64]
    columns: dict[str, NDArray[Any]]
    called: Mapping[str, str] = field(default_factory=dict)
    head: tuple[Mapping[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.line)

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.columns[name]

    def where(self, keep: NDArray[np.bool_]) -> DecodedRows:
        """The rows that ``keep`` marks."""
        columns = {k: v[keep] for k, v in self.columns.items()}
        return DecodedRows(self.path, self.line[keep], columns, self.called, self.head)

    def column(self, name: str) -> str:
        """A column as complaints name it: as the file does, our name behind it where that is another."""
        return both_names(self.called.get(name, name), name)


class Quarantine:
    """Where lines go that cannot be read: counted, and written down when there is a place for them.

    Parameters
    ----------
    policy : str
        ``error`` refuses the first such line, ``quarantine`` sets it aside.
    path : Path or None
        The file for raw lines; it appears, whole, on `close`, if there were any.
    """

    def __init__(self, policy: str = "error", path: Path | None = None) -> None:
        self._policy, self._path = policy, path
        self._part = None if path is None else path.with_name(f"{path.name}.{os.getpid()}.part")
        self._file: TextIO | None = None
        self.count = 0

    def add(self, complaint: str, line: str) -> None:
        """Set ``line`` aside.

        Raises
        ------
        DataError
            With ``complaint``, when the policy is ``error``.
        """
        if self._policy == "error":
            raise DataError(complaint)
        self.count += 1
        if self._part is not None:
            self._file = self._file or self._part.open("w", encoding="utf-8")
            self._file.write(line + "\n")

    def close(self, keep: bool = True) -> None:
        """Give the file its name, or with ``keep`` false throw it away."""
        if self._file is None or self._part is None or self._path is None:
            return
        self._file.close()
        self._file = None
        if keep:
            self._part.replace(self._path)
        else:
            self._part.unlink()


class Decoder:
    """Reads the rows of one file.

    Parameters
    ----------
    source : Source
        The file.
    layout : Layout
        What stands where.
    quarantine : Quarantine or None
        What to do with lines that cannot be read; None refuses them.

    Raises
    ------
    DataError
        ``file: row 123, column price: '7139.8x' is no number``; rows count from 1, the header included.
    """

    def __init__(self, source: FileReader, layout: Layout, quarantine: Quarantine | None = None) -> None:
        self._source, self._layout = source, layout
        self._quarantine = quarantine or Quarantine()
        self._line = 1
        self._columns: Columns | None = None
        self._called: dict[str, str] = {}
        self._head: tuple[Mapping[str, str], ...] = ()
        self.passed: tuple[str, ...] = ()
        """Columns of the header that the layout does not want."""

    def rows(self) -> Iterator[DecodedRows]:
        """All rows, some ten thousand at a time, in the order of the file."""
        if self._source.json:
            yield self._from_json()
            return
        for text in whole_lines(self._source):
            yield from self._from_text(text)

    def _from_text(self, text: Text) -> Iterator[DecodedRows]:
        at = text.start
        if self._columns is None:
            at, self._columns = self._begin(text)
        if self._columns is None:
            return
        for table in self._columns.tables(text, at, _ROWS):
            lines = np.arange(self._line, self._line + len(table))
            rows = DecodedRows(self._source.path, lines, table.columns, self._called, self._head)
            self._line, self._head = self._line + len(table), ()
            if self._below_zero(rows) or len(table.odd):
                rows = self._mend(rows, table, text)
            yield rows

    def _begin(self, text: Text) -> tuple[int, Columns | None]:
        """Tell a header from data by the first cell, which in data is a number; gives where data begin.

        No columns while there have been nothing but empty lines.
        """
        at = text.start + (len(_BOM) if self._line == 1 and text.buffer.startswith(_BOM, text.start) else 0)
        while at < text.end:
            if empty := _EMPTY.match(text.buffer, at, text.end):
                self._line, at = self._line + text.buffer.count(b"\n", at, empty.end()), empty.end()
                continue
            end = text.buffer.index(b"\n", at)
            where = f"{self._source.path}: row {self._line}"
            if first := text.buffer[at:end].decode("utf-8", "replace").strip():
                check_width(first.count(",") + 1, where)
                names = [name.strip().strip('"') for name in as_text(first, where).split(",")]
                if _NUMBER.fullmatch(names[0]):
                    by_position = self._layout.by_position(len(names), where)
                    self._head = _head(text, at, [c.name for c in by_position])
                    return at, Columns(by_position)
                self._line += 1
                cells = self._layout.by_header(names, where)
                self._called = {c.name: name for c, name in zip(cells, names, strict=True) if c.kind != SKIP}
                self._head = _head(text, end + 1, [name.lower() for name in names])
                self.passed = tuple(c.name for c in cells if c.kind == SKIP and c not in self._layout.cells)
                return end + 1, Columns(cells)
            self._line, at = self._line + 1, end + 1
        return at, None

    def _below_zero(self, rows: DecodedRows) -> bool:
        """Whether a cell is below 0 that cannot be."""
        cells = self._columns.cells if self._columns and len(rows) else ()
        return any(c.natural and int(rows[c.name].min()) < 0 for c in cells)

    def _mend(self, rows: DecodedRows, table: Table, text: Text) -> DecodedRows:
        """Look again at what the scanner could not read; rows that cannot be read at all are set aside."""
        good = np.ones(len(rows), bool)
        cells = self._columns.cells if self._columns else ()
        below = [
            (row, k) for k, c in enumerate(cells) if c.natural for row in np.flatnonzero(rows[c.name] < 0).tolist()
        ]
        for row, cell in sorted([*map(tuple, table.odd.tolist()), *below]):
            if good[row]:
                line = table.line(text, row)
                complaint = self._mend_one(rows, row, cell, line) if line.strip() else ""
                good[row] = complaint is None
                if complaint:
                    self._quarantine.add(f"{rows.path}: row {rows.line[row]}, {complaint}", line)
        return rows.where(good)

    def _mend_one(self, rows: DecodedRows, row: int, cell: int, line: str) -> str | None:
        """None when the cell could be read after all, else the complaint."""
        cells, found = self._columns.cells if self._columns else (), line.split(",")
        if len(found) != len(cells):
            return f"has {len(found)} cells, wanted {len(cells)}: '{_short(line.strip())}'"
        what, word = cells[cell], found[cell].strip().strip('"')
        value = _value(what, word)
        if value is None:
            return f"column {rows.column(what.name)}: {_complaint(what, word)}"
        rows[what.name][row] = value
        return None

    def _from_json(self) -> DecodedRows:
        path = self._source.path
        try:
            parsed = json.loads(b"".join(self._source.chunks()), parse_float=str, parse_int=str)
        except (ValueError, RecursionError) as err:
            raise DataError(f"{path}: is no JSON ({str(err)[:120]})") from None
        if not isinstance(parsed, list):
            raise DataError(f"{path}: is no JSON list of rows: '{_short(json.dumps(parsed))}'")
        cells = [c for c in self._layout.cells if c.kind != SKIP]
        values: list[list[Any]] = []
        lines: list[int] = []
        for number, row in enumerate(parsed, 1):
            if (made := self._json_row(cells, number, row)) is not None:
                values.append(made)
                lines.append(number)
        columns = {
            c.name: np.array([v[k] for v in values], np.float64 if c.kind == DECIMAL else np.int64)
            for k, c in enumerate(cells)
        }
        named = bool(parsed) and isinstance(parsed[0], dict)
        head = tuple(self._json_head(row) for row in parsed[:_HEAD])
        return DecodedRows(
            path, np.array(lines, np.int64), columns, {c.name: c.key for c in cells} if named else {}, head
        )

    def _json_head(self, row: Any) -> Mapping[str, str]:
        """One JSON row by the keys it has, or by position."""
        if isinstance(row, dict):
            return {str(key).lower(): str(value) for key, value in row.items()}
        cells = zip(self._layout.cells, row, strict=False) if isinstance(row, list) else ()
        return {cell.name: str(value) for cell, value in cells}

    def _json_row(self, cells: list[Cell], number: int, row: Any) -> list[Any] | None:
        """The values of one JSON row, None when it was set aside."""
        made = []
        for cell in cells:
            found = _json_value(self._layout, cell, row)
            value = None if found is None else _value(cell, found)
            if value is None:
                wrong = "is missing" if found is None else _complaint(cell, found)
                name = both_names(cell.key if isinstance(row, dict) else "", cell.name)
                where = f"{self._source.path}: row {number}, column {name}"
                self._quarantine.add(f"{where}: {wrong}" if found else f"{where} {wrong}", json.dumps(row))
                return None
            made.append(value)
        return made


def _head(text: Text, at: int, names: list[str]) -> tuple[Mapping[str, str], ...]:
    """The first whole lines of ``text`` from ``at`` on, by the names of their cells."""
    lines = text.buffer[at : min(at + _HEAD * 256, text.end)].decode("utf-8", "replace").split("\n")[:-1]
    found = ([cell.strip().strip('"') for cell in line.split(",")] for line in lines[:_HEAD])
    return tuple(dict(zip(names, cells, strict=True)) for cells in found if len(cells) == len(names))


def _json_value(layout: Layout, cell: Cell, row: Any) -> str | None:
    if isinstance(row, dict):
        value = row.get(cell.key)
    else:
        at = layout.cells.index(cell)
        value = row[at] if isinstance(row, list) and at < len(row) else None
    return None if value is None else str(value)


def convert(kind: int, text: str) -> float | int | None:
    """The value of a cell, None when it has none; decimals are not negative.

    Examples
    --------
    >>> convert(DECIMAL, "1e-05"), convert(INTEGER, "-1"), convert(FLAG, "True"), convert(DECIMAL, "7139.8x")
    (1e-05, -1, 1, None)
    """
    if kind == DECIMAL:
        value = float(text) if _DECIMAL.fullmatch(text) else math.inf
        return value if math.isfinite(value) else None
    if kind == INTEGER:
        return int(text) if _INTEGER.fullmatch(text) else None
    return (_FLAGS if kind == FLAG else _SIDES).get(text.lower())


def _value(cell: Cell, found: str) -> float | int | None:
    """The value of a cell as its layout allows it."""
    value = convert(cell.kind, found)
    return None if cell.natural and value is not None and value < 0 else value


def _complaint(cell: Cell, found: str) -> str:
    kind = cell.kind
    if cell.natural and _INTEGER.fullmatch(found):
        return f"'{_short(found)}' is negative"
    if kind == DECIMAL and _NUMBER.fullmatch(found):
        return f"'{_short(found)}' is {'negative' if found.startswith('-') else 'too large'}"
    if kind == INTEGER and _LONG.fullmatch(found):
        return f"'{_short(found)}' has more than 18 digits"
    return f"'{_short(found)}' is {_SAYS[kind]}"


def _short(text: str) -> str:
    return printable(text if len(text) <= 60 else text[:57] + "…")


def both_names(theirs: str, ours: str) -> str:
    """A column as its file calls it, with our name in brackets where that is another.

    >>> both_names("transact_time", "time"), both_names("Price", "price"), both_names("", "price")
    ('transact_time (time)', 'Price', 'price')
    """
    theirs = theirs.strip()
    return f"{printable(theirs)} ({ours})" if theirs and theirs.lower() != ours else theirs or ours


def as_text(line: str, where: str) -> str:
    """The first line of a file.

    Raises
    ------
    DataError
        If it holds what no text does.
    """
    if any(c < " " and c not in "\t\r" for c in line):
        raise DataError(f"{where}: is no text; the file is packed, or of another format than its name says")
    refuse_returns(line, where)
    return line


def printable(text: str) -> str:
    """``text`` fit for a line of a message.

    >>> printable("1\\x00\\n2")
    '1��2'
    """
    return "".join(c if c.isprintable() else "\ufffd" for c in text)
