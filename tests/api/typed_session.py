"""What a notebook does with the package, for the type checker: no line of it needs a cast."""

from __future__ import annotations

from typing import Any

import backtrader as bt
import pandas as pd

import tapeflow as tf
from tapeflow.indicators.vwap import VWAP


def session() -> pd.DataFrame:
    """Bars, indicators, a run, a Cerebro of one's own."""
    feed: tf.Feed = tf.open_feed("SyntheticTape", days=0.2)
    bars: tf.Bars = feed.bars("1m", row_size=10)
    again: tf.Bars = tf.open_feed("SyntheticTape", days=0.2).bars("5m", tick=0.1)
    made: tf.Bars = tf.bars((), feed="SyntheticTape", bars="1m")
    lines: pd.DataFrame = tf.compute(bars, "SignedVolume", vwap={"kind": "VWAP", "anchor": "1d"})
    over: pd.DataFrame = VWAP.over(again)
    other: dict[str, Any] = {"broker.cash": 5e4}
    run: tf.Result = tf.run({"name": "x"}, "out", report=False, **other)
    poorer: tf.Result = tf.run("fade.yaml", out="out", **{"broker.cash": 5e4})
    tf.sweep("fade.yaml", "out", **{"strategy.params.stop_loss": "1%"})
    daily: pd.Series[float] = poorer.returns
    cerebro = tf.record(bt.Cerebro())
    cerebro.adddata(tf.data(made, name="btc"))
    own: tf.Result = tf.result(cerebro.run()[0], "own")
    return pd.concat([lines, over, run.trades, daily.to_frame(), own.equity, tf.load("own").indicators])
