"""Indicators as authors of backtrader write them: plain ones, ones with more lines than their parent, ones untold."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tapeflow.api import run
from tapeflow.configs.loader import load_config
from tapeflow.core.errors import TapeflowError
from tapeflow.core.plugins.registry import INDICATORS, load_plugins
from tapeflow.core.samples import sample_bars

PLUGIN = '''
import backtrader as bt

from tapeflow.core.kernels import step
from tapeflow.indicators.framework.base import Indicator
from tapeflow.indicators.volume_delta import VolumeDelta
from tapeflow.indicators.vwap import VWAP


class PlainShare(bt.Indicator):
    """A plain indicator."""

    lines = ("share",)
    params = (("times", 1.0),)

    def next(self):
        volume = self.data.volume[0]
        self.lines.share[0] = self.p.times * self.data.taker_buy_volume[0] / volume if volume else float("nan")


class PlainMean(bt.Indicator):
    """Line arithmetic alone."""

    lines = ("mean", "twice")

    def __init__(self):
        self.lines.mean = bt.ind.SMA(self.data.close, period=3)
        self.lines.twice = self.lines.mean * 2.0


class PlainOnce(bt.Indicator):
    """Whole arrays at once, and bar by bar."""

    lines = ("half",)

    def next(self):
        self.lines.half[0] = self.data.close[0] / 2.0

    def once(self, start, end):
        for i in range(start, end):
            self.lines.half.array[i] = self.data.close.array[i] / 2.0


class SmoothedDelta(VolumeDelta):
    """The parent's lines and one more, made of other indicators."""

    lines = ("smooth",)
    params = dict(period=5)

    def __init__(self):
        super().__init__()
        self.lines.smooth = bt.ind.SMA(self.lines.delta, period=self.p.period)


class TwiceSmoothed(SmoothedDelta):
    """A child of such a child."""

    lines = ("slower",)

    def __init__(self):
        super().__init__()
        self.lines.slower = bt.ind.SMA(self.lines.smooth, period=2)


class CountedDelta(VolumeDelta):
    """One more line, by a next."""

    lines = ("sign",)

    def next(self):
        super().next()
        self.lines.sign[0] = (self.lines.delta[0] > 0) - (self.lines.delta[0] < 0)


class WideVWAP(VWAP):
    """A parent whose lines follow from its parameters."""

    lines = ("gap",)

    def __init__(self):
        self.lines.gap = self.data.close - self.lines.vwap


class UntoldShare(Indicator):
    """A step without `measures`."""

    lines = ("share",)
    inputs = ("taker_buy_volume", "volume")

    @step
    def step(p, x, s, y):
        y[0] = x[0] / x[1] if x[1] > 0 else float("nan")
'''
CONFIG = """
name: subclasses
plugins: [indicators_of_authors.py]
data: {main: {feed: SyntheticTape, days: 1, bars: 15m, tick: 0.1, lot: 0.001}}
indicators:
  a: {kind: PlainShare, times: 2.0}
  b: {kind: SmoothedDelta}
  c: {kind: UntoldShare}
  d: {kind: TwiceSmoothed, period: 3}
  e: {kind: CountedDelta}
  f: {kind: WideVWAP, anchor: 1d, bands: [1.0, 2.0]}
  g: {kind: PlainMean}
  h: {kind: PlainOnce}
strategy: {kind: Rules, params: {long: {enter: "a > 1.0 and b.smooth > 0", exit: "c < 0.5 or f.gap < 0"}}}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the plugin and its config."""
    folder = tmp_path_factory.mktemp("subclasses")
    (folder / "indicators_of_authors.py").write_text(PLUGIN)
    (folder / "run.yaml").write_text(CONFIG)
    return folder


def lines_of(project: Path, engine: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Lines and bars of a run."""
    out = project / engine
    run(load_config(project / "run.yaml", [f"engine={engine}"]), out, report=False)
    return pd.read_parquet(out / "indicators.parquet"), pd.read_parquet(out / "bars.parquet")


def test_every_way_has_its_lines_in_every_engine(project: Path) -> None:
    lines, bars = lines_of(project, "stock")
    for engine in ("backtrader", "auto"):
        pd.testing.assert_frame_equal(lines_of(project, engine)[0], lines, check_exact=True)
    share, delta = bars["taker_buy_volume"] / bars["volume"], bars["taker_buy_volume"] - bars["taker_sell_volume"]
    mean = bars["close"].rolling(3).mean()
    smooth = delta.rolling(3).mean()
    expected = {
        "a.share": 2.0 * share, "c.share": share, "b.delta": delta, "b.smooth": delta.rolling(5).mean(),
        "d.smooth": smooth, "d.slower": smooth.rolling(2).mean(), "e.delta": delta, "e.sign": np.sign(delta),
        "f.gap": bars["close"] - lines["f.vwap"], "g.mean": mean, "g.twice": 2.0 * mean, "h.half": bars["close"] / 2.0,
    }  # fmt: skip
    for name, values in expected.items():
        np.testing.assert_allclose(lines[name], values, rtol=1e-9, atol=1e-9, err_msg=name)
    assert {"f.upper1", "f.lower2"} <= set(lines.columns)


def test_they_are_computed_without_a_run_too(project: Path) -> None:
    load_plugins(["indicators_of_authors.py"], project)
    bars = sample_bars(60)
    for name in ("PlainShare", "SmoothedDelta", "CountedDelta", "WideVWAP", "UntoldShare"):
        kind: Any = INDICATORS.find(name)
        assert list(kind.over(bars).columns) == list(kind.line_names(**kind.defaults()))
    delta = INDICATORS.find("VolumeDelta").over(bars)["delta"]  # type: ignore[attr-defined]
    made = INDICATORS.find("SmoothedDelta").over(bars)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(made["delta"][4:], delta[4:])
    np.testing.assert_allclose(made["smooth"], delta.rolling(5).mean(), rtol=1e-9)


@pytest.mark.parametrize(
    ("body", "block", "says"),
    [
        ("class NotOurs:\n    pass\n", "strategy: {kind: NotOurs}",
         r"strategy 'NotOurs' of .*not_ours\.py does not subclass ours: write `from tapeflow\.strategies\.base import "
         r"Strategy` and `class NotOurs\(Strategy\):`"),
        ("class NotLines:\n    pass\n", "indicators: {x: {kind: NotLines}}\nstrategy: {kind: Rules}",
         r"`class NotLines\(Indicator\):`"),
    ],
)  # fmt: skip
def test_a_class_that_cannot_work_is_refused_with_the_line_to_write(
    tmp_path: Path, body: str, block: str, says: str
) -> None:
    (tmp_path / "not_ours.py").write_text(body)
    (tmp_path / "run.yaml").write_text(f"plugins: [not_ours.py]\ndata: {{m: {{feed: SyntheticTape}}}}\n{block}\n")
    with pytest.raises(TapeflowError, match=says):
        load_config(tmp_path / "run.yaml")
