"""Vendors' series in their published shapes: as bars, on time, and never before their interval has ended."""

from __future__ import annotations

import json

import backtrader as bt
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tapeflow.aggregation.levels import regrouped
from tapeflow.api import run
from tapeflow.configs.loader import load_config
from tapeflow.core.bars import Bars, Levels
from tapeflow.core.errors import DataError, InputError, ParamError
from tapeflow.core.lines import bar_data
from tapeflow.core.schema import BAR_COLUMNS
from tapeflow.feeds.amberdata import AmberdataVWAP
from tapeflow.feeds.aperiodic import FLOW, AperiodicFlow
from tapeflow.feeds.kiyotaka import KiyotakaProfile, KiyotakaTrades
from tapeflow.feeds.taapi import TaapiVolume

HOUR = 3_600_000_000
S = 1_774_803_600


def put(path, value):
    path.write_text(json.dumps(value))
    return path


# -- Aperiodic --------------------------------------------------------------------------------------


def flow_table(n=5, start="2025-09-01"):
    rng = np.random.default_rng(1)
    time = np.datetime64(start, "us") + np.arange(n) * np.timedelta64(1, "h")
    return {"time": time, **{name: rng.integers(1, 99, n).astype(np.float32) for name in FLOW}}


def test_the_flow_page_has_36_fields_of_which_16_are_our_columns():
    assert (len(FLOW), len(set(FLOW))) == (36, 36)
    assert len([name for name in FLOW if name in BAR_COLUMNS]) == 16
    assert len(AperiodicFlow.extra) == 20


@pytest.mark.real_data
def test_the_flow_fields_are_those_of_the_page(real_data):
    pages = [p.read_text() for p in (real_data.parent / "reference").glob("*.txt")]
    text = next(p for p in pages if "/api/v1/data/flow" in p)
    assert [name for name in FLOW if name not in text] == []


def test_all_flow_fields_arrive_in_base_units_with_the_sum_of_both_sides(tmp_path):
    table = flow_table()
    pq.write_table(pa.table(table), tmp_path / "2025-09.parquet")
    bars = AperiodicFlow(tmp_path / "2025-09.parquet").bars()
    for name in FLOW:
        assert bars[name].tolist() == table[name].astype(float).tolist(), name
    assert bars["volume"].tolist() == (table["taker_buy_volume"] + table["taker_sell_volume"]).tolist()
    assert bars["open_time"].tolist() == table["time"].astype(np.int64).tolist()
    assert bars["close_time"].tolist() == (table["time"].astype(np.int64) + HOUR).tolist()
    assert not bars.carries("close")
    assert bars.spec == "1h"


def test_months_and_days_of_flow_join_and_infinity_becomes_unknown(tmp_path):
    august, september = flow_table(3, "2025-08-31T21:00"), flow_table(2)
    september["taker_buy_sell_ratio"][1] = np.inf
    pq.write_table(pa.table(september), tmp_path / "a.parquet")
    rows = [{"time": str(t), **{n: float(august[n][i]) for n in FLOW}} for i, t in enumerate(august["time"])]
    put(tmp_path / "b.json", rows)
    bars = AperiodicFlow([tmp_path / "a.parquet", tmp_path / "b.json"]).bars(gaps="error")
    assert len(bars) == 5
    assert np.isnan(bars["taker_buy_sell_ratio"]).tolist() == [False] * 4 + [True]


# -- Kiyotaka ---------------------------------------------------------------------------------------


def profile(*points, **extra):
    name = {"type": "VOLUME_PROFILE_AGG", "exchange": "BINANCE_FUTURES", "rawSymbol": "BTCUSDT", "interval": "HOUR"}
    return {"series": [{"id": {**name, **extra}, "points": [{"Point": p} for p in points]}]}


def point(second, *profile_):
    return {"profile": list(profile_), "timestamp": {"s": second}}


PAGE = (66108, 0, 5.466999999999996, 66114, 6.239000000000001, 25.31399999999998, 66120, 7.308, 20.503000000000004)


def test_the_pages_profile_becomes_levels_of_six_dollars(tmp_path):
    path = put(tmp_path / "a.json", profile(point(S, *PAGE), point(S + 3600, 66108, 1, 2)))
    bars = KiyotakaProfile(path).bars()
    levels = bars.levels
    assert isinstance(levels, Levels)
    assert (levels.row_size, bars.row_size) == (6.0, 6.0)
    assert (levels.price_tick * levels.tick).tolist() == [66108.0, 66114.0, 66120.0, 66108.0]
    assert levels.buy_volume.tolist() == [0.0, 6.239000000000001, 7.308, 1.0]
    assert levels.offsets.tolist() == [0, 3, 4]
    assert bars["taker_sell_volume"].tolist() == pytest.approx([sum(PAGE[2::3]), 2.0], rel=1e-15)
    assert bars["volume"][0] == pytest.approx(sum(PAGE[1::3]) + sum(PAGE[2::3]), rel=1e-15)
    assert not bars.carries("close")


@pytest.mark.parametrize(("label", "shift"), [("start", 0), ("end", -3600)])
def test_a_profile_is_known_from_the_end_of_its_interval_whatever_the_label(tmp_path, label, shift):
    path = put(tmp_path / "a.json", profile(point(S, *PAGE)))
    bars = KiyotakaProfile(path, label=label).bars()
    assert bars["open_time"].tolist() == [(S + shift) * 1_000_000]
    assert bars["close_time"].tolist() == [(S + shift + 3600) * 1_000_000]


def test_profile_rows_can_be_made_higher_but_not_lower(tmp_path):
    path = put(tmp_path / "a.json", profile(point(S, *PAGE)))
    made = KiyotakaProfile(path).bars(row_size=12).levels
    assert (made.price_tick * made.tick).tolist() == [66108.0, 66120.0]
    assert made.sell_volume.tolist() == pytest.approx([PAGE[2] + PAGE[5], PAGE[8]], rel=1e-15)
    with pytest.raises(ParamError, match=r"row_size must be a multiple of the provider's 6 \(got 10\)"):
        KiyotakaProfile(path).bars(row_size=10)


def test_joined_rows_hold_what_a_plain_sum_says():
    rng = np.random.default_rng(2)
    rows = [np.unique(rng.integers(1, 60, k)) for k in (7, 0, 12, 1)]
    ticks = np.concatenate(rows)
    bought = rng.random(len(ticks))
    levels = Levels(np.cumsum([0, *map(len, rows)]), ticks, bought, bought * 2, 0.5)
    made = regrouped(levels, 4)
    at = 0
    for bar, own in enumerate(rows):
        plain: dict[int, float] = {}
        for tick in own.tolist():
            plain[tick // 4 * 4] = plain.get(tick // 4 * 4, 0.0) + bought[at]
            at += 1
        part = slice(made.offsets[bar], made.offsets[bar + 1])
        assert made.price_tick[part].tolist() == sorted(plain)
        assert made.buy_volume[part].tolist() == pytest.approx([plain[k] for k in sorted(plain)], rel=1e-15)


def test_a_missing_profile_is_filled_with_no_rows(tmp_path):
    path = put(tmp_path / "a.json", profile(point(S, *PAGE), point(S + 7200, 66108, 1, 2)))
    bars = KiyotakaProfile(path).bars(gaps="fill")
    assert bars.levels.offsets.tolist() == [0, 3, 3, 4]
    assert bars["volume"].tolist()[1] == 0.0


def test_a_profile_in_dollars_keeps_them_exactly_and_says_that_base_is_an_estimate(tmp_path):
    path = put(tmp_path / "a.json", profile(point(S, 100, 3, 0, 102, 0, 4.5)))
    bars = KiyotakaProfile(path, unit="quote").bars()
    assert (bars["taker_buy_quote_volume"].tolist(), bars["taker_sell_quote_volume"].tolist()) == ([3.0], [4.5])
    assert bars["taker_buy_volume"].tolist() == [3.0 / 101]
    assert bars["taker_sell_volume"].tolist() == [4.5 / 103]
    assert bars.notes == ("base volume of the profile is estimated: dollars divided by the middle of their price row",)


@pytest.mark.parametrize(
    ("value", "params", "error", "complaint"),
    [
        ({"points": []}, {}, DataError, "it has no list series"),
        (profile(type="TPO_AGG"), {}, DataError, "holds points of type TPO_AGG; KiyotakaProfile reads VOLUME_PROFILE"),
        (profile(point(S, 1, 2)), {}, DataError, "is no list of price, bought and sold in turn"),
        (profile(point(S, 1, 2, -3)), {}, DataError, "is no list of price, bought and sold in turn"),
        (profile(point(S, 1, 2, 3)), {}, ParamError, "one price does not tell the height of the rows"),
        (profile(point(S, *PAGE)), {"bucket": 5}, ParamError, "bucket 5 does not fit: price 66108 is no multiple"),
    ],
)
def test_a_profile_that_is_none_is_refused(tmp_path, value, params, error, complaint):
    with pytest.raises(error, match=complaint):
        KiyotakaProfile(put(tmp_path / "a.json", value), **params).bars()


def candle(second, prices, volume, **stamps):
    ohlc = dict(zip(("open", "high", "low", "close"), prices, strict=True))
    more = {k: {"s": v} for k, v in stamps.items()}
    return {"Point": {**ohlc, "volume": volume, "timestamp": {"s": second}, **more}}


def candles(**sides):
    name = {"type": "TRADE_AGG", "exchange": "BINANCE", "interval": "MINUTE"}
    return {"series": [{"id": {**name, "side": side}, "points": points} for side, points in sides.items()]}


def test_a_series_without_points_is_a_side_that_took_nothing(tmp_path):
    sells = [candle(S, (10, 11, 8, 9), 7)]
    bars = KiyotakaTrades(put(tmp_path / "a.json", candles(SELL=sells, BUY=[]))).bars()
    assert (bars["taker_buy_volume"].tolist(), bars["volume"].tolist()) == ([0.0], [7.0])


def test_candles_of_several_exchanges_are_not_summed(tmp_path):
    path = put(tmp_path / "a.json", candles(SELL=[candle(S, (10, 11, 8, 9), 7)]))
    with pytest.raises(ParamError, match="exchange: all sums profiles, not candles; name one exchange"):
        KiyotakaTrades(path, exchange="all").bars()
    with pytest.raises(DataError, match=r"did you mean 'BINANCE'\? \(allowed: BINANCE\)"):
        KiyotakaTrades(path, exchange="BINANC").bars()


def test_candles_by_side_become_one_bar_of_both(tmp_path):
    buys = [candle(S, (10, 12, 9, 11), 5), candle(S + 60, (11, 13, 11, 12), 6)]
    sells = [candle(S, (10, 11, 8, 9), 7)]
    bars = KiyotakaTrades(put(tmp_path / "a.json", candles(SELL=sells, BUY=buys))).bars()
    assert bars.spec == "1m"
    assert (bars["high"].tolist(), bars["low"].tolist()) == ([12.0, 13.0], [8.0, 11.0])
    assert (bars["taker_buy_volume"].tolist(), bars["taker_sell_volume"].tolist()) == ([5.0, 6.0], [7.0, 0.0])
    assert bars["volume"].tolist() == [12.0, 6.0]
    assert bars["open"].tolist() == [10.0, 11.0]
    assert (np.isnan(bars["close"]).tolist(), bars["close"][1]) == ([True, False], 12.0)
    assert (bars["buy_close"].tolist(), np.isnan(bars["sell_close"]).tolist()) == ([11.0, 12.0], [False, True])
    quote = KiyotakaTrades(tmp_path / "a.json", unit="quote").bars()
    assert quote["taker_buy_quote_volume"].tolist() == [5.0, 6.0]
    assert not quote.carries("volume")


def test_a_side_without_a_series_is_not_known(tmp_path):
    bars = KiyotakaTrades(put(tmp_path / "a.json", candles(BUY=[candle(S, (10, 12, 9, 11), 5)]))).bars()
    assert bars["taker_buy_volume"].tolist() == [5.0]
    assert not any(bars.carries(name) for name in ("taker_sell_volume", "volume"))


@pytest.mark.parametrize("how", [{}, {"preload": False}, {"runonce": False}, {"exactbars": 1}])
def test_what_a_source_cannot_know_is_nan_to_plain_code(how):
    known = {"open", "high", "low", "close", "volume", "open_time", "close_time", "quality", "datetime"}
    seen = []

    class Reader(bt.Strategy):
        def next(self):
            seen.extend((name, getattr(self.data, name)[0]) for name in self.data.getlinealiases() if name not in known)

    prices = {name: [10.0, 11.0] for name in ("open", "high", "low", "close", "volume")}
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bar_data(Bars.of(open_time=[0, HOUR], close_time=[HOUR, 2 * HOUR], **prices)))
    cerebro.addstrategy(Reader)
    cerebro.run(**how)
    assert {"taker_buy_volume", "trades", "openinterest"} <= {name for name, _ in seen}
    assert all(np.isnan(value) for _, value in seen)


@pytest.mark.parametrize("engine", ["stock", "backtrader", "auto"])
def test_an_order_for_a_feed_that_does_not_know_its_prices_is_refused_and_beside_another_it_may_stand(tmp_path, engine):
    buys, sells = ([candle(S + 60 * i, (10, 12, 9, 11 - i % 3 * k), 5) for i in range(9)] for k in (0, 1))
    put(tmp_path / "a.json", candles(BUY=buys, SELL=sells))
    rows = [f"{S + 60 * i},10,12,9,11,{i + 1}" for i in range(9)]
    (tmp_path / "b.csv").write_text("\n".join(["time,open,high,low,close,volume", *rows]) + "\n")
    rule = 'strategy: {kind: Rules, params: {long: {enter: "SIDE_close > 9", exit: "SIDE_close < 9"}}}\n'
    head, own = f"name: k\nengine: {engine}\n", "{feed: KiyotakaTrades, path: a.json}"
    yaml = tmp_path / "k.yaml"
    yaml.write_text(head + f"data: {{main: {own}}}\n" + rule.replace("SIDE", "buy"))
    says = "main: an order was sent, but close of 6 of 9 bars are not known, the first at 2026-03-29T17:01:00Z; trade"
    with pytest.raises(InputError, match=says):
        run(load_config(yaml), tmp_path / "out", report=False)
    beside = f"data: {{main: {{feed: CsvBars, path: b.csv}}, side: {own}}}\n"
    yaml.write_text(head + beside + rule.replace("SIDE", "side.buy"))
    made = run(load_config(yaml), tmp_path / "out", report=False)
    assert made.summary["orders"] == 1
    assert np.isfinite(made.summary["final_value"])


def test_stamps_of_first_and_last_trades_tell_open_and_close(tmp_path):
    buys = [candle(S, (10, 12, 9, 11), 5, firstTimestamp=S + 5, lastTimestamp=S + 50)]
    sells = [candle(S, (9, 11, 8, 8), 7, firstTimestamp=S + 4, lastTimestamp=S + 40)]
    bars = KiyotakaTrades(put(tmp_path / "a.json", candles(BUY=buys, SELL=sells))).bars()
    assert (bars["open"].tolist(), bars["close"].tolist()) == ([9.0], [11.0])


def test_candles_without_sides_are_plain_bars(tmp_path):
    name = {"type": "TRADE_SIDE_AGNOSTIC_AGG", "interval": "HOUR"}
    value = {"series": [{"id": name, "points": [candle(S, (1, 3, 1, 2), 5), candle(S + 3600, (2, 2, 2, 2), 0)]}]}
    bars = KiyotakaTrades(put(tmp_path / "a.json", value)).bars()
    assert (bars["close"].tolist(), bars["volume"].tolist()) == ([2.0, 2.0], [5.0, 0.0])
    assert not bars.carries("taker_buy_volume")


def test_other_sides_than_buy_and_sell_are_refused(tmp_path):
    value = candles(LONG=[candle(S, (1, 1, 1, 1), 1)])
    with pytest.raises(DataError, match="has points of side LONG"):
        KiyotakaTrades(put(tmp_path / "a.json", value)).bars()


# -- Amberdata --------------------------------------------------------------------------------------


def vwap_rows(stamps, pair="btc_usd", exchange="gdax"):
    rows = [{"exchange": exchange, "pair": pair, "timestamp": t} for t in stamps]
    for i, row in enumerate(rows):
        row |= {"totalVolumeUSD": 9.5 + i, "twap": 100.5 + i, "vwap": 100.25 + i}
    return {"status": 200, "payload": {"data": rows[::-1]}}


@pytest.mark.parametrize(
    "stamps",
    [
        [1749416400000, 1749420000000],
        [1749416400, 1749420000],
        ["2025-06-08T21:00:00.000Z", "2025-06-08T22:00:00.000Z"],
        ["2025-06-08 21:00:00 000", "2025-06-08 22:00:00 000"],
    ],
    ids=["milliseconds", "seconds", "iso8601", "human_readable"],
)
def test_a_series_that_is_newest_first_is_read_in_every_time_format(tmp_path, stamps):
    bars = AmberdataVWAP(put(tmp_path / "a.json", vwap_rows(stamps))).bars()
    assert bars["open_time"].tolist() == [1749416400000000, 1749420000000000]
    assert bars["close_time"].tolist() == [1749420000000000, 1749423600000000]
    assert (bars["vwap"].tolist(), bars["twap"].tolist()) == ([100.25, 101.25], [100.5, 101.5])
    assert bars["quote_volume"].tolist() == [9.5, 10.5]
    assert not any(bars.carries(c) for c in ("volume", "close", "twap_time", "twap_trade"))


@pytest.mark.real_data
def test_the_pages_answer_reads_as_27_hours_whose_twap_is_the_mean_of_60_whole_cents(real_data, tmp_path):
    pages = [p.read_text() for p in (real_data.parent / "reference").glob("*.txt")]
    text = next(p for p in pages if "totalVolumeUSD" in p)
    answer = json.JSONDecoder().raw_decode(text[text.index("{") :])[0]
    bars = AmberdataVWAP(put(tmp_path / "page.json", answer)).bars(gaps="error")
    assert (len(bars), bars.spec) == (27, "1h")
    assert (bars["vwap"][-1], bars["quote_volume"][-1]) == (105724.81842395054, 17077624.10253145)
    cents = bars["twap"] * 60 * 100
    assert np.abs(cents - np.rint(cents)).max() < 1e-4


@pytest.mark.parametrize("other", [{"pair": "eth_usd"}, {"exchange": "okex"}])
def test_answers_of_several_markets_are_refused(tmp_path, other):
    put(tmp_path / "a.json", vwap_rows([1749416400000]))
    put(tmp_path / "b.json", vwap_rows([1749420000000], **other))
    with pytest.raises(DataError, match="holds several"):
        AmberdataVWAP(tmp_path / "*.json").bars()


# -- TAAPI.IO ---------------------------------------------------------------------------------------


def test_the_forming_candle_is_left_out_unless_backtrack_skipped_it(tmp_path):
    value = {"value": [37175.32356, -7754.654559997343, 12.5], "timestamp": [1685577600, 1685581200, 1685584800]}
    path = put(tmp_path / "a.json", value)
    feed = TaapiVolume(path)
    bars = feed.bars()
    assert bars["signed_volume"].tolist() == [37175.32356, -7754.654559997343]
    assert bars["volume"].tolist() == [37175.32356, 7754.654559997343]
    assert bars["close_time"].tolist() == [1685581200000000, 1685584800000000]
    assert feed.counts["unfinished"] == 1
    assert TaapiVolume(path, backtrack=1).bars()["signed_volume"].tolist() == value["value"]


def test_the_forming_candle_of_one_answer_is_taken_from_the_next(tmp_path):
    put(tmp_path / "a.json", {"value": [1, 2, 0.5], "timestamp": [1685577600, 1685581200, 1685584800]})
    put(tmp_path / "b.json", {"value": [2, -3, 0.1], "timestamp": [1685581200, 1685584800, 1685588400]})
    feed = TaapiVolume(tmp_path / "*.json")
    assert (feed.bars()["signed_volume"].tolist(), feed.counts["duplicates"]) == ([1.0, 2.0, -3.0], 1)


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ({"value": 37175.3}, "has no timestamps; ask for them with addResultTimestamp=true"),
        ({"value": [1, 2], "timestamp": [1685577600]}, "has 2 values and 1 timestamps"),
        ({"error": "bad symbol"}, "it has no key value"),
        ([1, 2], "it has no key value"),
        (
            {"value": [1, "x", 2], "timestamp": [1685577600, 1685581200, 1685584800]},
            r"column value \(signed_volume\): 'x'",
        ),
    ],
)
def test_an_answer_that_cannot_be_used_is_refused(tmp_path, value, complaint):
    with pytest.raises(DataError, match=complaint):
        TaapiVolume(put(tmp_path / "a.json", value)).bars()


# -- all of them ------------------------------------------------------------------------------------


def every_series(tmp_path):
    pq.write_table(pa.table(flow_table()), tmp_path / "flow.parquet")
    stamps = [S + 3600 * i for i in range(5)]
    put(tmp_path / "profile.json", profile(*(point(s, *PAGE) for s in stamps)))
    put(tmp_path / "candles.json", candles(BUY=[candle(S + 60 * i, (1, 2, 1, 2), i + 1) for i in range(5)]))
    put(tmp_path / "vwap.json", vwap_rows([s * 1000 for s in stamps]))
    put(tmp_path / "volume.json", {"value": [1, -2, 3, 4, 5], "timestamp": stamps})
    return [
        (AperiodicFlow, tmp_path / "flow.parquet"),
        (KiyotakaProfile, tmp_path / "profile.json"),
        (KiyotakaTrades, tmp_path / "candles.json"),
        (AmberdataVWAP, tmp_path / "vwap.json"),
        (TaapiVolume, tmp_path / "volume.json"),
    ]


def test_backtrader_sees_no_value_before_its_interval_has_ended(tmp_path):
    for cls, path in every_series(tmp_path):
        for label in ("start", "end"):
            bars = cls(path, label=label).bars()
            seen = _stamps(bars)
            ends = bars["close_time"].astype("datetime64[us]").tolist()
            assert seen == ends, (cls.__name__, label)
            assert (bars["close_time"] - bars["open_time"] == bars["close_time"][0] - bars["open_time"][0]).all()


def _stamps(bars):
    class Watch(bt.Strategy):
        def __init__(self):
            self.seen = []

        def next(self):
            self.seen.append(self.data.datetime.datetime(0))

    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bar_data(bars))
    cerebro.addstrategy(Watch)
    return cerebro.run()[0].seen


def test_extra_columns_are_lines_and_declared_by_the_class(tmp_path):
    for cls, path in every_series(tmp_path):
        bars = cls(path).bars()
        extra = [name for name in bars.columns if name not in BAR_COLUMNS]
        assert set(extra) <= set(cls.extra_columns({})), cls.__name__
        data = bar_data(bars)
        assert all(name in data.getlinealiases() for name in extra)


def test_each_series_is_the_same_from_two_files_as_from_one(tmp_path):
    stamps = [S + 3600 * i for i in range(4)]
    put(tmp_path / "whole.json", vwap_rows([s * 1000 for s in stamps]))
    rows = vwap_rows([s * 1000 for s in stamps])["payload"]["data"]
    put(tmp_path / "part1.json", {"payload": {"data": rows[:2]}})
    put(tmp_path / "part2.json", {"payload": {"data": rows[1:]}})
    one, two = AmberdataVWAP(tmp_path / "whole.json").bars(), AmberdataVWAP(tmp_path / "part*.json").bars()
    assert all(one[n].tobytes() == two[n].tobytes() for n in one.columns)
