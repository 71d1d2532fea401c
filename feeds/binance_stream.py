"""Binance's websocket messages as recorders write them: trades and klines, one message a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.bars import Bars
from ..core.errors import DataError
from ..core.params import Choice
from ..core.schema import Quality
from .csv_reader.decode import DecodedRows
from .framework.markets import MARKET_BOUNDS, MARKET_PARAMS, FeedMarket, market_complaint
from .framework.sort_and_dedup import Batch
from .framework.table_bars import Columns, TableBars
from .framework.table_tape import SYMBOL, TIMESTAMP, TableTape, by_arrival, trade_columns
from .table_reader.arrow_reader import RECEIPT
from .table_reader.sheet import Reading
from .table_reader.tables import Column, Table

Integers = NDArray[np.int64]
_MAKERS = {"true": -1, "false": 1}


class BinanceStreamTrades(TableTape):
    """Binance's recorded ``trade`` or ``aggTrade`` messages.

    A line is one message, bare or within ``{"stream": …, "data": …}``, the time of its receipt before it or not.
    Messages of other kinds are passed over. Fills of the insurance fund and of deleveraging are no orders that took
    liquidity and are left out, counted as ``excluded``.

    Parameters
    ----------
    paths : path or sequence of paths
        ``.txt``, ``.jsonl``, ``.ndjson``, plain or gzipped, in any order; patterns are expanded.
    event : {"trade", "aggTrade"}, default="trade"
        The messages wanted; a recording of both holds every trade twice.
    timestamp : {"exchange", "true", True}, default="exchange"
        The time of a trade, in the words of Aperiodic: its own (``T``), or with ``true`` that of its receipt, as the
        recorder wrote it before the line; where it wrote none, that at which Binance sent the message (``E``).
    market : {"spot", "um", "cm", "auto"}, default="auto"
        Spot, USD-margined or coin-margined futures; ``auto`` takes what names and symbols say, else spot, and says so.
    contract_size : float or None, default=None
        Quote currency in one contract of ``cm``, refused elsewhere; None takes Binance's rule for the symbol: 100 for
        BTC, 10 for all others.
    symbol : str or None, default=None
        The market wanted of recordings of several, such as ``BTCUSDT``.
    infer_side : {"none", "tick", "bulk"}, default="none"
        What to do about rows without a side.
    bad_rows : {"error", "quarantine"}, default="error"
        What to do with lines that cannot be read.

    Raises
    ------
    DataError
        For a line that cannot be read; for a recording of several markets without ``symbol``.
    ParamError
        For a parameter out of bounds.

    Notes
    -----
    Trades in messages that a recorder missed are seen by their ids: the row behind them is flagged ``ID_HOLE``.

    References
    ----------
    Binance, Web Socket Streams: Trade Streams, Aggregate Trade Streams.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "btcusdt.txt"
    >>> data = '{"e":"trade","s":"BTCUSDT","t":7,"p":"61837.63","q":"0.02","T":1723161255342,"m":true}'
    >>> _ = file.write_text('1723161254087896568 {"stream":"btcusdt@trade","data":' + data + "}")
    >>> (tape,) = BinanceStreamTrades(file).tapes()
    >>> tape.side.tolist(), tape.time.tolist(), tape.trade_id.tolist()
    ([-1], [1723161255342000], [7])
    """

    params = {"event": "trade", "timestamp": "exchange", **MARKET_PARAMS}
    bounds = {"event": Choice("trade", "aggTrade"), "timestamp": TIMESTAMP, **MARKET_BOUNDS}
    table = Table(
        trade_columns(
            ("T",),
            ("p",),
            ("q",),
            (),
            ("t",),
            Column("side", "side", ("m",), words=_MAKERS),
            Column("symbol", "text", ("s",)),
            Column("event", "text", ("e",)),
            Column("kind", "text", ("X",), optional=True),
        ),
        unit="ms",
        exact=True,
    )

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

    def _believe(self, rows: DecodedRows) -> None:
        super()._believe(rows)
        if len(rows):
            self.market.rows(rows)

    def how(self) -> tuple[Table, Reading]:
        """What stands where, and how to read it."""
        table, how = super().how()
        columns = table.columns
        if self.p["event"] == "aggTrade":
            columns = tuple(replace(c, names=("a",), optional=False) if c.name == "trade_id" else c for c in columns)
            columns += (Column("first_id", "integer", ("f",)), Column("last_id", "integer", ("l",)))
        if by_arrival(self.p):
            columns = (replace(columns[0], names=(RECEIPT, "E")), *columns[1:])
            how = replace(how, receipt=True)
        return replace(table, columns=columns, only={**table.only, "event": (self.p["event"],)}), how

    def batch(self, rows: DecodedRows, time: Integers) -> Batch:
        """Rows of one file as a batch."""
        if "trade_id" not in rows.columns:
            return self._of_orders(super().batch(rows, time), rows)
        ids = rows["trade_id"]
        first, after = (rows["first_id"], rows["last_id"] + 1) if "first_id" in rows.columns else (ids, ids + 1)
        tape = replace(self.tape(rows, time, ids), trades=after - first)
        if self.p["event"] == "aggTrade" and self.p["market"] == "um":
            first, after = ids, ids + 1  # raw ids skip what the insurance fund took
        return self._of_orders(Batch(tape, rows.path, rows.line, first, after), rows)

    def _of_orders(self, batch: Batch, rows: DecodedRows) -> Batch:
        """``batch`` without fills that no order made, their ids not missed."""
        if "kind" not in rows.columns:
            return batch
        keep = np.array([kind in (None, "", "MARKET") for kind in rows["kind"].tolist()], bool)
        if keep.all():
            return batch
        self.counts["excluded"] = self.counts.get("excluded", 0) + int((~keep).sum())
        kept = np.flatnonzero(keep)
        begins = np.concatenate([[0], kept[:-1] + 1])
        first = np.where(begins == kept, batch.first[kept], np.minimum(batch.first[begins], batch.first[kept]))
        return replace(batch.take(keep), first=first)

    def amounts(self, rows: DecodedRows) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """Base amount, and notional where contracts are coin-margined."""
        if self.p["market"] != "cm":
            return rows["quantity"], None
        notional = rows["quantity"] * float(self.p["contract_size"])
        return notional / rows["price"], notional


class BinanceStreamKlines(TableBars):
    """Binance's recorded ``kline`` messages: the last state of every kline that was seen.

    Binance repeats a kline while it forms. The last message of each counts; one that was not final (``x`` false) is
    left out, or with ``unfinished: keep`` taken as it is and flagged ``PARTIAL``.

    Parameters
    ----------
    paths : path or sequence of paths
        ``.txt``, ``.jsonl``, ``.ndjson``, plain or gzipped; patterns are expanded.
    unfinished : {"drop", "keep"}, default="drop"
        What to do with klines that were still forming.
    market : {"spot", "um", "cm", "auto"}, default="auto"
        Spot, USD-margined or coin-margined futures; ``auto`` takes what names and symbols say, else spot, and says so.
    contract_size : float or None, default=None
        Quote currency in one contract of ``cm``, refused elsewhere; None takes Binance's rule for the symbol: 100 for
        BTC, 10 for all others.
    symbol : str or None, default=None
        The market wanted of recordings of several, such as ``BTCUSDT``.
    label : {"start", "end"}, default="start"
        Whether klines are stamped with the start or the end of their interval; Binance's with the start.
    interval : str or None, default=None
        Length of a kline; None takes it from the first one.
    infer_side : {"none", "bulk"}, default="none"
        Of no use here: klines tell the taker's volume.
    bad_rows : {"error", "quarantine"}, default="error"
        What to do with lines that cannot be read.

    Raises
    ------
    DataError
        For a line that cannot be read; for a recording of several markets without ``symbol``.
    ParamError
        For a parameter out of bounds.

    References
    ----------
    Binance, Web Socket Streams: Kline/Candlestick Streams.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "klines.txt"
    >>> k = '"t":1626916380000,"T":1626916439999,"f":1,"L":2,"o":"1","c":"2","h":"3","l":"1","v":"5","n":2,"x":%s'
    >>> line = '{"e":"kline","s":"A","k":{' + k + ',"q":"9","V":"4","Q":"7"}}\\n'
    >>> _ = file.write_text(line % "false" + line % "true")
    >>> bars = BinanceStreamKlines(file).bars()
    >>> bars["volume"].tolist(), bars["taker_sell_quote_volume"].tolist()
    ([5.0], [2.0])
    """

    params = {"unfinished": "drop", "symbol": None, **MARKET_PARAMS}
    bounds = {"unfinished": Choice("drop", "keep"), "symbol": SYMBOL, **MARKET_BOUNDS}
    table = Table(
        (
            Column("time", "time", ("k.t",)),
            Column("last_time", "time", ("k.T",)),
            *(Column(name, "amount", (f"k.{name[0]}",)) for name in ("open", "high", "low", "close", "volume")),
            Column("quote_volume", "amount", ("k.q",)),
            Column("trades", "amount", ("k.n",)),
            Column("taker_buy_volume", "amount", ("k.V",)),
            Column("taker_buy_quote_volume", "amount", ("k.Q",)),
            Column("first_id", "integer", ("k.f",)),
            Column("last_id", "integer", ("k.L",)),
            Column("final", "side", ("k.x",), words={"true": 1, "false": 0}),
            Column("symbol", "text", ("s",)),
            Column("event", "text", ("e",)),
        ),
        unit="ms",
        only={"event": ("kline",)},
        exact=True,
    )

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

    def _believe(self, rows: DecodedRows) -> None:
        super()._believe(rows)
        if len(rows):
            self.market.rows(rows)

    def events(self) -> dict[str, NDArray[Any]]:
        """Every kline message of the recordings in the order they came, as columns.

        ``time`` and ``last_time`` are the kline's first and last instant in µs, ``first_id`` and ``last_id`` its raw
        trades, ``final`` is 1 for the last message of a kline; amounts are base and notional.
        """
        parts = self._parts()
        columns = {name: np.concatenate([p[name] for p in parts]) for name in parts[0].columns}
        if self.p["market"] == "cm":
            size = float(self.p["contract_size"])
            for base, quote in (("volume", "quote_volume"), ("taker_buy_volume", "taker_buy_quote_volume")):
                columns[base], columns[quote] = columns[quote], columns[base] * size
        return columns

    def klines(self) -> Bars:
        """The last state of every kline in time order; fills `files`, `counts` and `interval`."""
        columns = self.events()
        last = {int(time): i for i, time in enumerate(columns["time"])}
        rows = np.array([last[time] for time in sorted(last)], np.intp)
        final = columns["final"][rows] == 1
        self.counts["unfinished"] = int((~final).sum())
        if self.p["unfinished"] == "drop":
            rows, final = rows[final], final[final]
        if not len(rows):
            raise DataError(f"{self.source}: no finished kline; unfinished: keep takes those that were still forming")
        made: Columns = {name: values[rows] for name, values in columns.items()}
        self.interval = int(made["last_time"][0] - made["time"][0]) + 1000
        self.counts["rows"] = len(rows)
        for name in ("last_time", "first_id", "last_id", "final", "symbol", "event"):
            del made[name]
        bars = self._bars(made)
        return bars.assign(quality=np.where(final, bars["quality"], bars["quality"] | int(Quality.PARTIAL)))
