"""The shipped runs and the strategies behind them: they trade, do the same in every engine, and say what they are."""

from __future__ import annotations

import inspect
import re
from functools import cache
from typing import Any

import jsonschema
import numpy as np
import pytest
import yaml

from tapeflow.backtest.engines.compiled import unsupported_reason
from tapeflow.backtest.engines.verify import difference
from tapeflow.backtest.inputs.read import Source, read
from tapeflow.backtest.runner import simulate
from tapeflow.configs.loader import from_mapping, load_config
from tapeflow.configs.shipped import about, find_config, shipped
from tapeflow.core.errors import ConfigError
from tapeflow.core.plugins.registry import STRATEGIES
from tapeflow.strategies.framework.base import Strategy
from tapeflow.strategies.rules import Rules
from tapeflow.tests.helpers.portfolios import alone

IDEAS = {
    "AbsorptionReversal",
    "AnchoredVWAPPullback",
    "CVDDivergence",
    "CrossVenueLead",
    "LargeTradeFollow",
    "NakedPOCMagnet",
    "OpeningRangeDelta",
    "StackedImbalanceContinuation",
    "ToxicityFilter",
    "TrendWithDelta",
    "VPINStandAside",
    "ValueAreaRotation",
}
OWN = [n for n in STRATEGIES if STRATEGIES.origin(n).startswith("tapeflow.strategies")]
LEAST = 5
"""Round trips that a shipped run makes at least."""


def loaded(name: str, *overrides: str) -> tuple[Any, dict[str, Source]]:
    config = load_config(find_config(name), overrides)
    return config, bars_of(name, *overrides)


@cache
def bars_of(name: str, *overrides: str) -> dict[str, Source]:
    config, made = load_config(find_config(name), overrides), {}
    for block in config.data:
        made |= read(config, block, lambda text: None)
    return made


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_run_trades_and_leaves_no_order_unexplained(name: str) -> None:
    made = simulate(*loaded(name))
    filled = sum(row["executed_time"] is not None for row in made.record.orders.values())
    assert len(made.trips) >= LEAST or (made.config.portfolio.weights and filled >= LEAST)
    rows = made.record.orders.values()
    assert all(row["reason"] for row in rows)
    filled = [row for row in rows if row["executed_time"] is not None]
    assert all(row["executed_time"] > row["created_time"] for row in filled)
    sides = {np.sign(fill.opened) for fill in made.record.fills if fill.opened}
    assert sides == ({1.0} if made.config.portfolio.shared else {-1.0, 1.0}), "both sides are taken, or what is held"
    assert {row["data"] for row in rows} == {*made.config.desks}, "every instrument that it trades"


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_run_is_the_same_in_every_engine_or_refused_by_name(name: str) -> None:
    blocks = yaml.safe_load(find_config(name).read_text())["data"]
    config, sources = loaded(name, *(f"data.{block}.days=0.4" for block in blocks))
    stock, fast = (simulate(config.model_copy(update={"engine": e}), sources) for e in ("stock", "backtrader"))
    assert (stock.engine, fast.engine) == ("stock", "backtrader")
    if config.strategies:
        assert [difference(part, stock.parts[own]) for own, part in fast.parts.items()] == [""] * len(stock.parts)
        return
    assert difference(fast, stock) == ""
    if reason := unsupported_reason(config, sources):
        assert re.search("in its own next|kept by backtrader's broker|worked out with backtrader's strategies", reason)
        return
    assert difference(simulate(config.model_copy(update={"engine": "compiled"}), sources), stock) == ""


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_run_says_what_it_shows(name: str) -> None:
    assert about(shipped()[name]).endswith((".", "`"))
    assert load_config(find_config(name)).name == name.replace("_", "-")


def test_every_idea_has_a_file_of_its_name_a_run_and_no_next() -> None:
    kinds = {load_config(path).strategy.kind: name for name, path in shipped().items()}
    assert kinds.keys() >= IDEAS
    for kind in IDEAS:
        cls: Any = STRATEGIES.find(kind)
        assert cls.__module__ == f"tapeflow.strategies.{kinds[kind]}"
        assert "next" not in cls.__dict__
        assert cls.signals is not Strategy.signals
        assert len(inspect.getsource(inspect.getmodule(cls)).splitlines()) < 110


UNIVERSE = [
    *("DeltaMomentum", "VWAPReversion", "TrendWithDelta", "LargeTradeFollow", "CVDDivergence", "AnchoredVWAPPullback"),
]


@cache
def pair_of_tapes() -> dict[str, Source]:
    config, made = from_mapping(asked_of("DeltaMomentum", "a", "b")), {}
    for block in config.data:
        made |= read(config, block, lambda text: None)
    return made


def asked_of(kind: str, *trade: str) -> dict[str, Any]:
    """A run of a strategy as it is over some of two feeds, with so much money that they are not in each other's way."""
    tape = {"feed": "SyntheticTape", "bars": "1m", "days": 0.5, "row_size": 5, "tick": 0.1, "lot": 0.001, "rate": 0.6}
    data = {name: {**tape, "seed": k} for k, name in enumerate(("a", "b"), 7) if name in trade}
    money = {"cash": 1e7, "fees": {"taker": "5bp"}}
    own = {"name": "x", "engine": "backtrader", "data": data, "strategy": {"kind": kind}, "sizer": {"fixed": 0.01}}
    return {**own, "broker": money, "trade": [*trade]}


@pytest.mark.parametrize("kind", UNIVERSE)
def test_a_class_runs_unchanged_over_a_universe_as_over_each_of_its_feeds_alone(kind: str) -> None:
    both = simulate(from_mapping(asked_of(kind, "a", "b")), pair_of_tapes())
    for name in ("a", "b"):
        single = simulate(from_mapping(asked_of(kind, name)), {name: pair_of_tapes()[name]})
        expected = [*single.record.orders.values()]
        assert expected
        assert repr(alone(both, name)) == repr(expected)


@pytest.mark.parametrize("name", OWN)
def test_a_strategy_documents_its_parameters_with_their_defaults(name: str) -> None:
    cls: Any = STRATEGIES.find(name)
    doc = inspect.cleandoc(cls.__doc__)
    said = dict(re.findall(r"^(\w+) : [^\n]+, default=([^\n]+)$", doc, re.MULTILINE))
    quoted = {k: (f'"{v}"' if isinstance(v, str) else repr(v)) for k, v in cls.defaults().items() if k in said}
    assert said == quoted
    own = set(cls.defaults()) - set(Strategy.defaults())
    assert own <= set(said), "every parameter of its own"
    assert own - {"at_poc"} <= set(cls.bounds), "and each is bounded"


@pytest.mark.parametrize("name", sorted(IDEAS))
def test_an_idea_comes_with_an_example_that_runs(name: str) -> None:
    assert ">>> " in inspect.cleandoc(STRATEGIES.find(name).__doc__)


@pytest.mark.parametrize("name", sorted(IDEAS))
def test_an_idea_refuses_a_parameter_out_of_bounds(name: str) -> None:
    cls: Any = STRATEGIES.find(name)
    own = [p for p in cls.bounds if p not in Strategy.defaults()]
    feeds = {feed: {"feed": "SyntheticTape", "row_size": 5} for feed in ("synth", "leader")}
    for param in own or ["time_stop"]:
        with pytest.raises(ConfigError, match=rf"strategy\.params\.{param}: must be"):
            from_mapping({"name": "x", "data": feeds, "strategy": {"kind": name, "params": {param: -7}}})


def test_a_feed_that_a_strategy_wants_by_name_is_asked_for_in_one_line() -> None:
    data = {"synth": {"feed": "SyntheticTape"}, "laeder": {"feed": "SyntheticTape"}}
    with pytest.raises(ConfigError) as caught:
        from_mapping({"name": "x", "data": data, "strategy": {"kind": "CrossVenueLead"}})
    assert "CrossVenueLead uses" in str(caught.value)
    assert "unknown data block 'leader', did you mean 'laeder'?" in str(caught.value)
    assert "\n" not in str(caught.value).strip()


def test_the_leader_of_the_shipped_run_is_the_same_tape_begun_earlier() -> None:
    sources = bars_of("cross_venue_lead")
    ours, ahead = sources["synth"].bars, sources["leader"].bars
    np.testing.assert_array_equal(ours["close"][2:], ahead["close"][2 : len(ours)])
    assert (ours["close_time"][0] - ahead["close_time"][0]) == 120_000_000


def test_the_schema_of_a_side_knows_its_keys() -> None:
    schema = Rules.bounds["long"].schema()
    jsonschema.validate({"enter": "close > 1", "exit": None}, schema)
    jsonschema.validate({"enter": "close > 1", "take_profit": [{"at": "1%", "share": "50%"}], "time_stop": 3}, schema)
    for wrong in ({"exit": "close > 1"}, {"enter": "close > 1", "leave": "close < 1"}, {"enter": "x", "time_stop": 0}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)
