"""Files of one's own: trades and bars from any table whose columns are said by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.clock import MINUTE, parse_zone
from ..core.errors import ParamError
from ..core.params import Bound, Choice, Rule, Text
from ..core.tape import Tape
from .csv_reader.decode import DecodedRows, Quarantine
from .csv_reader.files import FileReader
from .framework.table_bars import NUMBERS, TableBars
from .framework.table_tape import SYMBOL as CHOSEN
from .framework.table_tape import ContractTape
from .framework.usual_names import BUYER_MAKER, SIDE, SYMBOL, TRADE_ID
from .table_reader.convert import NO_SIDE, SIDES
from .table_reader.local_times import AMBIGUOUS
from .table_reader.sheet import Reading
from .table_reader.stamps import TIME_UNITS, UNITS, Spelling
from .table_reader.table_params import ColumnMap, WordLists, by_cells, mapped, parts_of_time, side_words
from .table_reader.tables import Column, Table, of_symbol
from .table_reader.time_formats import parse_format
from .table_reader.told_sides import by_quotes

_QUARTER = 15 * MINUTE
PRICES = ("price", "open", "high", "low", "close")
"""Columns that ``price_divisor`` is for."""
_WORDS = {**SIDES, "1": 1, "+1": 1, "1.0": 1, "-1": -1, "-1.0": -1}
_MAKER_BOUGHT = {"true": -1, "t": -1, "1": -1, "false": 1, "f": 1, "0": 1}
_TIMES: tuple[str, ...] = (
    "time",
    "timestamp",
    "ts",
    "datetime",
    "date",
    "open_time",
    "open time",
    "date_time",
    "gmt time",
    "ts_event",
)
_TIMES += ("index", "unnamed: 0", "__index_level_0__", "")
"""What stamps are called, the likeliest first; an index that was written without a name comes last."""
_SYMBOL = Column("symbol", "text", SYMBOL, optional=True)
_TAPE = (
    Column("time", "time", _TIMES),
    Column("price", "amount", ("price", "px")),
    Column("quantity", "amount", ("quantity", "qty", "size", "sz", "amount", "volume")),
    Column("side", "side", SIDE, optional=True),
    Column("is_buyer_maker", "side", BUYER_MAKER, optional=True, words=_MAKER_BOUGHT),
    Column("trade_id", "integer", TRADE_ID, optional=True),
    Column("taker_buy_volume", "number", optional=True),
    Column("taker_sell_volume", "number", optional=True),
    Column("bid", "number", optional=True),
    Column("ask", "number", optional=True),
    _SYMBOL,
)
_BOTH = ("taker_buy_volume", "taker_sell_volume")
"""Of a trade one is its quantity and the other 0, which tells its side."""
_QUOTES = ("bid", "ask")
_TELL = {"side", "is_buyer_maker"}
_PAIRS = (_BOTH, _QUOTES)
"""Columns that tell sides together."""
_BARS = (
    Column("time", "time", _TIMES),
    Column("close_time", "time", optional=True),
    *(Column(n, "number", (n, n[0]) if n in ("open", "high", "low", "close") else (n,), True) for n in NUMBERS),
    _SYMBOL,
)

_ASKS = (
    "say it, as in sides: {buy: [WORD], sell: [WORD]}, and side_of: maker where the maker's is told, or "
    "columns: {side: null} where it is no side"
)


def _one_character(text: str) -> str:
    """One character, or its name.

    >>> _one_character("tab"), _one_character(";")
    ('\\t', ';')
    """
    named = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "blank": " ", "space": " "}
    made = named.get(text, text)
    if len(made) != 1 or made in '"\n\r':
        raise ValueError
    return made


TIME_PARAMS: dict[str, Any] = {"time_unit": "auto", "time_format": None, "timezone": None, "ambiguous": "infer"}


def columns_of(bars: bool) -> tuple[Column, ...]:
    """The columns of bars or of trades under the names that are looked for."""
    return _BARS if bars else _TAPE


DIVISOR = Bound(0, open_low=True)
TIME_BOUNDS: dict[str, Rule] = {
    "time_unit": Choice(*TIME_UNITS),
    "time_format": Text(parse_format, "a format of strptime, as in '%d.%m.%Y %H:%M'", optional=True),
    "timezone": Text(parse_zone, "an IANA time zone, as in America/New_York", optional=True),
    "ambiguous": Choice(*AMBIGUOUS),
}
"""How time stamps are written."""
FILE_PARAMS: dict[str, Any] = {
    "delimiter": ",",
    "header": "auto",
    "skip": 0,
    "comment": "#",
    "decimal": ".",
    "thousands": None,
}
FILE_BOUNDS: dict[str, Rule] = {
    "delimiter": Text(_one_character, "one character, or tab"),
    "header": Choice("auto", "yes", "no"),
    "skip": Bound(0, integer=True),
    "comment": Text(str, "what lines that are no rows begin with, as in '#'", optional=True),
    "decimal": Choice(".", ","),
    "thousands": Text(_one_character, "one character, as in ','", optional=True),
}


def reading(params: Mapping[str, Any]) -> Reading:
    """How the parameters say to read files."""
    delimiter, header = _one_character(params.get("delimiter", ",")), params.get("header", "auto")
    return Reading(delimiter, header, "", int(params.get("skip", 0)), params.get("comment") or "")


def described(table: Table, params: Mapping[str, Any], *, strictly: bool) -> Table:
    """``table`` with what the parameters say of its times and numbers."""
    spelling = Spelling(
        params["time_unit"],
        params["time_format"] or "",
        params["timezone"] or "",
        params["ambiguous"],
        strictly=strictly,
        chosen=True,
    )
    divisor = float(params["price_divisor"])
    columns = tuple(replace(c, divisor=divisor) if c.name in PRICES else c for c in table.columns)
    return replace(
        table,
        columns=columns,
        spelling=spelling,
        joined=parts_of_time(_there(params["columns"])),
        decimal=params.get("decimal", "."),
        thousands=_one_character(params["thousands"]) if params.get("thousands") else "",
    )


def _clash(params: Mapping[str, Any]) -> str:
    """What is wrong with how times and numbers are said to be written."""
    if params["time_format"] and params["time_unit"] != "auto":
        return f"time_format says how stamps are written; leave time_unit: {params['time_unit']} out"
    if params["timezone"] and params["time_unit"] in UNITS:
        return f"timezone is for what clocks of a place show; time_unit: {params['time_unit']} counts since 1970 in UTC"
    if params.get("thousands") and _one_character(params["thousands"]) == params["decimal"]:
        return f"thousands and decimal are both {params['decimal']!r}"
    return ""


def _there(columns: Mapping[str, Any]) -> dict[str, Any]:
    """A user's map without the columns that it says are none."""
    return {name: cell for name, cell in columns.items() if cell is not None}


def _not_none(columns: tuple[Column, ...], given: Mapping[str, Any]) -> tuple[Column, ...]:
    """``columns`` without those that a user's map says are none."""
    return tuple(c for c in columns if c.name not in given or given[c.name] is not None)


def _wanted(
    columns: tuple[Column, ...], given: Mapping[str, Any]
) -> tuple[tuple[Column, ...], tuple[tuple[str, ...], ...]]:
    """The columns to look for by a user's map, and the names of cells where it counts them; else empty."""
    there = _there(given)
    cells = by_cells(there)
    made = mapped(_not_none(columns, given), there)
    return (tuple(c for c in made if c.name in there or not c.optional) if cells else made), cells


def _counted(columns: tuple[Column, ...], given: Mapping[str, Any]) -> str:
    """What is wrong with a map that counts cells, or that says of a column that it is none."""
    needed = [c.name for c in columns if not c.optional and c.name in given and given[c.name] is None]
    if needed:
        return f"columns: {needed[0]} cannot be null"
    try:
        by_cells(_there(given))
    except ParamError as err:
        return str(err)
    return ""


class MappedTape(ContractTape):
    """A tape from a table whose columns the user names."""

    abstract = True
    params = {"columns": {}, **TIME_PARAMS, "price_divisor": 1.0, "sides": {}, "side_of": "taker"}
    bounds = {
        "columns": ColumnMap(tuple(c.name for c in _TAPE)),
        **TIME_BOUNDS,
        "price_divisor": DIVISOR,
        "sides": WordLists(),
        "side_of": Choice("taker", "maker"),
    }

    def __init__(self, paths: str | Path | Sequence[str | Path] = (), **params: Any) -> None:
        super().__init__(paths, **params)
        self._timed = self._alike = self._told = False
        self._between = [0, 0]
        """Of trades whose sides a bid and an ask tell: how many lie between the two, and how many there are."""

    @classmethod
    def complaint(cls, params: Mapping[str, Any], paths: Sequence[Path] = ()) -> str:
        """What is wrong that no data need be read for; empty where nothing is."""
        given: dict[Any, str] = {}
        for name, cell in _there(params["columns"]).items():
            cell = tuple(cell) if isinstance(cell, list) else cell
            if (other := given.setdefault(cell, name)) != name:
                return f"columns: {other} and {name} are both {cell!r}"
        if params["sides"] and not {"buy", "sell"} <= params["sides"].keys():
            return "sides: needs words for both buy and sell, as in {buy: [B], sell: [S]}"
        there = _there(params["columns"])
        also: list[str] = [name for name in ("side", "is_buyer_maker") if name in there]
        for pair in _PAIRS:
            if told := [name for name in pair if name in there]:
                if len(told) == 1:
                    return f"columns: {told[0]} tells sides only beside {pair[1 - pair.index(told[0])]}"
                if also:
                    return f"columns: {also[0]} and {told[0]} both tell the side; name one"
                also = told
        return _clash(params) or _counted(_TAPE, params["columns"]) or super().complaint(params, paths)

    def how(self) -> tuple[Table, Reading]:
        """What stands where, and how to read it."""
        if wrong := self.complaint(self.p):
            raise ParamError(wrong)
        words = side_words(self.p["sides"]) or _WORDS
        if self.p["side_of"] == "maker":
            words = {word: -sign for word, sign in words.items()}
        summed = set(_BOTH) <= _there(self.p["columns"]).keys()
        known = tuple(replace(c, optional=True) if summed and c.name == "quantity" else c for c in _TAPE)
        columns, cells = _wanted(known, self.p["columns"])
        table = Table(columns, cells, words=words, counted=bool(cells), asks=_ASKS, guesses=not self.p["sides"])
        return of_symbol(described(table, self.p, strictly=False), self.p["symbol"]), reading(self.p)

    def remarks(self) -> tuple[str, ...]:
        """What was taken from files or assumed, in words."""
        return (*super().remarks(), *filter(None, [self._undated(), self._unsided(), self._by_quotes()]))

    def _decoded(self, source: FileReader, quarantine: Quarantine) -> Iterator[tuple[DecodedRows, NDArray[np.int64]]]:
        """Rows of one file and their times; without a quantity, that is the volume of both sides."""
        for rows, time in super()._decoded(source, quarantine):
            if "quantity" not in rows.columns:
                both = rows["taker_buy_volume"] + rows["taker_sell_volume"]
                rows = replace(rows, columns={**rows.columns, "quantity": both})
            yield rows, time

    def _tapes_between(self, start: int | None, end: int | None) -> Iterator[Tape]:
        self._between = [0, 0]
        return super()._tapes_between(start, end)

    def _believe(self, rows: DecodedRows) -> None:
        """Take in what rows say they are, and whether their stamps are more than dates."""
        super()._believe(rows)
        self._timed |= bool((rows["time"] % _QUARTER).any())
        self._alike |= bool((np.diff(rows["time"]) == 0).any())
        self._told |= bool(self._pair(rows))

    def _pair(self, rows: DecodedRows) -> tuple[str, ...]:
        """The two columns that tell sides together: where a user names them, or nothing else does; else empty."""
        there = [pair for pair in _PAIRS if set(pair) <= rows.columns.keys()]
        named = [pair for pair in there if set(pair) & self.p["columns"].keys()]
        return next(iter(named or ([] if _TELL & rows.columns.keys() else there)), ())

    def _by_quotes(self) -> str:
        """What to say of sides that a bid and an ask told."""
        between, there = self._between
        if not there:
            return ""
        rest = f"; {between} of {there} lie between them and have none" if between else ""
        return f"sides: told by the bid and the ask beside each trade, at the ask a buy and at the bid a sell{rest}"

    def _undated(self) -> str:
        """What to say of trades that are stamped with dates alone; zones may move these by quarters of an hour."""
        if self._timed or not self._alike:
            return ""
        unread = f" (not read: {', '.join(list(self.unread)[:8])})" if self.unread else ""
        return (
            f"times: trades bear no time of day, only dates or hours{unread}; where it is in another column, "
            "columns: {time: [DATE, TIME]} reads both"
        )

    def _unsided(self) -> str:
        """What to say of a tape that tells no sides."""
        told = {word for words in self._words.values() for word in words} - set(NO_SIDE)
        if told or self._told or self.p["infer_side"] != "none" or not self.files:
            return ""
        why = f"column {next(iter(self._words))} holds none" if self._words else "no column of a name that is known"
        unread = f" (not read: {', '.join(list(self.unread)[:8])})" if self.unread and not self._words else ""
        return (
            f"sides: nobody tells who took liquidity, {why}{unread}; say columns: {{side: NAME}}, or guess by "
            "infer_side: tick"
        )

    def tape(self, rows: DecodedRows, time: NDArray[np.int64], ids: NDArray[np.int64]) -> Tape:
        """Rows of one file as a tape; where there is no side, volumes by side or who made the market tell it."""
        made = super().tape(rows, time, ids)
        if pair := self._pair(rows):
            one, other = (rows[name] for name in pair)
            if pair == _BOTH:
                return replace(made, side=np.sign(one - other).astype(np.int8))
            side = by_quotes(rows["price"], one, other)
            self._between[0] += int((side == 0).sum())
            self._between[1] += len(side)
            return replace(made, side=side)
        if "side" in rows.columns or "is_buyer_maker" not in rows.columns:
            return made
        return replace(made, side=rows["is_buyer_maker"].astype(np.int8))


class CsvTape(MappedTape):
    """Trades from any CSV, parquet, feather, JSON or JSON-lines file, its columns named in ``columns``.

    Parameters
    ----------
    paths : path or sequence of paths
        Files, in any order; patterns are expanded.
    columns : dict, default={}
        What the file calls ``time``, ``price``, ``quantity``, ``side``, ``is_buyer_maker``, ``trade_id`` and
        ``symbol``; or ``taker_buy_volume`` and ``taker_sell_volume``, of which one is 0 and the other tells the
        side; or ``bid`` and ``ask`` beside each trade, which tell it too: at the ask or above a buy, at the bid or
        below a sell, between them none, unless ``infer_side`` guesses it; or the numbers of their cells, counted
        from 1, or null for none, as of an ``id`` that is no trade's. What is left out is looked for under its usual
        names.
    time_unit : {"auto", "s", "ms", "us", "ns", "iso", "excel", "ms_of_day"}, default="auto"
        Unit of the time stamps, which may have a fraction; ``auto`` goes by their magnitude, and takes text for ISO
        8601, or for another spelling that has year, month and day in this order. ``excel`` are the days of a
        spreadsheet, ``ms_of_day`` milliseconds since midnight of the day in the file's name.
    time_format : str or None, default=None
        How stamps are written, in the words of ``strptime``, as in ``%d.%m.%Y %H:%M``; without a date in it, the day
        is the one in the file's name.
    timezone : str or None, default=None
        The place whose clocks show stamps that have no zone of their own; None for UTC.
    ambiguous : {"infer", "earlier", "later"}, default="infer"
        Which of the two times a stamp is that clocks show twice when they are set back: told by the order of rows,
        the first time until the file steps back (a file that does not step back once is refused); or always the
        first, or the second. A time that clocks skip is a row that cannot be read.
    price_divisor : float, default=1.0
        What prices are divided by: 10000 for files that have them in hundredths of a cent.
    sides : dict, default={}
        Words for the sides, as in ``{buy: [B], sell: [S], none: [N]}``; left out: buy, b, 1, sell, s and −1.
    side_of : {"taker", "maker"}, default="taker"
        Whose side the file tells.
    delimiter : str, default=","
        Between the cells of a line: one character, or ``tab``. A line ``sep=;`` before the table says it too.
    header : {"auto", "yes", "no"}, default="auto"
        Whether the first line names the columns; ``auto`` takes it for a header unless it begins with a digit.
        Types below the names, and further lines of a header as pandas writes them, are passed over.
    skip : int, default=0
        Lines before the table.
    comment : str or None, default="#"
        What lines begin with that are no rows; the last of them names the columns where it has as many cells as the
        rows, which have no other header.
    decimal : {".", ","}, default="."
        What stands before the fraction of a number.
    thousands : str or None, default=None
        What stands between the thousands of a number.
    contracts : {"none", "linear", "inverse", "auto"}, default="auto"
        What quantities count: base currency, or contracts.
    contract_size : float or None, default=None
        Base currency (linear) or quote currency (inverse) in one contract; refused with ``none``.
    infer_side : {"none", "tick", "bulk"}, default="none"
        What to do about rows without a side: nothing, the tick rule, or bulk classification of the bars' volume.
    symbol : str or None, default=None
        The market wanted of files that hold several.
    bad_rows : {"error", "quarantine"}, default="error"
        What to do with lines that cannot be read.

    Raises
    ------
    DataError
        For a file that cannot be read, with its row, column and value.
    ParamError
        For a parameter out of bounds.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "mine.csv"
    >>> _ = file.write_text("ts;px;qty;agg\\n2024-01-01 00:00:00;10.5;2;S\\n2024-01-01 00:00:01;10.6;1;B\\n")
    >>> names = {"time": "ts", "price": "px", "quantity": "qty", "side": "agg"}
    >>> (tape,) = CsvTape(file, columns=names, delimiter=";").tapes()
    >>> tape.side.tolist(), tape.price.tolist()
    ([-1, 1], [10.5, 10.6])
    """

    params = FILE_PARAMS
    bounds = FILE_BOUNDS


class MappedBars(TableBars):
    """Bars from a table whose columns the user names."""

    abstract = True
    may_have_classes = True
    params = {"columns": {}, **TIME_PARAMS, "price_divisor": 1.0, "symbol": None}
    bounds = {"columns": ColumnMap(), **TIME_BOUNDS, "price_divisor": DIVISOR, "symbol": CHOSEN}

    @classmethod
    def complaint(cls, params: Mapping[str, Any], paths: Sequence[Path] = ()) -> str:
        """What is wrong that no data need be read for; empty where nothing is."""
        own = {c.name for c in _BARS}
        for name in params["columns"]:
            if name not in own and (not name.isidentifier() or name in ("open_time", "close_time", "quality")):
                return f"{cls.__name__}: columns: '{name}' cannot be a column; stamps are called time"
        return _clash(params) or _counted(_BARS, params["columns"]) or super().complaint(params, paths)

    @classmethod
    def extra_columns(cls, params: Mapping[str, Any]) -> tuple[str, ...]:
        """The columns beyond the canonical ones that bars have under ``params``."""
        own = {c.name for c in _BARS}
        return tuple(name for name in _there(params.get("columns", {})) if name not in own)

    def how(self) -> tuple[Table, Reading]:
        """What stands where, and how to read it."""
        if wrong := self.complaint(self.p):
            raise ParamError(wrong)
        extra = tuple(Column(name, "number", ()) for name in self.extra_columns(self.p))
        columns, cells = _wanted((*_BARS, *extra), self.p["columns"])
        table = Table(columns, cells, counted=bool(cells), classes=True)
        return of_symbol(described(table, self.p, strictly=True), self.p["symbol"]), reading(self.p)


class CsvBars(MappedBars):
    """Bars from any CSV, parquet, feather, JSON or JSON-lines file, its columns named in ``columns``.

    Parameters
    ----------
    paths : path or sequence of paths
        Files; patterns are expanded. Rows that two files share must be the same in both.
    columns : dict, default={}
        What the file calls ``time`` and the canonical columns; or the numbers of their cells, counted from 1. What is
        left out is looked for under its own name, columns of classes of trade size among it. Any other name makes an
        extra column.
    time_unit : {"auto", "s", "ms", "us", "ns", "iso", "excel", "ms_of_day"}, default="auto"
        Unit of the time stamps, which may have a fraction; ``auto`` goes by their magnitude, and takes text for ISO
        8601, or for another spelling that has year, month and day in this order. ``excel`` are the days of a
        spreadsheet, ``ms_of_day`` milliseconds since midnight of the day in the file's name.
    time_format : str or None, default=None
        How stamps are written, in the words of ``strptime``, as in ``%d.%m.%Y %H:%M``; without a date in it, the day
        is the one in the file's name.
    timezone : str or None, default=None
        The place whose clocks show stamps that have no zone of their own; None for UTC.
    ambiguous : {"infer", "earlier", "later"}, default="infer"
        Which of the two times a stamp is that clocks show twice when they are set back: told by the order of rows,
        the first time until the file steps back (a file that does not step back once is refused); or always the
        first, or the second. A time that clocks skip is a row that cannot be read.
    price_divisor : float, default=1.0
        What prices are divided by: 10000 for files that have them in hundredths of a cent.
    label : {"start", "end"}, default="start"
        Whether rows are stamped with the start or the end of their interval.
    interval : str or None, default=None
        Length of a bar; None takes the most frequent distance between two rows.
    delimiter : str, default=","
        Between the cells of a line: one character, or ``tab``. A line ``sep=;`` before the table says it too.
    header : {"auto", "yes", "no"}, default="auto"
        Whether the first line names the columns; ``auto`` takes it for a header unless it begins with a digit.
        Types below the names, and further lines of a header as pandas writes them, are passed over.
    skip : int, default=0
        Lines before the table.
    comment : str or None, default="#"
        What lines begin with that are no rows; the last of them names the columns where it has as many cells as the
        rows, which have no other header.
    decimal : {".", ","}, default="."
        What stands before the fraction of a number.
    thousands : str or None, default=None
        What stands between the thousands of a number.
    infer_side : {"none", "bulk"}, default="none"
        ``bulk`` estimates taker volume from price moves where the file has none.
    symbol : str or None, default=None
        The market wanted of files that hold several.
    bad_rows : {"error", "quarantine"}, default="error"
        What to do with lines that cannot be read.

    Raises
    ------
    DataError
        For a file that cannot be read, with its row, column and value; for rows off the grid.
    ParamError
        For a parameter out of bounds.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "mine.csv"
    >>> lines = ["date,open,high,low,close,volume,fund", "2024-01-01,1,3,1,2,9,0.1", "2024-01-02,2,2,2,2,0,0.2"]
    >>> _ = file.write_text("\\n".join(lines))
    >>> bars = CsvBars(file, columns={"funding": "fund"}).bars()
    >>> bars.spec, bars["close"].tolist(), bars["funding"].tolist(), bars["quality"].tolist()
    ('1d', [2.0, 2.0], [0.1, 0.2], [0, 2])
    """

    params = FILE_PARAMS
    bounds = FILE_BOUNDS
