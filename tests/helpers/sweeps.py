"""What the tests of sweeps share."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from click.testing import CliRunner, Result

from tapeflow.cli import main

RULES = """
name: cross
data:
  main: {feed: SyntheticTape, days: 1, to: 2024-01-01T08:00, tick: 0.1, lot: 0.001}
indicators:
  fast: {kind: talib.SMA, timeperiod: 10}
  slow: {kind: talib.SMA, timeperiod: 50}
  delta: {kind: VolumeDelta}
  smooth: {kind: talib.SMA, input: delta.delta, timeperiod: 5}
strategy:
  kind: Rules
  params:
    long: {enter: "fast > slow", exit: "fast < slow"}
    short: {enter: "fast < slow and smooth < 0"}
    stop_loss: 0.5%
broker: {cash: 100000, fees: {maker: 2bp, taker: 5bp}, slippage: 1tick}
sizer: {percent: 10}
sweep:
  indicators.fast.timeperiod: [5, 10, 20]
  strategy.params.stop_loss: [0.2%, 20ticks]
  zip: {sizer.percent: [10, 20], broker.fees.taker: [1bp, 5bp]}
"""
PYTHON = """
name: own
data:
  main: {feed: SyntheticTape, days: 1}
strategy: {kind: VWAPReversion}
broker: {fees: {taker: 5bp}}
sweep:
  sizer.percent: [10, 20]
  data.main.bars: [1m, 5m]
"""


def tapeflow(*args: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in args])


def write(folder: Path, text: str = RULES) -> Path:
    path = folder / "run.yaml"
    path.write_text(text)
    return path


def table(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(folder / "points.parquet").to_pylist()
    return rows


def same(a: Any, b: Any) -> bool:
    """Whether two figures are equal to the last bit."""
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a):
        return math.isnan(b)
    return bool(a == b)
