"""Binance: public dumps and REST answers of trades, aggregated trades and klines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.bars import Bars
from ..core.clock import interval_text
from ..core.errors import ParamError
from ..core.params import Bound, Choice, Rule
from ..core.tape import Tape
from .base import KlineFeed
from .reading.decode import DECIMAL, FLAG, INTEGER, SKIP, Cell, Layout, Rows
from .reading.dumps import BAD_ROWS, DumpTape
from .reading.klines import read_klines
from .reading.order import Batch

Integers = NDArray[np.int64]
_TAKERS = np.array([1, -1], np.int8)
"""The side that took, by whether the buyer was the maker."""
_PARAMS: dict[str, Any] = {"market": "spot", "contract_size": None}
_BOUNDS: dict[str, Rule] = {
    "market": Choice("spot", "um", "cm"),
    "contract_size": Bound(0, open_low=True, optional=True),
}

_MAKER = Cell("is_buyer_maker", FLAG, "m", ("isbuyermaker",))
_AGG_TRADES = Layout(
    (
        Cell("agg_trade_id", INTEGER, "a", ("id", "a")),
        Cell("price", DECIMAL, "p", ("p",)),
        Cell("quantity", DECIMAL, "q", ("qty", "q")),
        Cell("first_trade_id", INTEGER, "f", ("first_id", "f")),
        Cell("last_trade_id", INTEGER, "l", ("last_id", "l")),
        Cell("time", INTEGER, "T", ("transact_time", "timestamp")),
        _MAKER,
        Cell("is_best_match", SKIP),
    ),
    optional=1,
)
_TRADES = Layout(
    (
        Cell("id", INTEGER, "id", ("trade_id",)),
        Cell("price", DECIMAL, "price"),
        Cell("quantity", DECIMAL, "qty", ("qty",)),
        Cell("quote_quantity", SKIP),
        Cell("time", INTEGER, "time", ("timestamp",)),
        Cell("is_buyer_maker", FLAG, "isBuyerMaker", ("isbuyermaker",)),
        Cell("is_best_match", SKIP),
    ),
    optional=1,
)
_KLINES = Layout(
    (
        Cell("open_time", INTEGER, "", ("open time",)),
        Cell("open", DECIMAL),
        Cell("high", DECIMAL),
        Cell("low", DECIMAL),
        Cell("close", DECIMAL),
        Cell("volume", DECIMAL),
        Cell("close_time", INTEGER, "", ("close time",)),
        Cell("quote_volume", DECIMAL, "", ("quote_asset_volume", "quote asset volume")),
        Cell("trades", INTEGER, "", ("count", "number_of_trades", "number of trades")),
        Cell("taker_buy_volume", DECIMAL, "", ("taker_buy_base_asset_volume", "taker buy base asset volume")),
        Cell("taker_buy_quote_volume", DECIMAL, "", ("taker_buy_quote_asset_volume", "taker buy quote asset volume")),
        Cell("ignore", SKIP),
    )
)


def check_contract(name: str, params: dict[str, Any]) -> None:
    """Refuse a contract size where none belongs, and its absence where one is needed.

    Raises
    ------
    ParamError
        Naming the feed and what is wanted.
    """
    size = params["contract_size"]
    if params["market"] == "cm" and size is None:
        raise ParamError(
            f"{name}: market cm needs contract_size, quote currency in one contract: 100 for BTC, 10 for most others"
        )
    if params["market"] != "cm" and size is not None:
        raise ParamError(f"{name}: contract_size is for market cm only (market is {params['market']})")


class _BinanceTape(DumpTape):
    """What both tapes of Binance share: the market, the side, and the units of coin-margined contracts."""

    abstract = True
    params = _PARAMS
    bounds = _BOUNDS

    def __init__(self, paths: str | Path | Sequence[str | Path] = (), **params: Any) -> None:
        super().__init__(paths, **params)
        check_contract(type(self).__name__, self.p)

    def _tape(self, rows: Rows, time: Integers, ids: Integers, trades: Integers) -> Tape:
        price, quantity, notional = rows["price"], rows["quantity"], None
        if self.p["market"] == "cm":
            notional = quantity * float(self.p["contract_size"])
            quantity = notional / price
        return Tape(time, price, quantity, _TAKERS[rows["is_buyer_maker"]], ids, trades, notional)


class BinanceAggTrades(_BinanceTape):
    """Binance's aggregated trades: fills of one taker order at one price, on futures within 100 ms.

    Reads the dumps of data.binance.vision (``.zip``, unpacked or gzipped, header or none, ms or µs) and the JSON of
    ``GET /aggTrades``. Coin-margined contracts become base (contracts × size / price) and notional (contracts × size).

    Parameters
    ----------
    paths : path or sequence of paths
        Files, in any order; patterns are expanded.
    market : {"spot", "um", "cm"}, default="spot"
        Spot, USD-margined or coin-margined futures.
    contract_size : float or None, default=None
        Quote currency in one contract; needed for ``cm``, refused elsewhere.
    bad_rows : {"error", "quarantine"}, default="error"
        What to do with lines that cannot be read.

    Raises
    ------
    DataError
        For a file that cannot be read, with its row, column and value.
    ParamError
        For a parameter out of bounds.

    Notes
    -----
    ``trade_id`` is the aggregate's id, ``trades`` the raw trades in it. Missing ids are looked for among the raw
    trades on spot and ``cm``, among the aggregates on ``um``, where insurance and deleveraging fills take raw ids
    and are not published.

    References
    ----------
    Binance, Public Data, https://github.com/binance/binance-public-data
    """

    layout = _AGG_TRADES

    def batch(self, rows: Rows, time: Integers) -> Batch:
        """Rows of one file as a batch."""
        ids, first, after = rows["agg_trade_id"], rows["first_trade_id"], rows["last_trade_id"] + 1
        tape = self._tape(rows, time, ids, after - first)
        if self.p["market"] == "um":
            first, after = ids, ids + 1
        return Batch(tape, rows.path, rows.line, first, after)


class BinanceTrades(_BinanceTape):
    """Binance's raw trades.

    Reads the dumps of data.binance.vision (``.zip``, unpacked or gzipped, header or none, ms or µs) and the JSON of
    ``GET /trades`` and ``/historicalTrades``.

    Parameters
    ----------
    paths : path or sequence of paths
        Files, in any order; patterns are expanded.
    market : {"spot", "um", "cm"}, default="spot"
        Spot, USD-margined or coin-margined futures.
    contract_size : float or None, default=None
        Quote currency in one contract; needed for ``cm``, refused elsewhere.
    bad_rows : {"error", "quarantine"}, default="error"
        What to do with lines that cannot be read.

    Raises
    ------
    DataError
        For a file that cannot be read, with its row, column and value.
    ParamError
        For a parameter out of bounds.
    """

    layout = _TRADES

    def batch(self, rows: Rows, time: Integers) -> Batch:
        """Rows of one file as a batch."""
        ids = rows["id"]
        tape = self._tape(rows, time, ids, np.ones(len(rows), np.int64))
        return Batch(tape, rows.path, rows.line, ids, ids + 1)


class BinanceKlines(KlineFeed):
    """Binance's klines: bars the exchange made, with taker-buy volume, without sizes of trades or price rows.

    Reads the dumps of data.binance.vision (``.zip``, unpacked or gzipped, header or none, ms or µs) and the JSON of
    ``GET /klines``. Coin-margined klines become base (the exchange's own column) and notional (contracts × size).

    Parameters
    ----------
    paths : path or sequence of paths
        Files, in any order; patterns are expanded. Klines that two files share must be the same in both.
    market : {"spot", "um", "cm"}, default="spot"
        Spot, USD-margined or coin-margined futures.
    contract_size : float or None, default=None
        Quote currency in one contract; needed for ``cm``, refused elsewhere.
    bad_rows : {"error", "quarantine"}, default="error"
        What to do with lines that cannot be read.

    Raises
    ------
    DataError
        For a file that cannot be read, with its row, column and value.
    ParamError
        For a parameter out of bounds.
    """

    params = {**_PARAMS, "bad_rows": "error"}
    bounds = {**_BOUNDS, "bad_rows": BAD_ROWS}

    def __init__(self, paths: str | Path | Sequence[str | Path] = (), **params: Any) -> None:
        super().__init__(paths, **params)
        check_contract(type(self).__name__, self.p)

    def klines(self) -> Bars:
        """All klines in time order, as the exchange sent them; fills `files`, `counts` and `interval`."""
        columns, self.interval = read_klines(self, _KLINES, self.p["bad_rows"])
        if self.p["market"] == "cm":
            _to_base(columns, float(self.p["contract_size"]))
        columns["taker_sell_volume"] = columns["volume"] - columns["taker_buy_volume"]
        columns["taker_sell_quote_volume"] = columns["quote_volume"] - columns["taker_buy_quote_volume"]
        return Bars(columns, None, interval_text(self.interval), self.source)


def _to_base(columns: dict[str, NDArray[Any]], size: float) -> None:
    """Contracts and base, as coin-margined klines have them, into base and notional."""
    for base, quote in (("volume", "quote_volume"), ("taker_buy_volume", "taker_buy_quote_volume")):
        columns[base], columns[quote] = columns[quote], columns[base] * size
