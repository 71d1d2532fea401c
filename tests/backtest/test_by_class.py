"""Sizers and analyzers by their class: equal to a Cerebro of backtrader's own, mistakes told at their place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import backtrader as bt
import pytest

import tapeflow as tf
from tapeflow.backtest.recording.analyzers import plain
from tapeflow.configs.loader import from_mapping
from tapeflow.core.errors import TapeflowError

DATA = {"feed": "SyntheticTape", "days": 0.4, "bars": "1m"}
ASKED = {"sizer": {"kind": "bt.PercentSizer", "percents": 2.5}, "analyzers": ["TradeAnalyzer", {"kind": "bt.SQN"}]}
PLAIN = """
import backtrader as bt


class ClassTurns(bt.Strategy):
    def __init__(self):
        self.cross = bt.ind.CrossOver(self.data.close, bt.ind.SMA(period=20))

    def next(self):
        if self.cross[0] > 0:
            self.buy()
        elif self.position and self.cross[0] < 0:
            self.close()
"""


def raw(**more: Any) -> dict[str, Any]:
    """A run of the shipped strategy, with keys of its own."""
    return {"name": "x", "data": {"m": DATA}, "strategy": {"kind": "DeltaMomentum"}, **more}


def test_they_find_what_they_find_in_a_cerebro_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "class_turns.py").write_text(PLAIN)
    asked = raw(**ASKED, plugins=[str(tmp_path / "class_turns.py")], strategy={"kind": "ClassTurns"})
    made = tf.run({**asked, "broker": {"cash": 100000}}, tmp_path / "out")
    space: dict[str, Any] = {"__name__": __name__}
    exec(compile(PLAIN, "plain.py", "exec"), space)  # noqa: S102 (the text above)
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(tf.data(tf.bars((), feed="SyntheticTape", days=0.4)))
    cerebro.broker.setcash(100_000.0)
    cerebro.addstrategy(space["ClassTurns"])
    cerebro.addsizer(bt.sizers.PercentSizer, percents=2.5)
    cerebro.addanalyzer(bt.analyzers.TradeAnalyzer)
    cerebro.addanalyzer(bt.analyzers.SQN)
    (by_hand,) = cerebro.run()
    trades, sqn = (one.get_analysis() for one in by_hand.analyzers)
    assert trades.total.closed > 5
    assert made.summary["analyzers"] == {"TradeAnalyzer": plain(trades), "SQN": plain(sqn)}
    assert made.stats["final_value"] == cerebro.broker.getvalue()
    page = (tmp_path / "out" / "report.html").read_text()
    assert f'<th scope="row">total.closed</th><td class="num">{trades.total.closed}</td>' in page
    assert "Analyzers</h2>" in page


def test_a_config_with_them_resolves_to_itself() -> None:
    config = from_mapping(raw(**ASKED))
    assert config.resolved()["sizer"] == ASKED["sizer"]
    assert from_mapping(config.resolved()).resolved() == config.resolved()
    assert not {"kind", "params"} & set(from_mapping(raw()).resolved()["sizer"])


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (
            {"sizer": {"kind": "bt.PercntSizer"}},
            "sizer.kind: unknown sizer 'bt.PercntSizer', did you mean 'bt.PercentSi",
        ),
        ({"sizer": {"kind": "bt.FixedSize", "percent": 3}}, "sizer.percent: unknown key 'percent'"),
        ({"sizer": {"kind": "bt.FixedSize", "stake": "x"}}, "sizer.stake: must be"),
        ({"sizer": {"percnt": 3}}, r"did you mean 'percent'\? \(allowed: fixed, kelly, kind, most, percent, risk,"),
        ({"analyzers": ["Sharp"]}, "analyzers.0.kind: unknown analyzer 'Sharp', did you mean 'bt.SharpeRatio'"),
        ({"analyzers": [{"kind": "TimeReturn", "timeframe": "Day"}]}, "unknown time frame 'Day', did you mean 'Days'"),
        ({"analyzers": ["SQN", "bt.SQN"]}, "'SQN' stands twice"),
    ],
)
def test_mistakes_are_told_at_their_place(more: dict[str, Any], says: str) -> None:
    with pytest.raises(TapeflowError, match=says):
        from_mapping(raw(**more))
