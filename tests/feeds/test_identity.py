"""What files say they are: one symbol, one market, one kind of contracts, believed before a default."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tapeflow.core.errors import DataError, ParamError
from tapeflow.core.tape import Tape
from tapeflow.feeds.binance import BinanceAggTrades, BinanceKlines, BinanceTrades
from tapeflow.feeds.binance_stream import BinanceStreamTrades
from tapeflow.feeds.bybit import BybitTrades
from tapeflow.feeds.catalog import Catalog
from tapeflow.feeds.continuous import Continuous
from tapeflow.feeds.continuous_tape import ContinuousTape
from tapeflow.feeds.csv_bars import CsvBars
from tapeflow.feeds.csv_tape import CsvTape
from tapeflow.feeds.databento import DatabentoTrades
from tapeflow.feeds.filing.add import add
from tapeflow.feeds.freqtrade import FreqtradeBars
from tapeflow.feeds.kraken import KrakenOHLC, KrakenTrades
from tapeflow.feeds.merge import Merge
from tapeflow.feeds.okx import OKXTrades
from tapeflow.feeds.tardis import TardisTrades
from tapeflow.tests.helpers.command import tapeflow

MS = 1_704_067_200_000
COIN_ROWS = "".join(f"{i},{9635 + i}.0,{i},{100 * i / (9635 + i):.8f},{MS + i},true\n" for i in range(1, 4))
QUOTE_ROWS = "".join(f"{i},{9635 + i}.0,{i},{(9635 + i) * i:.8f},{MS + i},true\n" for i in range(1, 4))
TARDIS = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount"
OKX = "instrument_name,trade_id,side,price,size,created_time"


def whole(feed) -> Tape:
    return Tape.join(list(feed.tapes()))


def put(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def agg(path: Path, best: str = ",True") -> Path:
    return put(path, *(f"{i},100.5,2,{i},{i},{MS + i},True{best}" for i in range(1, 4)))


def kline(path: Path, volume: float, quote: float, *, rows: int = 3) -> Path:
    lines = (
        f"{at},9600,9700,9500,9650,{volume},{at + 59_999},{quote},5,{volume / 2},{quote / 2},0"
        for at in range(MS, MS + rows * 60_000, 60_000)
    )
    return put(path, *lines)


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (BinanceAggTrades, ("BTCUSDT-aggTrades-2024-01-01.csv", "ETHUSDT-aggTrades-2024-01-01.csv")),
        (BinanceKlines, ("BTCUSDT-1m-2024-01-01.csv", "ETHUSDT-1m-2024-01-02.csv")),
        (OKXTrades, ("BTC-USDT-trades-2024-01-01.csv", "ETH-USDT-trades-2024-01-01.csv")),
        (BybitTrades, ("BTCUSDT_2024-01-01.csv", "ETHUSDT_2024-01-01.csv")),
        (FreqtradeBars, ("BTC_USDT-1m.json", "ETH_USDT-1m.json")),
        (KrakenOHLC, ("XBTUSD_1.csv", "ETHUSD_1.csv")),
        (KrakenTrades, ("XBTUSD.csv", "ETHUSD.csv")),
        (CsvTape, ("BTCUSDT-2024-01-01.csv", "ETHUSDT-2024-01-02.csv")),
    ],
)
def test_two_symbols_in_names_are_refused_by_name_of_both_and_their_files(tmp_path, kind, names):
    for name in names:
        put(tmp_path / name, "x")
    first, second = (name.split("-20")[0].split("_20")[0] for name in names)
    with pytest.raises(DataError, match=r"holds several symbols \(.+ of .+, .+ of .+\); one data block holds one") as e:
        kind(sorted(tmp_path.iterdir()))
    assert all(name in str(e.value) for name in names)
    assert first.split("-1m")[0].split("-trades")[0].split("-agg")[0].split("_1.")[0].removesuffix(".csv") in str(
        e.value
    )
    assert second != first


def test_a_renamed_market_is_joined_the_way_that_the_refusal_names(tmp_path):
    names = ("MATICUSDT-trades-2024-01-01.csv", "POLUSDT-trades-2024-01-02.csv")
    for day, name in enumerate(names):
        put(tmp_path / name, *(f"{9 * day + i},10,1,10,{MS + 86_400_000 * day + i},True,True" for i in range(5)))
    with pytest.raises(DataError, match=r"if a market was renamed, a catalog joins them: tapeflow data add … --symbol"):
        BinanceTrades([tmp_path / name for name in names], market="spot")
    words = ("--feed", "BinanceTrades", "--market", "spot", "--symbol", "POLUSDT", "--catalog", tmp_path / "store")
    assert tapeflow("data", "add", *(tmp_path / name for name in names), *words).exit_code == 0
    assert len(whole(Catalog(tmp_path / "store"))) == 10


def test_two_intervals_and_two_kinds_in_names_are_refused(tmp_path):
    for name in ("BTCUSDT-1m-2024-01-01.csv", "BTCUSDT-5m-2024-01-02.csv"):
        kline(tmp_path / name, 10, 96000)
    with pytest.raises(DataError, match=r"holds several kinds \(1m of .*, 5m of .*\)"):
        BinanceKlines(sorted(tmp_path.iterdir()))


def test_two_symbols_in_rows_of_two_files_are_refused_with_the_files(tmp_path):
    for name, symbol in (("a", "BTC-USDT"), ("b", "ETH-USDT")):
        put(tmp_path / f"{name}.csv", OKX, f"{symbol},1,buy,10.5,2,{MS}")
    with pytest.raises(DataError, match=r"several symbols \(BTC-USDT of a.csv, ETH-USDT of b.csv\)"):
        whole(OKXTrades(sorted(tmp_path.iterdir())))
    assert len(whole(OKXTrades(sorted(tmp_path.iterdir()), symbol="ETH-USDT"))) == 1


def test_two_symbols_in_a_column_of_bars_are_refused_and_one_can_be_chosen(tmp_path):
    rows = [f"{MS + i * 60_000},{s},{p},{p},{p},{p},1" for i in range(3) for s, p in (("A", 10), ("B", 20))]
    path = put(tmp_path / "bars.csv", "time,symbol,open,high,low,close,volume", *rows)
    with pytest.raises(DataError, match=r"holds several symbols \(A, B\); choose one: CsvBars symbol=A"):
        CsvBars(path).bars()
    assert CsvBars(path, symbol="B").bars()["close"].tolist() == [20.0] * 3


def test_two_exchanges_are_refused(tmp_path):
    rows = [f"{e},BTCUSDT,{MS + i}000,{MS + i}000,{i},buy,9,1" for i, e in enumerate(("binance", "binance-futures"))]
    path = put(tmp_path / "t.csv", TARDIS, *rows)
    with pytest.raises(DataError, match=r"holds several exchanges \(binance, binance-futures\)"):
        whole(TardisTrades(path))


def test_pairs_of_krakens_answers_are_refused_when_they_differ(tmp_path):
    for i, pair in enumerate(("XXBTZUSD", "XETHZUSD")):
        rows = [["100", "1", 1_704_067_200.5 + i, "b", "l", "", i + 1]]
        (tmp_path / f"{i}.json").write_text(json.dumps({"error": [], "result": {pair: rows, "last": "1"}}))
    with pytest.raises(DataError, match=r"several symbols \(XETHZUSD of 1.json, XXBTZUSD of 0.json\)"):
        whole(KrakenTrades(sorted(tmp_path.iterdir())))


@pytest.mark.parametrize(
    ("name", "market"),
    [
        ("BTCUSD_PERP-aggTrades-2024-01-01.csv", "cm"),
        ("ETHUSD_240329-aggTrades-2024-01-01.csv", "cm"),
        ("BTCUSDT_240329-aggTrades-2024-01-01.csv", "um"),
        ("um_BTCUSDT-aggTrades-2024-01-01.csv", "um"),
        ("um/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2024-01-01.csv", "um"),
        ("data/futures/um/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2024-01-01.csv", "um"),
        ("BTCUSDT-aggTrades-2024-01-01.csv", "spot"),
    ],
)
def test_a_name_says_the_market(tmp_path, name, market):
    feed = BinanceAggTrades(agg(tmp_path / name))
    (bars,) = feed.bars_of(["1m"])
    assert feed.p["market"] == market
    size = {"BTCUSD": 100.0, "ETHUSD": 10.0}.get(name[:6] if market == "cm" else "")
    assert feed.p["contract_size"] == size
    assert bars["quote_volume"][0] == (3 * 2 * size if size else 3 * 2 * 100.5)
    assert bars.notes == () if market == "spot" else f"market: {market}" in bars.notes[0]
    other = "spot" if market != "spot" else None
    if other:
        with pytest.raises(ParamError, match=f"market is spot, but .*say market: {market}"):
            BinanceAggTrades(feed.paths, market=other)


def test_files_of_two_markets_are_refused(tmp_path):
    paths = [agg(tmp_path / m / "aggTrades" / "BTCUSDT" / "BTCUSDT-aggTrades-2024-01-01.csv") for m in ("spot", "um")]
    with pytest.raises(DataError, match=r"several markets \(spot by .*, um by "):
        BinanceAggTrades(paths)


def test_a_market_that_nothing_tells_is_said_to_be_assumed(tmp_path):
    (bars,) = BinanceAggTrades(agg(tmp_path / "mine.csv", best="")).bars_of(["1m"])
    assert "market: spot is assumed" in bars.notes[0]
    assert BinanceAggTrades(agg(tmp_path / "m.csv", best=""), market="um").bars("1m").notes == ()


@pytest.mark.parametrize("header", ["", "id,price,qty,base_qty,time,is_buyer_maker"])
def test_amounts_beside_price_and_quantity_prove_coin_margined_contracts(tmp_path, header):
    path = put(tmp_path / "mine.csv", *filter(None, [header, *COIN_ROWS.split()]))
    feed = BinanceTrades(path)
    assert whole(feed).notional.tolist() == [100.0, 200.0, 300.0]
    assert (feed.p["market"], feed.p["contract_size"]) == ("cm", 100.0)
    assert whole(feed).notional.tolist() == [100.0, 200.0, 300.0]
    for wrong in ({"market": "um"}, {"market": "cm", "contract_size": 10}):
        with pytest.raises(ParamError, match=r"market is um|contract_size is 10"):
            whole(BinanceTrades(path, **wrong))


def test_amounts_that_are_price_times_quantity_are_not_coin_margined(tmp_path):
    path = put(tmp_path / "mine.csv", *QUOTE_ROWS.split())
    with pytest.raises(DataError, match=r"market is cm, but the amount beside price 9636\.0 and quantity 1"):
        whole(BinanceTrades(path, market="cm", contract_size=100))
    assert whole(BinanceTrades(path, market="um")).quantity.tolist() == [1.0, 2.0, 3.0]


def test_recorded_messages_say_the_market_by_their_symbol(tmp_path):
    message = {"e": "trade", "s": "ETHUSD_PERP", "t": 7, "p": "2000", "q": "3", "T": MS, "m": True}
    path = put(tmp_path / "m.jsonl", json.dumps(message))
    feed = BinanceStreamTrades(path)
    assert whole(feed).notional.tolist() == [30.0]
    assert feed.p["market"] == "cm"
    with pytest.raises(ParamError, match="market is um, but ETHUSD_PERP is coin-margined"):
        whole(BinanceStreamTrades(path, market="um"))


def test_klines_of_coin_margined_contracts_are_told_by_their_figures(tmp_path):
    path = kline(tmp_path / "k.csv", 96, 1.0)
    feed = BinanceKlines(path)
    assert feed.bars()["quote_volume"].tolist() == [9600.0] * 3
    assert feed.p["contract_size"] == 100.0
    with pytest.raises(ParamError, match="market is spot, but quote_volume, which is volume × 100 / price"):
        BinanceKlines(path, market="spot").bars()


@pytest.mark.parametrize(
    ("volume", "quote", "cause"),
    [(96000, 10, "the two are swapped"), (10_000, 96_000, "1,000 times"), (10, 96_000, None)],
)
def test_volumes_in_other_units_are_refused_where_the_cause_is_plain(tmp_path, volume, quote, cause):
    rows = [f"{MS + i * 60_000},9600,9700,9500,9650,{volume},{quote}" for i in range(3)]
    path = put(tmp_path / "b.csv", "time,open,high,low,close,volume,quote_volume", *rows)
    for feed in (CsvBars(path), BinanceKlines(kline(tmp_path / "k.csv", volume, quote), market="um")):
        if cause:
            with pytest.raises(DataError, match=cause):
                feed.bars()
        else:
            assert feed.bars().notes == ()


def test_volumes_in_units_that_nothing_explains_are_said(tmp_path):
    (note,) = BinanceKlines(kline(tmp_path / "k.csv", 10, 96_000 * 3, rows=30), market="um").bars().notes
    assert "outside them in 30 bars of 30: one of the two is in another unit" in note


def test_few_klines_whose_volumes_contradict_their_prices_are_damage_and_no_unit(tmp_path):
    lines = kline(tmp_path / "k.csv", 10, 96_000, rows=5).read_text().splitlines()
    put(tmp_path / "k.csv", *lines[:4], lines[4].replace("96000", "10"))
    (note,) = BinanceKlines(tmp_path / "k.csv", market="um").bars().notes
    assert note.startswith("1 of 5 bars contradict themselves")
    assert "unit" not in note


@pytest.mark.parametrize(
    ("exchange", "symbol", "price", "amount", "base"),
    [
        ("bitmex", "XBTUSD", 8000, 2000, 0.25),
        ("bitmex", "XBTH24", 8000, 2000, 0.25),
        ("deribit", "BTC-PERPETUAL", 8000, 2000, 0.25),
        ("deribit", "BTC-28JUN24", 8000, 2000, 0.25),
        ("deribit", "SOL_USDC-PERPETUAL", 100, 3, 3),
        ("binance-delivery", "BTCUSD_PERP", 8000, 20, 0.25),
        ("binance-delivery", "ETHUSD_240329", 2000, 20, 0.1),
        ("okex-swap", "BTC-USD-SWAP", 8000, 20, 0.25),
        ("okex-futures", "ETH-USD-240329", 2000, 20, 0.1),
        ("huobi-dm", "BTC_CQ", 8000, 20, 0.25),
        ("cryptofacilities", "PI_XBTUSD", 8000, 2000, 0.25),
        ("cryptofacilities", "PF_XBTUSD", 8000, 2, 2),
        ("bybit", "BTCUSD", 8000, 2000, 0.25),
        ("bybit", "BTCUSDT", 8000, 2, 2),
        ("binance-futures", "BTCUSDT", 8000, 2, 2),
        ("bitmex", "ETHUSD", 2000, 20, None),
        ("okex-swap", "BTC-USDT-SWAP", 8000, 20, None),
        ("gate-io-futures", "BTC_USDT", 8000, 20, None),
    ],
)
def test_tardis_amounts_go_by_the_rules_of_exchange_and_symbol(tmp_path, exchange, symbol, price, amount, base):
    path = put(tmp_path / "t.csv", TARDIS, f"{exchange},{symbol},{MS}000,{MS}000,1,buy,{price},{amount}")
    if base is None:
        with pytest.raises(ParamError, match=f"{symbol} counts contracts; say contracts: .*contract_size"):
            whole(TardisTrades(path))
        assert whole(TardisTrades(path, contracts="none")).quantity.tolist() == [amount]
    else:
        feed = TardisTrades(path)
        assert whole(feed).quantity.tolist() == pytest.approx([base], rel=1e-12)
        assert bool(feed.remarks()) == (base != amount)


def test_a_kind_of_contracts_that_the_symbol_contradicts_is_refused_and_another_size_said(tmp_path):
    path = put(tmp_path / "o.csv", OKX, f"BTC-USD-SWAP,1,buy,50000,10,{MS}")
    with pytest.raises(ParamError, match="contracts is linear, but BTC-USD-SWAP is inverse"):
        whole(OKXTrades(path, contracts="linear", contract_size=0.01))
    (note,) = OKXTrades(path, contracts="inverse", contract_size=10).bars("1m").notes
    assert note == "contract_size: 10 is taken as given; by the rule BTC-USD-SWAP has 100"
    (note,) = OKXTrades(path, contracts="none").bars("1m").notes
    assert note.startswith("contracts: none is taken as given")


def test_a_name_alone_tells_contracts_where_rows_have_no_symbol(tmp_path):
    path = put(tmp_path / "BTC-USD-SWAP-trades-2024-01-01.csv", OKX.partition(",")[2], f"1,buy,50000,10,{MS}")
    assert whole(OKXTrades(path)).notional.tolist() == [1000.0]
    mine = put(tmp_path / "mine.csv", "time,price,quantity,symbol", f"{MS},50000,10,BTCUSD_PERP")
    with pytest.raises(ParamError, match="BTCUSD_PERP counts contracts"):
        whole(CsvTape(mine))


@pytest.mark.parametrize(
    "name", ["BTC-USDT-SWAP.csv", "BTC-USDT-SWAP_2024.csv", "okx_BTC-USDT-SWAP_trades.csv", "okx_btc-usdt-swap-day.csv"]
)
def test_a_contract_in_any_name_of_a_file_is_believed(tmp_path, name):
    path = put(tmp_path / name, OKX.partition(",")[2], f"1,buy,50000,21,{MS}")
    assert whole(OKXTrades(path)).quantity.tolist() == [pytest.approx(0.21)]


def test_a_contract_in_the_name_of_a_file_of_unknown_size_is_asked_for(tmp_path):
    path = put(tmp_path / "mine_SOL-USDT-SWAP_x.csv", OKX.partition(",")[2], f"1,buy,100,21,{MS}")
    with pytest.raises(ParamError, match="SOL-USDT-SWAP counts contracts; say contracts"):
        whole(OKXTrades(path))


def test_inverse_contracts_of_bybit_are_refused_with_the_parameters(tmp_path):
    answer = {"symbol": "BTCUSD", "price": "50", "size": "100", "side": "Buy", "time": str(MS), "execId": "x"}
    (tmp_path / "r.json").write_text(json.dumps({"result": {"list": [answer]}}))
    with pytest.raises(DataError, match="BTCUSD: inverse contracts want contracts: inverse, contract_size: 1"):
        whole(BybitTrades(tmp_path / "r.json"))


def test_a_future_of_databento_is_said_to_be_read_as_contracts_of_one(tmp_path):
    head = "ts_event,action,side,price,size,symbol"
    path = put(tmp_path / "d.csv", head, "1695988800527194909,T,A,4300.25,5,ESZ3")
    (note,) = DatabentoTrades(path).bars("1m").notes
    assert note.startswith("ESZ3 is a future: sizes are taken as contracts of 1")


def test_a_catalog_files_markets_and_exchanges_apart(tmp_path):
    coin = put(tmp_path / "mine.csv", *COIN_ROWS.split())
    swap = put(tmp_path / "BTC-USD-SWAP-trades-2024-01-01.csv", OKX, f"BTC-USD-SWAP,1,buy,50000,10,{MS}")
    tardis = put(tmp_path / "t.csv", TARDIS, f"binance-futures,BTCUSDT,{MS}000,{MS}000,1,buy,8000,2")
    found = [
        add(tmp_path / "c", [coin], "BinanceTrades", {}, symbol="BTCUSD_PERP"),
        add(tmp_path / "c", [swap], "OKXTrades", {}),
        add(tmp_path / "c", [tardis], "TardisTrades", {}, symbol="BTCUSDT"),
    ]
    assert [one[0].series.market for one in found] == ["cm", "inverse", "binance-futures"]
    assert add(tmp_path / "c", [coin], "BinanceTrades", {}, symbol="BTCUSD_PERP")[0].known


def test_commands_refuse_in_one_line_and_say_what_they_took(tmp_path):
    path = agg(tmp_path / "BTCUSD_PERP-aggTrades-2024-01-01.csv", best="")
    out = tmp_path / "b.csv"
    done = tapeflow("bars", path, "--feed", "BinanceAggTrades", "--bars", "1m", "--out", out)
    assert done.exit_code == 0
    assert "contract_size: 100, Binance's rule for BTCUSD_PERP" in done.stderr
    assert np.isclose(pd.read_csv(out)["quote_volume"].sum(), 600)
    for command in (("bars", "--bars", "1m", "--out", out), ("audit",)):
        done = tapeflow(command[0], path, "--feed", "BinanceAggTrades", "--market", "um", *command[1:])
        assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
        assert "say market: cm" in done.stderr


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        ("feed: BinanceTrades, path: 'd/BTCUSD_PERP-trades-*.zip', market: um", "say market: cm"),
        ("feed: BinanceTrades, path: 'x-*.zip', market: cm", "market cm needs contract_size"),
        ("feed: BinanceTrades, path: 'x-*.zip', contract_size: 10", "contract_size is for market cm only"),
        ("feed: OKXTrades, path: x.csv, contracts: linear", "contracts: linear needs contract_size"),
        ("feed: TardisTrades, path: x.csv, contract_size: 1", "contract_size is for contracts linear or inverse only"),
        ("feed: BinanceKlines, path: [BTCUSDT-1m-*.zip, ETHUSDT-1m-*.zip]", "holds several symbols"),
        ("feed: CsvTape, path: x.csv, columns: {time: 1, price: p}", "either all by name or all by number"),
        ("feed: CsvTape, path: x.csv, columns: {time: a, price: a}", "time and price are both 'a'"),
        ("feed: CsvBars, path: x.csv, columns: {open_time: t}", "stamps are called time"),
    ],
)
def test_validate_refuses_what_needs_no_data(tmp_path, block, complaint):
    bars = "" if "Klines" in block or "Bars" in block else ", bars: 1m"
    rules = "strategy: {kind: Rules, params: {long: {enter: 'close > open', exit: 'close < open'}}}"
    put(tmp_path / "c.yaml", f"data: {{x: {{{block}{bars}}}}}", rules)
    done = tapeflow("validate", tmp_path / "c.yaml")
    assert done.exit_code == 2
    assert complaint in done.stderr


BARS = "date,open,high,low,close,volume"


def contract_files(folder, names):
    for day, name in enumerate(names, 12):
        put(folder / name, BARS, f"2024-03-{day},1,3,1,2,9", f"2024-03-{day + 1},1,3,1,2,9")


@pytest.mark.parametrize(
    "names",
    [
        ("ESH24.csv", "ESM24.csv"),
        ("6EH2024.csv", "6EM2024.csv"),
        ("NQH24_daily.csv", "NQM24_daily.csv"),
        ("ESH24-2024-03.csv", "ESM24-2024-03.csv"),
        ("ES 03-24.Last.txt", "ES 06-24.Last.txt"),
    ],
)
def test_contracts_of_one_root_are_refused_as_one_series_and_told_who_joins_them(tmp_path, names):
    """They agree about the day that both have, so that nothing but their names tells that there are two."""
    contract_files(tmp_path, names)
    root = names[0][:2]
    path = f"{root}*{Path(names[0]).suffix}"
    with pytest.raises(DataError, match=r"holds several (contracts|symbols)") as caught:
        CsvBars(sorted(tmp_path.iterdir()))
    said = f"Continuous rolls from one to the next, as in contracts: {{feed: CsvBars, path: '{path}'}}"
    assert str(caught.value).endswith(said)
    assert "\n" not in str(caught.value)
    joined = Continuous(tmp_path, contracts={"feed": "CsvBars", "path": path}).bars()
    assert joined["roll"].tolist() == [0, 0, 1]
    with pytest.raises(DataError, match="ContinuousTape rolls from one to the next"):
        CsvTape(sorted(tmp_path.iterdir()))


@pytest.mark.parametrize(
    "names",
    [
        ("ESH24.csv", "NQH24.csv"),
        ("ESH24_1.csv", "ESH24_2.csv"),
        ("A1.csv", "A2.csv"),
        ("SPY_01-24.csv", "SPY_02-24.csv"),
    ],
)
def test_what_are_no_contracts_of_one_root_is_left_alone(tmp_path, names):
    contract_files(tmp_path, names)
    assert len(CsvBars(sorted(tmp_path.iterdir())).paths) == 2


def test_contracts_in_a_column_are_told_who_joins_them_and_it_does(tmp_path):
    rows = [f"2024-03-{d},{s},{p},{p},{p},{p},9" for d in (12, 13) for s, p in (("ESH24", 10), ("ESM24", 20))]
    path = put(tmp_path / "both.csv", "date,symbol,open,high,low,close,volume", *rows)
    with pytest.raises(
        DataError, match=r"choose one: CsvBars symbol=ESH24; Continuous rolls .* \[\{feed: CsvBars, path"
    ):
        CsvBars(path).bars()
    blocks = [{"feed": "CsvBars", "path": path.name, "symbol": s, "name": s} for s in ("ESH24", "ESM24")]
    made = Continuous(tmp_path, contracts=blocks, roll="date", dates=["2024-03-13"]).bars()
    assert made["close"].tolist() == [10, 20]


def test_feeds_made_of_feeds_take_the_names_that_archives_give(tmp_path):
    """Each of their feeds is of one market; that these differ is what they are for."""
    day = "2024-03-28"
    times = [1_711_584_000_000 + i * 30_000 for i in range(6)]
    put(tmp_path / f"BTCUSDT-aggTrades-{day}.csv", *(f"{i},100,1,{i},{i},{t},true" for i, t in enumerate(times)))
    put(tmp_path / f"BTC-USDT-trades-{day}.csv", OKX, *(f"BTC-USDT,{i},buy,101,2,{t}" for i, t in enumerate(times)))
    venues = [
        {"feed": "BinanceAggTrades", "path": "BTCUSDT-*.csv", "market": "spot"},
        {"feed": "OKXTrades", "path": "BTC-USDT-*.csv"},
    ]
    assert Merge(tmp_path, feeds=venues).bars("1m")["volume"].tolist() == [6, 6, 6]
    for k, expiry in enumerate(("240329", "240628")):
        name = f"BTCUSDT_{expiry}-aggTrades-{day}.csv"
        put(tmp_path / name, *(f"{i},{100 + k},1,{i},{i},{t + k},true" for i, t in enumerate(times)))
    of = {"feed": "BinanceAggTrades", "market": "um", "path": "BTCUSDT_*.csv"}
    assert len(ContinuousTape(tmp_path, contracts=of, roll="date", dates=["2024-03-29"]).bars("1m")) == 3
