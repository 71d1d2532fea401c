"""What an audit sees: why nothing was read, holes of ids, klines that a run refuses, stray times, spikes and wicks."""

from __future__ import annotations

import json
import tracemalloc
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from tapeflow.aggregation.bars import aggregate
from tapeflow.auditing.audit import audit
from tapeflow.core.errors import DataError
from tapeflow.core.tape import Tape
from tapeflow.feeds.binance import BinanceAggTrades, BinanceKlines, BinanceTrades
from tapeflow.feeds.binance_stream import BinanceStreamTrades
from tapeflow.feeds.csv_bars import CsvBars
from tapeflow.feeds.csv_tape import CsvTape
from tapeflow.tests.auditing.test_contradictions import MINUTE, START, kline_file
from tapeflow.tests.helpers.command import tapeflow

MS = 1_704_067_200_000


def found(report):
    return {f.kind: f.count for f in report.findings if f.weight == "damage"}


def written(path, lines):
    path.write_text("\n".join(lines) + "\n")
    return path


def trades(path, times, ids=None, header="timestamp,price,quantity,side"):
    rows = [f"{t},{100 + 0.01 * (k % 7):.2f},1,{'buy' if k % 2 else 'sell'}" for k, t in enumerate(times)]
    if ids is not None:
        rows = [f"{row},{i}" for row, i in zip(rows, ids, strict=True)]
        header += ",id"
    return written(path, [header, *rows])


def agg(path, times, first=1):
    return written(path, [f"{first + k},100.0,1,{first + k},{first + k},{t},true,true" for k, t in enumerate(times)])


# -- why nothing could be read --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "lines", "feed", "more"),
    [
        ("a.csv", ["agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker",
                   "1,100,1,1,1,1.70E+12,FALSE"], "BinanceAggTrades", ["--bars", "1m"]),
        ("b.csv", ["time,price,quantity", "2011/07/31x 22:38,1205.0,1"], "CsvTape", ["--bars", "1m"]),
        ("c.csv", ["time,open,close", "2024-01-01,1,2", "2024-01-02,x,2"], "CsvBars", []),
    ],
)  # fmt: skip
def test_an_audit_says_what_bars_says_when_nothing_can_be_read(tmp_path, name, lines, feed, more):
    path = written(tmp_path / name, lines)
    as_bars = tapeflow("bars", path, "--feed", feed, *more, "--out", "-")
    graded = tapeflow("audit", path, "--feed", feed)
    row = as_bars.stderr.splitlines()[-1]
    assert "row" in row
    assert row in graded.stderr or row.removeprefix("tapeflow: ") in graded.stdout


def test_columns_that_are_not_read_are_named(tmp_path):
    path = written(tmp_path / "t.csv", ["time,price,quantity,venue", f"{MS},1,1,x", f"{MS + 1},1,1,x"])
    assert audit(CsvTape(path)).unread == ("venue",)
    assert "not read: columns venue" in tapeflow("audit", path, "--feed", "CsvTape").stderr
    header = "id,price,qty,quoteQty,time,isBuyerMaker,isBestMatch,nq"
    path = written(tmp_path / "b.csv", [header, f"1,100,1,100,{MS},true,true,5"])
    assert audit(BinanceTrades(path)).unread == ("quoteQty", "isBestMatch", "nq")


# -- ids ------------------------------------------------------------------------------------------


def test_holes_of_ids_are_found_in_any_file_whose_ids_follow_each_other(tmp_path):
    ids = [*range(10, 60), *range(63, 100)]
    report = audit(CsvTape(trades(tmp_path / "t.csv", MS + 100 * np.arange(len(ids)), ids)))
    assert found(report) == {"id_hole": 1}
    assert report.finding("id_hole").amount == 3
    assert not [text for text in report.unchecked if "ids" in text]


def test_ids_that_markets_share_are_said_to_be_unchecked_and_how_to_ask(tmp_path):
    ids = 10 + 7 * np.arange(50)
    path = trades(tmp_path / "t.csv", MS + 100 * np.arange(50), ids)
    report = audit(CsvTape(path))
    assert found(report) == {}
    assert any("--ids contiguous" in text for text in report.unchecked)
    assert found(audit(CsvTape(path), ids="contiguous")) == {"id_hole": 49}
    scattered = trades(tmp_path / "s.csv", MS + 100 * np.arange(50), [*range(25), *range(30, 55)])
    assert found(audit(CsvTape(scattered), ids="scattered")) == {}


def test_an_outage_is_no_quiet_market_where_ids_are_missing_or_not_known(tmp_path):
    times = np.concatenate([MS + 100 * np.arange(500), MS + 14_400_000 + 100 * np.arange(500)])
    for name, ids, kinds in (
        ("hole", [*range(500), *range(900, 1400)], {"id_hole", "time_gap"}),
        ("none", None, {"time_gap"}),
        ("shared", 7 * np.arange(1000), {"time_gap"}),
        ("whole", range(1000), set()),
    ):
        report = audit(CsvTape(trades(tmp_path / f"{name}.csv", times, ids)))
        assert set(found(report)) == kinds, name
        assert (report.finding("silence") is not None) == (name == "whole"), name


def test_a_column_that_may_hold_ids_is_pointed_at(tmp_path):
    path = trades(tmp_path / "t.csv", MS + np.arange(5), header="timestamp,price,quantity,side")
    path.write_text(
        path.read_text().replace("side\n", "side,orderId\n").replace("buy\n", "buy,1\n").replace("sell\n", "sell,2\n")
    )
    assert any("trade_id: orderId" in text for text in audit(CsvTape(path)).unchecked)


def test_rows_that_no_order_made_do_not_stop_an_audit(tmp_path):
    rows = [("MARKET", 28155.1, 1), ("INSURANCE_FUND", 28722.5, 2), ("MARKET", 28147.0, 3)]
    lines = [
        json.dumps({"e": "trade", "T": MS + i, "s": "BTCUSDT", "t": i, "p": str(p), "q": "1", "X": kind, "m": True})
        for kind, p, i in rows
    ]
    report = audit(BinanceStreamTrades(written(tmp_path / "t.jsonl", lines), market="um"))
    assert found(report) == {}
    assert (report.rows, report.quality) == (3, {"PARTIAL": 1})


# -- klines that a run refuses --------------------------------------------------------------------


def test_klines_in_any_order_are_graded(tmp_path):
    good = kline_file(tmp_path / "g.csv", *[dict(close=100 + k / 10) for k in range(8)]).read_text().splitlines()
    back = audit(BinanceKlines(written(tmp_path / "d.csv", good[::-1])))
    assert back.finding("kline_disorder").count == 7
    assert (back.grade, back.rows, back.start) == ("D", 8, START * 1000)
    assert "row 2 opens at 2025-01-29T01:26:00Z, not after the row before it" in back.refused
    twice = audit(BinanceKlines(written(tmp_path / "t.csv", [*good[:3], good[2], *good[3:]])))
    assert [(f.kind, f.count, f.spots[0].row) for f in twice.findings] == [("kline_duplicate", 1, 4)]
    other = good[2].replace("100.2", "100.3")
    clash = audit(BinanceKlines(written(tmp_path / "c.csv", [*good[:3], other, *good[3:]])))
    assert found(clash) == {"kline_conflict": 1}


def test_bars_of_ones_own_in_any_order_are_graded_and_read(tmp_path):
    lines = [f"2024-01-01T00:{k:02}:00,{k + 1},{k + 1}" for k in range(6)]
    path = written(tmp_path / "b.csv", ["time,open,close", *lines[3:], *lines[:3], lines[5]])
    report = audit(CsvBars(path))
    assert {f.kind: f.count for f in report.findings} == {"kline_duplicate": 1, "kline_disorder": 1}
    assert (report.refused, report.grade, report.bars) == ("", "B", 6)


def test_klines_of_months_are_no_damage(tmp_path):
    ms = [int(datetime(2018, month, 1, tzinfo=UTC).timestamp() * 1000) for month in range(1, 8)]
    lines = [f"{a},100,101,99,100,10,{b - 1},1000,5,4,400,0" for a, b in pairwise(ms)]
    report = audit(BinanceKlines(written(tmp_path / "m.csv", lines)))
    assert found(report) == {}


def test_lines_and_files_that_cannot_be_read_do_not_hide_the_other_klines(tmp_path):
    kline_file(tmp_path / "a.csv", *[{}] * 4)
    lines = (tmp_path / "a.csv").read_text().splitlines()
    lines[2] = lines[2].replace(",101,", ",x,")
    written(tmp_path / "a.csv", lines)
    (tmp_path / "b.zip").write_bytes(b"PK nothing")
    report = audit(BinanceKlines([tmp_path / "a.csv", tmp_path / "b.zip"]), quarantine=tmp_path / "q.csv")
    assert found(report) == {"unreadable": 1, "damaged_file": 1, "kline_gap": 1}
    assert report.finding("unreadable").spots[0].row == 3
    assert (tmp_path / "q.csv").read_text().strip() == lines[2]


def test_figures_that_klines_do_not_have_are_said_not_to_be_compared(tmp_path):
    tape = agg(tmp_path / "t.csv", MS + 1000 * np.arange(600))
    rows = [f"{(MS + k * MINUTE) // 1000},100,100,100,100,{60.0}" for k in range(10)]
    klines = CsvBars(written(tmp_path / "k.csv", ["time,open,high,low,close,volume", *rows]))
    report = audit(BinanceAggTrades(tape), klines=klines)
    assert report.fields == ("open", "high", "low", "close", "volume")
    assert report.differences == ()
    assert report.compared == 9
    assert any(text.startswith("klines: quote_volume, trades, taker_buy") for text in report.unchecked)


# -- stray times ----------------------------------------------------------------------------------


@pytest.mark.parametrize("year", [1971, 2010, 2261])
@pytest.mark.parametrize("at", [0, 40, 99])
def test_a_stray_time_of_a_trade_is_a_finding_and_refused_with_its_row(tmp_path, year, at):
    times = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=k) for k in range(100)]
    times[at] = times[at].replace(year=year)
    path = trades(tmp_path / "t.csv", [t.isoformat() for t in times], header="time,price,quantity,side")
    with pytest.raises(DataError, match=rf"t\.csv: row {at + 2}, column time: .* years from the rows around it"):
        CsvTape(path).bars("1m")
    report = audit(CsvTape(path))
    assert [(f.kind, f.count, f.spots[0].row) for f in report.findings if f.weight == "damage"] == [
        ("stray_time", 1, at + 2)
    ]
    assert (report.end - report.start) < 100_000_000


@pytest.mark.parametrize("at", [0, 30, 59])
def test_a_stray_time_leaves_no_hole_in_the_ids(tmp_path, at):
    times = MS + 1000 * np.arange(60)
    times[at] = 9_200_000_000_000
    assert found(audit(BinanceAggTrades(agg(tmp_path / "t.csv", times)))) == {"stray_time": 1}


@pytest.mark.parametrize("at", [0, 30, 59])
def test_a_stray_time_of_a_kline_is_a_finding_and_refused_with_its_row(tmp_path, at):
    lines = kline_file(tmp_path / "k.csv", *[{}] * 60).read_text().splitlines()
    stray = 9_200_000_000_000 if at else 946_684_800_000
    opens = START + at * MINUTE
    lines[at] = lines[at].replace(str(opens), str(stray)).replace(str(opens + MINUTE - 1), str(stray + MINUTE - 1))
    path = written(tmp_path / "k.csv", lines)
    says = rf"row {at + 1}: opens at .* years from"
    for gaps in ("keep", "fill"):
        with pytest.raises(DataError, match=says):
            BinanceKlines(path).bars(gaps=gaps)
    report = audit(BinanceKlines(path))
    assert report.finding("stray_time").spots[0].row == at + 1
    assert report.finding("kline_disorder") is None
    rows = [f"{line.split(',')[0]},1,2" for line in lines]
    with pytest.raises(DataError, match=rf"row {at + 2}: opens at .* years from the others"):
        CsvBars(written(tmp_path / "b.csv", ["time,open,close", *rows])).bars("5m", gaps="fill")


def test_a_silence_of_millions_of_bars_is_refused_before_they_are_made():
    def tape(*time):
        return Tape.of(time=list(time), price=[1.0] * len(time), quantity=[1.0] * len(time), side=[1] * len(time))

    year = 365 * 86_400_000_000
    tracemalloc.start()
    with pytest.raises(DataError, match=r"31,53\d,\d{3} empty bars of 1s"):
        aggregate([tape(0, 1, year)], ["1s"])
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()
    assert len(aggregate([tape(0, 1, year)], ["1d"])[0]) == 366


# -- prices ---------------------------------------------------------------------------------------


def wick(path, far):
    """Ten minutes of a quiet market with one trade ``far`` away."""
    price = np.full(600, 100.0) + 0.01 * (np.arange(600) % 3)
    price[310] = far
    written(path, [f"{k + 1},{p:.2f},1,{k + 1},{k + 1},{MS + 1000 * k},true,true" for k, p in enumerate(price)])
    return price


@pytest.mark.parametrize(("far", "spikes"), [(110.0, 1), (100.9, 0)])
def test_a_price_is_judged_by_those_around_it(tmp_path, far, spikes):
    wick(tmp_path / "t.csv", far)
    assert found(audit(BinanceAggTrades(tmp_path / "t.csv"))) == ({"price_spike": 1} if spikes else {})


def test_a_price_that_the_exchanges_kline_has_too_is_no_damage(tmp_path):
    price = wick(tmp_path / "t.csv", 110.0)
    lines = []
    for k in range(10):
        part = price[60 * k : 60 * k + 60]
        cells = [MS + k * MINUTE, part[0], part.max(), part.min(), part[-1], 60, MS + (k + 1) * MINUTE - 1]
        lines.append(",".join(str(v) for v in [*cells, round(float(part.sum()), 8), 60, 0, 0, 0]))
    report = audit(BinanceAggTrades(tmp_path / "t.csv"), klines=BinanceKlines(written(tmp_path / "k.csv", lines)))
    assert report.differences == ()
    assert (found(report), report.finding("price_wick").count) == ({}, 1)
    lines[5] = lines[5].replace("110.0", "101.0")
    other = audit(BinanceAggTrades(tmp_path / "t.csv"), klines=BinanceKlines(written(tmp_path / "k.csv", lines)))
    assert found(other) == {"price_spike": 1, "kline_high": 1}


# -- klines far from all around them -----------------------------------------------------------------


def bars_file(path, change):
    rows = [[MS + 60_000 * i, 100 + i % 5, 103 + i % 5, 98 + i % 5, 101 + i % 5, 10] for i in range(400)]
    change(rows)
    return written(path, ["time,open,high,low,close,volume", *(",".join(map(str, row)) for row in rows)])


@pytest.mark.parametrize(("cell", "factor"), [(2, 1e4), (3, 1e-8), (2, 12), (3, 1 / 12)])
@pytest.mark.parametrize("at", [0, 200, 398, 399])
def test_a_kline_that_reaches_tenfold_away_and_comes_back_is_damage(tmp_path, cell, factor, at):
    def change(rows):
        rows[at][cell] *= factor

    report = audit(CsvBars(bars_file(tmp_path / "a.csv", change)))
    assert found(report) == {"kline_spike": 1}
    assert report.grade != "A"
    (example,) = report.finding("kline_spike").spots
    assert (example.row, example.time) == (at + 2, (MS + 60_000 * at) * 1000)


def test_a_whole_kline_elsewhere_is_damage_too(tmp_path):
    def change(rows):
        rows[200][1:5] = [price * 1000 for price in rows[200][1:5]]

    assert found(audit(CsvBars(bars_file(tmp_path / "a.csv", change)))) == {"kline_spike": 1}


def test_a_wick_that_an_exchange_may_have_traded_is_noted_and_no_damage(tmp_path):
    def change(rows):
        rows[200][3] = 55.0

    report = audit(CsvBars(bars_file(tmp_path / "a.csv", change)))
    assert (found(report), report.grade, report.finding("kline_wick").count) == ({}, "A", 1)


@pytest.mark.parametrize("scale", [lambda i: 1.0, lambda i: 20.0 if i >= 200 else 1.0, lambda i: 1.5 ** (i // 10)])
def test_prices_that_move_and_stay_are_neither(tmp_path, scale):
    def change(rows):
        for i, row in enumerate(rows):
            row[1:5] = [price * scale(i) for price in row[1:5]]

    report = audit(CsvBars(bars_file(tmp_path / "a.csv", change)))
    assert {f.kind for f in report.findings if f.count} & {"kline_spike", "kline_wick"} == set()


def test_a_weekend_without_daily_klines_says_how_hours_are_told(tmp_path):
    days = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=i) for i in range(60)]
    kept = [day for day in days if day.weekday() < 5 and (day.month, day.day) != (2, 14)]
    rows = [f"{day:%Y-%m-%d},100,101,99,100,10" for day in kept]
    report = audit(CsvBars(written(tmp_path / "d.csv", ["time,open,high,low,close,volume", *rows])))
    said = {datetime.fromtimestamp(s.time / 1e6, UTC).weekday(): s.example for s in report.finding("kline_gap").spots}
    assert "a weekend: where the market has hours, say them, as in --bars 1d@1d:XNYS" in said[0]
    assert "weekend" not in said[3]
