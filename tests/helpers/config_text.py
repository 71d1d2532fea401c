"""A run's YAML for the tests of configs, written to a file, and how its mistakes are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tapeflow.configs.errors import MistakesError
from tapeflow.configs.loader import load_config

BASE = """\
# yaml-language-server: $schema=tapeflow.schema.json
name: fade
data:
  btc: {feed: BinanceAggTrades, market: spot, path: "dumps/a-*.zip", bars: 1m, row_size: 10}
indicators:
  vwap:  {kind: VWAP, anchor: 1d, bands: [2.0]}
  delta: {kind: VolumeDelta}
  tox:   {kind: FlowToxicity, window: 240}
  spare: {kind: SignedVolume}
strategy:
  kind: Rules
  params:
    long:  {enter: "close < vwap.lower1 and delta > 0", exit: "close >= vwap"}
    short: {enter: close > vwap.upper1 and tox < 1}
    stop_loss: 0.5%
broker: {cash: 100000, fees: {maker: 2bp, taker: 5bp}, slippage: 1tick}
sizer: {percent: 10}
"""


def write_in(folder: Path, text: str, name: str = "run.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def mistakes(path: Path, *settings: str) -> list[str]:
    with pytest.raises(MistakesError) as caught:
        load_config(path, settings)
    lines = str(caught.value).splitlines()
    assert len(lines) == len(caught.value.mistakes)
    return lines
