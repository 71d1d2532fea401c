"""Decoding: the text of a dump or a REST answer into columns, by a table that says what each cell is."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from ..core.errors import DataError
from .files import Source
from .scan import DECIMAL, FLAG, INTEGER, POWERS, SIDE, SKIP, scan

__all__ = ["DECIMAL", "FLAG", "INTEGER", "SIDE", "SKIP", "Cell", "Decoder", "Layout", "Quarantine", "Rows"]

_ROWS = 65_536
_ODD = 4_096
_LONGEST = 1 << 24
_DECIMAL = re.compile(r"\+?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_INTEGER = re.compile(r"[+-]?\d{1,18}")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_FLAGS = {"true": 1, "1": 1, "false": 0, "0": 0}
_SIDES = {"buy": 1, "b": 1, "sell": -1, "s": -1}
_SAYS = {DECIMAL: "no number", INTEGER: "no whole number", FLAG: "neither true nor false", SIDE: "neither buy nor sell"}


@dataclass(frozen=True)
class Cell:
    """What stands in one cell of a line.

    Parameters
    ----------
    name : str
        Our name for it: ``time``, ``price``, …; in errors too.
    kind : int
        ``SKIP``, ``DECIMAL`` (not negative), ``INTEGER``, ``FLAG`` (true or false) or ``SIDE`` (buy or sell).
    key : str
        Its key in the provider's JSON objects; JSON arrays go by position.
    headers : tuple of str
        What header lines call it, besides ``name``.
    """

    name: str
    kind: int
    key: str = ""
    headers: tuple[str, ...] = ()

    def called(self, header: str) -> bool:
        """Whether a header line means this cell by ``header``."""
        return header.lower() in (self.name, *self.headers)


@dataclass(frozen=True)
class Layout:
    """What stands where in a provider's lines: a new provider is a new table, not a new parser.

    Parameters
    ----------
    cells : tuple of Cell
        In the order of lines that have no header.
    optional : int
        How many of the last cells a file may leave out.
    """

    cells: tuple[Cell, ...]
    optional: int = 0

    def by_position(self, count: int, where: str) -> tuple[Cell, ...]:
        """The cells of lines of ``count`` cells without a header."""
        least = len(self.cells) - self.optional
        if not least <= count <= len(self.cells):
            wanted = str(least) if not self.optional else f"{least} to {len(self.cells)}"
            names = ", ".join(c.name for c in self.cells)
            raise DataError(f"{where}: has {count} cells, wanted {wanted} ({names})")
        return self.cells[:count]

    def by_header(self, names: Sequence[str], where: str) -> tuple[Cell, ...]:
        """The cells of lines under a header, in its order; columns that nobody wants are skipped."""
        made = [next((c for c in self.cells if c.called(name)), Cell(name, SKIP)) for name in names]
        for cell in self.cells:
            if cell.kind != SKIP and made.count(cell) != 1:
                how = "no" if cell not in made else "more than one"
                raise DataError(f"{where}: the header has {how} column {cell.name}; it has {', '.join(names)}")
        return tuple(made)


@dataclass(frozen=True, eq=False)
class Rows:
    """Some decoded rows of one file.

    Parameters
    ----------
    path : Path
        The file.
    line : ndarray of int64
        Line of each row in the file, counted from 1, header included (in JSON: element of the list).
    columns : dict of str to ndarray
        float64 for decimals, int64 for the rest, by the names of the layout.
    """

    path: Path
    line: NDArray[np.int64]
    columns: dict[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.line)

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.columns[name]

    def where(self, keep: NDArray[np.bool_]) -> Rows:
        """The rows that ``keep`` marks."""
        return Rows(self.path, self.line[keep], {k: v[keep] for k, v in self.columns.items()})


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

    def __init__(self, source: Source, layout: Layout, quarantine: Quarantine | None = None) -> None:
        self._source, self._layout = source, layout
        self._quarantine = quarantine or Quarantine()
        self._line = 1
        self._cells: tuple[Cell, ...] | None = None

    def rows(self) -> Iterator[Rows]:
        """All rows, some ten thousand at a time, in the order of the file."""
        if self._source.json:
            yield self._from_json()
            return
        for text in self._whole_lines(self._source.chunks()):
            yield from self._from_text(text)

    def _whole_lines(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The same text in pieces that end with a newline; one is added where the last is missing."""
        rest = b""
        for chunk in chunks:
            cut = chunk.rfind(b"\n") + 1
            if cut:
                yield b"".join((rest, memoryview(chunk)[:cut]))
                rest = chunk[cut:]
            elif len(rest) < _LONGEST:
                rest += chunk
            else:
                raise DataError(f"{self._source.path}: a line does not end within {_LONGEST >> 20} MiB; is it a CSV?")
        if rest:
            yield rest + b"\n"

    def _from_text(self, text: bytes) -> Iterator[Rows]:
        at = 0
        if self._cells is None:
            at = self._begin(text)
        while at < len(text):
            at, rows = self._scan(text, at)
            yield rows

    def _begin(self, text: bytes) -> int:
        """Tell a header from data by the first cell, which in data is a number; returns where data begin."""
        end = text.index(b"\n")
        first = text[:end].decode("utf-8", "replace").lstrip("\ufeff").strip()
        names = [name.strip().strip('"') for name in first.split(",")]
        where = f"{self._source.path}: row 1"
        if _NUMBER.fullmatch(names[0]):
            self._cells = self._layout.by_position(len(names), where)
            return 0
        self._cells = self._layout.by_header(names, where)
        self._line = 2
        return end + 1

    def _scan(self, text: bytes, at: int) -> tuple[int, Rows]:
        """Rows of ``text`` from ``at`` on, and where they end."""
        cells = self._cells or ()
        decimals = [c.name for c in cells if c.kind == DECIMAL]
        whole = [c.name for c in cells if c.kind > DECIMAL]
        slots = [decimals.index(c.name) if c.kind == DECIMAL else whole.index(c.name) if c.kind else 0 for c in cells]
        room = min(_ROWS, (len(text) - at) // len(cells) + 1)
        floats, integers = np.empty((max(1, len(decimals)), room)), np.empty((max(1, len(whole)), room), np.int64)
        odd = np.empty((_ODD, 4), np.int64)
        kinds = np.array([c.kind for c in cells], np.int64)
        base = np.frombuffer(text, np.uint8).ctypes.data
        stop, n, strange = scan(
            base + at, base + len(text), kinds, np.array(slots, np.int64), POWERS, floats, integers, odd
        )
        columns: dict[str, NDArray[Any]] = {name: floats[k, :n] for k, name in enumerate(decimals)}
        columns |= {name: integers[k, :n] for k, name in enumerate(whole)}
        rows = Rows(self._source.path, np.arange(self._line, self._line + n), columns)
        self._line += n
        odd[:strange, 2:] -= base
        return stop - base, self._mend(rows, odd[:strange], text) if strange else rows

    def _mend(self, rows: Rows, odd: NDArray[np.int64], text: bytes) -> Rows:
        """Look again at what the scanner could not read; rows that cannot be read at all are set aside."""
        good = np.ones(len(rows), bool)
        for row, cell, start, end in odd.tolist():
            if good[row]:
                line = _line_at(text, start)
                complaint = self._mend_one(rows, row, cell, text[start:end].decode("utf-8", "replace").strip())
                good[row] = complaint is None
                if complaint and line.strip():
                    self._quarantine.add(f"{rows.path}: row {rows.line[row]}, {complaint}", line)
        return rows.where(good)

    def _mend_one(self, rows: Rows, row: int, cell: int, found: str) -> str | None:
        """None when the cell could be read after all, else the complaint."""
        cells = self._cells or ()
        if cell < 0:
            count = found.count(",") + 1
            return f"has {count} cells, wanted {len(cells)}: '{_short(found)}'"
        what = cells[cell]
        value = convert(what.kind, found)
        if value is None:
            return f"column {what.name}: {_complaint(what.kind, found)}"
        rows[what.name][row] = value
        return None

    def _from_json(self) -> Rows:
        path = self._source.path
        try:
            parsed = json.loads(b"".join(self._source.chunks()), parse_float=str, parse_int=str)
        except ValueError as err:
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
        return Rows(path, np.array(lines, np.int64), columns)

    def _json_row(self, cells: list[Cell], number: int, row: Any) -> list[Any] | None:
        """The values of one JSON row, None when it was set aside."""
        made = []
        for cell in cells:
            found = _json_value(self._layout, cell, row)
            value = None if found is None else convert(cell.kind, found)
            if value is None:
                wrong = "is missing" if found is None else _complaint(cell.kind, found)
                where = f"{self._source.path}: row {number}, column {cell.name}"
                self._quarantine.add(f"{where}: {wrong}" if found else f"{where} {wrong}", json.dumps(row))
                return None
            made.append(value)
        return made


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
        return float(text) if _DECIMAL.fullmatch(text) else None
    if kind == INTEGER:
        return int(text) if _INTEGER.fullmatch(text) else None
    return (_FLAGS if kind == FLAG else _SIDES).get(text.lower())


def _complaint(kind: int, found: str) -> str:
    if kind == DECIMAL and _NUMBER.fullmatch(found):
        return f"'{_short(found)}' is negative"
    return f"'{_short(found)}' is {_SAYS[kind]}"


def _line_at(text: bytes, at: int) -> str:
    """The line that ``at`` is in."""
    line = text[text.rfind(b"\n", 0, at) + 1 : text.index(b"\n", at)]
    return line.decode("utf-8", "replace").rstrip("\r")


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "…"
