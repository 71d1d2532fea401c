"""Tables with a field and a ticker in every column's name, as pandas keeps them in Parquet: those of one ticker."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ...core.errors import DataError
from .sheet import Sheet

_PAIR = re.compile(r"""\(['"](.*?)['"], ['"](.*?)['"]\)""")
_FIELDS = {"open", "high", "low", "close", "volume"}


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
    """
    held = tickers(sheet.names)
    if not held:
        return sheet
    import pyarrow as pa

    wanted = [ticker for ticker in held if ticker in symbols] if symbols else list(held)
    if len(wanted) != 1:
        raise DataError(f"{sheet.path}: holds {', '.join(held[:8])}; one is read at a time, as in symbol: {held[0]}")
    kept = [(at, field) for at, (field, ticker) in enumerate(_pairs(sheet.names)) if ticker in ("", wanted[0])]
    market = pa.array([wanted[0]] * len(sheet), pa.string())
    names = (*(field for _, field in kept), "symbol")
    return replace(sheet, names=names, cells=[*(sheet.cells[at] for at, _ in kept), market])


def _pairs(names: Sequence[str] | None) -> list[tuple[str, str]]:
    """Field and ticker of every column; the name alone where it is no pair."""
    hits = [(name, _PAIR.fullmatch(name)) for name in names or ()]
    first = {hit[1].lower() for _, hit in hits if hit}
    swapped = bool(first) and not first & _FIELDS
    return [(name, "") if not hit else (hit[2], hit[1]) if swapped else (hit[1], hit[2]) for name, hit in hits]
