"""Tables: what a provider calls its columns, and rows read by it; a new provider is a new table, not a new parser."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import DataError, FormatError, listed
from ...core.schema import ALLOW_NEGATIVE
from ...core.sizes import of_column
from ...store.atlas import names_of
from ..csv_reader.decode import DecodedRows, Quarantine, both_names, printable
from .arrow_reader import TableSource, sheets
from .convert import (
    SIDES,
    decimal_column,
    empty,
    fixed_point,
    integers,
    is_text,
    number_hint,
    plain_numbers,
    sides,
    written_out,
)
from .joined import with_time
from .sheet import Reading, Sheet
from .stamps import Spelling, Stamps
from .tickers import of_ticker
from .told_sides import half_known, only_ones

Integers = NDArray[np.int64]
_SHOWN = 6
"""How many names of one column an error gives."""
_SAYS = {
    "amount": "no number",
    "fixed": "no number",
    "number": "no number",
    "integer": "no whole number",
}
_SAYS |= {"side": "no side", "text": "no text"}


@dataclass(frozen=True)
class Column:
    """One column that is wanted.

    Parameters
    ----------
    name : str
        Our name for it; in errors too.
    kind : {"time", "amount", "fixed", "number", "integer", "side", "text"}
        An amount is a number that is not negative, a fixed one may be written in whole billionths; an integer that
        cannot be read is −1.
    names : tuple of str
        What providers call it, the likeliest first; empty for ``name`` itself. Case does not matter. Of a header
        such as ``trade_id/交易`` the part before the stroke counts.
    optional : bool
        Whether a file may be without it.
    words : mapping of str to int or None
        Of a side: the words for it where they are not the table's.
    divisor : float
        What numbers are divided by.
    signed : bool
        Whether an amount or a fixed number may be below 0.
    """

    name: str
    kind: str
    names: tuple[str, ...] = ()
    optional: bool = False
    words: Mapping[str, int] | None = None
    divisor: float = 1.0
    signed: bool = False

    def find(self, headers: Sequence[str], exact: bool = False) -> list[int]:
        """Where the likeliest of its names stands among ``headers``."""
        plain = [h.strip() if exact else h.strip().lower() for h in headers]
        for name in self.names or (self.name,):
            hits = _at(name if exact else name.lower(), plain)
            if len(hits) > 1:  # of m and M the one as it is spelled
                hits = _at(name, [h.strip() for h in headers]) or hits
            if hits:
                return hits
        return []


def _at(name: str, headers: Sequence[str]) -> list[int]:
    return [i for i, header in enumerate(headers) if name in (header, header.partition("/")[0])]


def _check_type(sheet: Sheet, column: Column, at: int) -> None:
    """Refuse a column of a typed file that holds no single values, or truths or times where numbers are wanted."""
    import pyarrow as pa

    kind = sheet.cells[at].type
    if isinstance(kind, pa.DictionaryType):
        kind = kind.value_type
    binary = pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)
    truths = pa.types.is_boolean(kind) and column.kind not in ("side", "text")
    times = pa.types.is_temporal(kind) and column.kind not in ("time", "text")
    if pa.types.is_nested(kind) or binary or truths or times:
        raise DataError(
            f"{sheet.path}: column {column.name} holds {str(kind)[:60]}, where one number or text is wanted"
        )


@dataclass(frozen=True)
class Table:
    """The columns of a provider's files.

    Parameters
    ----------
    columns : tuple of Column
        Those that are wanted; others are passed over.
    positions : tuple of tuple of str
        Lines without a header: the names of their cells, one entry for each number of cells there may be.
    unit : str
        Of the time stamps: ``auto``, ``s``, ``ms``, ``us``, ``ns`` or ``iso``.
    words : mapping of str to int
        Sides by the words for them, in lower case.
    rows : str
        Where the rows lie in a JSON answer, as for `Reading`.
    only : mapping of str to tuple of str
        Rows whose text column holds another word are passed over and counted as ``skipped``.
    counted : bool
        Whether ``positions`` hold under a header too.
    exact : bool
        Whether case matters in names, as it does where ``t`` is an id and ``T`` a time.
    asks : str
        What to do about words for sides of which only one is known, for errors.
    guesses : bool
        Whether ``words`` are but the usual ones, told neither by a provider nor by a user.
    spelling : Spelling or None
        How time stamps are written where a user says more than the unit.
    joined : tuple of str or int
        Columns, or numbers of cells, that make the time together, a blank between them; empty where one does.
    decimal, thousands : str
        What stands before the fraction of a number, and between its thousands.
    classes : bool
        Whether columns of classes of trade size, as ``taker_buy_volume_1k_10k``, are wanted where there are some.
    foreign : mapping of str to str
        Columns that only files of another kind have, and what those are, for errors.
    """

    columns: tuple[Column, ...]
    positions: tuple[tuple[str, ...], ...] = ()
    unit: str = "auto"
    words: Mapping[str, int] = field(default_factory=lambda: MappingProxyType(SIDES))
    rows: str = ""
    only: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    counted: bool = False
    exact: bool = False
    asks: str = "no words of this provider"
    guesses: bool = False
    spelling: Spelling | None = None
    joined: tuple[str | int, ...] = ()
    decimal: str = "."
    thousands: str = ""
    classes: bool = False
    foreign: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def places(self, sheet: Sheet) -> dict[str, int]:
        """Where each wanted column stands in a sheet.

        Raises
        ------
        DataError
            If one is missing or stands there twice.
        """
        names = None if self.counted else sheet.names
        for name in names or ():
            if why := self.foreign.get(name):
                raise DataError(f"{sheet.path}: has a column {name}: {why}")
        if names is None:
            names = self._of_positions(sheet)
        made = {}
        for column in self.columns:
            hits = column.find(names, self.exact)
            if len(hits) > 1 or (not hits and not column.optional):
                how = "more than one column" if hits else "no column"
                called = (
                    " or ".join(column.names[:_SHOWN]) + " or its like" * (len(column.names) > _SHOWN) or column.name
                )
                meant = "" if called == column.name else f" (for {column.name})"
                raise FormatError(f"{sheet.path}: has {how} {called}{meant}; it has {listed([n for n in names if n])}")
            if hits:
                made[column.name] = hits[0]
                _check_type(sheet, column, hits[0])
        return made | self._of_classes(sheet)

    def _of_classes(self, sheet: Sheet) -> dict[str, int]:
        """Where columns of classes of trade size stand."""
        own = {column.name for column in self.columns}
        found = enumerate(sheet.names or ()) if self.classes and not self.counted else ()
        return {name: at for at, name in found if name not in own and of_column(name)}

    def _of_positions(self, sheet: Sheet) -> tuple[str, ...]:
        for names in self.positions:
            if len(names) == len(sheet.cells):
                return names
        where = f"{sheet.path}: row {sheet.line[0] if len(sheet) else 1}"
        wanted = " or ".join(str(len(p)) for p in self.positions[:4])
        need = (
            f"wanted {wanted}"
            if wanted
            else "and nothing says what they are; number them, as in columns: {time: 1, price: 2}"
        )
        raise FormatError(f"{where}: has {len(sheet.cells)} cells without a header, {need}")


class TableReader:
    """Reads the rows of one file by a table.

    Parameters
    ----------
    path : Path
        The file, for errors.
    table : Table
        What stands where.
    quarantine : Quarantine
        What to do with rows that cannot be read.
    counts : mapping of str to int
        ``skipped`` grows by the rows that are passed over.
    others : dict of str to set of str or None
        By column, grows by what the rows that are passed over hold there.
    unread : dict of str to None, or None
        Grows by the columns that the table does not want.
    seen : dict of str to set of str, or None
        By column, grows by the words for sides there are.
    """

    def __init__(
        self,
        path: Path,
        table: Table,
        quarantine: Quarantine,
        counts: dict[str, int],
        others: dict[str, set[str]] | None = None,
        unread: dict[str, None] | None = None,
        seen: dict[str, set[str]] | None = None,
    ) -> None:
        self._unread = {} if unread is None else unread
        self._path, self._table, self._quarantine, self._counts = path, table, quarantine, counts
        self._others = {} if others is None else others
        self._clock = Stamps(table.spelling or table.unit, path)
        self._seen = {} if seen is None else seen

    def rows(self, found: Iterable[Sheet]) -> Iterator[DecodedRows]:
        """The rows of all sheets; times in µs, sides as +1, −1 and 0, text as objects."""
        for sheet in found:
            sheet = of_ticker(sheet, self._table.only.get("symbol", ()))
            sheet = with_time(sheet, self._table.joined, self._table.spelling.form if self._table.spelling else "")
            places = self._table.places(sheet)
            if sheet.names is not None:
                taken = set(places.values())
                self._unread |= dict.fromkeys(n for i, n in enumerate(sheet.names) if n and i not in taken)
            rows = self._read(sheet, places)
            if len(rows) and sheet.path.suffix.lower() != ".csv":
                rows = _forward(rows)
            yield rows
        self._clock.finish()
        if self._table.guesses and (wrong := only_ones(self._seen.get("side", ()))):
            raise DataError(f"{self._path}: column side {wrong}; {self._table.asks}")

    def _read(self, sheet: Sheet, places: dict[str, int]) -> DecodedRows:
        columns: dict[str, NDArray[Any]] = {}
        complaints = [(line, f"row {line}, {says}", text) for line, says, text in sheet.odd if text.strip()]
        passed = self._passed(sheet, places)
        self._counts["skipped"] = self._counts.get("skipped", 0) + int(passed.sum())
        if passed.any():
            sheet = sheet.take(np.flatnonzero(~passed))
        bad = np.zeros(len(sheet), bool)
        raw = replace(sheet, cells=sheet.cells[:-1]) if self._table.joined else sheet
        classes = [Column(name, "number") for name in places.keys() - {c.name for c in self._table.columns}]
        for column in (*self._table.columns, *classes):
            if column.name in places:
                cells = sheet.cells[places[column.name]]
                called = both_names(sheet.names[places[column.name]] if sheet.names else "", column.name)
                columns[column.name], wrong = self._convert(column, cells, called)
                for i in np.flatnonzero(wrong & ~bad).tolist():
                    line, says = int(sheet.line[i]), f"{called}{self._complaint(column, cells[i].as_py())}"
                    complaints.append((line, f"row {line}, column {says}", raw.text(i)))
                bad |= wrong
        for _, complaint, text in sorted(complaints):
            self._quarantine.add(f"{self._path}: {complaint}", text)
        return DecodedRows(self._path, sheet.line, columns).where(~bad)

    def _passed(self, sheet: Sheet, places: dict[str, int]) -> NDArray[np.bool_]:
        """Rows that are of another kind than those wanted."""
        made = np.zeros(len(sheet), bool)
        for name, words in self._table.only.items():
            if name in places:
                found = list(map(str, sheet.cells[places[name]].to_pylist()))
                made |= np.array([word not in words for word in found], bool)
                self._others.setdefault(name, set()).update(set(found).difference(words))
        return made

    def _sides(self, column: Column, cells: Any, called: str) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Sides of a column, which is never half read: both words are known, or neither is taken."""
        words, seen = column.words or self._table.words, self._seen.setdefault(column.name, set())
        values, bad = sides(cells, words, seen)
        both = {1, -1} <= set(words.values())
        if both and (np.count_nonzero(bad) != 1) and (wrong := half_known(seen, words)):
            raise DataError(f"{self._path}: column {called} {wrong}; {self._table.asks}")
        return values, bad

    def _complaint(self, column: Column, found: Any) -> str:
        if found is None or str(found).strip() == "":
            return " is empty"
        text = str(found)
        short = printable(text if len(text) <= 60 else text[:57] + "…")
        if column.kind == "time":
            return f": '{short}' {self._clock.why(text.strip())}"
        if column.kind == "integer":
            return f": '{short}' is negative"
        hint = number_hint(text, self._table.decimal) if self._table.spelling else ""
        wrong = _wrong(text) if column.kind in ("amount", "fixed") else _SAYS[column.kind]
        if wrong == "negative" and column.name == "price":
            hint = f"; {ALLOW_NEGATIVE}"
        return f": '{short}' is {wrong}{hint}"

    def _convert(self, column: Column, cells: Any, called: str) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        if column.kind == "time":
            formed = self._table.spelling is not None and self._table.spelling.form
            return self._clock.read(cells if formed else plain_numbers(cells, self._table.decimal, ""))
        if column.kind == "side":
            return self._sides(column, cells, called)
        if column.kind == "integer":
            values, unread = integers(cells)
            return values, (values < 0) & ~unread & (column.name == "trade_id")
        if column.kind == "text":
            return np.array(cells.to_pylist(), dtype=object), np.zeros(len(cells), bool)
        cells = plain_numbers(cells, self._table.decimal, self._table.thousands)
        values, bad = fixed_point(cells) if column.kind == "fixed" else decimal_column(cells)
        if bad.any() and self._table.spelling is not None and is_text(cells):  # as programs show numbers, not keep them
            cells = written_out(cells)
            values, bad = decimal_column(cells)
        values = values if column.divisor == 1.0 else values / column.divisor
        if column.kind == "number":
            return values, bad
        missing = np.isnan(values) if column.kind == "amount" else empty(cells)
        return values, bad | ((values < 0) & (not column.signed)) | (missing & (not column.optional))


def _forward(rows: DecodedRows) -> DecodedRows:
    """``rows`` turned around when they are newest first, as REST answers are."""
    time = next((v for k, v in rows.columns.items() if k in ("time", "open_time", "close_time")), None)
    if time is None or time[0] <= time[-1] or (np.diff(time) > 0).any():
        return rows
    return DecodedRows(rows.path, rows.line[::-1], {k: v[::-1] for k, v in rows.columns.items()})


def _wrong(amount: str) -> str:
    """What is wrong with an amount."""
    try:
        value = float(amount)
    except ValueError:
        value = math.nan
    if value < 0:
        return "negative"
    return "too large" if value == math.inf and amount.strip()[-1].isdigit() else _SAYS["amount"]


def read_file(
    source: TableSource,
    table: Table,
    how: Reading,
    quarantine: Quarantine,
    counts: dict[str, int],
    others: dict[str, set[str]] | None = None,
    unread: dict[str, None] | None = None,
    seen: dict[str, set[str]] | None = None,
) -> Iterator[DecodedRows]:
    """The rows of one file by ``table``, in its order."""
    return TableReader(source.path, table, quarantine, counts, others, unread, seen).rows(
        sheets(source, how, quarantine)
    )


def first_time(path: Path, table: Table, how: Reading, name: str) -> int:
    """The earliest stamp among the first rows of a file in µs, to sort files by; 0 where there is none."""
    for rows in read_file(TableSource(path), table, how, Quarantine("quarantine"), {}):
        if len(rows):
            return int(rows[name].min())
    return 0


def of_symbol(table: Table, symbol: str | None) -> Table:
    """``table`` with only the rows of ``symbol``, in Atlas' notation or the venue's; None leaves it as it is."""
    if symbol is None:
        return table
    columns = tuple(replace(c, optional=False) if c.name == "symbol" else c for c in table.columns)
    return replace(table, columns=columns, only={**table.only, "symbol": names_of(symbol)})
