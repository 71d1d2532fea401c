"""The strategy trades what it says, without looking ahead."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

from tapeflow.api import run
from tapeflow.backtest.inputs.read import read_all
from tapeflow.checks.lookahead import attack
from tapeflow.configs.loader import from_mapping
from tapeflow.strategies.base import Lines
from tapeflow_acme.follow import AcmeFollow

CONFIG = {
    "name": "acme",
    "data": {"synth": {"feed": "SyntheticTape", "bars": "5m", "days": 1}},
    "strategy": {"kind": "AcmeFollow", "params": {"share": 0.7}},
}


def test_signals_follow_large_buyers() -> None:
    lines = Lines.of(large=[0.8, 0.8, 0.2, float("nan")], delta=[1.0, -1.0, 1.0, 1.0])
    made = AcmeFollow.signals(SimpleNamespace(p=SimpleNamespace(share=0.7)), lines)
    assert made.long_entry.tolist() == [True, False, False, False]
    assert made.long_exit.tolist() == [False, False, True, False]


def test_it_trades(tmp_path: Path) -> None:
    run(from_mapping(CONFIG), tmp_path / "out", report=False)
    assert json.loads((tmp_path / "out" / "result.json").read_text())["orders"] > 0


def test_it_does_not_look_ahead() -> None:
    config = from_mapping(CONFIG)
    sources = read_all(config, lambda _: None)
    assert attack(config, sources, instants=3).leaks == ()
