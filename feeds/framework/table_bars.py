"""Bars read from tables: what klines of other exchanges, files of one's own and vendors' series share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...core.bars import Bars
from ...core.clock import interval_text, iso, parse_interval
from ...core.errors import DataError, ParamError
from ...core.params import Choice, Text
from ...core.schema import BAR_COLUMNS
from ..csv_reader.decode import DecodedRows, Quarantine
from ..table_reader.arrow_reader import TableSource
from ..table_reader.sheet import Reading
from ..table_reader.tables import Column, Table, of_symbol, read_file
from .calendars import Spans, clock_spans, is_calendar, month_spans, name_of, regular, told_spans, usual
from .dumps import BAD_ROWS
from .faults import Places
from .identity import Identity
from .infer_sides import BAR_RULES, by_bulk
from .kline_feed import KlineFeed
from .klines import without_strays
from .settling import settled

Columns = dict[str, NDArray[Any]]
Integers = NDArray[np.int64]
INTERVAL = Text(parse_interval, "an interval such as 1m or 4h", optional=True)
LABEL = Choice("start", "end")
_PAIRS = (
    ("volume", "taker_buy_volume", "taker_sell_volume"),
    ("quote_volume", "taker_buy_quote_volume", "taker_sell_quote_volume"),
)
NUMBERS = tuple(name for name, c in BAR_COLUMNS.items() if c.dtype == "f8")
"""Canonical columns that hold numbers."""


class TableRows(KlineFeed):
    """What is stamped with a time and read from tables; a subclass gives the ``table``, which has a column ``time``."""

    abstract = True
    params = {"bad_rows": "error"}
    bounds = {"bad_rows": BAD_ROWS}
    table: ClassVar[Table]
    reading: ClassVar[Reading] = Reading()

    def how(self) -> tuple[Table, Reading]:
        """What stands where, and how to read it."""
        return of_symbol(self.table, self.p.get("symbol")), replace(self.reading, rows=self.table.rows)

    def _read(self) -> Columns:
        """The columns of all files in time order, rows that stand in two of them once."""
        columns = _merged(self, self._parts())
        if len(columns.keys() - {"symbol"}) < 2:
            wanted = ", ".join(c.name for c in self.how()[0].columns if c.kind in ("number", "amount"))
            raise DataError(f"{self.source}: has no column of a bar but the time (wanted some of: {wanted})")
        self.counts["rows"] = len(columns["time"])
        return columns

    def _parts(self) -> list[DecodedRows]:
        """The rows of all files, in the order of the files."""
        self.files, self.counts = [], Counter(rows=0, quarantined=0, duplicates=0)
        quarantine = self.faults.quarantine(self.p["bad_rows"], self.quarantine)
        self._identity = Identity(type(self).__name__, chooses="symbol" in self.p, gives=self.gives)
        parts: list[DecodedRows] = []
        try:
            for path in self.paths:
                try:
                    read = list(self.rows(path, quarantine))
                except DataError as err:
                    self.faults.damaged(path, err)
                    continue
                for rows in read:
                    self._believe(rows)
                    parts += [rows] if len(rows) else []
        except BaseException:
            quarantine.close(keep=False)
            raise
        quarantine.close()
        self.counts["quarantined"] = quarantine.count
        if not parts:
            raise DataError(f"{self.source}: no bars")
        return parts

    def _believe(self, rows: DecodedRows) -> None:
        """Take in what rows say they are; refused where it contradicts what is known."""
        self._identity.check(rows)

    def rows(self, path: Path, quarantine: Quarantine) -> Iterator[DecodedRows]:
        """The rows of one file; adds it to `files`."""
        source, (table, how) = TableSource(path), self.how()
        yield from read_file(source, table, how, quarantine, self.counts, None, self.unread)
        self.files.append(source.digest())


class TableBars(TableRows):
    """Bars read from tables; a subclass gives the ``table``, which has a column ``time``.

    A bar is known from the end of its interval on, whatever the provider stamps it with: ``label`` says whether
    that is the start or the end.
    """

    abstract = True
    canonical = tuple(BAR_COLUMNS)
    params = {"label": "start", "interval": None, "infer_side": "none"}
    bounds = {"label": LABEL, "interval": INTERVAL, "infer_side": BAR_RULES}
    extra: ClassVar[tuple[str, ...]] = ()
    """Columns beyond the canonical ones."""

    @classmethod
    def extra_columns(cls, params: Mapping[str, Any]) -> tuple[str, ...]:
        """The columns beyond the canonical ones that bars have under ``params``."""
        return cls.extra

    def klines(self) -> Bars:
        """All bars in time order; fills `files`, `counts` and `interval`."""
        columns = self.settle(self._read())
        ends = columns.pop("close_time", None)
        self.interval = self._interval(columns["time"])
        opens, closes = self._spans(columns["time"], ends)
        return self._bars(columns, (opens, closes))

    def _spans(self, label: Integers, ends: Integers | None) -> Spans:
        """Where bars open and close: as told, else on the grid of their stamps, else by a calendar."""
        interval, at_end = int(self.interval or 0), self.p["label"] == "end"
        told = None if ends is None or at_end or not len(label) else told_spans(label, ends)
        if told is not None and (regular(*told) or is_calendar(*told, sessions=True)):
            self.interval, self.assumes_ends = usual(told[1] - told[0]), False
            return told
        self.assumes_ends = True
        steps = np.diff(label)
        if len(steps) and (steps % interval).any():
            spans = month_spans(label, at_end=at_end) or clock_spans(label, interval, at_end=at_end)
            if spans is not None:
                return spans
        _check_grid(self, label, interval)
        opens = label - interval if at_end else label
        return opens, opens + interval

    def settle(self, columns: Columns) -> Columns:
        """What a subclass makes of the columns as read, in time order, before anything else is done."""
        return columns

    def notes(self) -> tuple[str, ...]:
        """What a reader of the result should know."""
        return ()

    def _bars(self, columns: Columns, spans: Spans | None = None) -> Bars:
        """The bars of ``columns``, which open and close as told, or by their stamps alone."""
        label, length = columns.pop("time"), int(self.interval or 0)
        opens = label - length if self.p["label"] == "end" else label
        opens, closes = spans or (opens, opens + length)
        columns["open_time"], columns["close_time"] = opens, closes
        columns = {k: v for k, v in columns.items() if v.dtype.kind in "if"}
        _complete(columns)
        bars = Bars(columns, None, self._kind(opens, closes), self.source, notes=self.notes())
        return by_bulk(settled(bars, may_be_negative=self.negative_prices)) if self.p["infer_side"] == "bulk" else bars

    def _kind(self, opens: Integers, closes: Integers) -> str:
        return interval_text(int(self.interval or 0)) if regular(opens, closes) else name_of(opens, closes)

    def _interval(self, time: NDArray[np.int64]) -> int:
        """As the parameter says, else the most frequent distance between two rows."""
        if self.p["interval"] is not None:
            return parse_interval(self.p["interval"])
        if len(time) < 2:
            raise ParamError(f"{type(self).__name__}: one row does not tell its interval; say it, as in interval: 1h")
        steps, times = np.unique(np.diff(time), return_counts=True)
        return int(steps[np.argmax(times)])


def _merged(feed: TableRows, parts: list[DecodedRows]) -> Columns:
    names = dict.fromkeys(name for part in parts for name in part.columns)
    columns = {name: np.concatenate([_or_nan(part, name) for part in parts]) for name in names}
    if feed.faults.listens:
        _hear_of_disorder(feed, parts)
    order = np.argsort(columns["time"], kind="stable")
    columns = {name: values[order] for name, values in columns.items()}
    places = Places.of(parts).take(order)
    twin = np.diff(columns["time"], prepend=columns["time"][0] - 1) == 0
    keep = ~twin
    keep &= ~without_strays(feed.faults, places, columns["time"], keep)
    feed.places = places.take(keep)
    if not twin.any():
        return columns if keep.all() else {name: values[keep] for name, values in columns.items()}
    differs = np.zeros(len(twin), bool)
    for name, values in columns.items():
        same = (values[1:] == values[:-1]) | ((values[1:] != values[1:]) & (values[:-1] != values[:-1]))
        other = np.flatnonzero(twin[1:] & ~same & ~differs[1:]) + 1
        for i in other.tolist():
            time = int(columns["time"][i])
            text = f": two rows are at {iso(time)} and differ in column {name}; leave one of them out"
            feed.faults.add("kline_conflict", *places.at(i), time, text)
        differs[other] = True
    feed.counts["duplicates"] = int(twin.sum())
    for i in np.flatnonzero(twin & ~differs).tolist() if feed.faults.listens else ():
        feed.faults.mended("kline_duplicate", *places.at(i), int(columns["time"][i]), "the same bar came before")
    return {name: values[keep] for name, values in columns.items()}


def _hear_of_disorder(feed: TableRows, parts: list[DecodedRows]) -> None:
    """Tell an audit of rows that are earlier than the one before them in their file."""
    for before, part in zip([None, *parts[:-1]], parts, strict=True):
        last = part["time"][0] if before is None or before.path != part.path else before["time"][-1]
        for i in np.flatnonzero(np.diff(part["time"], prepend=last) < 0).tolist():
            time = int(part["time"][i])
            says = f"the bar at {iso(time)} is earlier than the one before it"
            feed.faults.mended("kline_disorder", part.path, int(part.line[i]), time, says)


def _or_nan(part: DecodedRows, name: str) -> NDArray[Any]:
    return part.columns[name] if name in part.columns else np.full(len(part), np.nan)


def _check_grid(feed: TableBars, time: Integers, interval: int) -> None:
    """Refuse rows that are not all on one grid."""
    off = np.flatnonzero((np.diff(time) % interval != 0) | (np.diff(time) <= 0)) + 1
    for i in off.tolist():
        grid = f"the grid of {interval_text(interval)} that the rows before it are on"
        text = f": the row at {iso(int(time[i]))} is off {grid}"
        path, row = feed.places.at(i) if feed.places is not None and len(feed.places) == len(time) else (feed.source, 0)
        feed.faults.add("kline_off_grid", path, row, int(time[i]), text)


def _complete(columns: Columns) -> None:
    """Put in what follows from the other columns: the third of volume, bought and sold."""
    for total, buy, sell in _PAIRS:
        have = [name in columns for name in (total, buy, sell)]
        if have == [True, True, False]:
            columns[sell] = columns[total] - columns[buy]
        elif have == [True, False, True]:
            columns[buy] = columns[total] - columns[sell]
        elif have == [False, True, True]:
            columns[total] = columns[buy] + columns[sell]


def number_columns(names: Mapping[str, tuple[str, ...]]) -> tuple[Column, ...]:
    """Columns of numbers that a file may be without, by our name and theirs."""
    return tuple(Column(name, "number", theirs, optional=True) for name, theirs in names.items())


PRICES = number_columns({"open": ("open", "o"), "high": ("high", "h"), "low": ("low", "l"), "close": ("close", "c")})
