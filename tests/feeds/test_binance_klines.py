"""Binance's klines: their times, their units, and what may be missing or wrong."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tapeflow.core.errors import DataError, ParamError
from tapeflow.core.schema import Quality
from tapeflow.feeds.binance import BinanceKlines

MINUTE = 60_000_000
MS = 1_700_000_040_000


def kline(k, volume="3", close="11", unit=1, length=60_000, trades=4):
    opens = (MS + k * 60_000) * unit
    flows = f"33,{trades},1,11.5" if volume != "0" else f"0,{trades},0,0"
    return f"{opens},10,12,9,{close},{volume},{opens + length * unit - 1},{flows},0"


def kline_file(path, lines):
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


@pytest.mark.parametrize("unit", [1, 1000])
def test_klines_close_where_the_next_one_opens(tmp_path, unit):
    feed = BinanceKlines(kline_file(tmp_path / "k.csv", [kline(0, unit=unit), kline(1, unit=unit)]))
    bars = feed.bars()
    assert bars["open_time"].tolist() == [MS * 1000, MS * 1000 + MINUTE]
    assert bars["close_time"].tolist() == [MS * 1000 + MINUTE, MS * 1000 + 2 * MINUTE]
    assert (bars["taker_sell_volume"][0], bars["taker_sell_quote_volume"][0]) == (2.0, 21.5)
    assert (feed.interval, bars.spec) == (MINUTE, "1m")


def test_golden_kline_of_bnxusdt(tmp_path):
    line = "1712037600000,.6142,.6382,.6091,.6365,3387726.8,1712041199999,2107340.0199,20116,1797761.4,1120004.58341,0"
    bars = BinanceKlines(kline_file(tmp_path / "k.csv", [line])).bars("1h")
    assert bars["taker_sell_volume"][0] == pytest.approx(1589965.4, abs=1e-8)
    assert bars["taker_sell_quote_volume"][0] == pytest.approx(987335.43649, abs=1e-8)


def test_coin_margined_klines_become_base_and_notional(tmp_path):
    line = f"{MS},9640,9650,9630,9645,206,{MS + 59_999},2.13660389,12,106,1.1,0"
    bars = BinanceKlines(kline_file(tmp_path / "k.csv", [line]), market="cm", contract_size=100).bars()
    assert (bars["volume"][0], bars["quote_volume"][0]) == (2.13660389, 20_600.0)
    assert (bars["taker_buy_volume"][0], bars["taker_buy_quote_volume"][0]) == (1.1, 10_600.0)
    assert bars["taker_sell_quote_volume"][0] == 10_000.0


def test_missing_klines_are_kept_filled_or_refused(tmp_path):
    path = kline_file(tmp_path / "k.csv", [kline(0), kline(1, close="10.5"), kline(4), kline(5, "0", "11", trades=0)])
    kept = BinanceKlines(path).bars()
    assert kept["quality"].tolist() == [0, Quality.GAP, Quality.GAP, Quality.FILLED]
    filled = BinanceKlines(path).bars(gaps="fill")
    gap, put_in = int(Quality.GAP), int(Quality.GAP | Quality.FILLED)
    assert filled["quality"].tolist() == [0, gap, put_in, put_in, gap, Quality.FILLED]
    assert np.array_equal(np.diff(filled["open_time"]), np.full(5, MINUTE))
    assert np.array_equal(filled["close_time"] - filled["open_time"], np.full(6, MINUTE))
    for name in ("open", "high", "low", "close"):
        assert filled[name][2:4].tolist() == [10.5, 10.5]
    for name in ("volume", "quote_volume", "trades", "taker_buy_volume", "taker_sell_quote_volume"):
        assert filled[name][2:4].tolist() == [0.0, 0.0]
    assert filled["close"][4] == 11.0
    with pytest.raises(DataError, match=r"2 klines of 1m are missing from 2023-11-14T22:16:00Z on"):
        BinanceKlines(path).bars(gaps="error")
    with pytest.raises(ParamError, match="gaps: unknown value 'drop'"):
        BinanceKlines(path).bars(gaps="drop")


def test_klines_that_two_files_share_count_once_when_they_agree(tmp_path):
    kline_file(tmp_path / "b.csv", [kline(0), kline(1), kline(2)])
    kline_file(tmp_path / "a.csv", [kline(2), kline(3)])
    feed = BinanceKlines(tmp_path / "*.csv")
    assert len(feed.bars()) == 4
    assert (feed.counts["duplicates"], feed.counts["rows"]) == (1, 4)
    kline_file(tmp_path / "a.csv", [kline(2, "4"), kline(3)])
    with pytest.raises(DataError, match=r"a\.csv: row 1: column volume differs from the same kline in another file"):
        BinanceKlines(tmp_path / "*.csv").bars()


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ([kline(0), kline(1), kline(1)], "row 3 opens at .*, not after the row before it"),
        ([kline(1), kline(0)], "row 2 opens at .*, not after the row before it"),
        ([kline(0), kline(1, length=30_000)], "row 2: the kline is 30s long, the first one 1m"),
        ([kline(0, "x")], "row 1, column volume: 'x' is no number"),
    ],
)
def test_klines_that_cannot_be(tmp_path, lines, complaint):
    with pytest.raises(DataError, match=complaint):
        BinanceKlines(kline_file(tmp_path / "k.csv", lines)).bars()


def test_klines_off_their_grid_are_named(tmp_path):
    off = f"{MS + 90_000},10,12,9,11,3,{MS + 149_999},33,4,1,11.5,0"
    with pytest.raises(DataError, match="row 2: the kline opens off the grid of the rows before"):
        BinanceKlines(kline_file(tmp_path / "k.csv", [kline(0), off])).bars()


def test_klines_keep_their_own_interval(tmp_path):
    path = kline_file(tmp_path / "k.csv", [kline(0), kline(1)])
    assert BinanceKlines(path).bars("1m", row_size="auto").row_size == 0.005
    with pytest.raises(DataError, match="holds klines of 1m, not 30s; bars may be 1m or longer"):
        BinanceKlines(path).bars("30s")


def test_klines_of_the_rest_api(tmp_path):
    cells = kline(0).split(",")
    row = [int(cells[0]), *cells[1:6], int(cells[6]), cells[7], int(cells[8]), *cells[9:]]
    (tmp_path / "k.json").write_text(json.dumps([row]))
    rest = BinanceKlines(tmp_path / "k.json").bars()
    dump = BinanceKlines(kline_file(tmp_path / "k.csv", [kline(0)])).bars()
    for name in dump.columns:
        np.testing.assert_array_equal(rest[name], dump[name])
