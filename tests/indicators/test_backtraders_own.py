"""backtrader's own indicators by name: equal to backtrader's lines, in tables and in runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import backtrader as bt
import numpy as np
import pytest

import tapeflow as tf
from tapeflow.core.errors import PluginError, TapeflowError
from tapeflow.core.lines import bar_data
from tapeflow.core.plugins.registry import INDICATORS
from tapeflow.core.samples import sample_bars
from tapeflow.indicators.bt import names

BARS = sample_bars(120)


def by_hand(kind: Any) -> list[list[float]]:
    """The lines of backtrader's own class in a plain Cerebro."""

    class Holder(bt.Strategy):
        def __init__(self) -> None:
            self.made = kind(self.data)

    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bar_data(BARS))
    cerebro.addstrategy(Holder)
    (held,) = cerebro.run()
    return [list(line.array) for line in held.made.lines]


def test_every_one_has_backtraders_lines() -> None:
    assert len(names()) > 280
    classes = {getattr(bt.indicators, name): name for name in names()}
    for plain, name in classes.items():
        made: Any = INDICATORS.find(f"bt.{name}")
        np.testing.assert_array_equal(made.over(BARS).to_numpy().T, by_hand(plain), err_msg=name)


def test_rules_read_them_alike_in_every_engine(tmp_path: Path) -> None:
    config = {
        "data": {"m": {"feed": "SyntheticTape", "days": 0.4, "bars": "1m"}},
        "indicators": {"rsi": {"kind": "bt.RSI", "period": 7}, "mid": {"kind": "bt.BollingerBands"}},
        "strategy": {
            "kind": "Rules",
            "params": {"long": {"enter": "rsi < 35 and close < mid.bot", "exit": "close > mid.mid"}},
        },
        "sizer": {"fixed": 0.1},
    }
    rsi = INDICATORS.find("bt.RSI").over(tf.bars((), feed="SyntheticTape", days=0.4), period=7)["rsi"]  # type: ignore[attr-defined]
    found = set()
    for engine in ("stock", "backtrader", "auto"):
        made = tf.run({**config, "engine": engine}, tmp_path / engine, report=False)
        np.testing.assert_array_equal(made.indicators["rsi.rsi"], rsi)
        found.add((made.stats["orders"], made.stats["final_value"]))
    ((orders, _),) = found
    assert orders > 10


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("bt.RSII", "did you mean 'bt.RSI"),
        ("bt.CrossOver", "unknown indicator 'bt.CrossOver'"),
        ("RSI", r"did you mean 'talib\.RSI' or 'bt\.RSI'"),
        ("sma", r"did you mean 'talib\.SMA' or 'bt\.SMA'"),
        ("MACDHisto", r"did you mean 'bt\.MACDHisto'"),
    ],
)
def test_a_name_without_its_family_is_told_with_it(kind: str, says: str) -> None:
    with pytest.raises(PluginError, match=says):
        INDICATORS.find(kind)


def test_their_parameters_are_checked() -> None:
    with pytest.raises(TapeflowError, match="unknown parameter 'perod', did you mean 'period'"):
        INDICATORS.find("bt.RSI").over(BARS, perod=3)  # type: ignore[attr-defined]
    assert INDICATORS.find("bt.SMA") is INDICATORS.find("bt.SMA")
    assert bt.indicators.MovingAverage.SMA is bt.indicators.SMA
