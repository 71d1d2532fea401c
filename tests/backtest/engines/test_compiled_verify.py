"""`verify: true`: a run is held against plain backtrader, and the first difference is named."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tapeflow.backtest.engines.compiled import run_compiled
from tapeflow.backtest.engines.verify import UnequalError, difference
from tapeflow.backtest.inputs.read import read
from tapeflow.backtest.runner import simulate
from tapeflow.cli import main
from tapeflow.configs.loader import load_config

TEXT = """
name: small
data: {tape: {feed: SyntheticTape, days: 0.3, lot: 0.001, tick: 0.1}}
strategy:
  kind: Rules
  params: {long: {enter: close > open, exit: close < open}, stop_loss: 0.2%, take_profit: 30ticks}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(TEXT)
    return path


def tapeflow(*args: object) -> Any:
    return CliRunner().invoke(main, [str(a) for a in args])


@pytest.mark.parametrize("engine", ["auto", "backtrader"])
def test_agreement_is_said_and_written_down(config: Path, tmp_path: Path, engine: str) -> None:
    done = tapeflow("run", config, "--verify", "--engine", engine, "--out", tmp_path / "out", "--no-report")
    assert done.exit_code == 0, done.stderr
    told = json.loads((tmp_path / "out" / "result.json").read_text())
    made = told["verified"]
    assert (made["against"], made["equal"], made["orders"]) == ("stock", True, told["orders"])
    assert f"verified: equal to plain backtrader, bit for bit: {made['orders']} orders" in done.stderr


def test_a_key_of_the_yaml_does_the_same(config: Path) -> None:
    loaded = load_config(config, ("verify=true",))
    outcome = simulate(loaded, read(loaded, "tape", lambda text: None))
    assert outcome.verified["bars"] == len(outcome.equity["time"])


def test_what_is_not_asked_for_is_not_compared(config: Path) -> None:
    loaded = load_config(config)
    assert "verified" not in simulate(loaded, read(loaded, "tape", lambda text: None)).summary()


def test_a_difference_is_one_line_that_names_it_and_the_code_is_not_zero(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tapeflow.backtest.engines.compiled import setup

    def dearer(config: Any) -> tuple[float, ...]:
        return (0.0, 1e-12, 0.0, 0.0)

    monkeypatch.setattr(setup, "costs_of", dearer)
    done = tapeflow("run", config, "--verify", "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert (
        done.stderr.strip()
        .splitlines()[-1]
        .startswith("tapeflow: verify: engine compiled and plain backtrader differ: order 1: commission is ")
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda made: made.record.orders.pop(3), "order 3"),
        (lambda made: made.record.fills.pop(), "fills, not"),
        (lambda made: made.record.account.__setitem__((1, 40), 1.0), "cash at bar 41 is 1.0, not "),
        (lambda made: made.record.account.__setitem__((2, 50), -0.0), "position at bar 51 is -0.0, not "),
    ],
)
def test_the_first_difference_of_each_thing_is_found(config: Path, spoil: Any, named: str) -> None:
    loaded = load_config(config)
    sources = read(loaded, "tape", lambda text: None)
    ours, stock = run_compiled(loaded, sources), simulate(loaded.model_copy(update={"engine": "stock"}), sources)
    assert difference(ours, stock) == ""
    spoil(ours)
    assert named in difference(ours, stock)


def test_an_unequal_run_raises(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("tapeflow.backtest.engines.verify")
    monkeypatch.setattr(module, "difference", lambda ours, stock: "order 7: price is 1.0, not 2.0")
    loaded = load_config(config, ("verify=true",))
    with pytest.raises(UnequalError, match=r"differ: order 7: price is 1\.0, not 2\.0"):
        simulate(loaded, read(loaded, "tape", lambda text: None))
