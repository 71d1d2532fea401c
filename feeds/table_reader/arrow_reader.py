"""Tables of any format as text or numbers by column, a part at a time: CSV, JSON, JSON lines, parquet, feather."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ...core.errors import DataError
from ..csv_reader.decode import Quarantine
from ..csv_reader.files import FileReader, unpacked_name
from ..csv_reader.row_cells import check_width
from .csv_sheets import Utf8, csv_sheets, without_voids
from .dbn import dbn_sheets
from .json_rows import only_rows
from .schemas import plain_batch, usual
from .sheet import Reading, Sheet

_ROWS = 65_536
_TEXT = (".txt", ".tsv", ".dat", ".asc", ".prn")
_BINARY = (".parquet", ".feather", ".arrow", ".ipc")
_OTHERS: tuple[str, ...] = (
    ".xlsx",
    ".xls",
    ".ods",
    ".h5",
    ".hdf5",
    ".pkl",
    ".pickle",
    ".npy",
    ".npz",
    ".db",
    ".sqlite",
    ".duckdb",
)
_OTHERS += (".scid", ".hst", ".bi5", ".xz", ".bz2", ".7z", ".rar", ".tar", ".pdf", ".html")
_MAGIC = {b"PAR1": "parquet", b"ARROW1": "feather", b"FEA1": "feather"}
"""What files that hold no text begin with."""
_HEAD = re.compile(r"^\s*([0-9.eE]+):?\s+(?=[{\[])")
"""The time of receipt that recorders write before a message."""
RECEIPT = "(receipt)"
"""What that is called as a column where `Reading` wants it, in ms."""


class TableSource(FileReader):
    """One file of any format that holds a table: its text, and its digest."""

    endings = ("",)
    members = (".csv", *_TEXT)
    says = ".csv, .txt, .json, .jsonl or .ndjson (or one of these with .gz or .zst), .zip, .parquet, .feather or .arrow"

    def __init__(self, path: Path) -> None:
        if unpacked_name(path).endswith(_OTHERS):
            raise DataError(f"{path}: is no {self.says}; let what wrote it export one of these")
        super().__init__(path)

    @property
    def kind(self) -> str:
        """``csv``, ``json``, ``lines``, ``parquet``, ``feather`` or ``dbn``; text is told by its first byte."""
        name = unpacked_name(self.path)
        for begins, kind in _MAGIC.items():
            if self.begins.startswith(begins):
                return kind
        if name.endswith(".dbn"):
            return "dbn"
        if name.endswith(_BINARY):
            return "parquet" if name.endswith(".parquet") else "feather"
        if name.endswith(".json"):
            return "json"
        return "csv" if name.endswith((".csv", ".zip")) else "lines"


def sheets(source: TableSource, how: Reading, quarantine: Quarantine) -> Iterator[Sheet]:
    """All rows of a file, some ten thousand at a time where the format allows it.

    Raises
    ------
    DataError
        If the file is not of the format that its ending says.
    """
    readers = {"csv": csv_sheets, "json": _json, "lines": _lines, "parquet": _arrow, "feather": _arrow}
    if source.kind == "dbn":
        return dbn_sheets(source)
    return readers[source.kind](source, how, quarantine)


def parsed(source: FileReader) -> Any:
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
    try:
        whole = parsed(source)
    except DataError:
        if not _has_lines(source.path):
            raise
        yield from _lines(TableSource(source.path), how, quarantine)
        return
    yield from of_records(source.path, list(enumerate(_at(source.path, whole, how.rows), 1)), quarantine)


def _has_lines(path: Path) -> bool:
    """Whether a file that is no JSON as a whole has an object in its first line, as DuckDB's have."""
    with TableSource(path).opened() as text:
        line = io.BufferedReader(text).readline(1 << 16)
        while text.read(1 << 20):  # to its end, where checksums are compared
            pass
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _at(path: Path, found: Any, where: str) -> list[Any]:
    """The list of rows that ``where`` leads to; a list at the top is taken for it, else the only one within."""
    whole = found
    if not where and isinstance(found, dict):
        found = only_rows(path, found)
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
        raise DataError(f"{path}: holds no list of rows{f' at {where}' if where else ''}{_apart(whole)}")
    return found


def _apart(found: Any) -> str:
    """What to do about an answer of Yahoo's charts, whose times stand apart from its prices; else what is read."""
    if isinstance(found, dict) and isinstance(found.get("chart"), dict):
        return (
            "; charts of Yahoo's have times and prices apart: save what yfinance makes of them by history.to_csv(FILE)"
        )
    return "; rows are lists or objects, or one list for each column"


def _lines(source: TableSource, how: Reading, quarantine: Quarantine) -> Iterator[Sheet]:
    """One JSON value a line, the time of receipt before it or not; other text is read as CSV."""
    text = io.BufferedReader(Utf8(without_voids(source)))
    start = text.peek(1 << 12)[: 1 << 12].lstrip().decode("utf-8", "replace")
    if not _HEAD.sub("", start).startswith(("{", "[")):
        yield from csv_sheets(TableSource(source.path), how, quarantine)
        return
    numbered = enumerate(text, 1)
    while part := list(islice(numbered, _ROWS)):
        records = []
        for number, raw in part:
            line = raw.decode("utf-8", "replace").strip()
            if line:
                found = _record(source.path, number, _HEAD.sub("", line), quarantine)
                records += _with_receipt(found, line) if how.receipt else found
        yield from of_records(source.path, records, quarantine)


def _record(path: Path, number: int, line: str, quarantine: Quarantine) -> list[tuple[int, Any]]:
    try:
        found = json.loads(line, parse_float=str, parse_int=str)
    except (ValueError, RecursionError) as err:
        quarantine.add(f"{path}: row {number}, is no JSON ({str(err)[:80]})", line)
        return []
    inner = found.get("data", found) if isinstance(found, dict) else found
    several = isinstance(inner, list) and bool(inner) and all(isinstance(row, dict) for row in inner)
    return [(number, row) for row in inner] if several else [(number, inner)]


def _with_receipt(found: list[tuple[int, Any]], line: str) -> list[tuple[int, Any]]:
    """Records with the time of their receipt, or without one that of the message (``E``), in ms."""
    stamp = _HEAD.match(line)
    when = _milliseconds(stamp[1]) if stamp else None
    return [(n, {**r, RECEIPT: when or r.get("E")} if isinstance(r, dict) else r) for n, r in found]


def _milliseconds(stamp: str) -> str:
    """A time since 1970, in s, ms, µs or ns by its magnitude, as ms.

    >>> [_milliseconds(text) for text in ("1723161254087896568", "1723161254.087896", "1723161254087")]
    ['1723161254087.896568', '1723161254087.896000', '1723161254087.000000']
    """
    number = Decimal(stamp)
    for bound, times in ((10**11, Decimal(1000)), (10**14, Decimal(1)), (10**17, Decimal("0.001"))):
        if number < bound:
            return f"{number * times:.6f}"
    return f"{number / 1_000_000:.6f}"


def of_records(path: Path, records: list[tuple[int, Any]], quarantine: Quarantine) -> Iterator[Sheet]:
    """JSON objects or lists as sheets of text; objects go by their keys, a nested one by ``outer.inner``."""
    good = [(n, _flat(r) if isinstance(r, dict) else r) for n, r in records if isinstance(r, dict | list)]
    for number, record in records:
        if not isinstance(record, dict | list):
            quarantine.add(f"{path}: row {number}, is no row: '{str(record)[:60]}'", json.dumps(record))
    named = [(n, r) for n, r in good if isinstance(r, dict)]
    if named:
        names = tuple(dict.fromkeys(key for _, r in named for key in r))
        check_width(len(names), f"{path}: row {named[0][0]}")
        yield _sheet(path, [n for n, _ in named], names, [[r.get(key) for _, r in named] for key in names])
    listed = [(n, r) for n, r in good if isinstance(r, list)]
    for width in dict.fromkeys(len(r) for _, r in listed):
        check_width(width, f"{path}: row {listed[0][0]}")
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
                check_width(file.metadata.num_columns, str(source.path))
                yield from of_batches(source.path, file.iter_batches(batch_size=_ROWS))
        elif source.begins.startswith(b"FEA1"):
            yield from of_batches(source.path, feather.read_table(source.path).to_batches(_ROWS))
        else:
            yield from of_batches(source.path, _parts(source))
    except pa.ArrowNotImplementedError as err:
        raise DataError(f"{source.path}: has columns of types that cannot be read ({str(err)[:120]})") from None
    except (pa.ArrowInvalid, OSError) as err:
        raise DataError(f"{source.path}: is no whole {source.kind} file ({str(err)[:120]})") from None


def _parts(source: TableSource) -> Iterator[Any]:
    """The record batches of an Arrow file, or of a stream of Arrow kept in a file."""
    import pyarrow as pa

    with pa.memory_map(str(source.path)) as file:
        if source.begins.startswith(b"ARROW1"):
            reader = pa.ipc.open_file(file)
            batches: Iterable[Any] = (reader.get_batch(i) for i in range(reader.num_record_batches))
        else:
            batches = pa.ipc.open_stream(file)
        for batch in batches:
            yield from pa.Table.from_batches([batch]).to_batches(_ROWS)


def of_batches(path: Path, batches: Iterable[Any]) -> Iterator[Sheet]:
    """Record batches of arrow as sheets."""
    before = 1
    for batch in batches:
        batch = plain_batch(batch)
        lines = np.arange(before, before + batch.num_rows, dtype=np.int64)
        before += batch.num_rows
        yield Sheet(path, lines, tuple(batch.schema.names), [*map(usual, batch.columns)])
