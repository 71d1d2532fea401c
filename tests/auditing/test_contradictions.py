"""Klines that contradict themselves: found by kind, flagged, harmless to engines, and said."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

from tapeflow.api import run
from tapeflow.auditing.audit import audit
from tapeflow.cli import audit as audit_command
from tapeflow.cli import bars as bars_command
from tapeflow.cli import compute as compute_command
from tapeflow.configs.loader import load_config
from tapeflow.core.errors import DataError
from tapeflow.core.schema import Quality
from tapeflow.feeds.binance import BinanceKlines
from tapeflow.feeds.csv_bars import CsvBars
from tapeflow.feeds.frames import FrameBars
from tapeflow.feeds.framework.contradictions import SAYS, contradictions
from tapeflow.feeds.framework.settling import settled
from tapeflow.feeds.freqtrade import FreqtradeBars

BIT = int(Quality.CONTRADICTORY)
MINUTE = 60_000
START = 1_738_113_600_000
GOOD = dict(open=100, high=101, low=99, close=100, volume=10, quote=1000, trades=5, bought=4, bought_quote=400)
ODD = {
    "price": (dict(low=0), dict(open=0, high=0, low=0, close=0, volume=0, quote=0, trades=0, bought=0, bought_quote=0)),
    "range": (dict(high=98), dict(open=102), dict(close=98.5), dict(low=100.5)),
    "takers": (dict(bought=10.5), dict(bought_quote=1000.5)),
    "mean": (dict(volume=1000, quote=10, bought=400, bought_quote=4), dict(quote=1012), dict(quote=0, bought_quote=0)),
    "trades": (dict(trades=0), dict(volume=0, bought=0)),
}
EVERY = [pytest.param(kind, change, id=f"{kind}-{k}") for kind, all_ in ODD.items() for k, change in enumerate(all_)]


def kline_file(path, *changes):
    """Good klines, one a minute, those with a change after it."""
    lines = []
    for k, change in enumerate(changes):
        own, opens = {**GOOD, **change}, START + k * MINUTE
        cells = [own[n] for n in ("open", "high", "low", "close", "volume")]
        more = [own[n] for n in ("quote", "trades", "bought", "bought_quote")]
        lines.append(",".join(map(str, [opens, *cells, opens + MINUTE - 1, *more, 0])))
    path.write_text("\n".join(lines) + "\n")
    return path


def as_frame(*changes, **more):
    """The same as columns in memory."""
    rows = [{**GOOD, **change} for change in changes]
    names = dict(quote="quote_volume", bought="taker_buy_volume", bought_quote="taker_buy_quote_volume")
    columns = {names.get(n, n): np.array([row[n] for row in rows], float) for n in GOOD}
    return {"time": START + MINUTE * np.arange(len(rows)), **columns, **more}


def flags(bars):
    return ((bars["quality"] & BIT) != 0).tolist()


@pytest.mark.parametrize(("kind", "change"), EVERY)
def test_each_kind_is_flagged_found_by_name_and_said(tmp_path, kind, change):
    feed = BinanceKlines(kline_file(tmp_path / "k.csv", {}, {}, change, {}))
    bars = feed.bars()
    assert flags(bars) == [False, False, True, False]
    assert feed.counts["contradictory"] == 1
    assert "1 of 4 bars contradict themselves" in bars.notes[-1]
    assert SAYS[kind] in bars.notes[-1]
    report = audit(BinanceKlines(tmp_path / "k.csv"))
    assert [f.kind for f in report.findings if f.weight == "damage"] == [f"kline_odd_{kind}"]
    assert report.quality["CONTRADICTORY"] == 1
    assert report.grade == "F"


@pytest.mark.parametrize(("kind", "change"), EVERY)
def test_no_engine_sees_a_price_that_is_none(tmp_path, kind, change):
    bars = BinanceKlines(kline_file(tmp_path / "k.csv", {}, dict(close=100.5), change, {})).bars()
    open_, high, low, close = (bars[n] for n in ("open", "high", "low", "close"))
    assert (low > 0).all()
    assert (low <= np.minimum(open_, close)).all()
    assert (high >= np.maximum(open_, close)).all()
    if kind in ("price", "range"):
        assert [open_[2], high[2], low[2], close[2]] == [100.5] * 4


def test_amounts_that_cannot_be_are_unknown_and_the_others_stay(tmp_path):
    bars = BinanceKlines(kline_file(tmp_path / "k.csv", {}, dict(bought=10.5), dict(volume=1000, quote=10))).bars()
    assert (bars["volume"][1], bars["quote_volume"][1], bars["trades"][1]) == (10, 1000, 5)
    assert np.isnan([bars[f"taker_{side}_volume"][1] for side in ("buy", "sell")]).all()
    assert np.isnan([bars[n][2] for n in ("volume", "quote_volume", "trades", "taker_buy_volume")]).all()
    assert bars["close"].tolist() == [100, 100, 100]


def test_prices_ten_times_off_are_the_wrong_ones_where_the_amounts_say_so(tmp_path):
    tenfold = dict(open=1000, high=1010, low=990, close=1000)
    bars = BinanceKlines(kline_file(tmp_path / "k.csv", {}, tenfold, {})).bars()
    assert bars["close"].tolist() == [100, 100, 100]
    assert bars["volume"].tolist() == [10, 10, 10]
    assert flags(bars) == [False, True, False]


def test_bars_before_the_first_price_are_left_out_and_counted(tmp_path):
    feed = BinanceKlines(kline_file(tmp_path / "k.csv", dict(low=0), dict(close=200), {}, {}))
    bars = feed.bars()
    assert bars["open_time"].tolist() == [(START + k * MINUTE) * 1000 for k in (2, 3)]
    assert "2 before the first price left out" in bars.notes[-1]
    with pytest.raises(DataError, match="no bar has prices that can be"):
        BinanceKlines(kline_file(tmp_path / "n.csv", dict(low=0))).bars()


def test_what_follows_changes_no_bar_before_it(tmp_path):
    rng, every = np.random.default_rng(5), [change for kinds in ODD.values() for change in kinds]
    changes = [{}, *(every[i] if i < len(every) else {} for i in rng.integers(0, 3 * len(every), 80).tolist())]
    whole = FrameBars(as_frame(*changes)).bars()
    for n in (2, 17, 40, 66):
        part = FrameBars(as_frame(*changes[:n])).bars()
        for name in ("open", "high", "low", "close", "volume", "taker_buy_volume", "quality"):
            assert np.array_equal(part[name], whole[name][:n], equal_nan=True), (n, name)


def test_what_was_settled_is_settled():
    bars = settled(FrameBars(as_frame({}, dict(low=0), dict(bought=11), dict(quote=5))).klines())
    again = settled(bars)
    assert contradictions(bars) == {}
    assert all(np.array_equal(again[n], bars[n], equal_nan=True) for n in bars.columns)


def test_every_feed_of_klines_does_the_same(tmp_path):
    frame = as_frame({}, dict(low=0), {})
    rows = np.column_stack([frame[n] for n in ("time", "open", "high", "low", "close", "volume")]).tolist()
    (tmp_path / "BTC_USDT-1m.json").write_text(json.dumps(rows))
    table = ["time,open,high,low,close,volume", *(",".join(f"{v:.10g}" for v in row) for row in rows)]
    table[2] = table[2].replace(",0,", ",,")
    (tmp_path / "mine.csv").write_text("\n".join(table))
    feeds = [FreqtradeBars(tmp_path / "BTC_USDT-1m.json"), CsvBars(tmp_path / "mine.csv"), FrameBars(frame)]
    for feed in feeds:
        assert flags(feed.bars()) == [False, True, False], feed


def test_missing_and_negative_values_of_frames_are_contradictions():
    frame = as_frame({}, {}, {}, {}, dict(volume=-1), dict(bought=-1))
    frame["close"][1], frame["low"][2] = np.nan, -5
    frame["open"][3] = np.inf
    found = contradictions(FrameBars(frame).klines())
    assert found["price"].tolist() == [False, True, True, True, False, False]
    assert found["negative"].tolist() == [False, False, False, False, True, True]
    assert flags(FrameBars(frame).bars()) == [False, True, True, True, True, True]


def test_a_column_that_is_not_known_contradicts_nothing():
    only = {"time": START + MINUTE * np.arange(3), "close": [1.0, 2.0, 3.0]}
    assert flags(FrameBars(only).bars()) == [False] * 3
    zeros = as_frame({}, {}, {}, quote_volume=np.zeros(3), trades=np.zeros(3), taker_buy_quote_volume=np.zeros(3))
    bars = FrameBars(zeros).bars()
    assert bars["quality"].tolist() == [0, 0, 0]
    assert np.isnan(bars["quote_volume"]).all()
    assert "0 in every bar" in bars.notes[-1]


@pytest.mark.parametrize(("volume", "quote"), [(10.004, 1000.0), (0.003, 0.31), (1234.567, 124690.4)])
def test_rounding_is_no_contradiction(volume, quote):
    price = quote / volume
    rows = [{}, dict(open=price, high=price, low=price, close=price, volume=round(volume, 2), quote=round(quote, 1))]
    rows[1] |= dict(bought=0, bought_quote=0)
    frame = as_frame(*rows)
    frame["volume"][0], frame["quote_volume"][0] = 10.01, 1001.1
    assert flags(FrameBars(frame).bars()) == [False, False]


def test_a_volume_is_rounded_by_its_own_decimals():
    # 0.0051 at a price of 100, told as 0.01 beside a quote of four decimals
    price = dict(open=100, high=100, low=100, close=100, bought=0, bought_quote=0)
    frame = as_frame(*[dict(price, volume=0.03, quote=3.0001)] * 2, dict(price, volume=0.01, quote=0.5123))
    assert flags(FrameBars(frame).bars()) == [False] * 3
    frame["quote_volume"][2] = 0.4999
    assert flags(FrameBars(frame).bars()) == [False, False, True]


def test_columns_that_are_mistaken_for_others_are_refused():
    frame = as_frame(*[dict(high=99, low=101)] * 30)
    with pytest.raises(DataError, match=r"30 of 30 bars contradict themselves.*columns mistaken"):
        FrameBars(frame).bars()


def test_longer_bars_keep_the_flag():
    bars = FrameBars(as_frame(*[{}] * 3, dict(low=0), *[{}] * 6)).bars("5m")
    assert flags(bars) == [True, False]
    assert bars["low"].tolist() == [99, 99]


def test_the_commands_say_how_many(tmp_path):
    path = str(kline_file(tmp_path / "k.csv", {}, {}, dict(low=0), {}))
    out = str(tmp_path / "o.csv")
    said = CliRunner().invoke(bars_command.command, [path, "--feed", "BinanceKlines", "--out", out])
    assert "contradictory 1" in said.output
    assert "1 of 4 bars contradict themselves" in said.output
    asked = [path, "--feed", "BinanceKlines", "--indicator", "VWAP", "--out", out]
    assert "1 of 4 bars contradict themselves" in CliRunner().invoke(compute_command.command, asked).output
    graded = CliRunner().invoke(audit_command.command, [path, "--feed", "BinanceKlines"]).output
    assert "kline_odd_price" in graded
    assert "grade F" in graded


@pytest.mark.parametrize("odd", [{"low": 0}, dict.fromkeys(("open", "high", "low", "close"), 0)], ids=["low", "all"])
def test_no_liquidation_and_no_odd_equity_comes_from_such_a_bar(tmp_path, odd):
    kline_file(tmp_path / "k.csv", {}, {}, {}, odd, {}, {})
    (tmp_path / "z.yaml").write_text(
        "name: z\n"
        "data: {x: {feed: BinanceKlines, path: k.csv, instrument: {margin: linear, leverage: 5}}}\n"
        'strategy: {kind: Rules, params: {long: {enter: "close == 100"}}}\n'
        "broker: {cash: 1000}\nsizer: {percent: 300}\n"
    )
    result = run(load_config(tmp_path / "z.yaml"), tmp_path / "out", report=False)
    assert result.summary["final_value"] == 1000
    assert result.summary["max_drawdown_pct"] == 0
    assert any("1 of 6 bars contradict themselves" in text for text in result.summary["warnings"])
