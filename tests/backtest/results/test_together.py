"""Several strategies of one run: each is what it is alone, and the account is the sum of theirs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from tapeflow.backtest.engines.verify import difference
from tapeflow.backtest.results.folder import save
from tapeflow.backtest.results.together import Together
from tapeflow.checks.lookahead import attack
from tapeflow.configs.loader import from_mapping
from tapeflow.core.errors import TapeflowError
from tapeflow.tests.helpers.command import tapeflow
from tapeflow.tests.helpers.portfolios import CROSS, markets, run

UP = {"long": {"enter": "close > mean", "exit": "close < mean"}}
BOOKS: dict[str, Any] = {
    "cross": {"kind": "Rules", "params": CROSS, "trade": "b", "capital": "50%", "risk": {"stop_loss": "1%"}},
    "up": {"params": UP, "trade": ["a", "b"], "capital": 3e5, "sizer": {"percent": 40}},
    "level": {"trade": ["a", "c"], "portfolio": {"weights": "equal"}},
}
ALONE: dict[str, Any] = {
    "cross": {
        "strategy": {"kind": "Rules", "params": CROSS},
        "trade": "b",
        "risk": {"stop_loss": "1%"},
        "broker": {"cash": 5e5},
    },
    "up": {
        "strategy": {"kind": "Rules", "params": UP},
        "trade": ["a", "b"],
        "sizer": {"percent": 40},
        "broker": {"cash": 3e5},
    },
    "level": {"trade": ["a", "c"], "portfolio": {"weights": "equal"}, "broker": {"cash": 2e5}},
}


def together(grid: str, engine: str = "auto", **more: Any) -> Together:
    books = {"strategies": BOOKS, "sizer": {"fixed": 2.0}, **more}
    made = run(markets(grid), engine, strategy=None, **books)
    assert isinstance(made, Together)
    return made


def row_of(order: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in order.items() if key not in ("ref", "strategy")}


@pytest.mark.parametrize("grid", ["equal", "holes", "late"])
def test_strategies_with_capital_of_their_own_are_as_many_runs_bit_for_bit(grid: str) -> None:
    made = together(grid)
    assert {name: part.engine for name, part in made.parts.items()}["cross"] == "compiled"
    total = np.zeros(len(made.equity["time"]))
    for name, more in ALONE.items():
        strategy = {} if "strategy" in more else {"strategy": None}
        sized = {} if "sizer" in more or "portfolio" in more else {"sizer": {"fixed": 2.0}}
        alone = run(markets(grid), "auto", **more, **strategy, **sized)
        assert not difference(made.parts[name], alone)
        rows = [row for row in made.record.orders.values() if row["strategy"] == name]
        assert repr([*map(row_of, rows)]) == repr([*map(row_of, alone.record.orders.values())])
        place = np.searchsorted(alone.equity["time"], made.equity["time"], side="right")
        own = np.concatenate(([more["broker"]["cash"]], alone.equity["value"]))[place]
        assert np.array_equal(made.equity[f"value.{name}"], own)
        total += own
    assert np.array_equal(made.equity["value"], total)
    assert [*made.record.orders] == [*range(1, len(made.record.orders) + 1)]


def test_money_that_no_strategy_was_given_lies_there() -> None:
    books = {"cross": {**BOOKS["cross"], "capital": "20%"}}
    made = together("equal", strategies=books)
    assert np.array_equal(made.equity["value"], 8e5 + made.parts["cross"].equity["value"])
    assert made.figures()["initial_cash"] == 1e6


def test_the_order_of_strategies_changes_no_bit_of_any() -> None:
    one, other = together("holes"), together("holes", strategies=dict(reversed(BOOKS.items())))
    assert all(not difference(one.parts[name], other.parts[name]) for name in BOOKS)


def test_a_result_has_figures_by_strategy_by_instrument_and_together(tmp_path: Path) -> None:
    made = together("holes")
    save(made, tmp_path / "r")
    told = json.loads((tmp_path / "r" / "result.json").read_text())
    assert [*told["strategies"]] == [*BOOKS]
    assert told["strategies"]["up"]["kind"] == "Rules"
    assert sum(one["net_profit"] for one in told["strategies"].values()) == pytest.approx(told["net_profit"])
    assert sum(one["trades"] for one in told["strategies"].values()) == told["trades"] > 10
    assert sum(one["fees_paid"] for one in told["instruments"].values()) == pytest.approx(told["fees_paid"])
    trades, orders = (pd.read_parquet(tmp_path / "r" / f"{name}.parquet") for name in ("trades", "orders"))
    assert {*trades["strategy"]} <= {*orders["strategy"]} == {*BOOKS}
    held = pd.read_parquet(tmp_path / "r" / "positions.parquet")
    last = held.groupby(["strategy", "data"])["position"].last()
    for name, part in made.parts.items():
        for data, size in part.positions.items():
            assert last.get((name, data), 0.0) == size[-1]
    ends = {data: sum(part.positions.get(data, [0.0])[-1] for part in made.parts.values()) for data in "abc"}
    assert told["open_positions"] == pytest.approx(ends)


def test_verify_compares_each_with_plain_backtrader() -> None:
    made = together("holes", verify=True)
    assert made.verified is not None
    assert made.verified["orders"] == len(made.record.orders)


BASE: dict[str, Any] = {
    "name": "t",
    "data": {"a": {"feed": "SyntheticTape"}, "b": {"feed": "SyntheticTape", "seed": 2}},
    "strategies": {"x": {"params": {"long": {"enter": "close > open"}}, "trade": "b"}, "y": {"kind": "DeltaMomentum"}},
}


def test_a_config_of_strategies_resolves_to_itself() -> None:
    config = from_mapping(BASE)
    assert config.desks == ("b", "a")
    assert from_mapping(config.resolved()).parts == config.parts


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"strategy": {"kind": "DeltaMomentum"}}, "strategy: stands beside strategies: give one of the two"),
        ({"strategies": {"x": {"kind": "DeltaMomentu"}}}, r"strategies\.x\.kind: .*did you mean 'DeltaMomentum'"),
        ({"strategies": {"x": {"params": {"long": {"enter": "vwpa"}}}}}, r"strategies\.x\.params\.long\.enter"),
        ({"strategies": {"x": {"trade": "c"}}}, r"strategies\.x\.trade"),
        ({"strategies": {"x": {"capitl": 1}}}, "unknown key 'capitl', did you mean 'capital'"),
        ({"strategies": {n: {"kind": "DeltaMomentum", "capital": "60%"} for n in "xy"}}, "broker.cash is"),
        ({"risk": {"drawdown": "5%"}}, r"risk\.drawdown: is of one account"),
        ({"fills": {"from": "tape"}}, "tape fills the orders of one strategy"),
    ],
)
def test_what_several_strategies_cannot_have_is_told_by_its_place(more: dict[str, Any], said: str) -> None:
    with pytest.raises(TapeflowError, match=said):
        from_mapping({**BASE, **more})


def test_the_command_shows_what_each_strategy_came_to(tmp_path: Path) -> None:
    (tmp_path / "books.yaml").write_text(yaml.safe_dump(BASE))
    shown = tapeflow("run", tmp_path / "books.yaml", "--out", tmp_path / "r", "--no-report")
    assert shown.exit_code == 0
    rows = [line.split() for line in shown.output.splitlines()]
    assert [row[0] for row in rows if row and row[0] in BASE["strategies"]] == ["x", "y"]


def test_the_attack_on_the_future_attacks_every_strategy() -> None:
    made = together("holes", "stock")
    found = attack(made.config, made.sources, instants=1)
    assert found.verdict == "none found"
    assert {line.name.partition(".")[0] for line in found.base.lines} == {*BOOKS}
