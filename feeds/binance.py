"""Binance: public dumps and REST answers of trades, aggregated trades and klines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.bars import Bars
from ..core.tape import Tape
from .csv_reader.decode import DECIMAL, FLAG, INTEGER, SKIP, Cell, DecodedRows, Layout
from .framework.calendars import name_of
from .framework.dumps import BAD_ROWS, DumpTape
from .framework.kline_feed import KlineFeed
from .framework.klines import read_klines
from .framework.markets import MARKET_BOUNDS, MARKET_PARAMS, FeedMarket, market_complaint
from .framework.sort_and_dedup import Batch
from .framework.units import contract_of

Integers = NDArray[np.int64]
_TAKERS = np.array([1, -1], np.int8)
"""The side that took, by whether the buyer was the maker."""
_MAKER = Cell("is_buyer_maker", FLAG, "m", ("isbuyermaker",))
_AGG_TRADES = Layout(
    (
        Cell("agg_trade_id", INTEGER, "a", ("id", "a"), natural=True),
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
        Cell("id", INTEGER, "id", ("trade_id",), natural=True),
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


class _BinanceTape(DumpTape):
    """What both tapes of Binance share: the market, the side, and the units of coin-margined contracts."""

    abstract = True
    params = MARKET_PARAMS
    bounds = MARKET_BOUNDS

    def __init__(self, paths: str | Path | Sequence[str | Path] = (), **params: Any) -> None:
        super().__init__(paths, **params)
        self.market = FeedMarket(type(self).__name__, self.p, self.paths)

    @classmethod
    def complaint(cls, params: Mapping[str, Any], paths: Sequence[Path] = ()) -> str:
        """What is wrong that no data need be read for; empty where nothing is."""
        return super().complaint(params, paths) or market_complaint(cls.__name__, params, paths)

    def remarks(self) -> tuple[str, ...]:
        """What was taken from files or assumed, in words."""
        return (self.market.remark,) if self.market.remark else ()

    def _tape(self, rows: DecodedRows, time: Integers, ids: Integers, trades: Integers) -> Tape:
        if rows.head or self.p["market"] == "auto":
            self.market.rows(rows)
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
    market : {"spot", "um", "cm", "auto"}, default="auto"
        Spot, USD-margined or coin-margined futures; ``auto`` takes what names and columns say, else spot, and says so.
    contract_size : float or None, default=None
        Quote currency in one contract of ``cm``, refused elsewhere; None takes Binance's rule where a name tells the
        symbol: 100 for BTC, 10 for all others.
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

    def batch(self, rows: DecodedRows, time: Integers) -> Batch:
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
    market : {"spot", "um", "cm", "auto"}, default="auto"
        Spot, USD-margined or coin-margined futures; ``auto`` takes what names and columns say, else spot, and says so.
    contract_size : float or None, default=None
        Quote currency in one contract of ``cm``, refused elsewhere; None takes Binance's rule where a name tells the
        symbol: 100 for BTC, 10 for all others.
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

    def batch(self, rows: DecodedRows, time: Integers) -> Batch:
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
    market : {"spot", "um", "cm", "auto"}, default="auto"
        Spot, USD-margined or coin-margined futures; ``auto`` takes what names and columns say, else spot, and says so.
    contract_size : float or None, default=None
        Quote currency in one contract of ``cm``, refused elsewhere; None takes Binance's rule where a name tells the
        symbol: 100 for BTC, 10 for all others.
    bad_rows : {"error", "quarantine"}, default="error"
        What to do with lines that cannot be read.

    Raises
    ------
    DataError
        For a file that cannot be read, with its row, column and value.
    ParamError
        For a parameter out of bounds.
    """

    layout = _KLINES
    params = {**MARKET_PARAMS, "bad_rows": "error"}
    bounds = {**MARKET_BOUNDS, "bad_rows": BAD_ROWS}

    def __init__(self, paths: str | Path | Sequence[str | Path] = (), **params: Any) -> None:
        super().__init__(paths, **params)
        self.market = FeedMarket(type(self).__name__, self.p, self.paths)

    @classmethod
    def complaint(cls, params: Mapping[str, Any], paths: Sequence[Path] = ()) -> str:
        """What is wrong that no data need be read for; empty where nothing is."""
        return super().complaint(params, paths) or market_complaint(cls.__name__, params, paths)

    of_units = "say which market it is, as in market: cm, and its contract_size"

    def remarks(self) -> tuple[str, ...]:
        """What was taken from files or assumed, in words."""
        return (self.market.remark,) if self.market.remark else ()

    def identify(self) -> None:
        """Settle the market by the klines themselves where names do not tell it."""
        if self.p["market"] == "auto":
            self.klines()

    def klines(self) -> Bars:
        """All klines in time order, as the exchange sent them; fills `files`, `counts` and `interval`."""
        columns, self.interval = read_klines(self, self.layout, self.p["bad_rows"])
        if size := contract_of(columns):
            why = f"quote_volume, which is volume × {size:g} / price,"
            self.market.take("cm", why, f"{self.source}: ", size)
        self.market.settle()
        if self.p["market"] == "cm":
            _to_base(columns, float(self.p["contract_size"]))
        columns["taker_sell_volume"] = columns["volume"] - columns["taker_buy_volume"]
        columns["taker_sell_quote_volume"] = columns["quote_volume"] - columns["taker_buy_quote_volume"]
        return Bars(columns, None, name_of(columns["open_time"], columns["close_time"]), self.source)


def _to_base(columns: dict[str, NDArray[Any]], size: float) -> None:
    """Contracts and base, as coin-margined klines have them, into base and notional."""
    for base, quote in (("volume", "quote_volume"), ("taker_buy_volume", "taker_buy_quote_volume")):
        columns[base], columns[quote] = columns[quote], columns[base] * size
