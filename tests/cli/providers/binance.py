"""Binance's klines and aggregated trades: each figure of the answer that the page explains."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from tapeflow.core.clock import DAY, HOUR, MINUTE, SECOND, parse_time
from tapeflow.tests.cli.providers.rows import Page, Ran, Row, run

KLINE = [
    1712037600000, "0.61420000", "0.63820000", "0.60910000", "0.63650000", "3387726.80000000", 1712041199999,
    "2107340.01990000", 20116, "1797761.40000000", "1120004.58341000", "0",
]  # fmt: skip
"""The kline of the page."""
AGGREGATES = [
    {"a": 14416184, "p": "0.61420000", "q": "828.60000000", "f": 25394471, "l": 25394471, "T": 1712037600729},
    {"a": 14416185, "p": "0.61410000", "q": "249.30000000", "f": 25394472, "l": 25394473, "T": 1712037600729},
    {"a": 14416186, "p": "0.61400000", "q": "27.80000000", "f": 25394474, "l": 25394474, "T": 1712037600729},
]
"""The page's aggregates, in all of which the buyer was the maker."""
STORY = [(0.42, 2, "sell"), (0.41, 1, "sell"), (0.41, 2, "buy"), (0.43, 2, "buy"), (0.44, 1, "buy")]
"""The page's two orders, fill by fill."""
LENGTHS = {
    "1s": SECOND, "1m": MINUTE, "3m": 3 * MINUTE, "5m": 5 * MINUTE, "15m": 15 * MINUTE, "30m": 30 * MINUTE, "1h": HOUR,
    "2h": 2 * HOUR, "4h": 4 * HOUR, "6h": 6 * HOUR, "8h": 8 * HOUR, "12h": 12 * HOUR, "1d": DAY, "3d": 3 * DAY,
    "1w": 7 * DAY,
}  # fmt: skip
MONTHS = ["2023-11-01", "2023-12-01", "2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01"]


def put_files(folder: Path) -> None:
    """The page's examples as files, and klines of every interval that the exchange has."""
    (folder / "BNXUSDT-1h.json").write_text(json.dumps([KLINE]))
    (folder / "BNXUSDT-aggTrades.json").write_text(json.dumps([{**one, "m": True, "M": True} for one in AGGREGATES]))
    lines = [f"{1712037600 + i},{price},{size},{side}" for i, (price, size, side) in enumerate(STORY)]
    (folder / "story.csv").write_text("\n".join(["time,price,quantity,side", *lines, ""]))
    monday = parse_time("2024-01-01")
    for name, length in LENGTHS.items():
        times = [(monday + i * length, monday + (i + 1) * length) for i in range(5)]
        _klines(folder / f"BTCUSDT-{name}-2024-01.csv", times)
    edges = [parse_time(day) for day in MONTHS]
    _klines(folder / "BTCUSDT-1mo-2023.csv", list(itertools.pairwise(edges)))
    _klines(folder / "ETHUSDT-1mo-2023.csv", [(a, b) for a, b in itertools.pairwise(edges) if a != edges[3]])


def _klines(path: Path, times: list[tuple[int, int]]) -> None:
    lines = [f"{a // 1000},100,101,99,100,3,{b // 1000 - 1},300,2,2,200,0" for a, b in times]
    path.write_text("\n".join([*lines, ""]))


def _columns(**wanted: float) -> object:
    def check(ran: Ran) -> None:
        (row,) = ran.rows
        for name, value in wanted.items():
            assert float(row[name]) == pytest.approx(value, rel=1e-12), name

    return check


def _aggregates(ran: Ran) -> None:
    assert ran.bars is not None
    quantity = [float(one["q"]) for one in AGGREGATES]
    assert ran.bars["trades"].tolist() == [4]
    assert ran.bars["taker_sell_volume"].tolist() == pytest.approx([sum(quantity)])
    assert ran.bars["quote_volume"].tolist() == pytest.approx([sum(float(o["p"]) * float(o["q"]) for o in AGGREGATES)])


def _months(ran: Ran) -> None:
    assert ran.bars is not None
    edges = [parse_time(day) for day in MONTHS]
    assert (ran.bars.spec, ran.bars["open_time"].tolist(), ran.bars["close_time"].tolist()) == (
        "1mo",
        edges[:-1],
        edges[1:],
    )
    assert ran.bars["quality"].tolist() == [0] * 5


def _months_missing(ran: Ran) -> None:
    assert ran.bars is not None
    assert ran.bars["open_time"].tolist() == [parse_time(day) for day in MONTHS[:-1]]
    assert ran.bars["volume"].tolist() == [3, 3, 3, 0, 3]
    kept = run("{feed: BinanceKlines, path: ETHUSDT-1mo-2023.csv}").bars
    assert kept is not None
    assert kept["quality"].tolist() == [0, 0, 1, 1]


def _of(name: str) -> object:
    def check(ran: Ran) -> None:
        assert ran.bars is not None
        assert (ran.bars.spec, len(ran.bars)) == (name, 5)
        assert set((ran.bars["close_time"] - ran.bars["open_time"]).tolist()) == {LENGTHS[name]}

    return check


_KLINE = "tapeflow compute BNXUSDT-1h.json --feed BinanceKlines --out - --indicator"
_STORY = "tapeflow compute story.csv --feed CsvTape --bars 1h --partial --out - --indicator"
PAGE = Page(
    "Binance: volumes of a kline",
    "Volume is base currency, quote volume the sum of price × quantity of its trades, and the side is the taker's: "
    "what takers bought makers sold. Klines are read of every interval that the exchange has; `1mo` are months of "
    "the calendar.",
    (
        Row(
            "volume, taker buy base volume",
            "the page's kline",
            f"{_KLINE} t=TakerVolume",
            "takers sold 1589965.4 base and 987335.43649 quote",
            _columns(
                **{"t.buy": 1797761.4, "t.sell": 1589965.4, "t.buy_quote": 1120004.58341, "t.sell_quote": 987335.43649}
            ),
        ),
        Row(
            "quote asset volume / volume",
            "the average price",
            f"{_KLINE} v=VWAP(anchor=1b)",
            "2107340.0199 over 3387726.8",
            _columns(**{"v.vwap": 2107340.0199 / 3387726.8}),
        ),
        Row(
            "aggTrades",
            "`a`, `p`, `q`, `f`, `l`, `T`, `m`",
            "{feed: BinanceAggTrades, path: BNXUSDT-aggTrades.json, bars: 1h}",
            "raw trades by `l - f + 1`, quote volume by `p × q`, all of it sold by takers",
            _aggregates,
        ),
        Row(
            "taker and maker volumes",
            "the page's two orders",
            f"{_STORY} t=TakerVolume",
            "takers bought 5 base and 2.12 quote and sold 3 and 1.25",
            _columns(**{"t.buy": 5, "t.sell": 3, "t.buy_quote": 2.12, "t.sell_quote": 1.25}),
        ),
        *(
            Row(
                "interval",
                f"`{name}`",
                f"{{feed: BinanceKlines, path: BTCUSDT-{name}-2024-01.csv}}",
                f"bars of {name}",
                _of(name),
            )
            for name in LENGTHS
        ),
        Row(
            "interval",
            "`1mo` (`1M`)",
            "{feed: BinanceKlines, path: BTCUSDT-1mo-2023.csv}",
            "bars of months, over a leap day, none of them flagged",
            _months,
        ),
        Row(
            "interval",
            "`1mo` (`1M`)",
            "{feed: BinanceKlines, path: ETHUSDT-1mo-2023.csv, gaps: fill}",
            "a missing month is filled in, or with `keep` flags both months beside it",
            _months_missing,
        ),
    ),
)
