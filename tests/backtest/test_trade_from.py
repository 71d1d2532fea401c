"""`trade_from`: indicators warm up on the bars before, the account and all figures begin there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tapeflow.backtest.runner import run
from tapeflow.configs.loader import from_mapping
from tapeflow.core.errors import DataError

SINCE = "2024-01-01T12:00"
RULES: dict[str, Any] = {
    "name": "late",
    "data": {"main": {"feed": "SyntheticTape", "days": 1, "bars": "1m"}},
    "indicators": {"fast": {"kind": "talib.SMA", "timeperiod": 5}, "slow": {"kind": "talib.SMA", "timeperiod": 60}},
    "strategy": {"kind": "Rules", "params": {"long": {"enter": "fast > slow", "exit": "fast < slow"}}},
    "broker": {"fees": {"taker": "5bp"}},
}
TABLES = ("orders", "trades", "equity")


def ran(folder: Path, **more: Any) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    saved = run(from_mapping({**RULES, **more}), folder)
    return saved.summary, {name: pd.read_parquet(folder / f"{name}.parquet") for name in TABLES}


def test_every_engine_begins_there_with_indicators_that_are_warm(tmp_path: Path) -> None:
    engines = ("stock", "backtrader", "compiled")
    for engine in engines:
        summary, tables = ran(tmp_path / engine, engine=engine, trade_from=SINCE)
        begin = pd.Timestamp(SINCE, tz="UTC")
        assert (summary["bars"], summary["start"]) == (720, "2024-01-01T12:00:00Z")
        assert len(tables["equity"]) == 720
        assert tables["equity"]["time"].iloc[0] == begin + pd.Timedelta("1min")
        assert begin <= tables["orders"]["created_time"].min() < begin + pd.Timedelta("1h"), "known before"
        assert len(tables["trades"]) > 5
    for name in TABLES:
        assert len({(tmp_path / engine / f"{name}.parquet").read_bytes() for engine in engines}) == 1, name


def test_it_is_a_run_whose_rules_know_the_time(tmp_path: Path) -> None:
    late, tables = ran(tmp_path / "late", trade_from=SINCE)
    asked = {"kind": "Rules", "params": {"long": {"enter": "fast > slow and time >= '12:00'", "exit": "fast < slow"}}}
    whole, others = ran(tmp_path / "whole", strategy=asked)
    assert late["final_value"] == whole["final_value"]
    for name in ("orders", "trades"):
        pd.testing.assert_frame_equal(tables[name], others[name])
    tail = others["equity"].iloc[720:].reset_index(drop=True)
    pd.testing.assert_frame_equal(tables["equity"][["value", "cash"]], tail[["value", "cash"]])
    assert (whole["bars"], late["bars"]) == (1440, 720)
    closes = pd.read_parquet(tmp_path / "late" / "bars.parquet")
    grown = closes["close"].iloc[-1] / closes["open"].iloc[720] - 1
    assert late["buy_and_hold_pct"] == pytest.approx(100 * grown)
    assert late["benchmark"]["return_pct"] == pytest.approx(100 * grown)
    assert late["exposure_pct"] == pytest.approx(100 * np.mean(tail["position"] != 0))


def test_desks_and_tape_fills_begin_there_too(tmp_path: Path) -> None:
    summary, tables = ran(tmp_path / "tape", trade_from=SINCE, fills={"from": "tape", "survival": False})
    assert summary["bars"] == len(tables["equity"]) == len(pd.read_parquet(tmp_path / "tape" / "band.parquet"))
    two = {name: {"feed": "SyntheticTape", "days": 1, "bars": "1m", "seed": i} for i, name in enumerate("ab")}
    summary, tables = ran(tmp_path / "desks", data=two, trade=["a", "b"], trade_from=SINCE)
    assert set(tables["orders"]["data"]) == {"a", "b"}
    assert tables["orders"]["created_time"].min() >= pd.Timestamp(SINCE, tz="UTC")
    assert len(tables["equity"]) == 720


@pytest.mark.parametrize(
    ("since", "says"),
    [("2024-01-02", "is not before"), ("2024-01-01", "nothing would warm up"), ("2023-01-01", "warm up")],
)
def test_a_time_that_leaves_nothing_is_refused(tmp_path: Path, since: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        ran(tmp_path / "out", trade_from=since)


def test_the_result_says_so(tmp_path: Path) -> None:
    summary, _ = ran(tmp_path / "out", trade_from=SINCE)
    assert "Nothing is decided before 2024-01-01T12:00:00Z: 720 bars before it" in " ".join(summary["assumptions"])
