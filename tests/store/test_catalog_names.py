"""What a catalog files rows under: venue, market, symbol and kind."""

from pathlib import Path

import pytest

from tapeflow.core.errors import ParamError
from tapeflow.core.plugins.registry import FEEDS
from tapeflow.feeds.catalog import Catalog
from tapeflow.feeds.csv_tape import CsvTape
from tapeflow.feeds.filing.add import add
from tapeflow.store.atlas import as_venue
from tapeflow.store.holdings import holdings
from tapeflow.store.names import kind_of, symbol_of, venue_of
from tapeflow.tests.helpers.command import tapeflow

NAMES = {
    "BTCUSDT-aggTrades-2024-01-31.zip": "BTCUSDT",
    "BTCUSD_240628-trades-2024-01.zip": "BTCUSD_240628",
    "cm_BTCUSD_PERP-1m-2024-01.zip": "BTCUSD_PERP",
    "2024-01-BTCUSDT-trades-2024-01-31.csv": "BTCUSDT",
    "BTC-USDT-trades-2024-01-31.csv": "BTC-USDT",
    "BTC-USDT-SWAP-trades-2024-01-31.zip": "BTC-USDT-SWAP",
    "BTC-USD-240628-30000-C-trades-2024-01-31.zip": "BTC-USD-240628-30000-C",
    "BTCUSDT2024-01-31.csv.gz": "BTCUSDT",
    "BTC-29DEC232023-10-10.csv.gz": "BTC-29DEC23",
    "BTCUSDT_2024-01-31.csv.gz": "BTCUSDT",
    "1000SHIBUSDT-2024-01.csv.gz": "1000SHIBUSDT",
    "binance-futures_trades_2024-01-31_BTCUSDT.csv.gz": "BTCUSDT",
    "deribit_trades_2024-01-31_BTC-PERPETUAL.csv.gz": "BTC-PERPETUAL",
}
SERIES = {
    "BinanceAggTrades": ("binance", "aggTrades"),
    "BinanceTrades": ("binance", "trades"),
    "BitMEXTrades": ("bitmex", "trades"),
    "BitfinexTrades": ("bitfinex", "trades"),
    "BitstampTrades": ("bitstamp", "trades"),
    "BybitTrades": ("bybit", "trades"),
    "CoinbaseTrades": ("coinbase", "trades"),
    "CsvTape": ("csv", "tape"),
    "DatabentoTrades": ("databento", "trades"),
    "DeribitTrades": ("deribit", "trades"),
    "GateTrades": ("gate", "trades"),
    "HyperliquidTrades": ("hyperliquid", "trades"),
    "KrakenTrades": ("kraken", "trades"),
    "KucoinTrades": ("kucoin", "trades"),
    "OKXTrades": ("okx", "trades"),
    "TardisTrades": ("tardis", "trades"),
}


@pytest.mark.parametrize(("name", "symbol"), NAMES.items())
def test_a_symbol_is_read_as_its_venue_writes_it(name, symbol):
    assert symbol_of(Path("dumps") / name) == symbol


@pytest.mark.parametrize("feed", list(SERIES))
def test_venue_and_kind_come_from_the_name_of_the_feed(feed):
    cls = FEEDS.find(feed)
    assert (venue_of(cls), kind_of(cls)) == SERIES[feed]


def one(path, price):
    path.write_text(f"time,price,quantity,side\n1700000000000,{price},1,buy\n")
    return path


def test_two_instruments_of_one_quote_do_not_share_a_series(tmp_path):
    prices = {"BTC": 36_000, "ETH": 2_000}
    files = [one(tmp_path / f"{coin}-USDT-trades-2023-11-14.csv", price) for coin, price in prices.items()]
    add(tmp_path / "c", files, "CsvTape", {})
    assert [h.series.symbol for h in holdings(tmp_path / "c")] == ["BTC-USDT", "ETH-USDT"]


def test_a_market_that_the_feed_does_not_know_is_a_name(tmp_path):
    spot, linear = one(tmp_path / "spot.csv", 10), one(tmp_path / "linear.csv", 11)
    add(tmp_path / "c", [spot], "CsvTape", {}, symbol="BTCUSDT")
    add(tmp_path / "c", [linear], "CsvTape", {"market": "linear"}, symbol="BTCUSDT")
    assert {h.series.market for h in holdings(tmp_path / "c")} == {"spot", "linear"}
    (tape,) = Catalog(tmp_path / "c", market="linear").tapes()
    assert tape.price.tolist() == [11.0]
    assert add(tmp_path / "c", [linear], "CsvTape", {"market": "linear"}, symbol="BTCUSDT")[0].known
    assert "market" not in CsvTape.params


def test_a_market_of_the_feed_is_still_held_to_its_bounds(tmp_path):
    with pytest.raises(ParamError, match="market must be one of 'spot', 'um', 'cm'"):
        add(tmp_path / "c", [one(tmp_path / "a.csv", 1)], "BinanceAggTrades", {"market": "linear"}, symbol="X")


ATLAS = "perpetual-BTC-USDT:USDT"


def test_a_symbol_of_atlas_is_kept_as_its_venue_writes_it(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("1,10,7,1,1,1704187800000,True,True\n")
    add(tmp_path / "c", [path], "BinanceAggTrades", {}, symbol=ATLAS)
    (one_series,) = holdings(tmp_path / "c")
    assert (one_series.series.symbol, one_series.series.market) == ("BTCUSDT", "um")
    assert add(tmp_path / "c", [path], "BinanceAggTrades", {"market": "um"}, symbol="BTCUSDT")[0].known
    with pytest.raises(ParamError, match="is no market of spot; it is one of um"):
        add(tmp_path / "c", [path], "BinanceAggTrades", {"market": "spot"}, symbol=ATLAS)


@pytest.mark.parametrize(
    ("symbol", "venue", "own"),
    [
        (ATLAS, "okx", "BTC-USDT-SWAP"),
        (ATLAS, "bybit", "BTCUSDT"),
        ("perpetual-BTC-USD:BTC", "binance", "BTCUSD_PERP"),
        ("perpetual-BTC-USD:BTC", "bybit", "BTCUSD"),
        ("perpetual-BTC-USD:BTC", "bitmex", "XBTUSD"),
        ("spot-BTC-USD", "coinbase", "BTC-USD"),
        ("BTC_USDT", "gate", "BTC_USDT"),
    ],
)
def test_each_venue_writes_it_in_its_way(symbol, venue, own):
    assert as_venue(symbol, venue) == own


def test_a_venue_that_is_not_known_asks_for_its_own_symbol():
    assert as_venue(ATLAS, "mine", named="BTC-USDT-SWAP") == "BTC-USDT-SWAP"
    with pytest.raises(ParamError, match="how mine writes it is not known; give its own, as in BTCUSDT"):
        as_venue(ATLAS, "mine")


def test_a_download_asks_for_the_venue_s_own_symbol(tmp_path):
    asked = ["data", "download", "binance", "--symbol", ATLAS, "--from", "2024-01-01", "--to", "2024-01-01"]
    site = ["--base-url", "http://127.0.0.1:9", "--retries", "0", "--dir", str(tmp_path)]
    assert "/BTCUSDT/BTCUSDT-aggTrades-2024-01-01.zip" in tapeflow(*asked, *site, "--market", "um").output
    refused = tapeflow(*asked, *site, "--market", "spot")
    assert (refused.exit_code, "is no market of spot" in refused.output) == (2, True)
