"""A file that a feed cannot read is told with the feed that reads it, and a time without data with what there is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from tapeflow.cli import main
from tapeflow.configs.document import parse_value
from tapeflow.core.errors import DataError
from tapeflow.feeds.load import open_feed

BEGIN = 1704067200000
TRADES = [(BEGIN + 1000 * i, "buy" if i % 3 else "sell", 100 + i % 5, 1 + i % 2) for i in range(300)]


OF_TRADES = {"BinanceAggTrades": ("--bars", "1m"), "BinanceTrades": ("--bars", "1m"), "BinanceKlines": ()}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """One market as several would have written it."""
    rows = [f"{i},{p},{q},{i},{i},{t},{side == 'sell'},True" for i, (t, side, p, q) in enumerate(TRADES)]
    (tmp_path / "BTCUSDT-aggTrades-2024-01-01.csv").write_text("\n".join(rows) + "\n")
    kline = "{0},100,104,100,101,90,{1},9000,60,60,6000,0"
    rows = [kline.format(BEGIN + 60_000 * i, BEGIN + 60_000 * i + 59_999) for i in range(5)]
    (tmp_path / "BTCUSDT-1m-2024-01-01.csv").write_text("\n".join(rows) + "\n")
    rows = ["ts,side,px,qty", *(f"{t},{side},{p},{q}" for t, side, p, q in TRADES)]
    (tmp_path / "reordered.csv").write_text("\n".join(rows) + "\n")
    frame = pd.DataFrame(TRADES, columns=["timestamp", "side", "price", "amount"])
    frame.to_parquet(tmp_path / "foreign.parquet")
    return tmp_path


def told(*args: object) -> str:
    result = CliRunner().invoke(main, [str(a) for a in args])
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.splitlines()
    return line


def named(line: str) -> dict[str, object]:
    """The block of YAML that an error ends with."""
    made: dict[str, object] = parse_value(line.partition("; it reads as ")[2])
    return made


@pytest.mark.parametrize(
    ("file", "asked", "reads"),
    [
        ("BTCUSDT-1m-2024-01-01.csv", "BinanceAggTrades", {"feed": "BinanceKlines"}),
        ("BTCUSDT-aggTrades-2024-01-01.csv", "BinanceKlines", {"feed": "BinanceAggTrades"}),
        (
            "reordered.csv",
            "BinanceAggTrades",
            {"feed": "CsvTape", "columns": {"time": "ts", "side": "side", "price": "px", "quantity": "qty"}},
        ),
        (
            "foreign.parquet",
            "BinanceTrades",
            {
                "feed": "CsvTape",
                "columns": {"time": "timestamp", "side": "side", "price": "price", "quantity": "amount"},
            },
        ),
    ],
)
def test_a_file_of_another_kind_is_told_with_its_feed_in_every_command(
    files: Path, file: str, asked: str, reads: dict[str, object]
) -> None:
    path = files / file
    config = files / "run.yaml"
    config.write_text(
        f"name: x\ndata: {{a: {{feed: {asked}, market: spot, path: '{path}'}}}}\n"
        "strategy: {kind: Rules, params: {long: {enter: close > open}}}\n"
    )
    options: Sequence[object] = (path, "--feed", asked, "--market", "spot")
    for command in (
        ("bars", *options, *OF_TRADES[asked], "--out", files / "b.csv"),
        ("audit", *options),
        ("run", config),
    ):
        line = told(*command)
        assert named(line) == reads, line
        assert str(path) in line
    feed = reads.pop("feed")
    opened = open_feed(str(feed), path, **({"market": "spot"} if str(feed).startswith("Binance") else {}), **reads)
    assert opened.bars("1m")["volume"].sum() == 450  # as named, it is read whole


def test_a_file_that_nothing_reads_is_told_without_a_feed(files: Path) -> None:
    (files / "letter.csv").write_text("dear,sir\nhow,are you\n")
    line = told("audit", files / "letter.csv", "--feed", "BinanceAggTrades", "--market", "spot")
    assert "the header has no column agg_trade_id" in line
    assert "it reads as" not in line


@pytest.mark.parametrize(
    ("file", "feed", "start", "end", "held"),
    [
        ("reordered.csv", "CsvTape", "2024-02-01", None, "from 2024-01-01T00:00:00Z to 2024-01-01T00:04:59Z"),
        ("reordered.csv", "CsvTape", None, "2023-01-01", "begin at 2024-01-01T00:00:00Z"),
        (
            "BTCUSDT-aggTrades-2024-01-01.csv",
            "BinanceAggTrades",
            "2024-03-01",
            None,
            "from 2024-01-01T00:00:00Z to 2024-01-02",
        ),
        ("BTCUSDT-1m-2024-01-01.csv", "BinanceKlines", "2025-01-01", None, "to 2024-01-01T00:05:00Z"),
    ],
)
def test_a_time_beside_the_data_is_told_with_what_they_hold(
    files: Path, file: str, feed: str, start: str | None, end: str | None, held: str
) -> None:
    with pytest.raises(DataError, match=r"no (trades|klines)") as caught:
        open_feed(feed, files / file).bars(**({"start": start} if start else {}), **({"end": end} if end else {}))
    assert f"; the data {held}" in str(caught.value) or held in str(caught.value).partition("; the data ")[2]


def test_a_market_wanted_of_a_file_without_any_is_refused_with_a_few_names(tmp_path: Path) -> None:
    """As text an error is longer than a path can be."""
    (tmp_path / "a.csv").write_text("Date,Open,High,Low,Close,Volume\n2024-01-02,1,3,1,2,9\n2024-01-03,2,3,1,2,9\n")
    said = told("bars", tmp_path / "a.csv", "--feed", "CsvBars", "--param", "symbol=AAPL", "--out", tmp_path / "o.csv")
    assert "a.csv: has no column symbol or ticker or " in said
    assert "or its like (for symbol); it has Date, Open" in said
    assert "it reads as {feed: CsvBars" in said
    assert len(said) < 700
