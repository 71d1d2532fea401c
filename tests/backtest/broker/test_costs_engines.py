"""Which engine takes what: the compiled one does a plain risk block to the last bit and refuses the rest by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow.parquet as pq
import pytest

from tapeflow.api import run
from tapeflow.backtest.broker.costs import not_compiled
from tapeflow.backtest.engines.compiled.supported import unsupported_reason
from tapeflow.configs.loader import from_mapping
from tapeflow.configs.models import RunConfig
from tapeflow.configs.schema import config_schema
from tapeflow.core.errors import DataError, TapeflowError

RULES = {
    "long": {"enter": "close > open and close[1] > open[1]", "exit": "close < open and close[1] < open[1]"},
    "short": {"enter": "close < open and close[1] < open[1]", "exit": "close > open and close[1] > open[1]"},
}


def asked(engine: str = "auto", **blocks: Any) -> RunConfig:
    data = {
        "feed": "SyntheticTape",
        "days": 1.0,
        "bars": "5m",
        "tick": 0.1,
        "lot": 0.001,
        **blocks.pop("instrument", {}),
    }
    raw = {"name": "t", "data": {"main": data}, "strategy": {"kind": "Rules", "params": RULES}, "engine": engine}
    return from_mapping({**raw, **blocks})


@pytest.mark.parametrize(
    ("blocks", "named"),
    [
        ({"broker": {"impact": {"window": 2000}}}, "broker.impact over more than 1000 bars"),
        ({"instrument": {"instrument": {"margin": "inverse", "contract_size": 100}}}, "margin inverse"),
    ],
)
def test_the_compiled_engine_refuses_by_name_and_auto_goes_on(tmp_path: Path, blocks: Any, named: str) -> None:
    assert unsupported_reason(asked(**dict(blocks))).startswith(named)
    with pytest.raises(DataError, match="engine compiled") as caught:
        run(asked("compiled", **dict(blocks)), tmp_path / "refused", report=False)
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_plain_run_asks_nothing_that_is_not_compiled() -> None:
    assert not_compiled(asked()) == ""
    assert unsupported_reason(asked()) == ""


NAMES = ("orders", "trades", "equity")


def folders(tmp_path: Path, blocks: Any) -> dict[str, list[bytes]]:
    """Files of the same run in each engine, as they were written."""
    found = {}
    for engine in ("stock", "backtrader", "compiled"):
        run(asked(engine, **dict(blocks)), tmp_path / engine, report=False)
        names = (*NAMES, *(["flows"] if {"funding", "borrow"} & blocks.get("broker", {}).keys() else []))
        found[engine] = [(tmp_path / engine / f"{name}.parquet").read_bytes() for name in names]
    return found


@pytest.mark.parametrize(
    "limits", [{"stop_loss": "0.2%", "take_profit": "40ticks", "time_stop": 9}, {"trailing_stop": 30}]
)
def test_a_plain_risk_block_is_the_same_in_all_three_engines(tmp_path: Path, limits: Any) -> None:
    found = folders(tmp_path, {"risk": limits, "broker": {"fees": {"taker": "5bp"}}})
    assert found["stock"] == found["backtrader"] == found["compiled"]
    assert set(limits) & set(pq.read_table(tmp_path / "compiled" / "orders.parquet")["reason"].to_pylist())


@pytest.mark.parametrize(
    "blocks",
    [
        {"broker": {"fees": {"taker": "5bp", "tiers": [{"volume": 50_000, "taker": "2bp"}], "minimum": 0.1}}},
        {"broker": {"fees": {"per_contract": 1}, "slippage": "5% range", "participation": "5%"}},
        {"broker": {"impact": {"window": 20}, "funding": {"rate": "1bp", "every": "1h"}, "borrow": "5%"}},
        {"broker": {"borrow": "5%", "funding": {"rate": "5bp", "every": "1h"}}, "sizer": {"percent": 99.9}},
        {"risk": {"stop_loss": "2 atr", "take_profit": "3 atr(5)", "daily_loss": "0.5%", "session": "8h"}},
        {"risk": {"max_position": 1}, "sizer": {"volatility": 20}},
        {"risk": {"max_position": "40%"}, "sizer": {"kelly": 0.5, "trades": 5}},
        {"sizer": {"risk": 1}, "risk": {"stop_loss": "1%", "time_stop": 5}},
        {"instrument": {"instrument": {"margin": "linear", "leverage": 50}}, "sizer": {"percent": 3000}},
        {
            "instrument": {"instrument": {"margin": "linear", "leverage": 9, "funding": "1bp"}},
            "sizer": {"percent": 300},
        },
        {"instrument": {"instrument": {"leverage": 5}}, "sizer": {"percent": 450}, "risk": {"stop_loss": "1%"}},
    ],
)
def test_costs_limits_and_sizers_are_the_same_in_all_three_engines(tmp_path: Path, blocks: Any) -> None:
    found = folders(tmp_path, blocks)
    assert found["stock"] == found["backtrader"] == found["compiled"]
    assert unsupported_reason(asked(**dict(blocks))) == ""
    results = [json.loads((tmp_path / engine / "result.json").read_text()) for engine in found]
    for one in results:
        one.pop("engine")
        one.pop("engine_reason")
    assert results[0] == results[1] == results[2]
    assert results[0]["trades"] > 3


EVERYTHING = {
    "instrument": {"instrument": {"margin": "linear", "leverage": 50, "maintenance": "0.4%", "collateral": "isolated"}},
    "broker": {
        "fees": {"maker": "2bp", "taker": "5bp", "tiers": [{"volume": 50_000, "taker": "4bp"}], "minimum": 0.05},
        "slippage": "2% range",
        "impact": {"window": 20},
        "participation": "20%",
        "funding": {"rate": "3bp", "every": "1h"},
    },
    "risk": {
        "stop_loss": "3 atr",
        "take_profit": "3 atr(20)",
        "daily_loss": "1%",
        "session": "8h",
        "max_position": "900%",
    },
    "sizer": {"risk": "0.5%"},
}


def test_everything_at_once_is_the_same_in_all_three_engines(tmp_path: Path) -> None:
    found = folders(tmp_path, EVERYTHING)
    assert found["stock"] == found["backtrader"] == found["compiled"]
    made = json.loads((tmp_path / "compiled" / "result.json").read_text())
    assert made["funding"]["payments"] > 0


def test_a_feed_of_another_kind_informs_but_cannot_be_traded(tmp_path: Path) -> None:
    plugin = tmp_path / "two.py"
    plugin.write_text(
        "from tapeflow.strategies.framework.base import Strategy\n\n\n"
        "class TradesTheOther(Strategy):\n"
        "    params = dict(other=False)\n\n"
        "    def next(self):\n"
        "        if len(self.data) == 5:\n"
        "            self.buy(data=self.datas[1 if self.p.other else 0], size=0.1)\n"
    )
    perp = {"feed": "SyntheticTape", "days": 0.2, "bars": "5m", "instrument": {"margin": "linear", "leverage": 5}}
    spot = {"feed": "SyntheticTape", "days": 0.2, "bars": "15m"}

    def of(other: bool, engine: str) -> RunConfig:
        strategy = {"kind": "TradesTheOther", "params": {"other": other}}
        raw = {"name": "t", "data": {"perp": perp, "spot": spot}, "strategy": strategy, "engine": engine}
        return from_mapping({**raw, "plugins": ["two.py"], "broker": {"funding": "1bp"}}, folder=tmp_path)

    for engine in ("stock", "backtrader"):
        run(of(False, engine), tmp_path / engine, report=False)
    both = [pq.read_table(tmp_path / engine / "equity.parquet") for engine in ("stock", "backtrader")]
    assert both[0].equals(both[1])
    with pytest.raises(DataError, match="spot: is margined otherwise than the traded feed"):
        run(of(True, "backtrader"), tmp_path / "out", report=False)


def test_the_schema_takes_what_the_loader_takes_and_describes_each_key() -> None:
    checker = jsonschema.Draft202012Validator(config_schema())
    base = {"data": {"main": {"feed": "SyntheticTape"}}, "strategy": {"kind": "Rules", "params": RULES}}
    for blocks in (
        {k: v for k, v in EVERYTHING.items() if k != "instrument"},
        {
            "broker": {"funding": "0.01%", "borrow": 0.05, "slippage": "3 % of range"},
            "sizer": {"kelly": 0.5, "start": "2%"},
        },
        {"broker": {"funding": {"path": ["a.zip", "b.zip"]}}, "sizer": {"volatility": "20%", "most": 50}},
        {"data": {"main": {"feed": "SyntheticTape", **EVERYTHING["instrument"]}}},
    ):
        assert [error.message for error in checker.iter_errors({**base, **blocks})] == []
        from_mapping({**base, **blocks})
    for wrong in ({"funding": {"rat": 1}}, {"slippage": "5% rnge"}, {"impact": {"coef": 1}}, {"borrow": "lots"}):
        assert list(checker.iter_errors({**base, "broker": wrong}))
    made = config_schema()["$defs"]
    for name in ("Broker", "Fees", "Tier", "Impact", "Instrument", "Sizer", "Risk"):
        properties = made[name]["properties"].items()
        assert [key for key, one in properties if not one.get("description") and "$ref" not in one] == [], name


def test_the_tape_fills_a_margined_account_too(tmp_path: Path) -> None:
    blocks = {**EVERYTHING, "broker": {k: v for k, v in EVERYTHING["broker"].items() if k != "participation"}}
    tape = {"from": "tape", "survival": False}
    result = run(asked("backtrader", fills=tape, **blocks), tmp_path / "out", report=False)
    assert result.summary["trades"] > 0
    assert result.summary["funding"]["payments"] > 0
    with pytest.raises(TapeflowError, match=r"broker\.participation: is of a bar's volume; the tape has its own"):
        asked(fills=tape, **EVERYTHING)
