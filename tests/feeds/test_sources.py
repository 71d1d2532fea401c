"""Every provider's files against the exchange's own figures and plain definitions, and what they are refused for."""

from __future__ import annotations

import csv
import gzip
import json
import math
from statistics import NormalDist, stdev

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tapeflow.core.errors import DataError, ParamError
from tapeflow.core.plugins.registry import FEEDS
from tapeflow.core.schema import Quality
from tapeflow.core.tape import Tape
from tapeflow.feeds.binance import BinanceAggTrades, BinanceTrades
from tapeflow.feeds.binance_stream import BinanceStreamKlines, BinanceStreamTrades
from tapeflow.feeds.bitmex import BitMEXTrades
from tapeflow.feeds.bybit import BybitTrades
from tapeflow.feeds.coinbase import CoinbaseTrades
from tapeflow.feeds.csv_bars import CsvBars
from tapeflow.feeds.csv_tape import CsvTape
from tapeflow.feeds.databento import DatabentoTrades
from tapeflow.feeds.frames import FrameBars, FrameTape
from tapeflow.feeds.freqtrade import FreqtradeBars
from tapeflow.feeds.kraken import KrakenOHLC, KrakenTrades
from tapeflow.feeds.okx import OKXTrades
from tapeflow.feeds.table_reader.stamps import Stamps
from tapeflow.feeds.tardis import TardisTrades

MINUTE = 60_000_000
S = 1_700_000_040
US = S * 1_000_000
PRICES = ("open", "high", "low", "close")
BITMEX = "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional"
FOUR = {"time": "time", "price": "price", "quantity": "quantity", "side": "side"}


def whole(feed):
    return Tape.join(list(feed.tapes()))


def written(path, *lines):
    text = "".join(f"{line}\n" for line in lines)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


def trades_of(n=200, seed=3):
    """Times in s, prices, quantities and sides of a made-up tape."""
    rng = np.random.default_rng(seed)
    time = S + np.cumsum(rng.integers(0, 5, n))
    price = np.round(100 + np.cumsum(rng.integers(-2, 3, n)) * 0.5, 1)
    return time, price, rng.integers(1, 99, n) / 8, np.where(rng.random(n) < 0.5, 1, -1)


# -- the exchanges' own figures ---------------------------------------------------------------------


@pytest.mark.real_data
@pytest.mark.parametrize("coin", ["BTC", "ETH"])
def test_bars_of_a_recorded_stream_equal_the_exchanges_minutes_10_of_10(real_data, coin):
    folder = real_data / "02_binance_ws_trades_spot_um_cm"
    feed = BinanceStreamTrades(folder / f"spot_{coin.lower()}usdt_*_trades.txt.gz")
    bars = feed.bars("1m")
    with (folder / f"spot_{coin}USDT_1m_official_2024-08-08_09.csv").open() as file:
        official = {int(r["open_time_ms"]) * 1000: r for r in csv.DictReader(file)}
    rows = [official[int(t)] for t in bars["open_time"][1:-1]]
    made = [[round(bars[c][i], 8) for c in (*PRICES, "volume")] for i in range(1, len(bars) - 1)]
    assert made == [[float(r[c]) for c in (*PRICES, "volume")] for r in rows]
    assert len(made) == 10
    assert feed.counts["rows"] == {"BTC": 19_904, "ETH": 14_515}[coin]
    assert bars["quality"].tolist() == [4, *[0] * 10, 4]


@pytest.mark.real_data
def test_a_recorded_coin_margined_stream_has_base_and_notional(real_data):
    path = real_data / "02_binance_ws_trades_spot_um_cm" / "cm_btcusd_perp_20240808_trades.txt.gz"
    with gzip.open(path, "rt") as file:
        rows = [json.loads(line.partition(" ")[2])["data"] for line in file]
    tape = whole(BinanceStreamTrades(path, market="cm", contract_size=100))
    assert tape.notional.tolist() == [100.0 * int(r["q"]) for r in rows]
    assert tape.quantity.tolist() == [100.0 * int(r["q"]) / float(r["p"]) for r in rows]
    assert tape.side.tolist() == [-1 if r["m"] else 1 for r in rows]


@pytest.mark.real_data
def test_recorded_klines_equal_the_aggregated_trades_they_cover_in_all_nine_fields(real_data):
    path = real_data / "05_binance_ws_aggtrade_plus_kline_events" / "BINANCE_FUTURES_aggTrade_kline.txt.gz"
    checked = 0
    for symbol in ("SUSHIUSDT", "AKROUSDT", "KEEPUSDT", "CTKUSDT"):
        tape = whole(BinanceStreamTrades(path, event="aggTrade", market="um", symbol=symbol))
        raw = _raw_ids(path, symbol)
        events = BinanceStreamKlines(path, market="um", symbol=symbol).events()
        ids = np.array([raw[int(i)] for i in tape.trade_id])
        for k in range(len(events["time"])):
            first, last = events["first_id"][k], events["last_id"][k]
            part = tape.take((ids[:, 0] >= first) & (ids[:, 1] <= last))
            if not len(part) or part.trades.sum() != last - first + 1:
                continue
            bought, notional = part.side == 1, part.price * part.quantity
            made = [part.price[0], part.price.max(), part.price.min(), part.price[-1]]
            made += [part.quantity.sum(), notional.sum(), part.trades.sum()]
            made += [part.quantity[bought].sum(), notional[bought].sum()]
            names = (*PRICES, "volume", "quote_volume", "trades", "taker_buy_volume", "taker_buy_quote_volume")
            assert [round(float(v), 8) for v in made] == [float(events[n][k]) for n in names]
            checked += 1
    assert checked == 15


def _raw_ids(path, symbol):
    with gzip.open(path, "rt") as file:
        found = [json.loads(line.partition(": ")[2])["data"] for line in file]
    return {r["a"]: (r["f"], r["l"]) for r in found if r["e"] == "aggTrade" and r["s"] == symbol}


@pytest.mark.real_data
def test_krakens_minutes_follow_from_its_trades_272_of_272_and_137_are_empty(real_data):
    folder = real_data / "04_kraken_XBTUSDT_trades_vs_ohlc_vwap"
    made = KrakenTrades(folder / "http_trades.json").bars("1m").slice(1, -1)
    feed = KrakenOHLC(folder / "http_ohlc.json")
    theirs = feed.bars()
    assert (len(theirs), feed.counts["unfinished"], theirs.carries("quote_volume")) == (720, 1, False)
    at = np.searchsorted(theirs["open_time"], made["open_time"])
    traded = made["trades"] > 0
    assert (traded.sum(), (~traded).sum()) == (272, 137)
    for name in (*PRICES, "trades"):
        assert made[name].tolist() == theirs[name][at].tolist(), name
    assert np.round(made["volume"], 8).tolist() == theirs["volume"][at].tolist()
    vwap = made["quote_volume"][traded] / made["volume"][traded]
    assert (np.floor(vwap * 10 + 1e-6) / 10).tolist() == theirs["exchange_vwap"][at][traded].tolist()
    assert np.isnan(theirs["exchange_vwap"][at][~traded]).all()
    assert (theirs["quality"][at][~traded] == Quality.FILLED).all()


@pytest.mark.real_data
def test_freqtrades_candles_keep_outages_and_minutes_without_volume(real_data):
    folder = real_data / "13_binance_1m_with_real_outages"
    bars = FreqtradeBars(folder / "spot_BTCUSDT_1m_2021-04-20_2021-05-20.json.gz").bars()
    gap = np.flatnonzero(bars["quality"] & Quality.GAP)
    missing = (bars["open_time"][gap] - bars["close_time"][gap - 1]) // MINUTE
    assert (len(bars), missing.tolist()) == (42_915, [0, 284])
    bars = FreqtradeBars(folder / "spot_BTCUSDT_1m_2023-03-16_2023-05-01.json.gz").bars()
    gap = np.flatnonzero(bars["quality"] & Quality.GAP)
    missing = (bars["open_time"][gap] - bars["close_time"][gap - 1]) // MINUTE
    assert (len(bars), missing.tolist()) == (66_087, [0, 80])
    assert (bars["volume"] == 0).sum() == 72
    assert np.count_nonzero(bars["quality"] & Quality.FILLED) == 72
    assert not bars.carries("trades")


def test_freqtrades_lists_are_the_same_by_counting_cells(tmp_path):
    rows = [[(S + 60 * i) * 1000, 10 + i, 12.5 + i, 9, 11, 5.25] for i in range(5)]
    (tmp_path / "a.json").write_text(json.dumps(rows))
    cells = {name: i for i, name in enumerate(("time", *PRICES, "volume"), 1)}
    one, two = FreqtradeBars(tmp_path / "a.json").bars(), CsvBars(tmp_path / "a.json", columns=cells).bars()
    assert one["high"].tolist() == [12.5 + i for i in range(5)]
    assert all(one[n].tobytes() == two[n].tobytes() for n in ("open_time", *PRICES, "volume", "quality"))


@pytest.mark.real_data
def test_tardis_rows_have_the_takers_side(real_data):
    path = real_data / "15_tardis_um_BTCUSDT_2020-02-22" / "binance-futures_trades_BTCUSDT_first9999.csv.gz"
    feed = TardisTrades(path)
    tape = whole(feed)
    assert ((tape.side == 1).sum(), (tape.side == -1).sum(), feed.counts["rows"]) == (5_267, 4_732, 9_999)
    assert (np.diff(tape.trade_id) == 1).all()
    local = whole(TardisTrades(path, clock="local"))
    assert (local.time > tape.time).all()


# -- the awkward files ------------------------------------------------------------------------------


@pytest.mark.real_data
def test_awkward_files_load(real_data):
    folder = real_data / "16_awkward_small"
    bybit = whole(BybitTrades(folder / "bybit_FXSUSDT-ticks-2023-10-10.csv"))
    assert (bybit.time[0], bybit.side[0], bybit.price[0], bybit.quantity[0]) == (1696982287492200, -1, 5.239, 0.86)
    okx = OKXTrades(folder / "okx_BTC-USDT-aggtrades-2023-11-18_gbk_header.csv")
    tape = whole(okx)
    i = tape.trade_id.tolist().index(450372093)
    assert (tape.time[i], tape.price[i], tape.quantity[i]) == (1700239042832000, 35910.6, 0.00418025)
    assert (np.diff(tape.time) >= 0).all()
    assert okx.counts["disordered"] > 0
    cells = {"trade_id": 1, "side": 2, "quantity": 3, "price": 4, "time": 5}
    tape = whole(CsvTape(folder / "binance_FXSUSDT-aggTrades-2023-11-17_reordered_columns.csv.gz", columns=cells))
    assert (len(tape), tape.time[0], tape.price[0], tape.quantity[0]) == (3_600, 1700179210707000, 7.503, 25.3)
    assert (np.diff(tape.trade_id) == 1).all()
    path = folder / "um_BNBUSDT-aggTrades-2023-06_8999rows_no_ids.parquet"
    tape = whole(CsvTape(path, columns={"price": "close"}))
    maker = pq.read_table(path).column("is_buyer_maker").to_pylist()
    assert tape.side.tolist() == [-1 if m == "true" else 1 for m in maker]
    tape = whole(BinanceAggTrades(folder / "um_CLUSDT_aggTrades_rest_2026-05-01.json", market="um"))
    assert (len(tape), tape.quantity[3]) == (1_000, 287.88)  # all of it, fills of retail orders included


@pytest.mark.real_data
def test_awkward_files_are_refused_with_the_reason(real_data):
    folder = real_data / "16_awkward_small"
    with pytest.raises(DataError, match=r"row 1: has 5 cells without a header, and nothing says what they are"):
        whole(CsvTape(folder / "binance_FXSUSDT-aggTrades-2023-11-17_reordered_columns.csv.gz"))
    with pytest.raises(DataError, match=r"has no column price or px \(for price\); it has timestamp, close"):
        whole(CsvTape(folder / "um_BNBUSDT-aggTrades-2023-06_8999rows_no_ids.parquet"))


def test_a_column_map_names_the_files_own_column_in_complaints(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("stamp,px,size\n1700000000000,1.5,2\n1700000000001,oops,2\n")
    feed = CsvTape(path, columns={"time": "stamp", "price": "px", "quantity": "size"})
    with pytest.raises(DataError, match=r"row 3, column px \(price\): 'oops' is no number"):
        whole(feed)
    path.write_text("time,PRICE,size\n1700000000000,,2\n")
    with pytest.raises(DataError, match="row 2, column PRICE is empty"):
        whole(CsvTape(path))


@pytest.mark.real_data
def test_a_tape_without_sides_knows_no_taker_volume_unless_it_is_inferred(real_data):
    path = real_data / "16_awkward_small" / "kraken_BTCUSDT_trades_2023-11-13_no_side.parquet"
    bars = CsvTape(path).bars("5m")
    assert not bars.carries("taker_buy_volume")
    assert bars.carries("volume")
    ticks = CsvTape(path, infer_side="tick").bars("5m")
    assert (ticks["quality"][ticks["trades"] > 0] & Quality.INFERRED_SIDE).all()
    both = ticks["taker_buy_volume"] + ticks["taker_sell_volume"]
    np.testing.assert_allclose(both[1:], ticks["volume"][1:], rtol=1e-12)


# -- every provider's shape -------------------------------------------------------------------------


def test_bybits_two_headers_and_its_rest_answer(tmp_path):
    head = BITMEX
    rows = "1700000040.1234,BTCUSDT,Buy,0.5,100,PlusTick,uuid,5e9,0.5,50"
    linear = whole(BybitTrades(written(tmp_path / "BTCUSDT2023-11-14.csv.gz", head, rows)))
    assert (linear.time.tolist(), linear.side.tolist(), linear.trade_id.tolist()) == ([US + 123_400], [1], [-1])
    spot = written(tmp_path / "spot.csv", "id,timestamp,price,volume,side", "7,1700000040123,100.5,2,sell")
    tape = whole(BybitTrades(spot))
    assert (tape.time.tolist(), tape.side.tolist(), tape.trade_id.tolist()) == ([US + 123_000], [-1], [7])
    answer = {"result": {"list": [_bybit("2", 41, "Sell"), _bybit("1", 40, "Buy")]}}
    (tmp_path / "rest.json").write_text(json.dumps(answer))
    tape = whole(BybitTrades(tmp_path / "rest.json"))
    assert (tape.price.tolist(), tape.side.tolist(), tape.flags) == ([1.0, 2.0], [1, -1], None)


def _bybit(price, second, side):
    return {
        "execId": "x",
        "symbol": "A",
        "price": price,
        "size": "1",
        "side": side,
        "time": str(1700000000000 + second),
    }


def test_bybits_inverse_contracts_are_told_from_base_currency(tmp_path):
    row = "1700000040.5,BTCUSD,Sell,100,50,PlusTick,uuid,2e8,2,100"
    path = written(tmp_path / "BTCUSD2023-11-14.csv", BITMEX, row)
    with pytest.raises(DataError, match="inverse contracts want contracts: inverse, contract_size: 1"):
        whole(BybitTrades(path))
    tape = whole(BybitTrades(path, contracts="inverse", contract_size=1))
    assert (tape.quantity.tolist(), tape.notional.tolist()) == ([2.0], [100.0])


def test_okx_headers_in_gbk_and_english_and_its_rest_answer(tmp_path):
    names = "trade_id/撮合id,side/交易方向,size/数量,price/价格,created_time/成交时间\n"
    (tmp_path / "gbk.csv").write_bytes(names.encode("gbk") + b"1,buy,2,10.5,1700000040123\n")
    english = written(
        tmp_path / "new.csv",
        "instrument_name,trade_id,side,price,size,created_time",
        "BTC-USDT-SWAP,1,buy,10.5,200,1700000040123",
    )
    rest = {"code": "0", "data": [{"instId": "A", "tradeId": "1", "px": "10.5", "sz": "2", "side": "buy"}]}
    rest["data"][0]["ts"] = "1700000040123"
    (tmp_path / "rest.json").write_text(json.dumps(rest))
    spot = [whole(OKXTrades(tmp_path / name)) for name in ("gbk.csv", "rest.json")]
    swap = whole(OKXTrades(english, contracts="linear", contract_size=0.01))
    for tape in (*spot, swap):
        assert (tape.time.tolist(), tape.price.tolist()) == ([US + 123_000], [10.5])
        assert (tape.quantity.tolist(), tape.side.tolist(), tape.trade_id.tolist()) == ([2.0], [1], [1])


def test_coinbases_side_is_the_makers(tmp_path):
    rows = [
        {"time": "2023-11-14T22:14:01.5Z", "trade_id": 2, "price": "101", "size": "1", "side": "buy"},
        {"time": "2023-11-14T22:14:00.123456Z", "trade_id": 1, "price": "100", "size": "2", "side": "sell"},
    ]
    (tmp_path / "rest.json").write_text(json.dumps(rows))
    tape = whole(CoinbaseTrades(tmp_path / "rest.json"))
    assert (tape.trade_id.tolist(), tape.side.tolist()) == ([1, 2], [1, -1])
    assert tape.time.tolist() == [US + 123_456, US + 1_500_000]
    lines = ["time,trade_id,price,size,side", *(",".join(str(v) for v in r.values()) for r in rows[::-1])]
    again = whole(CoinbaseTrades(written(tmp_path / "a.csv", *lines)))
    taker = whole(CoinbaseTrades(written(tmp_path / "b.csv", *lines), side_of="taker"))
    assert (again.side.tolist(), taker.side.tolist()) == ([1, -1], [-1, 1])


def test_krakens_csv_files_are_told_apart_by_their_cells(tmp_path):
    history = whole(KrakenTrades(written(tmp_path / "XBTUSD.csv", f"{S},100.5,0.25", f"{S + 1}.5,101,0.5")))
    assert (history.time.tolist(), history.side.tolist()) == ([US, US + 1_500_000], [0, 0])
    sales = whole(KrakenTrades(written(tmp_path / "sales.csv", f"100.5,0.25,{S}.1234,b", f"101,0.5,{S + 1},s")))
    assert (sales.price.tolist(), sales.quantity.tolist()) == ([100.5, 101.0], [0.25, 0.5])
    assert (sales.time[0], sales.side.tolist()) == (US + 123_400, [1, -1])
    headed = whole(KrakenTrades(written(tmp_path / "h.csv", "time,side,volume,price", f"{S},s,0.25,100.5")))
    assert (headed.side.tolist(), headed.price.tolist()) == ([-1], [100.5])


def test_a_hole_in_krakens_ids_is_flagged(tmp_path):
    rows = [["100", "1", S + i, "b", "l", "", n] for i, n in enumerate((7, 8, 10))]
    (tmp_path / "a.json").write_text(json.dumps({"error": [], "result": {"XBT": rows, "last": "1"}}))
    feed = KrakenTrades(tmp_path / "a.json")
    assert (whole(feed).flags.tolist(), feed.counts["id_holes"]) == ([0, 0, int(Quality.ID_HOLE)], 1)


def test_bitmex_days_hold_all_markets(tmp_path):
    rows = [
        "2023-11-14D22:14:00.123456789,ETHUSD,Sell,10,5,PlusTick,a,1,2,3",
        "2023-11-14D22:14:01.000000000,XBTUSD,Buy,100,50,PlusTick,b,2e8,2,100",
        "2023-11-14D22:14:02.000000000,.BXBT,,,50,PlusTick,c,,,",
    ]
    path = written(tmp_path / "20231114.csv.gz", BITMEX, *rows)
    with pytest.raises(DataError, match=r"holds several symbols \(ETHUSD, XBTUSD\); choose one"):
        whole(BitMEXTrades(written(tmp_path / "two.csv", BITMEX, *rows[:2])))
    feed = BitMEXTrades(path, symbol="XBTUSD")
    tape = whole(feed)
    assert (tape.time.tolist(), tape.side.tolist()) == ([US + 1_000_000], [1])
    assert (tape.quantity.tolist(), tape.notional.tolist(), feed.counts["skipped"]) == ([2.0], [100.0], 2)
    eth = BitMEXTrades(path, symbol="ETHUSD")
    assert whole(eth).time.tolist() == [US + 123_456]
    assert eth.bars("1m", start="2023-11-14").source == str(path)


def test_databento_in_both_notations_with_every_side(tmp_path):
    head = "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,depth,price,size,flags,ts_in_delta,sequence"
    fixed = [f"1,{S}{i}00000000,0,1,5,{a},{s},0,{p},{q},0,0,9" for i, (a, s, p, q) in enumerate(_DATABENTO)]
    plain = [
        f"x,2023-11-14T22:14:00.{i}00000000Z,0,1,5,{a},{s},0,{p / 1e9:.9f},{q},0,0,9"
        for i, (a, s, p, q) in enumerate(_DATABENTO)
    ]
    for name, lines in (("fixed.csv", fixed), ("plain.csv", plain)):
        feed = DatabentoTrades(written(tmp_path / name, head, *lines))
        tape = whole(feed)
        assert tape.price.tolist() == [4075.25, 0.05, 4075.5]
        assert (tape.side.tolist(), tape.quantity.tolist()) == ([-1, 1, 0], [5.0, 6.0, 7.0])
        assert tape.time.tolist() == [US, US + 100_000, US + 200_000]
        assert (feed.counts["skipped"], feed.counts["void"]) == (1, 1)
    es = whole(DatabentoTrades(tmp_path / "fixed.csv", contracts="linear", contract_size=50))
    assert es.quantity.tolist() == [250.0, 300.0, 350.0]


_DATABENTO = (
    ("T", "A", 4_075_250_000_000, 5),
    ("T", "B", 50_000_000, 6),
    ("T", "N", 4_075_500_000_000, 7),
    ("A", "B", 4_075_000_000_000, 8),
    ("T", "N", 9_223_372_036_854_775_807, 9),
)


def test_stream_fills_of_the_insurance_fund_are_left_out_and_not_missed(tmp_path):
    def line(i, kind, event="trade"):
        data = {"e": event, "s": "A", "t": i, "p": "10", "q": "1", "T": S * 1000 + i, "m": False, "X": kind}
        return f'17000000401234 {{"stream":"a@trade","data":{json.dumps(data)}}}'

    kinds = ["MARKET", "INSURANCE_FUND", "MARKET", "MARKET", "INSURANCE_FUND", "INSURANCE_FUND", "MARKET"]
    lines = [line(i, kind) for i, kind in enumerate(kinds)]
    feed = BinanceStreamTrades(written(tmp_path / "a.txt", *lines, line(8, "MARKET"), line(9, "MARKET", "other")))
    tape = whole(feed)
    assert tape.trade_id.tolist() == [0, 2, 3, 6, 8]
    assert (tape.flags.tolist(), feed.counts["excluded"], feed.counts["skipped"]) == ([0, 0, 0, 0, 16], 3, 1)


def test_a_line_that_is_no_json_is_refused_or_set_aside(tmp_path):
    good = '{"e":"trade","s":"A","t":1,"p":"10","q":"1","T":1700000040000,"m":false}'
    path = written(tmp_path / "a.txt", good, '{"e":"trade","s":')
    with pytest.raises(DataError, match=r"a\.txt: row 2, is no JSON"):
        whole(BinanceStreamTrades(path))
    feed = BinanceStreamTrades(path, bad_rows="quarantine")
    assert (len(whole(feed)), feed.counts["quarantined"]) == (1, 1)


def test_unfinished_klines_are_left_out_or_flagged(tmp_path):
    def line(t, volume, final):
        k = {"t": t, "T": t + 59_999, "f": 1, "L": 2, "o": "1", "h": "2", "l": "1", "c": "2", "v": volume, "n": 2}
        quote = str(1.5 * float(volume))
        return json.dumps({"e": "kline", "s": "A", "k": {**k, "x": final, "q": quote, "V": "1", "Q": "2"}})

    ms = S * 1000
    lines = [line(ms, "3", False), line(ms, "4", True), line(ms + 60_000, "9", False)]
    path = written(tmp_path / "a.jsonl", *lines)
    done = BinanceStreamKlines(path)
    assert (done.bars()["volume"].tolist(), done.counts["unfinished"]) == ([4.0], 1)
    kept = BinanceStreamKlines(path, unfinished="keep").bars()
    assert (kept["volume"].tolist(), kept["quality"].tolist()) == ([4.0, 9.0], [0, int(Quality.PARTIAL)])
    assert kept["taker_sell_volume"].tolist() == [3.0, 8.0]


# -- one tape, whatever it is written in ------------------------------------------------------------


def _everywhere(tmp_path):
    """One tape in every format and notation."""
    time, price, quantity, side = trades_of()
    words = np.where(side == 1, "buy", "sell")
    table = pa.table({"time": time, "price": price, "quantity": quantity, "side": words})
    rows = table.to_pylist()
    lines = [",".join(str(v) for v in r.values()) for r in rows]
    iso = np.array(time, "M8[s]").astype(str)
    made = {
        "plain.csv": CsvTape(written(tmp_path / "plain.csv", ",".join(FOUR), *lines)),
        "gzip": CsvTape(written(tmp_path / "g.csv.gz", ",".join(FOUR), *lines)),
        "no header": CsvTape(
            written(tmp_path / "n.csv", *lines), columns={"time": 1, "price": 2, "quantity": 3, "side": 4}
        ),
        "semicolons": CsvTape(
            written(tmp_path / "s.csv", "ts;px;q;agg", *(line.replace(",", ";") for line in lines)),
            columns={"time": "ts", "price": "px", "quantity": "q", "side": "agg"},
            delimiter=";",
        ),
        "tabs and blank lines": CsvTape(
            written(tmp_path / "t.csv", "\t".join(FOUR), "", *(line.replace(",", "\t") for line in lines)),
            delimiter="tab",
        ),
        "ISO": CsvTape(
            written(
                tmp_path / "i.csv",
                "date,price,quantity,side",
                *(f"{t},{line.split(',', 1)[1]}" for t, line in zip(iso, lines, strict=True)),
            )
        ),
        "words": CsvTape(
            written(
                tmp_path / "w.csv", ",".join(FOUR), *(ln.replace("buy", "Lift").replace("sell", "Hit") for ln in lines)
            ),
            sides={"buy": "lift", "sell": ["hit"]},
        ),
        "maker": CsvTape(
            written(
                tmp_path / "m.csv",
                ",".join(FOUR),
                *(
                    f"{t},{p},{q},{'s' if s == 1 else 'b'}"
                    for t, p, q, s in zip(time, price, quantity, side, strict=True)
                ),
            ),
            side_of="maker",
        ),
        "JSON lines": CsvTape(written(tmp_path / "l.jsonl", *map(json.dumps, rows))),
        "milliseconds": FrameTape({"time": time * 1000, "price": price, "quantity": quantity, "side": side}),
        "arrow": FrameTape(table),
        "any Arrow stream": FrameTape(_Stream(table)),
        "pandas": FrameTape(table.to_pandas()),
        "a time index": FrameTape(_indexed(table)),
        "a maker flag": FrameTape({"ts": time, "px": price, "qty": quantity, "is_buyer_maker": side == -1}),
    }
    (tmp_path / "j.json").write_text(json.dumps(rows))
    pq.write_table(table, tmp_path / "p.parquet")
    made["JSON"] = CsvTape(tmp_path / "j.json")
    made["parquet"] = CsvTape(tmp_path / "p.parquet")
    return made


class _Stream:
    """What polars and others look like from outside."""

    def __init__(self, table):
        self._table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self._table.__arrow_c_stream__(requested_schema)


def _indexed(table):
    import pandas as pd

    frame = table.to_pandas()
    frame.index = pd.to_datetime(frame.pop("time"), unit="s", utc=True).dt.tz_convert("Asia/Tokyo")
    return frame


def test_a_tape_is_the_same_in_every_format_and_notation(tmp_path):
    time, price, quantity, side = trades_of()
    for name, feed in _everywhere(tmp_path).items():
        tape = whole(feed)
        assert tape.time.tolist() == (time * 1_000_000).tolist(), name
        assert tape.price.tolist() == price.tolist(), name
        assert tape.quantity.tolist() == quantity.tolist(), name
        assert tape.side.tolist() == side.tolist(), name


def test_files_come_in_time_order_whatever_their_names(tmp_path):
    time, price, quantity, _ = trades_of()
    lines = [f"{t},{p},{q}" for t, p, q in zip(time, price, quantity, strict=True)]
    cut = next(i for i in range(90, 200) if time[i] > time[i - 1])
    written(tmp_path / "z.csv", "time,price,quantity", *lines[:cut])
    written(tmp_path / "a.csv", "time,price,quantity", *lines[cut:])
    feed = CsvTape([tmp_path / "a.csv", tmp_path / "z.csv"])
    tape = whole(feed)
    assert (tape.time.tolist(), tape.flags) == ((time * 1_000_000).tolist(), None)
    assert [f.path.name for f in feed.files] == ["z.csv", "a.csv"]
    part = CsvTape(tmp_path / "*.csv").bars("1m", end=int(time[cut]) * 1_000_000)
    assert part["volume"].sum() == pytest.approx(quantity[:cut].sum(), rel=1e-12)


@pytest.mark.parametrize(
    ("text", "micro"),
    [
        ("1700000040", US),
        ("1700000040.1234567", US + 123_456),
        ("1700000040123", US + 123_000),
        ("1700000040123456", US + 123_456),
        ("1700000040123456789", US + 123_456),
        ("1.70000004e9", US),
        ("2023-11-14", 1_699_920_000_000_000),
        ("2023-11-14T22:14:00Z", US),
        ("2023-11-14 22:14:00.123 UTC", US + 123_000),
        ("2023-11-15T00:14:00+02:00", US),
        ("2023-11-14D22:14:00.123456789", US + 123_456),
        ("2023-11-14 22:14:00 000", US),
    ],
)
def test_a_time_stamp_is_read_in_whatever_it_is_written(text, micro):
    values, bad = Stamps().read(pa.array([text, text]))
    assert (values.tolist(), bad.tolist()) == ([micro, micro], [False, False])


def test_stamps_of_another_magnitude_than_the_first_are_refused(tmp_path):
    path = written(tmp_path / "a.csv", "time,price,quantity", f"{S},1,1", f"{S + 1}000,1,1")
    with pytest.raises(DataError, match=r"a\.csv: row 3, column time: '1700000041000' is no time"):
        whole(CsvTape(path))


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("1700000041,1x,1,buy", "column price: '1x' is no number"),
        ("1700000041,-1,1,buy", "column price: '-1' is negative"),
        ("1700000041,1,,buy", "column quantity is empty"),
        ("yesterday,1,1,buy", "column time: 'yesterday' is no time"),
        ("1700000041,1,1,up", "column side: 'up' is no side"),
        ("1700000041,1,1", "has 3 cells, wanted 4"),
    ],
)
def test_a_cell_that_cannot_be_read_is_named_or_its_row_set_aside(tmp_path, row, complaint):
    path = written(tmp_path / "a.csv", ",".join(FOUR), "1700000040,1,1,buy", "", row, "1700000042,1,1,sell")
    with pytest.raises(DataError, match=rf"a\.csv: row 4, {complaint}"):
        whole(CsvTape(path))
    feed = CsvTape(path, bad_rows="quarantine")
    feed.quarantine = tmp_path / "aside.csv"
    assert whole(feed).side.tolist() == [1, -1]
    assert feed.counts["quarantined"] == 1
    assert feed.quarantine.read_text().strip() == row


def test_rows_are_numbered_through_a_file_of_many_parts(tmp_path):
    lines = [f"{S + i},100.5,1,buy" for i in range(120_000)]
    lines[49_998], lines[79_998], lines[109_998] = "1,2", f"{S},x,1,buy", "3"
    path = written(tmp_path / "a.csv", ",".join(FOUR), *lines)
    feed = CsvTape(path, bad_rows="quarantine")
    feed.quarantine = tmp_path / "aside.csv"
    tape = whole(feed)
    assert (len(tape), feed.counts["quarantined"]) == (119_997, 3)
    assert feed.quarantine.read_text().split() == ["1,2", f"{S},x,1,buy", "3"]
    for bad, complaint in ((79_998, "row 80000, column price: 'x'"), (49_998, "row 50000, has 2 cells")):
        kept = [line if i in (bad,) or len(line) > 5 else lines[0] for i, line in enumerate(lines)]
        if bad == 49_998:
            kept[79_998] = lines[0]
        with pytest.raises(DataError, match=complaint):
            whole(CsvTape(written(tmp_path / "b.csv", ",".join(FOUR), *kept)))


def test_a_text_file_that_holds_no_json_is_read_as_csv(tmp_path):
    path = written(tmp_path / "a.txt", "time\tprice\tquantity", f"{S}\t100.5\t2")
    assert whole(CsvTape(path, delimiter="tab")).price.tolist() == [100.5]


def test_a_frame_is_numbered_by_rows_and_may_be_cut_off_in_time():
    time, price, quantity, side = trades_of()
    feed = FrameTape({"time": time, "price": price, "quantity": quantity, "side": side})
    part = feed.bars("1m", end=(S + 60) * 1_000_000)
    assert part["volume"].sum() == quantity[time < S + 60].sum()
    with pytest.raises(DataError, match=r"frame: row 3, column price: '-1\.0' is negative"):
        whole(FrameTape({"time": time, "price": np.where(np.arange(200) == 2, -1.0, price), "quantity": quantity}))


@pytest.mark.parametrize(
    ("params", "complaint"),
    [
        ({"columns": {"tme": "ts"}}, "columns unknown key 'tme', did you mean 'time'"),
        ({"columns": {"time": 0}}, "columns must be a mapping"),
        ({"columns": ["time"]}, "columns must be a mapping"),
        ({"sides": {"by": "b"}}, "sides unknown key 'by', did you mean 'buy'"),
        ({"delimiter": "ab"}, "delimiter must be one character, or tab"),
        ({"time_unit": "m"}, "time_unit must be one of"),
        ({"infer_side": "quote"}, "infer_side must be one of 'none', 'tick', 'bulk'"),
        ({"contracts": "linear"}, "contracts: linear needs contract_size, base currency in one contract"),
        ({"contract_size": 5}, "contract_size is for contracts linear or inverse only"),
        ({"columns": {"time": 1, "price": "p"}}, "either all by name or all by number"),
    ],
)
def test_a_parameter_out_of_bounds_is_refused(tmp_path, params, complaint):
    path = written(tmp_path / "a.csv", "time,price,quantity", "1700000040,1,1")
    with pytest.raises(ParamError, match=complaint):
        whole(CsvTape(path, **params))


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.csv", "", "is empty"),
        ("a.xlsx", "x", r"is no \.csv, \.txt, \.json"),
        ("a.parquet", "PAR1 nothing", "is no whole parquet file"),
        ("a.json", '{"result": 5}', "holds no list of rows; rows are lists or objects"),
        (
            "a.json",
            '{"chart": {"result": [{"timestamp": [1, 2], "indicators": {"quote": [{"open": [1, 2]}]}}]}}',
            r"holds no list of rows; charts of Yahoo's .* history\.to_csv\(FILE\)",
        ),
        ("a.json", "{", "is no JSON"),
        ("a.csv", "time,price,price,quantity\n1700000040,1,1,1\n", "has more than one column price"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path, name, content, complaint):
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=complaint):
        whole(CsvTape(tmp_path / name))


def test_a_frame_feed_cannot_be_used_from_a_yaml():
    for kind in ("FrameTape", "FrameBars"):
        with pytest.raises(DataError, match=f"{kind}: takes a frame from Python, not from a YAML"):
            FEEDS.find(kind)([])


# -- bars of one's own ------------------------------------------------------------------------------


def test_bars_are_labelled_by_start_or_end_and_known_from_their_close_on(tmp_path):
    rows = [f"{S + 60 * i},{10 + i},1.5,0.{i}" for i in range(3)]
    path = written(tmp_path / "a.csv", "date,close,volume,fund", *rows)
    start = CsvBars(path, columns={"funding": "fund"}).bars()
    end = CsvBars(path, columns={"funding": "fund"}, label="end").bars()
    assert start["open_time"].tolist() == [US + MINUTE * i for i in range(3)]
    assert end["close_time"].tolist() == start["open_time"].tolist()
    assert (start["close_time"] - start["open_time"]).tolist() == [MINUTE] * 3
    assert start["funding"].tolist() == [0.0, 0.1, 0.2]
    assert not start.carries("open")


def test_own_bars_derive_the_third_of_volume_bought_and_sold(tmp_path):
    path = written(tmp_path / "a.csv", "time,close,volume,taker_buy_volume", f"{S},1,5,2", f"{S + 60},1,7,3")
    assert CsvBars(path).bars()["taker_sell_volume"].tolist() == [3.0, 4.0]


def test_filled_bars_do_not_make_up_what_the_source_never_knows(tmp_path):
    path = written(tmp_path / "a.csv", "time,close,volume,x", f"{S},1,5,2", f"{S + 60},2,7,3", f"{S + 180},3,7,3")
    bars = CsvBars(path, columns={"extra": "x"}).bars(gaps="fill")
    assert (bars["volume"].tolist(), bars["close"].tolist()) == ([5.0, 7.0, 0.0, 7.0], [1.0, 2.0, 2.0, 3.0])
    assert not bars.carries("quote_volume")
    assert np.isnan(bars["extra"][2])
    with pytest.raises(DataError, match="1 klines of 1m are missing"):
        CsvBars(path).bars(gaps="error")


def test_rows_twice_in_two_files_count_once_and_differing_ones_are_refused(tmp_path):
    written(tmp_path / "a.csv", "time,close,volume", f"{S},1,5", f"{S + 60},2,7")
    written(tmp_path / "b.csv", "time,close,volume", f"{S + 60},2,7", f"{S + 120},2,8")
    feed = CsvBars(tmp_path / "*.csv")
    assert (feed.bars()["volume"].tolist(), feed.counts["duplicates"]) == ([5.0, 7.0, 8.0], 1)
    written(tmp_path / "b.csv", "time,close,volume", f"{S + 60},2,9", f"{S + 120},2,8")
    with pytest.raises(DataError, match="two rows are at 2023-11-14T22:15:00Z and differ in column volume"):
        CsvBars(tmp_path / "*.csv").bars()


def test_rows_off_the_grid_are_refused(tmp_path):
    path = written(tmp_path / "a.csv", "time,close", f"{S},1", f"{S + 60},1", f"{S + 120},1", f"{S + 150},1")
    with pytest.raises(DataError, match="the row at 2023-11-14T22:16:30Z is off the grid of 1m"):
        CsvBars(path).bars()


def test_one_row_needs_its_interval(tmp_path):
    path = written(tmp_path / "a.csv", "time,close", f"{S},1")
    with pytest.raises(ParamError, match="say it, as in interval: 1h"):
        CsvBars(path).bars()
    assert CsvBars(path, interval="1m").bars().spec == "1m"


def test_bars_written_and_read_again_are_the_same(tmp_path):
    from tapeflow.core.files.tables import write_table

    time, price, quantity, side = trades_of(400)
    bars = FrameTape({"time": time, "price": price, "quantity": quantity, "side": side}).bars("1m")
    write_table(bars.columns, tmp_path / "bars.parquet")
    again = CsvBars(tmp_path / "bars.parquet").bars()
    assert again.spec == "1m"
    for name in bars.columns:
        if name != "quality":
            assert bars[name].tobytes() == again[name].tobytes(), name
    frame = FrameBars(bars.frame(), columns={"time": "open_time"}).bars()
    assert all(bars[n].tobytes() == frame[n].tobytes() for n in bars.columns if n != "quality")


# -- sides that nobody told -------------------------------------------------------------------------


def _tick_rule(prices):
    last, made = 0, []
    for i, price in enumerate(prices):
        if i and price != prices[i - 1]:
            last = 1 if price > prices[i - 1] else -1
        made.append(last)
    return made


def test_the_tick_rule_fills_only_sides_that_are_not_given(tmp_path):
    time, price, quantity, side = trades_of()
    given = np.where(np.arange(len(time)) % 3 == 0, side, 0)
    tape = whole(FrameTape({"time": time, "price": price, "quantity": quantity, "side": given}, infer_side="tick"))
    rule = _tick_rule(price.tolist())
    assert tape.side.tolist() == [g or r for g, r in zip(given.tolist(), rule, strict=True)]
    assert ((tape.flags & Quality.INFERRED_SIDE) > 0).tolist() == (given == 0).tolist()


def test_the_tick_rule_does_not_depend_on_where_reading_starts(tmp_path):
    time, price, quantity, _ = trades_of()
    feed = FrameTape({"time": time, "price": price, "quantity": quantity}, infer_side="tick")
    every = feed.bars("1m")
    later = feed.bars("1m", start=int(every["open_time"][2]))
    assert every["taker_buy_volume"][2:].tolist() == later["taker_buy_volume"].tolist()


def test_sides_that_are_not_inferred_are_unknown():
    time, price, quantity, _ = trades_of()
    assert set(whole(FrameTape({"time": time, "price": price, "quantity": quantity})).side.tolist()) == {0}


def test_bulk_classification_splits_volume_by_how_far_the_close_moved():
    rng = np.random.default_rng(5)
    close, volume = 100 + np.cumsum(rng.integers(-3, 4, 120)).astype(float), rng.integers(1, 9, 120).astype(float)
    close[40] = close[39]
    frame = {"time": S + 60 * np.arange(120), "close": close, "volume": volume}
    bars = FrameBars(frame, infer_side="bulk").bars()
    for i in (2, 3, 40, 60, 119):
        change = [close[k] - close[k - 1] for k in range(max(1, i - 49), i + 1)]
        share = 0.5 if change[-1] == 0 else NormalDist().cdf(change[-1] / stdev(change))
        assert bars["taker_buy_volume"][i] == pytest.approx(volume[i] * share, rel=1e-12)
        assert bars["taker_buy_volume"][i] + bars["taker_sell_volume"][i] == pytest.approx(volume[i], rel=1e-12)
    assert np.isnan(bars["taker_buy_volume"][:2]).all()
    assert (bars["quality"] == Quality.INFERRED_SIDE).all()
    assert not bars.carries("taker_buy_quote_volume")


def test_bulk_classification_sees_nothing_of_later_bars():
    rng = np.random.default_rng(6)
    close = 100 + np.cumsum(rng.integers(-3, 4, 90)).astype(float)
    frame = {"time": S + 60 * np.arange(90), "close": close, "volume": np.ones(90)}
    every = FrameBars(frame, infer_side="bulk").bars()["taker_buy_volume"]
    first = FrameBars({k: v[:50] for k, v in frame.items()}, infer_side="bulk").bars()["taker_buy_volume"]
    assert first.tobytes() == every[:50].tobytes()


def test_bulk_classification_of_a_tape_keeps_the_sides_it_knows():
    time, price, quantity, side = trades_of(400)
    given = np.where(np.arange(len(time)) % 2 == 0, side, 0)
    frame = {"time": time, "price": price, "quantity": quantity, "side": given}
    told, made = FrameTape(frame).bars("1m"), FrameTape(frame, infer_side="bulk").bars("1m")
    share = (made["taker_buy_volume"] - told["taker_buy_volume"])[2:]
    rest = (told["volume"] - told["taker_buy_volume"] - told["taker_sell_volume"])[2:]
    assert (share >= 0).all()
    assert (share <= rest + 1e-9).all()
    both = made["taker_buy_volume"] + made["taker_sell_volume"]
    np.testing.assert_allclose(both[2:], made["volume"][2:], rtol=1e-12)


def test_recorded_raw_trades_equal_the_dump_of_the_same_trades(tmp_path):
    rows = [(i, 100 + i / 2, 1 + i / 4, S * 1000 + i, i % 2 == 0) for i in range(50)]
    dump = written(tmp_path / "dump.csv", *(f"{i},{p},{q},{p * q},{t},{m},True" for i, p, q, t, m in rows))
    lines = (
        json.dumps({"e": "trade", "s": "A", "t": i, "p": str(p), "q": str(q), "T": t, "m": m}) for i, p, q, t, m in rows
    )
    a, b = whole(BinanceTrades(dump)), whole(BinanceStreamTrades(written(tmp_path / "ws.txt", *lines)))
    for name in ("time", "price", "quantity", "side", "trade_id", "trades"):
        assert getattr(a, name).tobytes() == getattr(b, name).tobytes(), name


def test_nothing_is_infinite_or_made_up_in_numbers_that_may_be_missing(tmp_path):
    path = written(tmp_path / "a.csv", "time,close,x", f"{S},1,inf", f"{S + 60},nan,", f"{S + 120},2,-3.5")
    bars = CsvBars(path, columns={"ratio": "x"}).bars()
    assert [math.isnan(v) for v in bars["ratio"]] == [True, True, False]
    assert bars["ratio"][2] == -3.5
    # A close that is missing is the one before it, and the bar is flagged.
    assert bars["close"].tolist() == [1.0, 1.0, 2.0]
    assert bars["quality"].tolist() == [0, int(Quality.CONTRADICTORY), 0]
