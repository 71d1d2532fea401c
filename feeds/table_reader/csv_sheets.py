"""Tables of text with cells between delimiters: the rows of a CSV as sheets."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ...core.errors import DataError
from ..csv_reader.decode import Quarantine, as_text, printable
from ..csv_reader.files import FileReader
from ..csv_reader.row_cells import cells_of
from .csv_blocks import NOTHING, parse_block, whole_lines
from .sheet import Reading, Sheet
from .tickers import paired

_VOIDS = (b"\n" * 32_768, b"\r\n" * 32_768)
_EMPTY = re.compile(rb"(?:[ \t\r]*\n)+")
"""Lines that hold nothing, one after the other."""
_SEPARATED = re.compile(r"sep=(.)", re.IGNORECASE)
"""The line by which spreadsheets say what stands between cells."""
_DELIMITERS = {";": "';'", "\t": "tab", "|": "'|'", ",": "','"}
_TYPES = re.compile(
    "float|float32|float64|double|decimal|real|number|numeric|int|int32|int64|integer|long|bigint|string|str|text|"
    "varchar|symbol|char|bool|boolean|timestamp|timestamptz|datetime|datetime64|date|time|object|category"
)
"""Names of types in the lines that some programs write below the names of columns."""
_MOST_SCHEMA = 3
LONGEST_FIRST = 1 << 20
"""Bytes of a line before the rows, at most."""
PRINTED = re.compile(r"[-+=|: \t]*-{2}[-+=|: \t]*|\(\d+ rows?\)")
"""Lines of tables that databases print for people: rules between rows, and the count below them."""


class Utf8(io.RawIOBase):
    """Chunks of bytes as a file of UTF-8, its first line and what comes behind it."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        super().__init__()
        self._chunks, self._rest, self._at = iter(chunks), b"", 0
        self.skipped = 0
        """Lines taken away so far."""
        self._utf8, self._clean = codecs.getincrementaldecoder("utf-8")("replace"), b""

    def first_line(self) -> bytes:
        """The first line that holds anything; it stays unread, empty ones before it are taken away."""
        line = self._line()
        if line.startswith(codecs.BOM_UTF8):
            self._at += len(codecs.BOM_UTF8)
            line = self._line()
        while not line.strip() and self._at < len(self._rest):
            # All that are empty so far at once: a file of nothing else has millions.
            empty = _EMPTY.match(self._rest, self._at)
            end = empty.end() if empty else self._at + len(line) + 1
            self.skipped += self._rest.count(b"\n", self._at, end)
            self._at = end
            line = self._line()
        return line

    def _line(self) -> bytes:
        if (end := self._rest.find(b"\n", self._at)) < 0:
            self._read_on(1)
            end = self._rest.find(b"\n", self._at)
        return self._rest[self._at : end] if end >= 0 else self._rest[self._at :]

    def _read_on(self, lines: int) -> None:
        """Have so many lines at hand, as far as there are any."""
        # What is taken away is passed over, not cut off: with each of many lines the rest would be copied.
        while self._rest.count(b"\n", self._at) < lines and len(self._rest) - self._at <= LONGEST_FIRST:
            if not (chunk := next(self._chunks, b"")):
                break
            self._rest, self._at = self._rest[self._at :] + chunk, 0

    def lines(self, number: int) -> list[bytes]:
        """So many lines from the first one on, less where there are not as many; they stay unread."""
        self._read_on(number)
        return self._rest[self._at :].split(b"\n", number)[:number]

    def second_line(self) -> bytes:
        """The line behind the first one, as far as it is read already."""
        end = self._rest.find(b"\n", self._at)
        return b"" if end < 0 else self._rest[end + 1 :].partition(b"\n")[0]

    def skip_line(self) -> None:
        """Take the first line away."""
        self._at += len(self._line()) + 1
        self.skipped += 1

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, room: Any) -> int:
        """Fill what is given as far as there is something; gives how many bytes."""
        while not self._clean:
            raw = self._rest[self._at :] or next(self._chunks, b"")
            self._rest, self._at = b"", 0
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


def csv_sheets(source: FileReader, how: Reading, quarantine: Quarantine) -> Iterator[Sheet]:
    """All rows of a CSV, some ten thousand at a time.

    Raises
    ------
    DataError
        If it is none, or another character stands between its cells.
    """
    text = Utf8(without_voids(source))
    begun = _begin(text, source, how)
    if begun is None:
        return
    how, first, named = begun
    columns, line, block = [f"c{i}" for i in range(len(first))], 1 + text.skipped, NOTHING
    try:
        for lines in whole_lines(text):
            if block.is_open:
                raise DataError(f"{source.path}: row {line - 1}: begins a cell in quotes that does not end in its line")
            block = parse_block(lines, columns, how)
            due = tuple(_short(row, line - 1 + n, len(columns)) for n, row in block.odd if _is_told(row.text, how))
            good = np.delete(np.arange(line, line + block.rows, dtype=np.int64), [n - 1 for n, _ in block.odd])
            line += block.rows
            sheet = Sheet(source.path, good, tuple(first) if named else None, block.cells, due)
            yield _without_comments(_whole(sheet), how.comment)
    except ValueError as err:
        raise DataError(f"{source.path}: row {line}: {str(err)[:120]}") from None


def _is_told(text: str, how: Reading) -> bool:
    """Whether a row of another number of cells is one, and neither empty nor a comment nor what a database drew."""
    told = text.strip()
    return bool(told) and not (how.comment and text.startswith(how.comment)) and not PRINTED.fullmatch(told)


def _begin(text: Utf8, source: FileReader, how: Reading) -> tuple[Reading, list[str], bool] | None:
    """How the file says to read it, the cells of its first line, and whether they name the columns.

    Lines before the table are taken away; None for a file without any.
    """
    for _ in range(how.skip):
        text.skip_line()
    comment = ""
    while (head := _decoded(text.first_line()).strip()) and _no_row(head, how):
        if hit := _SEPARATED.fullmatch(head):
            how = replace(how, delimiter=hit[1])
        comment = head.removeprefix(how.comment).strip() if how.comment else ""
        text.skip_line()
    if not head:
        return None
    where = f"{source.path}: row {text.skipped + 1}"
    as_text(head, where)
    if len(head) > LONGEST_FIRST:
        raise DataError(f"{where}: does not end within {LONGEST_FIRST >> 20} MiB; is it a table?")
    first, named_above = _cells(head, how.delimiter, where), _cells(comment, how.delimiter, where)
    if how.header != "no" and is_count(first):  # pandas numbers columns that nobody named
        text.skip_line()
        return how, first, False
    begins_with_number = begins_rows(first)
    if begins_with_number and how.header != "no" and len(named_above) == len(first) > 1:
        return how, named_above, True
    named = how.header == "yes" or (how.header == "auto" and not begins_with_number)
    _refuse_one_cell(first, text, where, how)
    above = [_cells(_decoded(line), how.delimiter, where) for line in text.lines(3)] if named else []
    if pairs := paired(above):
        for _ in range(pairs.lines):
            text.skip_line()
        return how, list(pairs.names), True
    if named:
        text.skip_line()
        _skip_schema(text, first, how, source)
    return how, first, named


_VALUE = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|\d{2,4}[-./]\d{1,2}[-./]\d{1,4}.*|\d{8} .*|\d{1,2}:\d{2}.*")


def begins_rows(cells: list[str]) -> bool:
    """Whether the cells of a first line are those of a row, and no names of columns.

    The first of them begins with a digit or a sign; or it is a word, and half of all are numbers or times.

    >>> begins_rows(["2024-01-02"]), begins_rows(["-1.5"]), begins_rows(["time", "price"]), begins_rows([""])
    (True, True, False, False)
    >>> begins_rows(["EURUSD", "202401020930", "1.1"]), begins_rows(["time", "5", "10", "open"])
    (True, False)
    """
    values = sum(_VALUE.fullmatch(cell) is not None for cell in cells)
    return re.match(r"[0-9+.-]", cells[0]) is not None or (values > 1 and 2 * values > len(cells))


def is_count(cells: list[str]) -> bool:
    """Whether the cells of a first line are the numbers of columns, with an index before them or without.

    >>> is_count(["0", "1", "2", "3"]), is_count(["", "0", "1", "2", "3"]), is_count(["0", "1", "5", "3"])
    (True, True, False)
    """
    counted = cells[cells[0] == "" :]
    return len(counted) > 3 and counted == [str(at) for at in range(len(counted))]


def _no_row(line: str, how: Reading) -> bool:
    if how.comment and line.startswith(how.comment):
        return True
    return any(form.fullmatch(line) for form in (_SEPARATED, PRINTED))


def _cells(line: str, delimiter: str, where: str) -> list[str]:
    """The cells of a line, without blanks around them."""
    return [cell.strip() for cell in cells_of(line, delimiter, where)]


def _refuse_one_cell(first: list[str], text: Utf8, where: str, how: Reading) -> None:
    """Refuse a first line that is no row of a table: which of the ways to mend it is plain."""
    if len(first) > 1:
        return
    seen = max(_DELIMITERS, key=first[0].count)
    if first[0].count(seen) and seen != how.delimiter:
        raise DataError(
            f"{where}: is one cell where cells end at {how.delimiter!r}, and holds {_DELIMITERS[seen]} "
            f"{first[0].count(seen)} times; delimiter: {_DELIMITERS[seen]} reads it"
        )
    if text.second_line().decode("utf-8", "replace").count(how.delimiter):
        raise DataError(
            f"{where}: '{printable(first[0][:60])}' is no row of the table behind it; skip: 1 passes over it"
        )


def _skip_schema(text: Utf8, names: list[str], how: Reading, source: FileReader) -> None:
    """Take away what stands between header and rows: types of the columns, or the header's further lines.

    pandas writes several lines where columns have several names, and the name of the index in the last of them.
    """
    for _ in range(_MOST_SCHEMA):
        line = _decoded(text.first_line()).strip()
        if PRINTED.fullmatch(line):
            text.skip_line()
            continue
        cells = _cells(line, how.delimiter, f"{source.path}: row {text.skipped + 1}")
        if len(cells) != len(names) or not any(cells):
            return
        rest = {cell for cell in cells[1:] if cell}
        index = cells[0].lower() in ("date", "datetime", "time", "timestamp") and not rest
        ticker = cells[0].lower() in ("ticker", "symbol") and len(rest) == 1 and names[0].lower() == "price"
        words = [re.sub(r"[\[(].*", "", cell.lower()) for cell in cells if cell]
        types = bool(rest) and all(map(_TYPES.fullmatch, words))
        if not (index or ticker or types):
            return
        if index:
            names[0] = cells[0]
        text.skip_line()


def _without_comments(sheet: Sheet, comment: str) -> Sheet:
    import pyarrow.compute as pc

    if not comment or not len(sheet):
        return sheet
    begun = pc.starts_with(sheet.cells[0], comment).to_numpy(zero_copy_only=False).astype(bool)
    return sheet.take(np.flatnonzero(~begun)) if begun.any() else sheet


def without_voids(source: FileReader) -> Iterator[bytes]:
    """The chunks of a file, unless all too many lines of it are empty: each would be asked about."""
    for chunk in _of_bytes(source.chunks()):
        if any(void in chunk for void in _VOIDS):
            raise DataError(f"{source.path}: more than 30,000 lines in a row are empty; is it a CSV?")
        yield chunk


def _of_bytes(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same text in UTF-8 where a mark at its beginning says that it is UTF-16."""
    decoder: Any = None
    for number, chunk in enumerate(chunks):
        if number == 0 and chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            decoder = codecs.getincrementaldecoder("utf-16")("replace")
        yield decoder.decode(chunk).encode() if decoder else chunk


def _short(row: Any, line: int, wanted: int) -> tuple[int, str, str]:
    """Number, complaint and text of a line with a wrong number of cells."""
    return line, f"has {row.actual_columns} cells, wanted {wanted}: '{printable(row.text[:60])}'", row.text


def _whole(sheet: Sheet) -> Sheet:
    """``sheet`` without empty lines."""
    import pyarrow.compute as pc

    blank = pc.equal(sheet.cells[0], "").to_numpy(zero_copy_only=False)
    drop = [i for i in np.flatnonzero(blank).tolist() if all(c[i].as_py() == "" for c in sheet.cells)]
    if not drop:
        return sheet
    keep = np.delete(np.arange(len(sheet)), drop)
    return replace(sheet, line=sheet.line[keep], cells=[c.take(keep) for c in sheet.cells])
