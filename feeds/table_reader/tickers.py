"""Tables with a field and a ticker over every column, as pandas and yfinance write them: the columns of one ticker."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...core.errors import DataError
from .sheet import Sheet

_PAIR = re.compile(r"""\(['"](.*?)['"], ['"](.*?)['"]\)""")
_FIELDS = {"open", "high", "low", "close", "volume"}
_BESIDE = {"adjclose", "dividends", "stocksplits", "capitalgains"}
_INDEX = {"date", "datetime", "time", "timestamp", ""}
_CORNERS = {*_INDEX, "price", "ticker", "tickers", "symbol", "symbols", "attributes"}


@dataclass(frozen=True)
class Paired:
    """A header of a text that takes several lines.

    Parameters
    ----------
    lines : int
        How many.
    names : tuple of str
        Of every column, field and ticker as pandas names them in Parquet.
    """

    lines: int
    names: tuple[str, ...]


def paired(rows: Sequence[Sequence[str]]) -> Paired | None:
    """The header of a text with a field and a ticker over every column, by its first three lines; else None.

    One of a single ticker below the word Price is passed over by every reader of tables, and is none.

    Examples
    --------
    >>> made = paired([["", "A", "B"], ["", "Close", "Close"], ["Date", "", ""]])
    >>> made.lines, made.names
    (3, ('Date', "('Close', 'A')", "('Close', 'B')"))
    """
    if len(rows) < 3 or len({len(row) for row in rows}) > 1 or len(rows[0]) < 3:
        return None
    if any(row[0].lower() not in _CORNERS for row in rows[:2]):
        return None
    fields, markets = (rows[0], rows[1]) if _are_fields(rows[0]) else (rows[1], rows[0])
    if not _are_fields(fields) or _are_fields(markets) or not all(markets[1:]):
        return None
    if fields is rows[0] and rows[0][0].lower() == "price" and len(set(markets[1:])) == 1:
        return None
    named = rows[2][0].lower() in _INDEX and not any(rows[2][1:])
    pairs = (str(pair) for pair in zip(fields[1:], markets[1:], strict=True))
    return Paired(3 if named else 2, (rows[2][0] if named else "", *pairs))


def _are_fields(cells: Sequence[str]) -> bool:
    """Whether all but the first cell are names of prices, volume and what comes with them."""
    found = [re.sub(r"[^a-z]", "", cell.lower()) for cell in cells[1:]]
    return "close" in found and all(name in _FIELDS or name in _BESIDE for name in found)


def tickers(names: Sequence[str] | None) -> tuple[str, ...]:
    """The tickers in names such as ``('Open', 'AAPL')``, in either order; empty where there are none.

    >>> tickers(["Date", "('Open', 'AAPL')", "('Open', 'MSFT')"]), tickers(["open"]), tickers(None)
    (('AAPL', 'MSFT'), (), ())
    """
    pairs = _pairs(names)
    return tuple(dict.fromkeys(ticker for _, ticker in pairs if ticker))


def of_ticker(sheet: Sheet, symbols: Sequence[str]) -> Sheet:
    """The columns of one ticker under the names of their fields, and its name as a column ``symbol``.

    Parameters
    ----------
    sheet : Sheet
        Of any table; one whose columns have no tickers stays as it is.
    symbols : sequence of str
        Names of the one wanted; empty where the table has but one.

    Raises
    ------
    DataError
        If there are several and none is wanted, or one that is not there.

    Notes
    -----
    Rows in which it has nothing, as days on which only others traded, are left out.
    """
    held = tickers(sheet.names)
    if not held:
        return sheet
    import pyarrow as pa

    wanted = [ticker for ticker in held if ticker in symbols] if symbols else list(held)
    if len(wanted) != 1:
        raise DataError(f"{sheet.path}: holds {', '.join(held[:8])}; one is read at a time, as in symbol: {held[0]}")
    sheet = _of_its_days(sheet, [at for at, (_, ticker) in enumerate(_pairs(sheet.names)) if ticker == wanted[0]])
    kept = [(at, field) for at, (field, ticker) in enumerate(_pairs(sheet.names)) if ticker in ("", wanted[0])]
    market = pa.array([wanted[0]] * len(sheet), pa.string())
    names = (*(field for _, field in kept), "symbol")
    return replace(sheet, names=names, cells=[*(sheet.cells[at] for at, _ in kept), market])


def _of_its_days(sheet: Sheet, places: list[int]) -> Sheet:
    """The rows in which one of the columns holds something: days on which only others traded are none of this one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    held = np.zeros(len(sheet), bool)
    for at in places:
        cells = sheet.cells[at]
        void = pc.is_null(cells, nan_is_null=True)
        if pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type):
            void = pc.or_(void, pc.equal(cells, ""))
        held |= ~np.asarray(void.fill_null(True))
    return sheet if held.all() else sheet.take(np.flatnonzero(held))


def _pairs(names: Sequence[str] | None) -> list[tuple[str, str]]:
    """Field and ticker of every column; the name alone where it is no pair."""
    hits = [(name, _PAIR.fullmatch(name)) for name in names or ()]
    first = {hit[1].lower() for _, hit in hits if hit}
    swapped = bool(first) and not first & _FIELDS
    return [(name, "") if not hit else (hit[2], hit[1]) if swapped else (hit[1], hit[2]) for name, hit in hits]
