"""Binance's files against the exchange's own figures."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import shutil
import zipfile
from decimal import Decimal

import numpy as np
import pytest

from tapeflow.core.errors import DataError
from tapeflow.core.schema import Quality
from tapeflow.feeds.binance import BinanceAggTrades, BinanceKlines, BinanceTrades

MINUTE = 60_000_000
NINE = (
    "open",
    "high",
    "low",
    "close",
    "volume",
    "quote_volume",
    "trades",
    "taker_buy_volume",
    "taker_buy_quote_volume",
)


@pytest.mark.real_data
def test_bars_rebuilt_from_the_tape_equal_the_exchanges_klines_63_of_63(real_data):
    folder = real_data / "01_binance_spot_agg_vs_official_1m"
    rebuilt = BinanceAggTrades(folder / "*.json").bars("1m")
    official = BinanceKlines(folder / "*.zip").bars()
    assert rebuilt["quality"].tolist() == [4, 0, 0, 0, 0, 0, 0, 0, 4]
    at = np.searchsorted(official["open_time"], rebuilt["open_time"][1:8])
    equal = sum((rebuilt[name][1:8] == official[name][at]).sum() for name in NINE)
    assert equal == 63
    for name in ("taker_sell_volume", "taker_sell_quote_volume"):
        np.testing.assert_allclose(rebuilt[name][1:8], official[name][at], rtol=1e-12)


@pytest.mark.real_data
def test_spot_aggregates_equal_the_official_five_minutes(real_data):
    folder = real_data / "06_binance_official_dumps"
    bars = BinanceAggTrades(folder / "spot_BTCUSDT-aggTrades-2026-01-01_first5000.csv.gz").bars("5m")
    with (folder / "spot_BTCUSDT_5m_official_2026-01-01.csv").open() as file:
        rows = list(csv.DictReader(file))[:2]
    for i, row in enumerate(rows):
        assert int(row["open_time_ms"]) * 1000 == bars["open_time"][i]
        assert [float(row[c]) for c in ("open", "high", "low", "close")] == [
            bars[c][i] for c in ("open", "high", "low", "close")
        ]
        assert float(row["volume"]) == round(bars["volume"][i], 8)


@pytest.mark.real_data
def test_a_whole_coin_margined_day(real_data):
    path = real_data / "06_binance_official_dumps" / "cm_BTCUSD_PERP-aggTrades-2026-05-08.zip"
    feed = BinanceAggTrades(path, market="cm", contract_size=100)
    bars = feed.bars("1m", row_size=50)
    assert len(bars) == 1440
    assert feed.counts == {
        "rows": 105_280,
        "void": 0,
        "quarantined": 0,
        "duplicates": 0,
        "disordered": 0,
        "id_holes": 0,
    }
    assert feed.files[0].sha256 == "8bfbaa4cd0dfd49cc9e6cdede78e0b2851f42f1dbb7d917bc0847ce1eac4afbe"
    filled = np.flatnonzero(bars["quality"] == Quality.FILLED)
    assert filled.tolist() == [21 * 60 + 56, 23 * 60 + 27, 23 * 60 + 28]
    assert bars["quality"].sum() == 3 * Quality.FILLED
    assert bars["trades"].sum() == 240_198
    text = zipfile.ZipFile(path).read("BTCUSD_PERP-aggTrades-2026-05-08.csv").decode()
    rows = [(int(r[5]), Decimal(r[1]), Decimal(r[2])) for r in list(csv.reader(io.StringIO(text)))[1:]]
    for k in (0, 777, 1439):
        own = [r for r in rows if r[0] * 1000 // MINUTE == bars["open_time"][k] // MINUTE]
        assert float(sum(100 * c for _, _, c in own)) == bars["quote_volume"][k]
        assert float(sum(100 * c / p for _, p, c in own)) == pytest.approx(bars["volume"][k], rel=1e-15)
    assert float(100 * sum(c for _, _, c in rows)) == bars["quote_volume"].sum()
    assert bars.levels.buy_volume.sum() == pytest.approx(bars["taker_buy_volume"].sum(), rel=1e-13)


@pytest.mark.real_data
def test_raw_spot_trades_of_a_quiet_day(real_data):
    feed = BinanceTrades(real_data / "06_binance_official_dumps" / "spot_AIUSDT-trades-2025-12-28.csv.gz")
    bars = feed.bars("1m")
    assert (feed.counts["rows"], feed.counts["id_holes"]) == (4669, 0)
    assert (bars["trades"] > 0).sum() == 726
    assert bars["open_time"][0] == 1_766_880_120_000_000
    assert not (bars["quality"] & Quality.PARTIAL).any()
    with gzip.open(feed.paths[0], "rt") as file:
        rows = list(csv.reader(file))
    assert float(sum(Decimal(r[3]) for r in rows)) == pytest.approx(bars["quote_volume"].sum(), rel=1e-14)
    assert float(sum(Decimal(r[2]) for r in rows if r[5] == "False")) == pytest.approx(
        bars["taker_buy_volume"].sum(), rel=1e-14
    )


@pytest.mark.real_data
def test_three_months_of_klines(real_data):
    feed = BinanceKlines(real_data / "06_binance_official_dumps" / "spot_BTCUSDT-1m-2026-0*.zip")
    bars = feed.bars()
    assert (len(bars), bars.spec, feed.interval, feed.counts["rows"]) == (132_480, "1m", MINUTE, 132_480)
    assert not (bars["quality"] & Quality.GAP).any()
    assert not bars.carries("twap_trade")
    assert not bars.carries("levels")
    assert np.array_equal(np.diff(bars["open_time"]), np.full(132_479, MINUTE))


@pytest.mark.real_data
def test_hours_equal_the_sum_of_their_minutes(real_data):
    folder = real_data / "06_binance_official_dumps"
    hours = BinanceKlines(folder / "spot_BTCUSDT-1h-2026-05-0*.zip").bars()
    minutes = BinanceKlines(folder / "spot_BTCUSDT-1m-2026-05.zip").bars(start="2026-05-08", end="2026-05-10")
    assert (len(hours), len(minutes)) == (48, 48 * 60)
    for name in NINE[4:]:
        np.testing.assert_allclose(minutes[name].reshape(48, 60).sum(1), hours[name], rtol=1e-13)
    assert np.array_equal(minutes["high"].reshape(48, 60).max(1), hours["high"])
    assert np.array_equal(minutes["close"][59::60], hours["close"])


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name",
    [
        "um_BTCUSDT-1m-2025-09-03.csv.gz",
        "um_BTCUSDT-1m-2022-05-06.csv.gz",
        "spot_BTCUSDT-1m-2023-04-15.csv.gz",
    ],
)
def test_klines_with_a_header_or_none(real_data, name):
    path = real_data / "06_binance_official_dumps" / name
    bars = BinanceKlines(path).bars()
    assert len(bars) == 1440
    with gzip.open(path, "rt") as file:
        last = list(csv.reader(file))[-1]
    assert [float(last[i]) for i in (1, 2, 3, 4, 5, 7, 8, 9, 10)] == [bars[c][-1] for c in NINE]
    assert (int(last[6]) + 1) * 1000 == bars["close_time"][-1]


@pytest.mark.real_data
def test_rest_answers_with_fields_nobody_asked_for(real_data, tmp_path):
    path = real_data / "16_awkward_small" / "um_CLUSDT_aggTrades_rest_2026-05-01.json"
    feed = BinanceAggTrades(path, market="um")
    rows = json.loads(path.read_text())
    assert float(sum(Decimal(r["q"]) for r in rows)) == pytest.approx(feed.bars("1h")["volume"].sum(), rel=1e-14)
    assert (feed.counts["rows"], feed.counts["id_holes"]) == (1000, 0)
    nameless = tmp_path / "CLUSDT.json"
    nameless.write_bytes(path.read_bytes())
    spot = BinanceAggTrades(nameless, market="spot")
    spot.bars("1h")
    assert spot.counts["id_holes"] == 2


@pytest.mark.real_data
def test_checksums_of_the_exchange_are_held(real_data, tmp_path):
    name = "spot_BTCUSDT-1h-2026-05-08.zip"
    for part in (name, f"{name}.CHECKSUM"):
        shutil.copy(real_data / "06_binance_official_dumps" / part, tmp_path / part)
    assert len(BinanceKlines(tmp_path / name).bars()) == 24
    (tmp_path / f"{name}.CHECKSUM").write_text(f"{'ab' * 32}  {name}\n")
    found = hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
    with pytest.raises(DataError, match=f"sha256 is {found}, its CHECKSUM file wants {'ab' * 32}"):
        BinanceKlines(tmp_path / name).bars()
