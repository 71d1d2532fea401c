"""The main job end to end: files in, a result folder out."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tapeflow.api import run
from tapeflow.configs.loader import load_config
from tapeflow.core.errors import DataError, TapeflowError

FIVE = """
name: five
data:
  main: {data}
indicators:
  signed: {{kind: SignedVolume}}
  delta: {{kind: VolumeDelta}}
  tox: {{kind: FlowToxicity, window: 60}}
  vwap: {{kind: VWAP, anchor: 1d, bands: [1.0, 2.0]}}
  vp: {{kind: VolumeProfile, window: 60{profile}}}
  rsi: {{kind: talib.RSI, timeperiod: 14}}
strategy:
  kind: Rules
  params:
    long: {{enter: "close < vwap.lower1 and delta > 0 and tox < 1 and signed > 0", exit: "close >= vwap or rsi > 70"}}
    short: {{enter: "close > vwap and delta < 0 and tox < 1", exit: "close <= vp.poc"}}
    stop_loss: 0.5%
broker: {{cash: 100000, fees: {{maker: 2bp, taker: 5bp}}, slippage: 1bp}}
sizer: {{percent: 10}}
"""
FILES = {
    "bars.parquet",
    "equity.parquet",
    "indicators.parquet",
    "levels.parquet",
    "orders.parquet",
    "report.html",
    "result.json",
    "run.lock",
    "trades.parquet",
    "trial.yaml",
}
LINES = [
    "signed.signed_volume",
    "delta.delta",
    "delta.percent",
    "tox.toxicity",
    "tox.z_flow",
    "tox.z_vol",
    "vwap.vwap",
    "vwap.std",
    "vwap.upper1",
    "vwap.lower1",
    "vwap.upper2",
    "vwap.lower2",
    "vp.poc",
    "vp.vah",
    "vp.val",
    "rsi.rsi",
]


def write(folder: Path, data: str, profile: str = "") -> Path:
    path = folder / "five.yaml"
    path.write_text(FIVE.format(data=data, profile=profile))
    return path


def check_folder(folder: Path, bars: int, files: set[str]) -> dict:
    """Everything the folder must hold, and how its parts must agree."""
    assert files == {p.name for p in folder.iterdir()}
    result = json.loads((folder / "result.json").read_text())
    orders, trades, equity, lines = (
        pd.read_parquet(folder / f"{n}.parquet") for n in ("orders", "trades", "equity", "indicators")
    )
    assert bars == result["bars"] == len(equity) == len(lines)
    assert list(lines.columns)[1:] == LINES
    assert result["orders"] == len(orders) > 0
    assert result["trades"] == len(trades) > 0
    assert result["final_value"] == equity["value"].iloc[-1]
    assert result["net_profit"] == pytest.approx(result["final_value"] - 100_000, abs=1e-9)
    assert result["fees_paid"] == pytest.approx(orders["commission"].sum(), rel=1e-12)
    assert result["max_drawdown_pct"] == pytest.approx(100 * equity["drawdown"].max(), rel=1e-12)
    assert result["exposure_pct"] == pytest.approx(100 * (equity["position"] != 0).mean(), rel=1e-12)
    filled = orders.dropna(subset="executed_time")
    inside = filled[~(filled["executed_time"] > filled["created_time"])]
    assert (inside["executed_time"] == inside["created_time"]).all()
    assert set(inside["reason"]) <= {"stop_loss", "take_profit", "trailing_stop"}, "protection in the entry's bar"
    assert equity["time"].is_monotonic_increasing
    flat = trades["pnl_net"].sum()
    if result["open_position"] == 0:
        assert flat == pytest.approx(result["net_profit"], abs=1e-6)
    lock = yaml.safe_load((folder / "run.lock").read_text())
    assert lock["config"]["strategy"]["params"]["time_stop"] is None, "every default is spelled out"
    return {"result": result, "lock": lock, "orders": orders, "equity": equity}


def test_a_synthetic_run_leaves_a_whole_folder(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, "{feed: SyntheticTape, days: 1, row_size: 5}"))
    run(config, tmp_path / "out")
    made = check_folder(tmp_path / "out", 1440, FILES)
    assert {"long.enter", "short.enter"} <= set(made["orders"]["reason"])


def test_the_same_config_gives_the_same_bytes(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, "{feed: SyntheticTape, days: 1, row_size: 5}"))
    for name in ("a", "b"):
        run(config, tmp_path / name, ledger=False)
    for file in FILES:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


def test_three_engines_leave_the_same_bytes(tmp_path: Path) -> None:
    path = write(tmp_path, "{feed: SyntheticTape, days: 1, row_size: 5}")
    engines = ("stock", "backtrader", "compiled")
    for engine in engines:
        run(load_config(path, [f"engine={engine}"]), tmp_path / engine, report=False)
        assert json.loads((tmp_path / engine / "result.json").read_text())["engine"] == engine
    for file in FILES - {"report.html", "result.json", "run.lock", "trial.yaml"}:
        assert len({(tmp_path / engine / file).read_bytes() for engine in engines}) == 1, file


def test_the_compiled_engine_refuses_by_name_what_it_cannot_do(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(
        "name: own\nengine: compiled\ndata: {a: {feed: SyntheticTape, days: 1}}\nstrategy: {kind: VWAPReversion}\n"
    )
    with pytest.raises(DataError, match="engine compiled: strategy VWAPReversion decides in Python"):
        run(load_config(path), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_second_run_replaces_the_first_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, "{feed: SyntheticTape, days: 1, row_size: 5}"))
    out = tmp_path / "runs" / "out"
    run(config, out, report=False)
    (out / "mine.txt").write_text("kept")
    run(config, out, report=False)
    assert {p.name for p in out.iterdir()} == FILES - {"report.html"} | {"mine.txt"}
    assert [p.name for p in out.parent.iterdir()] == ["out"]


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, "{feed: SyntheticTape, days: 1, row_size: 5}"))
    out = tmp_path / "thesis"
    out.mkdir()
    (out / "chapter1.md").write_text("words")
    with pytest.raises(DataError, match="something other than a run"):
        run(config, out)
    assert (out / "chapter1.md").read_text() == "words"


def test_data_too_short_for_the_warm_up_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    data = "{feed: SyntheticTape, days: 1, row_size: 5, from: '2024-01-01T00:00:00', to: '2024-01-01T00:30:00'}"
    with pytest.raises(TapeflowError, match=r"main: 30 bars, but the indicators need 60"):
        run(load_config(write(tmp_path, data)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.real_data
def test_a_real_day_of_coin_margined_trades(tmp_path: Path, real_data: Path) -> None:
    path = real_data / "06_binance_official_dumps" / "cm_BTCUSD_PERP-aggTrades-2026-05-08.zip"
    data = f"{{feed: BinanceAggTrades, market: cm, contract_size: 100, path: '{path}', bars: 1m, row_size: 10}}"
    run(load_config(write(tmp_path, data)), tmp_path / "out")
    made = check_folder(tmp_path / "out", 1440, FILES)
    assert made["lock"]["inputs"][0]["sha256"] == "8bfbaa4cd0dfd49cc9e6cdede78e0b2851f42f1dbb7d917bc0847ce1eac4afbe"
    assert made["lock"]["data"]["main"]["counts"]["rows"] == 105_280


@pytest.mark.real_data
def test_a_tape_cut_short_is_an_input_all_the_same(tmp_path: Path, real_data: Path) -> None:
    path = real_data / "06_binance_official_dumps" / "cm_BTCUSD_PERP-aggTrades-2026-05-08.zip"
    until = "row_size: 10, to: 2026-05-08T02:00"
    data = f"{{feed: BinanceAggTrades, market: cm, contract_size: 100, path: '{path}', {until}}}"
    run(load_config(write(tmp_path, data)), tmp_path / "out", report=False)
    lock = yaml.safe_load((tmp_path / "out" / "run.lock").read_text())
    assert [i["sha256"][:8] for i in lock["inputs"]] == ["8bfbaa4c"]


@pytest.mark.real_data
def test_three_real_months_of_klines(tmp_path: Path, real_data: Path) -> None:
    path = real_data / "06_binance_official_dumps" / "spot_BTCUSDT-1m-2026-*.zip"
    data = f"{{feed: BinanceKlines, path: '{path}'}}"
    profile = ", from_klines: hlc3, row_size: 20"
    run(load_config(write(tmp_path, data, profile)), tmp_path / "out")
    check_folder(tmp_path / "out", 132_480, FILES - {"levels.parquet"})
