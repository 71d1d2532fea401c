"""`tapeflow data sniff`: what it says of each file, and that the YAML which it prints reads the file."""

from __future__ import annotations

import json

import pytest
import yaml

from tapeflow.core.clock import parse_time
from tapeflow.core.errors import DataError
from tapeflow.core.plugins.registry import FEEDS
from tapeflow.feeds.sniffing.check import check
from tapeflow.feeds.sniffing.sniff import sniff
from tapeflow.tests.feeds.test_times import read
from tapeflow.tests.helpers.command import tapeflow
from tapeflow.tests.helpers.people_files import FILES, NEW_YORK


@pytest.mark.parametrize("name", FILES)
def test_the_yaml_that_is_printed_reads_the_file(tmp_path, name):
    written = FILES[name]
    path = written.write(tmp_path)
    done = tapeflow("data", "sniff", path)
    assert done.exit_code == 0, done.output
    block = yaml.safe_load(done.stdout[done.stdout.index("data:") :])["data"]["main"]
    assert block.pop("feed") == written.feed
    assert block.pop("path") == str(path)
    block.pop("bars", None)
    # What no file of the kind tells, and is said: whose clock it is, stamps of a bar's end, the unit of prices.
    open_ = [key for key in ("timezone", "label", "price_divisor") if key in written.params and key not in block]
    block |= {key: written.params[key] for key in open_}
    said = done.stderr.splitlines()
    assert all(any(line.startswith(f"{key}: ") for line in said) for key in open_)
    times = [parse_time(text) for text in written.times]
    sides = [written.sides] if written.sides else []
    assert read(written, path, **block) == [times, written.values, written.amounts, *written.more.values(), *sides]


@pytest.mark.parametrize("name", [n for n, w in FILES.items() if w.zone == NEW_YORK])
def test_whose_clock_it_is_is_said_to_be_open(tmp_path, name):
    made = sniff(FILES[name].write(tmp_path))
    assert "timezone: say whose clock it is, unless it is UTC" in made.doubts


def test_a_day_that_may_be_a_month_is_said(tmp_path):
    (tmp_path / "a.csv").write_text("Date,Close,Open,High,Low\n01/02/2024,1,1,1,1\n01/03/2024,1,1,1,1\n")
    made = sniff(tmp_path / "a.csv")
    assert made.params["time_format"] == "%m/%d/%Y"
    assert "time_format: nothing in these rows rules out %d/%m/%Y" in made.doubts


def test_sides_that_are_not_told_are_left_out_and_said(tmp_path):
    (tmp_path / "a.csv").write_text("date,price,amount,type\n1704187800,1,1,0\n1704187801,2,1,1\n")
    made = sniff(tmp_path / "a.csv")
    assert made.params == {"columns": {"side": None}}
    assert any("side: holds 0, 1, and nothing tells who bought" in doubt for doubt in made.doubts)


def test_columns_that_are_not_read_are_named(tmp_path):
    made = json.loads(tapeflow("data", "sniff", FILES["databento_iso"].write(tmp_path), "--json").stdout)
    assert {c["column"] for c in made["columns"] if c["role"] is None} >= {"ts_recv", "flags", "action"}
    assert any("DatabentoTrades" in doubt for doubt in made["doubts"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b\n1,2\n3,4\n", "no column is a time that can be told"),
        ("time,foo,bar\n1704187800,1,2\n", "price is missing"),
        ("time,price,quantity\n", "holds no rows"),
        ("1704187800,1,2,3,4,5,6\n1704187801,9,2,3,4,5,6\n", "number them, as in columns"),
    ],
)
def test_what_cannot_be_told_is_refused_with_what_to_say(tmp_path, text, says):
    (tmp_path / "a.csv").write_text(text)
    done = tapeflow("data", "sniff", tmp_path / "a.csv")
    assert done.exit_code == 2
    assert says in done.output


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ticks.csv", "Gmt time,Ask,Bid,AskVolume,BidVolume\n02.01.2024 09:30:00.105,1.10522,1.1052,1.5,2.25\n"),
        ("DAT_ASCII_EURUSD_T_201202.csv", "20120201 000000580,1.3065,1.3066,0\n20120201 000001580,1.3065,1.3066,0\n"),
        ("mt5.csv", "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\n2024.01.02\t09:30:00.105\t1.1\t1.2\t\t\n"),
        ("DAT_NT_EURUSD_T_LAST_201202.csv", "20120201 000000;1.3065;0\n20120201 000001;1.30651;0\n"),
    ],
)
def test_quotes_are_no_trades(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match="quotes"):
        sniff(tmp_path / name)


PROVIDERS = {
    "BTCUSDT-aggTrades-2024-01-02.csv": ("BinanceAggTrades", "1,10.5,7,1,1,1704187800000,True,True\n"),
    "BTCUSDT-trades-2024-01-02.csv": ("BinanceTrades", "1,10.5,7,73.5,1704187800000,True,True\n"),
    "BTCUSDT-1m-2024-01.csv": (
        "BinanceKlines",
        "1704187800000,10.1,10.9,10.0,10.5,7,1704187859999,73.5,3,4,42,0\n"
        "1704187860000,10.5,10.7,10.4,10.6,8,1704187919999,84.8,4,5,53,0\n",
    ),
    "BTCUSDT2024-01-02.csv": (
        "BybitTrades",
        "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional\n"
        "1704187800.123,BTCUSDT,Buy,7,10.5,PlusTick,a-1,1,7,73.5\n",
    ),
    "BTC-USDT-SWAP-trades-2024-01-02.csv": (
        "OKXTrades",
        "instrument_name,trade_id,side,price,size,created_time\nBTC-USDT-SWAP,1,buy,10.5,7,1704187800000\n",
    ),
    "binance_trades_2024-01-02_BTCUSDT.csv": (
        "TardisTrades",
        "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
        "binance,BTCUSDT,1704187800000000,1704187800100000,1,buy,10.5,7\n",
    ),
    "XBTUSD.csv": ("KrakenTrades", "1704187800,10.5,7\n"),
    "XBTUSD_1.csv": ("KrakenOHLC", "1704187800,10.1,10.9,10.0,10.5,7,3\n1704187860,10.5,10.7,10.4,10.6,8,4\n"),
    "BTC_USDT-1h.json": ("FreqtradeBars", "[[1704187800000,10.1,10.9,10.0,10.5,7],[1704191400000,10,10,10,10,8]]"),
}


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_file_named_as_its_provider_does_is_read_by_the_provider_s_feed(tmp_path, name):
    feed, text = PROVIDERS[name]
    (tmp_path / name).write_text(text)
    made = sniff(tmp_path / name)
    assert (made.feed, made.params) == (feed, {})
    assert check(made)[0] == (1 if FEEDS.find(feed).gives == "tape" else 2)
    assert not any(column.column.startswith("cell ") for column in made.columns)
    block = yaml.safe_load(made.block())["data"]["main"]
    assert ("bars" in block) == (FEEDS.find(feed).gives == "tape")


def test_a_name_that_lies_is_not_believed(tmp_path):
    path = tmp_path / "BTCUSDT-aggTrades-2024-01-02.csv"
    path.write_text(FILES["duckdb"].text)
    assert sniff(path).feed == "CsvTape"


def test_a_file_of_a_trade_a_row_is_said_to_be_one(tmp_path):
    head = "Date, Time, Open, High, Low, Last, Volume, NumberOfTrades, BidVolume, AskVolume\n"
    rows = "2024/1/2, 09:30:00.0, 10, 10, 9.5, 10, 1, 1, 0, 1\n2024/1/2, 09:30:01.0, 10, 10, 9.5, 9.5, 2, 1, 2, 0\n"
    (tmp_path / "ES.txt").write_text(head + rows)
    assert any("every row is one trade" in doubt for doubt in sniff(tmp_path / "ES.txt").doubts)


def test_a_column_of_times_that_holds_nothing_is_passed_over(tmp_path):
    (tmp_path / "a.csv").write_text("time,date,price,size\n,2024-01-02 09:30:00,1,1\n,2024-01-02 09:31:00,2,1\n")
    assert sniff(tmp_path / "a.csv").params["columns"]["time"] == "date"


def test_an_answer_of_several_lists_is_refused_by_their_names(tmp_path):
    (tmp_path / "a.json").write_text('{"prices": [[1704187800000, 1]], "volumes": [[1704187800000, 2]]}')
    with pytest.raises(DataError, match="holds prices, volumes; a file holds one of them"):
        sniff(tmp_path / "a.json")
