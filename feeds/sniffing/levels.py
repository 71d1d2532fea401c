"""Headers of two levels, as yfinance and pandas write them: a field and a ticker over every column."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass

from .words import plain

_FIELDS = {"open": "open", "high": "high", "low": "low", "close": "close", "volume": "volume"}
_OTHERS = {"adjclose", "dividends", "stocksplits", "capitalgains"}
_INDEX = {"date", "datetime", "time", "timestamp", ""}
_CORNERS = {*_INDEX, "price", "ticker", "tickers", "symbol", "symbols", "attributes"}


@dataclass(frozen=True)
class Levels:
    """A header of several lines.

    Parameters
    ----------
    lines : int
        How many there are.
    names : tuple of str
        Of every column: its field and its ticker.
    roles : dict of str to int
        Where the columns of the first ticker stand.
    tickers : tuple of str
        All of them, in the file's order.
    """

    lines: int
    names: tuple[str, ...]
    roles: dict[str, int]
    tickers: tuple[str, ...]


def levels(lines: Sequence[str], delimiter: str) -> Levels | None:
    """The header of a table that has a field and a ticker over every column; None where it has not.

    Examples
    --------
    >>> made = levels([",A,A,B,B", ",Open,Close,Open,Close", "Date,,,,", "2024-01-02,1,2,3,4"], ",")
    >>> made.lines, made.roles, made.tickers
    (3, {'open': 1, 'close': 2}, ('A', 'B'))
    """
    rows = [[cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])] for line in lines[:3]]
    if len(rows) < 3 or len({len(row) for row in rows}) > 1 or len(rows[0]) < 3:
        return None
    if any(row[0].lower() not in _CORNERS for row in rows[:2]):
        return None
    fields, tickers = (rows[0], rows[1]) if _are_fields(rows[0]) else (rows[1], rows[0])
    if not _are_fields(fields) or _are_fields(tickers) or not all(tickers[1:]):
        return None
    if fields is rows[0] and plain(rows[0][0]) == "price" and len(set(tickers[1:])) == 1:
        return None  # which every reader of tables passes over by itself
    first = tickers[1]
    roles = {
        _FIELDS[plain(field)]: at
        for at, (field, ticker) in enumerate(zip(fields, tickers, strict=True))
        if at and ticker == first and plain(field) in _FIELDS
    }
    named = rows[2][0].lower() in _INDEX and not any(rows[2][1:])
    names = tuple(f"{field} {ticker}".strip() for field, ticker in zip(fields, tickers, strict=True))
    return Levels(3 if named else 2, names, roles, tuple(dict.fromkeys(tickers[1:])))


def _are_fields(cells: Sequence[str]) -> bool:
    """Whether all but the first cell are names of prices, volume and what comes with them."""
    found = [plain(cell) for cell in cells[1:]]
    return "close" in found and all(name in _FIELDS or name in _OTHERS for name in found)
