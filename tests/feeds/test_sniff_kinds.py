"""`tapeflow data sniff` over heads of files from all over: read by what it prints, or refused in a line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from tapeflow.core.clock import parse_time
from tapeflow.core.errors import DataError, ParamError
from tapeflow.core.plugins.registry import FEEDS
from tapeflow.core.tape import Tape
from tapeflow.feeds.csv_bars import CsvBars
from tapeflow.feeds.csv_tape import CsvTape
from tapeflow.feeds.sniffing.check import check
from tapeflow.feeds.sniffing.sniff import sniff
from tapeflow.feeds.tardis import TardisTrades
from tapeflow.tests.helpers.command import tapeflow
from tapeflow.tests.helpers.people_heads import BARS, REFUSED, TAPES


def read(path):
    block = yaml.safe_load(sniff(path).block())["data"]["main"]
    params = {name: value for name, value in block.items() if name not in ("feed", "path", "bars")}
    feed = FEEDS.find(block["feed"])(block["path"], **params)
    return feed.bars() if feed.gives != "tape" else Tape.join(list(feed.tapes()))


@pytest.mark.parametrize("kind", BARS)
def test_bars_are_read_by_the_block_that_is_printed(tmp_path, kind):
    name, first, text = BARS[kind]
    (tmp_path / name).write_text(text)
    bars = read(tmp_path / name)
    assert bars["open_time"][0] == parse_time(first)
    wanted = {"open": [10.1, 10.5], "high": [10.9, 10.7], "low": [10.0, 10.4], "close": [10.5, 10.6]}
    assert {column: bars[column].tolist() for column in wanted} == wanted
    assert bars["volume"].tolist() == ([0, 0] if kind == "histdata_ms" else [7, 8])


@pytest.mark.parametrize("kind", TAPES)
def test_trades_are_read_by_the_block_that_is_printed(tmp_path, kind):
    name, first, sides, text = TAPES[kind]
    (tmp_path / name).write_text(text)
    tape = read(tmp_path / name)
    assert tape.time[0] == parse_time(first)
    assert [tape.price.tolist(), tape.quantity.tolist(), tape.side.tolist()] == [[10.5, 10.6], [7, 8], sides]


@pytest.mark.parametrize("kind", REFUSED)
def test_what_holds_no_trades_is_refused_in_a_line(tmp_path, kind):
    name, says, text = REFUSED[kind]
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=says) as caught:
        sniff(tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "column", "values"),
    [
        (
            "oi.csv",
            "create_time,symbol,sum_open_interest\n2023-06-25 00:00:00,B,5578\n2023-06-25 00:05:00,B,5579\n",
            *("open_interest", [5578, 5579]),
        ),
        (
            "oi.json",
            '[{"symbol":"B","sumOpenInterest":"20403.5","sumOpenInterestValue":"15.5","timestamp":1583127900000},'
            '{"symbol":"B","sumOpenInterest":"20401.5","sumOpenInterestValue":"14.5","timestamp":1583128200000}]',
            *("open_interest", [20403.5, 20401.5]),
        ),
        (
            "rates.csv",
            "calc_time,funding_interval_hours,last_funding_rate\n1704067200003,8,-0.0001\n1704096000000,8,0.0002\n",
            *("funding_rate", [-0.0001, 0.0002]),
        ),
    ],
)
def test_series_beside_trades_are_read_by_the_feed_that_is_printed_whatever_they_are_called(
    tmp_path, name, text, column, values
):
    (tmp_path / name).write_text(text)
    assert read(tmp_path / name)[column].tolist() == values


def test_dividends_beside_bars_are_told_where_there_were_any(tmp_path):
    head = "Date,Open,High,Low,Close,Volume,Dividends,Stock Splits"
    text = f"{head}\n2023-02-09,10,11,9,10,5,0,0\n2023-02-10,10,11,9,10,5,{{}},0\n"
    for paid, told in (("0.23", True), ("0", False)):
        (tmp_path / "yf.csv").write_text(text.format(paid))
        said = [doubt for doubt in sniff(tmp_path / "yf.csv").doubts if doubt.startswith("actions:")]
        assert bool(said) == told
        assert not told or "Dividends of the file are not read; a file of date, split and dividend" in said[0]


def test_which_of_two_columns_is_the_volume_their_ratio_tells(tmp_path):
    """Money over shares is a price, shares over money is none; where both or neither are, the usual order stands."""
    rows = "1704187800,{0},10.9,10.0,10.5,{1}\n1704187860,10.5,10.7,10.4,10.6,{2}\n"
    for k, (first, second, volume, quote) in enumerate(
        [("7,73", "8,84", [7, 8], [73, 84]), ("73,7", "84,8", [7, 8], [73, 84]), ("7,0.73", "8,0.84", [7, 8], None)]
    ):
        path = tmp_path / f"{k}.csv"
        path.write_text("time,open,high,low,close,vol,amount\n" + rows.format(10.1, first, second))
        made, bars = sniff(path), read(path)
        assert bars["volume"].tolist() == volume
        assert bars.carries("quote_volume") == (quote is not None)
        assert quote is None or bars["quote_volume"].tolist() == quote
        assert any(doubt.startswith("volume: ") for doubt in made.doubts) == (quote is not None)


def test_liquidations_are_no_tape_of_tardis(tmp_path):
    name, _, text = REFUSED["liquidations_of_tardis"]
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match="columns of trades, but not the tape"):
        TardisTrades(tmp_path / name)


def test_an_order_that_only_values_tell_is_said(tmp_path):
    said = {kind: " ".join(sniff(write(tmp_path, kind)).doubts) for kind in ("coinbase_rest", "gate_csv_candles")}
    assert "cells 3 and 2 are high and low by their values" in said["coinbase_rest"]
    assert "cell 6 is taken for the open and cell 3 for the close" in said["gate_csv_candles"]


def write(folder, kind):
    (folder / BARS[kind][0]).write_text(BARS[kind][2])
    return folder / BARS[kind][0]


TICKS = "Date,Time,Open,High,Low,Close,Up,Down\n01/02/2024,09:31,10.1,10.9,10.0,10.5,4,3\n01/02/2024,09:32,{},2,6\n"


def test_up_and_down_volume_make_the_delta_of_its_own_columns(tmp_path):
    (tmp_path / "a.txt").write_text(TICKS.format("10.5,10.7,10.4,10.6"))
    made, bars = sniff(tmp_path / "a.txt"), read(tmp_path / "a.txt")
    assert (bars["taker_buy_volume"] - bars["taker_sell_volume"]).tolist() == [4 - 3, 2 - 6]
    assert bars["volume"].tolist() == [7, 8]
    assert made.params["label"] == "end"
    assert any(doubt.startswith("taker_buy_volume: volume above the price before") for doubt in made.doubts)


def test_flat_rows_of_which_two_share_a_time_are_trades(tmp_path):
    head, row = "Date,Time,Open,High,Low,Close,Up,Down\n", "01/13/2024,09:31:00,{0},{0},{0},{0},{1}\n"
    rows = [row.format(10.5, "7,0"), row.format(10.6, "0,8")]
    (tmp_path / "a.txt").write_text(head + "".join(rows))
    tape = read(tmp_path / "a.txt")
    assert [tape.price.tolist(), tape.quantity.tolist(), tape.side.tolist()] == [[10.5, 10.6], [7, 8], [1, -1]]


def test_a_bid_and_an_ask_tell_who_took_liquidity(tmp_path):
    rows = [
        (10.5, 10.4, 10.5),
        (10.4, 10.4, 10.5),
        (10.45, 10.4, 10.5),
        (10.6, 10.4, 10.5),
        (10.5, 10.5, 10.5),
        (1, 0, 1),
    ]
    wanted = [1, -1, 0, 1, 0, 0]  # at the ask, at the bid, between, above, at a locked quote, at one without a bid
    text = "time,price,bid,ask,size\n" + "".join(
        f"{1704187800 + i},{p},{b},{a},1\n" for i, (p, b, a) in enumerate(rows)
    )
    (tmp_path / "a.csv").write_text(text)
    feed = CsvTape(tmp_path / "a.csv")
    for _ in range(2):  # counted anew with each pass
        assert Tape.join(list(feed.tapes())).side.tolist() == wanted
        assert any("; 3 of 6 lie between them and have none" in remark for remark in feed.remarks())
    guessed = Tape.join(list(CsvTape(tmp_path / "a.csv", infer_side="tick").tapes())).side
    assert [int(side) for side, told in zip(guessed, wanted, strict=True) if told] == [s for s in wanted if s]
    assert np.abs(guessed).all()


def test_a_bid_without_an_ask_tells_no_side(tmp_path):
    (tmp_path / "a.csv").write_text("time,price,bid,size\n1704187800,10.5,10.4,1\n")
    with pytest.raises(ParamError, match="bid tells sides only beside ask"):
        CsvTape(tmp_path / "a.csv", columns={"bid": "bid"}).how()
    assert Tape.join(list(CsvTape(tmp_path / "a.csv").tapes())).side.tolist() == [0]


def test_a_side_that_is_told_goes_before_quotes(tmp_path):
    (tmp_path / "a.csv").write_text("time,price,bid,ask,size,side\n1704187800,10.5,10.4,10.5,1,sell\n")
    assert Tape.join(list(CsvTape(tmp_path / "a.csv").tapes())).side.tolist() == [-1]


def test_a_first_row_that_begins_with_a_word_is_a_row(tmp_path):
    (tmp_path / "a.csv").write_text("EURUSD,2024-01-02 09:30:00,10.5,7\nEURUSD,2024-01-02 09:31:00,10.6,8\n")
    tape = Tape.join(list(CsvTape(tmp_path / "a.csv", columns={"time": 2, "price": 3, "quantity": 4}).tapes()))
    assert tape.price.tolist() == [10.5, 10.6]


@pytest.mark.parametrize("form", ["parquet", "csv", "unnamed.csv"])
@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("market", ["A", "B"])
def test_a_table_of_several_tickers_is_read_by_symbol(tmp_path, form, swapped, market):
    path = tmp_path / f"a.{form}"
    fields = {"Open": [10.1, 10.5], "High": [10.9, 10.7], "Low": [10.0, 10.4], "Close": [10.5, 10.6], "Volume": [7, 8]}
    cells = {(f, t): np.array(v) * (1 if t == "A" else 2) for f, v in fields.items() for t in ("A", "B")}
    days = pd.DatetimeIndex(["2024-01-02", "2024-01-03"], name=None if form == "unnamed.csv" else "Date")
    frame = pd.DataFrame(cells, index=days)
    frame = frame.swaplevel(axis=1) if swapped else frame
    frame.to_parquet(path) if form == "parquet" else frame.to_csv(path)
    bars = CsvBars(path, symbol=market, columns={n.lower(): n for n in fields}).bars()
    assert bars["close"].tolist() == [v * (1 if market == "A" else 2) for v in fields["Close"]]
    made = sniff(path)
    assert made.params["symbol"] == "A"
    assert "symbol: the file holds A, B; one of them is read at a time" in made.doubts
    assert read(path)["volume"].tolist() == [7, 8]
    with pytest.raises(DataError, match="holds A, B; one is read at a time, as in symbol: A"):
        CsvBars(path).bars()


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_days_on_which_only_other_tickers_traded_are_none_of_this_one(tmp_path, form):
    fields = {"Open": 10.1, "High": 10.9, "Low": 10.0, "Close": 10.5, "Volume": 7.0}
    cells = {
        (f, t): [v if t == "A" or day != 1 else np.nan for day in range(3)] for f, v in fields.items() for t in "AB"
    }
    frame = pd.DataFrame(cells, index=pd.DatetimeIndex(["2024-01-02", "2024-01-03", "2024-01-04"], name="Date"))
    path = tmp_path / f"a.{form}"
    frame.to_parquet(path) if form == "parquet" else frame.to_csv(path)
    assert [len(CsvBars(path, symbol=one, interval="1d").bars()) for one in "AB"] == [3, 2]


def test_what_reading_notes_is_told_beside_the_block(tmp_path):
    rows = "".join(f"{1704187800 + 60 * i},10,11,9,10,7,{7 * 4321}\n" for i in range(30))
    (tmp_path / "a.csv").write_text("time,open,high,low,close,volume,turnover\n" + rows)
    (note,) = check(sniff(tmp_path / "a.csv"))[3]
    assert note.startswith("quote_volume over volume is 4321 in the bar of")
    assert tapeflow("data", "sniff", tmp_path / "a.csv").stderr.count(note) == 1


def _rows(price: int, turnover: int) -> str:
    each = "2024-01-0{0},{1},{2},{3},{1},7,{4}\n"
    return "time,open,high,low,close,volume,turnover\n" + "".join(
        each.format(day, price, price + 5, price - 5, 7 * price * turnover) for day in range(2, 8)
    )


@pytest.mark.parametrize("size", [10, 100, 1000])
def test_a_turnover_in_other_units_than_volume_is_left_out_and_said(tmp_path, size):
    (tmp_path / "a.csv").write_text(_rows(100, size))
    made = sniff(tmp_path / "a.csv")
    assert made.params["columns"] == {"quote_volume": None}
    assert any(
        f"turnover over volume is no price between low and high, one of the two is {size:,}" in d for d in made.doubts
    )
    assert check(made)[0] == 6
    (tmp_path / "a.csv").write_text(_rows(100, 1))
    assert {told.column: told.role for told in sniff(tmp_path / "a.csv").columns}["turnover"] == "quote_volume"
    bars = CsvBars(tmp_path / "a.csv", columns={"quote_volume": "turnover"}).bars()
    assert bars["quote_volume"].tolist() == [700] * 6
    (tmp_path / "a.csv").write_text(_rows(100, size))
    with pytest.raises(DataError, match=r"or leave the amount out, as in columns: \{quote_volume: null\}"):
        CsvBars(tmp_path / "a.csv", columns={"quote_volume": "turnover"}).bars()


def test_large_whole_prices_are_doubted_only_where_nothing_names_them(tmp_path):
    """Lean's files of ten thousandths have no header."""
    named, _, rows = _rows(70_000, 1).partition("\n")
    bare = "".join(f"{row.rpartition(',')[0]}\n" for row in rows.splitlines())
    for text, doubted in ((f"{named}\n{rows}", False), (bare, True)):
        (tmp_path / "a.csv").write_text(text)
        assert any(doubt.startswith("price_divisor") for doubt in sniff(tmp_path / "a.csv").doubts) is doubted


def test_a_binary_file_of_databentos_is_read_by_its_feed(tmp_path):
    dbn = pytest.importorskip("databento_dbn")
    kinds = {"stype_in": dbn.SType.RAW_SYMBOL, "stype_out": dbn.SType.INSTRUMENT_ID, "mappings": []}
    lists = {"symbols": ["ESH4"], "partial": [], "not_found": []}
    start, price = 1_704_187_800 * 10**9, 10_500_000_000

    def written(name: str, schema, rows) -> Path:
        head = dbn.Metadata(dataset="GLBX.MDP3", start=start, schema=schema, **lists, **kinds)
        (tmp_path / name).write_bytes(head.encode() + b"".join(map(bytes, rows)))
        return tmp_path / name

    trade = dbn.TradeMsg(
        publisher_id=1, instrument_id=5602, ts_event=start, price=price, size=7, action=dbn.Action.TRADE,
        side=dbn.Side.BID, depth=0, ts_recv=start + 9, flags=0, ts_in_delta=0, sequence=1,
    )  # fmt: skip
    assert sniff(written("t.dbn", dbn.Schema.TRADES, [trade])).feed == "DatabentoTrades"
    bars = [
        dbn.OHLCVMsg(dbn.RType.OHLCV_1M, 1, 5602, start + 60 * 10**9 * i, price, price + 10**9, price, price, 7)
        for i in range(3)
    ]
    made = sniff(written("b.dbn", dbn.Schema.OHLCV_1M, bars))
    assert (made.feed, made.params["price_divisor"]) == ("CsvBars", 1e9)
    assert CsvBars(made.path, **made.params).bars()["high"].tolist() == [11.5] * 3
