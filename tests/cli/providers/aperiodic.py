"""Aperiodic's ``flow``: each parameter of its page."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tapeflow.cli.provider_formats import APERIODIC
from tapeflow.tests.cli.providers.rows import BEGIN, LAST, Page, Ran, Row, run, trades, within

ATLAS = "perpetual-BTC-USDT:USDT"
_ASK = "tapeflow compute trades.csv --feed CsvTape --like aperiodic --out -"
_TARDIS = "{{feed: TardisTrades, path: tardis.csv, bars: 1m, symbol: '{}', timestamp: {}}}"


def put_files(folder: Path) -> None:
    """Trades whose rows carry a time of arrival a minute behind the exchange's, and a swap of OKX."""
    some = trades()[:200]
    head = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount"
    lines = [
        f"binance-futures,BTCUSDT,{int(t.second * 1e6)},{int(t.second * 1e6) + 60_000_000},{i},"
        f"{'buy' if t.side > 0 else 'sell'},{t.price},{t.quantity}"
        for i, t in enumerate(some)
    ]
    (folder / "tardis.csv").write_text("\n".join([head, *lines, ""]))
    head = "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,depth,price,size,flags"
    lines = [
        f"{int(t.second * 1e9) + 60_000_000_000},{int(t.second * 1e9)},0,19,7051,T,{'B' if t.side > 0 else 'A'},0,"
        f"{int(t.price * 1e9)},1,130"
        for t in some
    ]
    (folder / "databento.csv").write_text("\n".join([head, *lines, ""]))
    lines = []
    for i, t in enumerate(some):
        message = {"e": "trade", "E": int(t.second * 1000) + 5, "s": "BTCUSDT", "t": i, "p": str(t.price)}
        message |= {"q": str(t.quantity), "T": int(t.second * 1000), "m": t.side < 0}
        lines.append(f"{int(t.second * 1e9) + 60_000_000_000} {json.dumps({'stream': 's', 'data': message})}")
    (folder / "stream.txt").write_text("\n".join([*lines, ""]))
    head = "instrument_name,trade_id,side,price,size,created_time"
    for name in ("BTC-USDT-SWAP", "SOL-USDT-SWAP"):
        lines = [
            f"{name},{i},{'buy' if t.side > 0 else 'sell'},{t.price},100,{int(t.second * 1000)}"
            for i, t in enumerate(some)
        ]
        (folder / f"{name}.csv").write_text("\n".join([head, *lines, ""]))
    listed = {"instId": "SOL-USDT-SWAP", "ctVal": "1", "ctMult": "1", "ctType": "linear"}
    (folder / "instruments.json").write_text(json.dumps({"code": "0", "data": [listed]}))


def _fields(ran: Ran) -> None:
    assert list(ran.rows[0]) == ["time", *APERIODIC]
    for row, start in zip(ran.rows, (BEGIN, BEGIN + 3600), strict=True):
        inside = within(start, start + 3600)
        bought, sold = (sum(t.quantity for t in inside if t.side == side) for side in (1, -1))
        small = sum(t.price * t.quantity for t in inside if t.side > 0 and t.price * t.quantity < 100)
        assert float(row["volume_delta"]) == pytest.approx(bought - sold, rel=1e-9)
        assert float(row["taker_buy_sell_ratio"]) == pytest.approx(bought / sold, rel=1e-9)
        assert float(row["taker_buy_small_order_volume"]) == pytest.approx(small, rel=1e-9)


def _each(ran: Ran) -> None:
    assert len(ran.rows) == (LAST - BEGIN) // 60 - 1
    for text, length in (("5m", 300), ("15m", 900), ("30m", 1800), ("1h", 3600), ("4h", 14_400), ("1d", 86_400)):
        got = run(f"{_ASK} --bars {text} --partial").rows
        assert len(got) == LAST // length - (BEGIN - 60) // length + (LAST % length > 0), text


def _moved(ran: Ran) -> None:
    plain = run("{feed: TardisTrades, path: tardis.csv, bars: 1m, timestamp: exchange}").bars
    assert ran.bars is not None
    assert plain is not None
    assert (ran.bars["open_time"] - plain["open_time"]).tolist() == [60_000_000] * len(plain)
    assert ran.bars["trades"].tolist() == plain["trades"].tolist()


def _unmoved(ran: Ran) -> None:
    assert ran.bars is not None
    assert ran.bars["open_time"][0] == (BEGIN - 60) * 1_000_000


def _swap(ran: Ran) -> None:
    assert ran.bars is not None
    assert ran.bars["volume"].sum() == pytest.approx(200 * 100 * 0.01)


def _listed(ran: Ran) -> None:
    assert ran.bars is not None
    assert ran.bars["volume"].sum() == pytest.approx(200 * 100 * 1)


def _window(ran: Ran) -> None:
    assert [row["time"][:16].replace("T", " ") for row in ran.rows] == ["2023-06-01 00:00", "2023-06-01 01:00"]


def _files(ran: Ran) -> None:
    path = Path("flow/binance-futures/1h/BTCUSDT/2023-06.parquet")
    assert str(path) in ran.notes
    assert pq.read_table(path).column_names == ["time", *APERIODIC]
    back = run("{feed: AperiodicFlow, path: 'flow/binance-futures/1h/BTCUSDT/*.parquet', interval: 1h}").bars
    assert back is not None
    assert back["open_time"].tolist() == [BEGIN * 1_000_000, (BEGIN + 3600) * 1_000_000]


_IDS = f"--id exchange=binance-futures --id symbol={ATLAS}"
PAGE = Page(
    "Aperiodic: flow",
    "A row an interval, stamped with its start. `timestamp` is a parameter of every feed whose rows "
    "carry a time of arrival: Tardis' `local_timestamp`, Databento's `ts_recv`, and of recorded Binance streams what "
    "the recorder wrote before the line, else the message's `E`. Symbols may be written in Atlas' notation "
    "wherever a feed or a catalog takes one.",
    (
        Row(
            "(fields)",
            "36",
            f"{_ASK} --bars 1h",
            "all; delta, ratio and a size class in plain Python",
            _fields,
        ),
        Row("timestamp", "`exchange`", _TARDIS.format("BTCUSDT", "exchange"), "bars by the exchange's stamp", _unmoved),
        Row(
            "timestamp",
            "`true`",
            _TARDIS.format("BTCUSDT", "true"),
            "a minute later, as they arrived",
            _moved,
        ),
        Row(
            "timestamp",
            "`true`",
            "{feed: DatabentoTrades, path: databento.csv, bars: 1m, timestamp: true}",
            "the same of Databento",
            _moved,
        ),
        Row(
            "timestamp",
            "`true`",
            "{feed: BinanceStreamTrades, path: stream.txt, bars: 1m, market: um, timestamp: true}",
            "the same of a recorded stream",
            _moved,
        ),
        Row(
            "interval",
            "`1m` … `1d`",
            f"{_ASK} --bars 1m",
            "as many rows as intervals",
            _each,
        ),
        Row(
            "exchange",
            "`binance-futures`",
            _TARDIS.format("BTCUSDT", "exchange"),
            "its trades, in base currency",
            _unmoved,
        ),
        Row(
            "exchange",
            "`okx-perps`",
            "{feed: OKXTrades, path: BTC-USDT-SWAP.csv, bars: 1m}",
            "contracts of 0.01 BTC become base",
            _swap,
        ),
        Row(
            "exchange",
            "`okx-perps`",
            "{feed: OKXTrades, path: SOL-USDT-SWAP.csv, bars: 1m, instruments: instruments.json}",
            "sizes of other contracts from OKX's own list",
            _listed,
        ),
        Row("symbol", f"`{ATLAS}`", _TARDIS.format(ATLAS, "exchange"), "is Binance's BTCUSDT", _unmoved),
        Row(
            "symbol",
            f"`{ATLAS}`",
            f"{{feed: OKXTrades, path: BTC-USDT-SWAP.csv, bars: 1m, symbol: '{ATLAS}'}}",
            "is OKX's BTC-USDT-SWAP",
            _swap,
        ),
        Row(
            "start_date, end_date",
            "a day each, both within",
            f"{_ASK} --bars 1h --from 2023-06-01 --to 2023-06-02",
            "`--to` is the day behind the last",
            _window,
        ),
        Row(
            "files",
            "`{exchange}/{interval}/{symbol}/{year}-{month}.parquet`",
            f"tapeflow compute trades.csv --feed CsvTape --like aperiodic --bars 1h {_IDS} --out flow/",
            "one file a month, named as the provider does, which our feed reads",
            _files,
        ),
    ),
)
