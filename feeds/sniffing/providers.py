"""Files that a provider names in a way of its own, and the feed that reads them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...core.clock import iso
from ...core.errors import DataError, TapeflowError
from ...core.plugins.registry import FEEDS
from ..table_reader.dbn import DBN_TRADES
from ..table_reader.sheet import Sheet
from .words import METRICS, PROVIDERS

_DAY = r"\d{4}-\d{2}(-\d{2})?"
_END = r"(\.csv)?(\.gz|\.zip)?"
_NAMES = {
    "BinanceAggTrades": rf"(\w+_)?[A-Z0-9_]+-aggTrades-{_DAY}{_END}",
    "BinanceTrades": rf"(\w+_)?[A-Z0-9_]+-trades-{_DAY}{_END}",
    "BinanceKlines": rf"(\w+_)?[A-Z0-9_]+-\d+(s|m|h|d|w|mo)-{_DAY}{_END}",
    "BinanceFunding": rf"[A-Z0-9_]+-fundingRate-{_DAY}{_END}",
    "BinanceMetrics": rf"[A-Z0-9_]+-metrics-{_DAY}{_END}",
    "BinanceLiquidations": rf"[A-Z0-9_]+-liquidationSnapshot-{_DAY}{_END}",
    "BybitTrades": rf"[A-Z0-9]+{_DAY}\.csv(\.gz)?",
    "OKXTrades": rf"[A-Z0-9]+(-[A-Z0-9]+)+-trades-{_DAY}{_END}",
    "TardisTrades": rf"[a-z0-9-]+_trades_{_DAY}_\S+\.csv(\.gz)?",
    "KrakenTrades": r"(XBT|XXBT|ETH|XETH|SOL|ADA|DOT|XRP|LTC|DOGE|XDG)[A-Z]{3,5}\.csv",
    "GateTrades": rf"[A-Z0-9]+_[A-Z0-9]+-\d{{6}}(\d{{2}})?{_END}",
    "KrakenOHLC": r"(XBT|XXBT|ETH|XETH|SOL|ADA|DOT|XRP|LTC|DOGE|XDG)[A-Z]{3,5}_\d+\.csv",
    "FreqtradeBars": r"[A-Z0-9]+(_[A-Z0-9]+){1,2}-\d+[mhdwM](-(spot|futures|mark))?\.(json|feather|parquet)(\.gz)?",
}
"""By the feed: what its provider, or the program that keeps them, calls files."""


def by_name(path: Path) -> str:
    """The feed of the provider that names files as this one is named; empty for none.

    >>> by_name(Path("BTCUSDT-aggTrades-2024-01-02.zip")), by_name(Path("mine.csv"))
    ('BinanceAggTrades', '')
    """
    return next((feed for feed, name in _NAMES.items() if re.fullmatch(name, path.name)), "")


def by_shape(sheet: Sheet) -> str:
    """The feed of the provider whose rows are of this shape, where a general feed reads them only in part; else empty.

    Lists of Kraken's and Bitfinex's trades have no names, Hyperliquid calls sellers A, Databento's files may hold
    more than trades, and open interest, funding rates and liquidations are no bars.
    """
    if sheet.names is None:
        return {4: "BitfinexTrades", 7: "KrakenTrades"}.get(len(sheet.cells), "")
    names = set(sheet.names)
    if sheet.names[:-1] == DBN_TRADES:
        return "DatabentoTrades"
    if PROVIDERS["HyperliquidTrades"] <= names:
        return "HyperliquidTrades"
    if metrics := next((feed for feed, kinds in METRICS.items() if any(own <= names for own in kinds)), ""):
        return metrics
    if PROVIDERS["DatabentoTrades"] <= names:
        actions = set(map(str, sheet.cells[sheet.names.index("action")].to_pylist()))
        return "DatabentoTrades" if actions - {"T"} else ""
    return ""


def refuse_metrics(path: Path, feed: str) -> None:
    """Refuse a file of a series beside trades that its ``feed`` does not read; other files may be read otherwise.

    Raises
    ------
    DataError
        With what the feed has against it.
    """
    if feed not in METRICS:
        return
    try:
        read_by(path, feed, {})
    except TapeflowError as err:
        raise DataError(f"{path}: has the columns of {feed}, which does not read it: {err}") from None


def read_by(path: Path, feed: str, params: dict[str, Any]) -> tuple[int, str, str, Sequence[str]]:
    """What a feed makes of a file: how many rows, the times of the first and the last, and its remarks.

    Bars are read whole, of trades the first part.

    Raises
    ------
    TapeflowError
        As the feed has it; if there are no rows.
    """
    made: Any = FEEDS.find(feed)(path, **params)
    notes: Sequence[str] = ()
    if made.gives == "tape":
        times = next((tape.time for tape in made.tapes() if len(tape)), np.empty(0, np.int64))
    else:
        bars = made.bars()
        times, notes = bars["open_time"], bars.notes
    if not len(times):
        raise DataError(f"{path}: holds no {'trades' if made.gives == 'tape' else 'bars'}")
    return len(times), iso(int(times[0])), iso(int(times[-1])), tuple(dict.fromkeys((*made.remarks(), *notes)))


def cell_names(feed: str, width: int) -> tuple[str, ...]:
    """What a feed calls the cells of lines without a header; empty where it has no such lines.

    >>> cell_names("KrakenTrades", 3)
    ('time', 'price', 'volume')
    """
    cls: Any = FEEDS.find(feed)
    layout, table = getattr(cls, "layout", None), getattr(cls, "table", None)
    if layout is not None:
        return tuple(cell.name for cell in layout.cells[:width])
    return next((names for names in getattr(table, "positions", ()) if len(names) == width), ())
