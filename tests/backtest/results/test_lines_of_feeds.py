"""Lines of indicators of several feeds: at whose times they are kept, and over whose candles they are drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tapeflow as tf
from tapeflow.report.folder import read_folder
from tapeflow.report.lines import line_table

RULES = {"kind": "Rules", "params": {"long": {"enter": "close > open", "exit": "close < open"}}}


def feed(seed: int, start: str = "2024-01-01") -> dict[str, Any]:
    return {"feed": "SyntheticTape", "days": 0.1, "bars": "1m", "seed": seed, "start": start}


@pytest.mark.parametrize(("start", "kept"), [("2024-01-01", True), ("2024-02-01", False)])
def test_lines_of_another_feed_are_kept_where_its_bars_close_at_the_same_times(
    tmp_path: Path, start: str, kept: bool
) -> None:
    config = {
        "data": {"btc": feed(1), "eth": feed(2, start)},
        "indicators": {"own": {"kind": "VWAP"}, "other": {"kind": "VWAP", "data": "eth"}},
        "strategy": RULES,
    }
    made = tf.run(config, tmp_path / "out", report=False)
    lines = made.indicators
    assert "own.vwap" in lines
    assert ("other.vwap" in lines) is kept
    if kept:
        bars = tf.bars((), feed="SyntheticTape", days=0.1, seed=2)
        expected = tf.compute(bars, vwap="VWAP")["vwap.vwap"]
        np.testing.assert_array_equal(lines["other.vwap"], expected)


def test_a_line_stands_over_the_candles_of_the_instrument_that_it_is_of(tmp_path: Path) -> None:
    config = {
        "data": {"btc": feed(1), "eth": feed(2)},
        "trade": ["btc", "eth"],
        "indicators": {"vwap": {"kind": "VWAP"}},
        "strategy": RULES,
    }
    made = tf.run(config, tmp_path / "out", report=False)
    assert {"vwap.vwap", "vwap@eth.vwap"} <= {*made.indicators}
    over = {line["indicator"]: line["feed"] for line in line_table(read_folder(made.folder))}
    assert over == {"vwap": "btc", "vwap@eth": "eth"}
