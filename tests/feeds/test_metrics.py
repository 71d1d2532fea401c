"""Metrics beside a traded feed: open interest, funding and liquidations as rules read them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from tapeflow.api import run
from tapeflow.cli import main
from tapeflow.configs.loader import load_config
from tapeflow.core.clock import DAY, MINUTE, parse_time
from tapeflow.core.errors import DataError, ParamError
from tapeflow.feeds.binance_funding import BinanceFunding
from tapeflow.feeds.binance_liquidations import BinanceLiquidations
from tapeflow.feeds.binance_metrics import BinanceMetrics
from tapeflow.feeds.funding import read_funding

HEAD = (
    "create_time,symbol,sum_open_interest,sum_open_interest_value,count_toptrader_long_short_ratio,"
    "sum_toptrader_long_short_ratio,count_long_short_ratio,sum_taker_long_short_vol_ratio"
)
LIQUIDATED = (
    "time,side,order_type,time_in_force,original_quantity,price,average_price,order_status,"
    "last_fill_quantity,accumulated_fill_quantity"
)
NOON = parse_time("2024-01-01T12:00:00")


def _metric(clock: str, interest: float, symbol: str = "BTCUSDT") -> str:
    return f'2024-01-01 {clock},{symbol},{interest},{interest * 40_000},1.5,"",1.1,0.9'


def _metrics(folder: Path, *rows: str, head: str = HEAD, name: str = "BTCUSDT-metrics-2024-01-01.csv") -> Path:
    path = folder / name
    path.write_text("\n".join([head, *rows] if head else rows) + "\n")
    return path


def test_a_row_is_known_from_its_time_and_the_delay_on(tmp_path: Path) -> None:
    path = _metrics(tmp_path, _metric("12:00:00", 10), _metric("12:05:00", 11))
    bars = BinanceMetrics(path).bars()
    assert (bars["close_time"] - NOON).tolist() == [5 * MINUTE, 10 * MINUTE]
    at_once = BinanceMetrics(path, delay="0s").bars()
    assert (at_once["close_time"] - NOON).tolist() == [0, 5 * MINUTE]
    assert bars["open_interest_value"].tolist() == [400_000, 440_000]
    assert np.isnan(bars["top_position_long_short_ratio"]).all()
    assert bars.notes == ("BinanceMetrics: values count from 5m after their own time on",)


def test_rows_out_of_order_and_twice_are_put_right_and_two_that_differ_refused(tmp_path: Path) -> None:
    rows = _metric("12:05:00", 11), _metric("12:00:00", 10), _metric("12:05:00", 11)
    feed = BinanceMetrics(_metrics(tmp_path, *rows))
    assert feed.bars()["open_interest"].tolist() == [10, 11]
    assert feed.counts["duplicates"] == 1
    with pytest.raises(DataError, match=r"2024-01-01T12:05:00Z and differ in column open_interest"):
        BinanceMetrics(_metrics(tmp_path, *rows, _metric("12:05:00", 12))).bars()


def test_a_value_grows_old_in_a_hole_and_says_so(tmp_path: Path) -> None:
    rows = [_metric(f"{clock}:00", 10) for clock in ("12:00", "12:05", "12:10", "15:00")]
    feed = BinanceMetrics(_metrics(tmp_path, *rows))
    bars = feed.bars()
    assert np.isnan(bars["open_interest"]).tolist() == [False, False, False, True, False]
    assert bars["close_time"][3] - NOON == (10 + 5 + 60) * MINUTE
    assert (bars["open_time"] < bars["close_time"]).all()
    assert (bars["open_time"][1:] >= bars["close_time"][:-1]).all()
    assert "1 holes longer than 1h hold none" in bars.notes[0]
    assert len(BinanceMetrics(_metrics(tmp_path, *rows), max_age="1d").bars()) == 4
    with pytest.raises(DataError, match="1 holes longer than max_age 1h"):
        feed.bars(gaps="error")


def test_an_audit_finds_the_hole_and_the_row_out_of_order(tmp_path: Path) -> None:
    clocks = ["12:05", "12:00", "12:10", "12:15", "13:00", "13:05"]
    path = _metrics(tmp_path, *(_metric(f"{clock}:00", 10) for clock in clocks))
    said = CliRunner().invoke(main, ["audit", str(path), "--feed", "BinanceMetrics"]).output
    assert "8 klines of 5m are missing before it" in said
    assert "kline_disorder (mended)" in said


def test_a_run_that_begins_later_still_knows_the_value_that_stands(tmp_path: Path) -> None:
    path = _metrics(tmp_path, _metric("12:00:00", 10), _metric("12:05:00", 11), _metric("12:10:00", 12))
    assert BinanceMetrics(path).bars(start="2024-01-01T12:12:00")["open_interest"].tolist() == [11, 12]
    assert BinanceMetrics(path).bars(end="2024-01-01T12:10:00")["open_interest"].tolist() == [10, 11]


def test_files_without_a_header_and_answers_of_the_api_are_read_too(tmp_path: Path) -> None:
    bare = _metrics(tmp_path, _metric("12:00:00", 10), _metric("12:05:00", 11), head="")
    assert BinanceMetrics(bare).bars()["open_interest"].tolist() == [10, 11]
    answer = tmp_path / "openInterestHist.json"
    stamp = {"symbol": "BTCUSDT", "sumOpenInterestValue": "1.5", "timestamp": NOON // 1000}
    answer.write_text(json.dumps([{**stamp, "sumOpenInterest": "20403.6"}]))
    assert BinanceMetrics(answer).bars()["open_interest"].tolist() == [20403.6]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (("2024-01-01 12:00:00,BTCUSDT,many,1,1,1,1,1",), "row 2, column sum_open_interest.*'many' is no number"),
        (("yesterday,BTCUSDT,1,1,1,1,1,1",), "'yesterday' is no time"),
        ((_metric("12:00:00", 1), _metric("12:05:00", 1, "ETHUSDT")), "BTCUSDT.*ETHUSDT"),
    ],
)
def test_rows_that_cannot_be_are_refused_with_their_place(tmp_path: Path, rows: tuple[str, ...], said: str) -> None:
    with pytest.raises(DataError, match=said):
        BinanceMetrics(_metrics(tmp_path, *rows)).bars()


def test_bars_of_another_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ParamError, match="bars: 1h: BinanceMetrics gives values at times of their own"):
        BinanceMetrics(_metrics(tmp_path, _metric("12:00:00", 1))).bars("1h")


def test_funding_rates_are_those_that_positions_pay(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT-fundingRate-2024-01.csv"
    rows = ["1704067200003,8,0.0001", "1704096000000,8,-0.0002", "1704124800002,8,0.0003"]
    path.write_text("\n".join(["calc_time,funding_interval_hours,last_funding_rate", *rows]))
    bars, paid = BinanceFunding(path).bars(), read_funding([path])
    assert bars["funding_rate"].tolist() == paid.rate.tolist()
    assert (bars["close_time"] - paid.time).tolist() == [3000, 0, 2000]
    assert bars.spec == "8h"


def _liquidated(folder: Path, rows: list[tuple[int, str, int, float]], name: str) -> Path:
    path = folder / name
    text = [f"{ms},{side},LIMIT,IOC,{n},1,{price},FILLED,1,{n}" for ms, side, n, price in rows for _ in range(2)]
    path.write_text("\n".join([LIQUIDATED, *text]))
    return path


def _orders(seed: int = 4) -> list[tuple[int, str, int, float]]:
    rng = np.random.default_rng(seed)
    begin = parse_time("2024-03-05") // 1000
    times = np.sort(rng.choice(DAY // 1000, 300, replace=False)) + begin
    return [(int(t), "SELL" if rng.random() < 0.6 else "BUY", int(rng.integers(1, 9)), 60_000.0) for t in times]


@pytest.mark.parametrize(("symbol", "size"), [("BTCUSD_PERP", 100), ("ETHUSD_PERP", 10), ("BTCUSDT", None)])
def test_liquidations_are_summed_by_minute_and_side(tmp_path: Path, symbol: str, size: float | None) -> None:
    orders = _orders()
    bars = BinanceLiquidations(_liquidated(tmp_path, orders, f"{symbol}-liquidationSnapshot-2024-03-05.csv")).bars()
    assert len(bars) == 1440
    expected = np.zeros((6, 1440))
    for ms, side, n, price in orders:
        notional = n * price if size is None else n * size
        at = (ms * 1000 - parse_time("2024-03-05")) // MINUTE
        first = 0 if side == "SELL" else 3
        expected[first : first + 3, at] += (1, notional / price, notional)
    found = np.array([bars[name] for name in BinanceLiquidations.values])
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert bars["close_time"][0] == parse_time("2024-03-05") + MINUTE


def test_a_day_without_a_file_is_no_day_without_liquidations(tmp_path: Path) -> None:
    paths = [
        _liquidated(tmp_path, [(parse_time(f"2024-03-0{d}T10:00") // 1000, "SELL", 1, 60_000.0)], name)
        for d, name in ((5, "BTCUSD_PERP-liquidationSnapshot-2024-03-05.csv"),
                        (7, "BTCUSD_PERP-liquidationSnapshot-2024-03-07.csv"))
    ]  # fmt: skip
    bars = BinanceLiquidations(paths, interval="1h").bars()
    between = (bars["close_time"] > parse_time("2024-03-06")) & (bars["close_time"] <= parse_time("2024-03-07"))
    assert len(bars) == 49
    assert np.isnan(bars["long_liquidations"][between]).tolist() == [True]


def test_a_month_without_a_day_lacks_it(tmp_path: Path) -> None:
    days = [parse_time(f"2024-03-0{d}T10:00") // 1000 for d in (5, 7)]
    rows = [(day, "SELL", 1, 60_000.0) for day in days]
    bars = BinanceLiquidations(_liquidated(tmp_path, rows, "BTCUSD_PERP-liquidationSnapshot-2024-03.csv")).bars()
    known = np.isfinite(bars["long_liquidations"])
    assert known.sum() == (14 + 10) * 60 + 1
    assert bars["long_liquidations"][known].sum() == 2


def test_liquidations_of_an_unknown_contract_are_not_guessed(tmp_path: Path) -> None:
    path = _liquidated(tmp_path, _orders()[:5], "mine.csv")
    with pytest.raises(ParamError, match="set contract_size: 100 for BTC and 10 for others"):
        BinanceLiquidations(path).bars()
    assert BinanceLiquidations(path, contract_size=100).bars()["long_liquidated_notional"].max() >= 100


CONFIG = """
name: oi
data:
  btc: {feed: CsvTape, path: tape.csv, bars: 1m}
  oi: {feed: BinanceMetrics, path: BTCUSDT-metrics-2024-01-01.csv, delay: DELAY}
strategy:
  kind: Rules
  params: {long: {enter: "oi.open_interest > 10"}}
engine: ENGINE
"""


@pytest.mark.parametrize("engine", ["stock", "backtrader", "compiled"])
@pytest.mark.parametrize(("delay", "sent"), [("0s", "12:05"), ("5m", "12:10"), ("7m", "12:12")])
def test_a_rule_sees_open_interest_no_earlier_than_it_is_known(
    tmp_path: Path, delay: str, sent: str, engine: str
) -> None:
    trades = [f"{NOON // 1_000_000 + 30 * i},{100 + i % 2},1,buy" for i in range(60)]
    (tmp_path / "tape.csv").write_text("\n".join(["time,price,quantity,side", *trades]))
    _metrics(tmp_path, _metric("12:00:00", 10), _metric("12:05:00", 11))
    config = tmp_path / "oi.yaml"
    config.write_text(CONFIG.replace("DELAY", delay).replace("ENGINE", engine))
    run(load_config(config), tmp_path / "out", report=False)
    orders = pd.read_parquet(tmp_path / "out" / "orders.parquet")
    assert str(orders["created_time"].iloc[0])[11:16] == sent
