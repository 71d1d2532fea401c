"""Tables of any format as text or numbers by column, a part at a time: CSV, JSON, JSON lines, parquet, feather."""

from __future__ import annotations

import codecs
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import DataError
from .decode import Quarantine, as_text, printable
from .files import Source

_ROWS = 65_536
_LINES = (".jsonl", ".ndjson", ".txt")
_BINARY = (".parquet", ".feather")
_VOIDS = (b"\n" * 32_768, b"\r\n" * 32_768)
_EMPTY = re.compile(rb"(?:[ \t\r]*\n)+")
"""Lines that hold nothing, one after the other."""
_HEAD = re.compile(r"^\s*[0-9.eE]+:?\s+(?=[{\[])")
"""The time of receipt that recorders write before a message."""


class TableSource(Source):
    """One file of any format that holds a table: its text, and its digest."""

    endings = (*Source.endings, ".txt", ".txt.gz", ".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz", *_BINARY)
    says = ".csv, .txt, .json, .jsonl or .ndjson (or one of these with .gz), .zip, .parquet or .feather"

    @property
    def kind(self) -> str:
        """``csv``, ``json``, ``lines``, ``parquet`` or ``feather``; a text file is told by its first byte."""
        name = self.path.name.lower().removesuffix(".gz")
        if name.endswith(_BINARY):
            return name.rpartition(".")[2]
        if name.endswith(".json"):
            return "json"
        return "lines" if name.endswith(_LINES) else "csv"


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
    """

    delimiter: str = ","
    header: str = "auto"
    rows: str = ""


def sheets(source: TableSource, how: Reading, quarantine: Quarantine) -> Iterator[Sheet]:
    """All rows of a file, some ten thousand at a time where the format allows it.

    Raises
    ------
    DataError
        If the file is not of the format that its ending says.
    """
    readers = {"csv": _csv, "json": _json, "lines": _lines, "parquet": _arrow, "feather": _arrow}
    return readers[source.kind](source, how, quarantine)


class _Text(io.RawIOBase):
    """Chunks of bytes as a file of UTF-8, its first line and what comes behind it."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        super().__init__()
        self._chunks, self._rest = iter(chunks), b""
        self.skipped = 0
        """Lines taken away so far."""
        self._utf8, self._clean = codecs.getincrementaldecoder("utf-8")("replace"), b""

    def first_line(self) -> bytes:
        """The first line that holds anything; it stays unread, empty ones before it are taken away."""
        line = self._line()
        if line.startswith(codecs.BOM_UTF8):
            self._rest = self._rest.removeprefix(codecs.BOM_UTF8)
            line = self._line()
        while not line.strip() and self._rest:
            # All that are empty so far at once: a file of nothing else has millions.
            empty = _EMPTY.match(self._rest)
            end = empty.end() if empty else len(line) + 1
            self.skipped += self._rest[:end].count(b"\n")
            self._rest = self._rest[end:]
            line = self._line()
        return line

    def _line(self) -> bytes:
        while b"\n" not in self._rest and len(self._rest) <= 1 << 20 and (chunk := next(self._chunks, b"")):
            self._rest += chunk
        return self._rest[:end] if (end := self._rest.find(b"\n")) >= 0 else self._rest

    def skip_line(self) -> None:
        """Take the first line away."""
        self._rest = self._rest.partition(b"\n")[2]
        self.skipped += 1

    def readable(self) -> bool:
        return True

    def readinto(self, room: Any) -> int:
        while not self._clean:
            raw, self._rest = self._rest or next(self._chunks, b""), b""
            self._clean = raw if raw.isascii() and not self._utf8.getstate()[0] else self._decode(raw)
            if not raw:
                break
        size = min(len(room), len(self._clean))
        room[:size] = self._clean[:size]
        self._clean = self._clean[size:]
        return size

    def _decode(self, raw: bytes) -> bytes:
        """What is no UTF-8 becomes the mark for that, so that the cell is complained of and not the file."""
        return self._utf8.decode(raw, final=not raw).encode()


def _decoded(line: bytes) -> str:
    """Text of a header, which some venues write in GBK."""
    try:
        return line.decode("utf-8-sig")
    except UnicodeDecodeError:
        return line.decode("gbk", "replace")


def _csv(source: TableSource, how: Reading, quarantine: Quarantine) -> Iterator[Sheet]:
    import pyarrow as pa
    import pyarrow.csv as csv

    text = _Text(_without_voids(source))
    head = _decoded(text.first_line()).strip()
    if not head:
        return
    first = [cell.strip().strip('"') for cell in head.split(how.delimiter)]
    as_text("".join(first), f"{source.path}: row {text.skipped + 1}")
    named = how.header == "yes" or (how.header == "auto" and not re.match(r"[0-9+.-]", first[0]))
    if named:
        text.skip_line()
    odd: list[tuple[int, Any]] = []

    def set_aside(row: Any) -> str:
        # Arrow reads ahead: it may be of a later part. Of an empty line, of which there may be many, only the number.
        odd.append((row.number, row if row.text.strip() else None))
        return "skip"

    columns = [f"c{i}" for i in range(len(first))]
    try:
        batches = csv.open_csv(
            io.BufferedReader(text, 1 << 20),  # a bare stream may end a block in the middle of a line
            read_options=csv.ReadOptions(use_threads=False, column_names=columns),
            parse_options=csv.ParseOptions(
                delimiter=how.delimiter, invalid_row_handler=set_aside, ignore_empty_lines=False
            ),
            convert_options=csv.ConvertOptions(column_types=dict.fromkeys(columns, pa.string())),
        )
        before = 1 + text.skipped
        for batch in batches:
            lines, before = _numbered(batch.num_rows, before, [number + text.skipped for number, _ in odd])
            past = [row for number, row in odd if number + text.skipped < before and row is not None]
            due = tuple(_short(row, len(columns), text.skipped) for row in past)
            odd = [(number, row) for number, row in odd if number + text.skipped >= before]
            yield _whole(Sheet(source.path, lines, tuple(first) if named else None, batch.columns, due))
    except pa.ArrowInvalid as err:
        if "Empty CSV" not in str(err):
            raise DataError(f"{source.path}: cannot be read as CSV: {str(err)[:120]}") from None
    for number, complaint, text_ in (_short(row, len(columns), text.skipped) for _, row in odd if row is not None):
        quarantine.add(f"{source.path}: row {number}, {complaint}", text_)


def _without_voids(source: Source) -> Iterator[bytes]:
    """The chunks of a file, unless all too many lines of it are empty: each would be asked about."""
    for chunk in source.chunks():
        if any(void in chunk for void in _VOIDS):
            raise DataError(f"{source.path}: more than 30,000 lines in a row are empty; is it a CSV?")
        yield chunk


def _numbered(rows: int, first: int, left_out: list[int]) -> tuple[NDArray[np.int64], int]:
    """Lines of the next ``rows`` rows from line ``first`` on, and the line behind them."""
    gone = sorted(n for n in left_out if n >= first)
    lines = np.arange(first, first + rows + len(gone), dtype=np.int64)
    kept = lines[~np.isin(lines, gone)][:rows]
    return kept, (int(kept[-1]) if rows else first - 1) + 1


def _short(row: Any, wanted: int, skipped: int) -> tuple[int, str, str]:
    """Number, complaint and text of a line with a wrong number of cells."""
    complaint = f"has {row.actual_columns} cells, wanted {wanted}: '{printable(row.text[:60])}'"
    return row.number + skipped, complaint, row.text


def _whole(sheet: Sheet) -> Sheet:
    """``sheet`` without empty lines."""
    import pyarrow.compute as pc

    blank = pc.equal(sheet.cells[0], "").to_numpy(zero_copy_only=False)
    drop = [i for i in np.flatnonzero(blank).tolist() if all(c[i].as_py() == "" for c in sheet.cells)]
    if not drop:
        return sheet
    keep = np.delete(np.arange(len(sheet)), drop)
    return replace(sheet, line=sheet.line[keep], cells=[c.take(keep) for c in sheet.cells])


def parsed(source: Source) -> Any:
    """A whole JSON file, its numbers as the text they are written in.

    Raises
    ------
    DataError
        If it is no JSON.
    """
    try:
        return json.loads(b"".join(source.chunks()), parse_float=str, parse_int=str)
    except (ValueError, RecursionError) as err:
        raise DataError(f"{source.path}: is no JSON ({str(err)[:120]})") from None


def _json(source: TableSource, how: Reading, quarantine: Quarantine) -> Iterator[Sheet]:
    found = _at(source.path, parsed(source), how.rows)
    yield from of_records(source.path, list(enumerate(found, 1)), quarantine)


def _at(path: Path, found: Any, where: str) -> list[Any]:
    """The list of rows that ``where`` leads to; a list at the top is taken for it."""
    for key in where.split(".") if where else ():
        if isinstance(found, list):
            break
        if not isinstance(found, dict):
            found = None
        elif key == "*":
            lists = [k for k, v in found.items() if isinstance(v, list)]
            if len(lists) > 1:
                raise DataError(f"{path}: holds {', '.join(lists)}; a file holds one of them")
            found = found[lists[0]] if lists else None
        else:
            found = found.get(key)
    if not isinstance(found, list):
        raise DataError(f"{path}: holds no list of rows{f' at {where}' if where else ''}")
    return found


def _lines(source: TableSource, how: Reading, quarantine: Quarantine) -> Iterator[Sheet]:
    """One JSON value a line, the time of receipt before it or not; other text is read as CSV."""
    text = io.BufferedReader(_Text(_without_voids(source)))
    start = text.peek(1 << 12)[: 1 << 12].lstrip().decode("utf-8", "replace")
    if not _HEAD.sub("", start).startswith(("{", "[")):
        yield from _csv(TableSource(source.path), how, quarantine)
        return
    numbered = enumerate(text, 1)
    while part := list(islice(numbered, _ROWS)):
        records = []
        for number, raw in part:
            line = raw.decode("utf-8", "replace").strip()
            if line:
                records += _record(source.path, number, _HEAD.sub("", line), quarantine)
        yield from of_records(source.path, records, quarantine)


def _record(path: Path, number: int, line: str, quarantine: Quarantine) -> list[tuple[int, Any]]:
    try:
        found = json.loads(line, parse_float=str, parse_int=str)
    except (ValueError, RecursionError) as err:
        quarantine.add(f"{path}: row {number}, is no JSON ({str(err)[:80]})", line)
        return []
    inner = found.get("data", found) if isinstance(found, dict) else found
    return [(number, inner)]


def of_records(path: Path, records: list[tuple[int, Any]], quarantine: Quarantine) -> Iterator[Sheet]:
    """JSON objects or lists as sheets of text; objects go by their keys, a nested one by ``outer.inner``."""
    good = [(n, _flat(r) if isinstance(r, dict) else r) for n, r in records if isinstance(r, dict | list)]
    for number, record in records:
        if not isinstance(record, dict | list):
            quarantine.add(f"{path}: row {number}, is no row: '{str(record)[:60]}'", json.dumps(record))
    named = [(n, r) for n, r in good if isinstance(r, dict)]
    if named:
        names = tuple(dict.fromkeys(key for _, r in named for key in r))
        yield _sheet(path, [n for n, _ in named], names, [[r.get(key) for _, r in named] for key in names])
    listed = [(n, r) for n, r in good if isinstance(r, list)]
    for width in dict.fromkeys(len(r) for _, r in listed):
        rows = [(n, r) for n, r in listed if len(r) == width]
        yield _sheet(path, [n for n, _ in rows], None, [[r[i] for _, r in rows] for i in range(width)])


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """``record`` with the keys of objects in it drawn out."""
    made: dict[str, Any] = {}
    for key, value in record.items():
        if isinstance(value, dict):
            made |= {f"{key}.{inner}": v for inner, v in value.items()}
        else:
            made[key] = value
    return made


def _sheet(path: Path, lines: list[int], names: tuple[str, ...] | None, columns: list[list[Any]]) -> Sheet:
    import pyarrow as pa

    cells = [pa.array([_word(v) for v in column], pa.string()) for column in columns]
    return Sheet(path, np.array(lines, np.int64), names, cells)


def _word(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else json.dumps(value)


def _arrow(source: TableSource, how: Reading, quarantine: Quarantine) -> Iterator[Sheet]:
    import pyarrow as pa
    import pyarrow.feather as feather
    import pyarrow.parquet as pq

    try:
        if source.kind == "parquet":
            with pq.ParquetFile(source.path) as file:
                yield from of_batches(source.path, file.iter_batches(batch_size=_ROWS))
        else:
            yield from of_batches(source.path, feather.read_table(source.path).to_batches(_ROWS))
    except (pa.ArrowInvalid, OSError) as err:
        raise DataError(f"{source.path}: is no whole {source.kind} file ({str(err)[:120]})") from None


def of_batches(path: Path, batches: Iterable[Any]) -> Iterator[Sheet]:
    """Record batches of arrow as sheets."""
    before = 1
    for batch in batches:
        lines = np.arange(before, before + batch.num_rows, dtype=np.int64)
        before += batch.num_rows
        yield Sheet(path, lines, tuple(batch.schema.names), batch.columns)
