"""Tables whose columns a user names: what is looked for, under which names, and how it is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...core.clock import parse_zone
from ...core.errors import ParamError
from ...core.params import Bound, Choice, Rule, Text
from ..table_reader.local_times import AMBIGUOUS
from ..table_reader.sheet import Reading
from ..table_reader.stamps import TIME_UNITS, UNITS, Spelling
from ..table_reader.table_params import by_cells, mapped, parts_of_time
from ..table_reader.tables import Column, Table
from ..table_reader.time_formats import parse_format
from .table_bars import NUMBERS
from .usual_names import BUYER_MAKER, SIDE, SYMBOL, TRADE_ID

PRICES = ("price", "open", "high", "low", "close")
"""Columns that ``price_divisor`` is for."""
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
TRADE_COLUMNS = (
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
BAR_COLUMNS = (
    Column("time", "time", _TIMES),
    Column("close_time", "time", optional=True),
    *(Column(n, "number", (n, n[0]) if n in ("open", "high", "low", "close") else (n,), True) for n in NUMBERS),
    _SYMBOL,
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
    return BAR_COLUMNS if bars else TRADE_COLUMNS


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
        joined=parts_of_time(there(params["columns"])),
        decimal=params.get("decimal", "."),
        thousands=_one_character(params["thousands"]) if params.get("thousands") else "",
    )


def clash(params: Mapping[str, Any]) -> str:
    """What is wrong with how times and numbers are said to be written."""
    if params["time_format"] and params["time_unit"] != "auto":
        return f"time_format says how stamps are written; leave time_unit: {params['time_unit']} out"
    if params["timezone"] and params["time_unit"] in UNITS:
        return f"timezone is for what clocks of a place show; time_unit: {params['time_unit']} counts since 1970 in UTC"
    if params.get("thousands") and _one_character(params["thousands"]) == params["decimal"]:
        return f"thousands and decimal are both {params['decimal']!r}"
    return ""


def there(columns: Mapping[str, Any]) -> dict[str, Any]:
    """A user's map without the columns that it says are none."""
    return {name: cell for name, cell in columns.items() if cell is not None}


def _not_none(columns: tuple[Column, ...], given: Mapping[str, Any]) -> tuple[Column, ...]:
    """``columns`` without those that a user's map says are none."""
    return tuple(c for c in columns if c.name not in given or given[c.name] is not None)


def wanted(
    columns: tuple[Column, ...], given: Mapping[str, Any]
) -> tuple[tuple[Column, ...], tuple[tuple[str, ...], ...]]:
    """The columns to look for by a user's map, and the names of cells where it counts them; else empty."""
    said = there(given)
    cells = by_cells(said)
    made = mapped(_not_none(columns, given), said)
    return (tuple(c for c in made if c.name in said or not c.optional) if cells else made), cells


def counted(columns: tuple[Column, ...], given: Mapping[str, Any]) -> str:
    """What is wrong with a map that counts cells, or that says of a column that it is none."""
    needed = [c.name for c in columns if not c.optional and c.name in given and given[c.name] is None]
    if needed:
        return f"columns: {needed[0]} cannot be null"
    try:
        by_cells(there(given))
    except ParamError as err:
        return str(err)
    return ""
