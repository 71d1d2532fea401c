"""Rules over several feeds, in every way backtrader can run them, and from files as people write them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import backtrader as bt
import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from tapeflow.backtest.broker.base import make_broker
from tapeflow.backtest.broker.sizers import FixedAmount
from tapeflow.backtest.engines.verify import difference
from tapeflow.backtest.inputs.read import Source, read
from tapeflow.backtest.recording.recorder import Recorder
from tapeflow.backtest.runner import simulate
from tapeflow.checks.lookahead import attack
from tapeflow.cli import main
from tapeflow.configs.loader import from_mapping
from tapeflow.core.bars import Bars
from tapeflow.core.clock import day_numbers
from tapeflow.core.errors import ConfigError
from tapeflow.core.lines import bar_data
from tapeflow.core.names import Names
from tapeflow.strategies.framework.base import Use
from tapeflow.strategies.rule_language.expressions import Expression
from tapeflow.strategies.rules import Rules

TWO = {"fast": "1m", "slow": "15m"}
BLOCKS = {
    "ema": {"kind": "talib.EMA", "timeperiod": 5, "data": "slow"},
    "vwap": {"kind": "VWAP", "anchor": "1d"},
    "their_delta": {"kind": "VolumeDelta", "data": "other"},
}
PLAIN = {
    "long": {
        "enter": "slow.close > slow.ema and crossover(close, mean(close, 9))",
        "exit": "close < lowest(low, 20)[1]",
    },
    "short": {"enter": "crossunder(slow.close, ema) and their_delta < 0", "exit": "change(slow.close) > 0"},
}
NAMED = {
    "entries": {
        "break": {"long": "close > highest(slow.high, 3)", "short": "close < lowest(slow.low, 3)"},
        "theirs": {
            "long": "zscore(their_delta, 60) > 2 and other.close > prev(other.close, 3)",
            "limit": "low",
            "valid": 2,
        },
    },
    "exits": {
        "part": {"long": "close < vwap", "short": "close > vwap", "share": 0.5},
        "late": {"long": "elapsed('1h') > 55"},
    },
    "cooldown": 5,
    "pyramiding": 2,
    "stop_loss": "0.2%",
}


def config_of(params: dict[str, Any], engine: str = "auto", **more: Any) -> Any:
    common = {"feed": "SyntheticTape", "days": 0.5, "tick": 0.1, "lot": 0.001}
    return from_mapping(
        {
            "name": "feeds",
            "data": {"synth": {**common, "bars": TWO}, "other": {**common, "seed": 5, "bars": "1m"}},
            "indicators": BLOCKS,
            "strategy": {"kind": "Rules", "params": params},
            "sizer": {"fixed": 1},
            "engine": engine,
            **more,
        }
    )


@pytest.fixture(scope="module")
def sources() -> dict[str, Source]:
    config, made = config_of(PLAIN), {}
    for block in config.data:
        made |= read(config, block, lambda text: None)
    return made


def test_three_engines_do_the_same_over_three_feeds(sources: dict[str, Source]) -> None:
    made = {engine: simulate(config_of(PLAIN, engine), sources) for engine in ("stock", "backtrader", "compiled")}
    assert len(made["stock"].trips) > 10
    assert difference(made["backtrader"], made["stock"]) == ""
    assert difference(made["compiled"], made["stock"]) == ""


def test_a_bar_that_closes_a_microsecond_later_is_not_seen_though_day_numbers_say_so() -> None:
    closes = 1_704_067_200_000_000 + np.arange(40)
    flat = {name: np.full(40, 100.0) for name in ("open", "high", "low", "close", "volume")}
    burst = Bars.of(open_time=closes - 1, close_time=closes, **flat)
    late = closes[-1:] + 1
    one = {name: np.full(1, 200.0) for name in ("open", "high", "low", "close", "volume")}
    slow = Bars.of(open_time=late - 60_000_000, close_time=late, **one)
    raw = {"name": "burst", "data": {"synth": {"feed": "SyntheticTape", "bars": TWO}}, "sizer": {"fixed": 1}}
    rules = {"kind": "Rules", "params": {"long": {"enter": "slow.close > 0"}}}
    feeds = {"fast": Source(None, burst), "slow": Source(None, slow)}
    for engine in ("stock", "compiled"):
        made = simulate(from_mapping({**raw, "strategy": rules, "engine": engine}), feeds)
        assert not made.record.orders
    assert day_numbers(burst["close_time"])[-1] > day_numbers(slow["close_time"])[0]


def test_named_rules_are_the_same_in_both_of_backtraders_engines(sources: dict[str, Source]) -> None:
    fast, stock = (simulate(config_of(NAMED, engine), sources) for engine in ("backtrader", "stock"))
    assert difference(fast, stock) == ""
    assert {row["reason"] for row in fast.record.orders.values()} >= {"break", "theirs", "part", "late", "stop_loss"}


@pytest.mark.parametrize(
    ("mode", "params"),
    [({"runonce": False}, PLAIN), ({"runonce": False, "preload": False}, NAMED)],
    ids=["plain", "named"],
)
def test_bar_by_bar_is_the_same_as_over_whole_columns(mode: dict, params: dict, sources: dict[str, Source]) -> None:
    short = {k: Source(s.feed, s.bars.slice(0, 300 if k != "slow" else 20)) for k, s in sources.items()}
    config = config_of(params, "stock")
    cerebro = bt.Cerebro(stdstats=False, **mode)
    for name, source in short.items():
        cerebro.adddata(bar_data(source.bars, name, tick=0.1, lot=0.001), name=name)
    cerebro.broker = make_broker(config.broker.cash, 0.0, 0.0)
    cerebro.broker.cerebro, cerebro.broker.inside = cerebro, config.fills.inside
    cerebro.indicator_blocks = {n: Use(b.kind, b.params, b.data or "") for n, b in config.indicators.items()}
    cerebro.addsizer(FixedAmount, size=1)
    cerebro.addanalyzer(Recorder, _name="record")
    cerebro.addstrategy(Rules, **config.strategy.params)
    strategy = cerebro.run()[0]
    whole, made = simulate(config, short).record.orders, strategy.analyzers.record.orders
    assert len(whole) > 3
    assert [str(row) for row in made.values()] == [str(row) for row in whole.values()]


def test_three_feeds_raise_no_alarm_when_the_future_is_attacked(sources: dict[str, Source]) -> None:
    found = attack(config_of(NAMED), sources, instants=3)
    assert [str(leak) for leak in found.leaks] == []
    assert found.skipped == 0


def test_what_is_filled_in_parts_never_turns_a_position_over() -> None:
    params = {
        "entries": {"up": {"long": "close > open"}},
        "exits": {"half": {"long": "close < open", "share": 0.5}, "out": {"long": "change(close, 3) < 0"}},
        "pyramiding": 3,
        "stop_loss": "0.1%",
        "time_stop": 20,
    }
    common = {"feed": "SyntheticTape", "days": 0.3, "tick": 0.1, "lot": 0.001}
    raw = {"name": "parts", "data": {"synth": common}, "strategy": {"kind": "Rules", "params": params}}
    config = from_mapping({**raw, "sizer": {"fixed": 3}, "broker": {"cash": 1e7, "participation": "20%"}})
    made = simulate(config, read(config, "synth", lambda text: None))
    partly = [r for r in made.record.orders.values() if 0 < r["executed_size"] < r["size"]]
    assert partly, "some orders are filled in part"
    assert np.array(made.equity["position"]).min() >= 0


FILE = """
name: written
data:
  synth: {feed: SyntheticTape, days: 0.2, bars: {fast: 1m, slow: 15m}}
indicators:
  vwap: {kind: VWAP}
strategy:
  kind: Rules
  params:
    entries:
      break: {long: "close > highest(high, 5)[1] and RULE"}
"""


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("slow.clse > 1", "unknown column or indicator of slow 'clse', did you mean 'close'?"),
        ("slow.vwap > 1", "'vwap' has the bars of fast; for those of slow add an indicator with data: slow"),
        ("hihgest(close, 3) > 1", "unknown function 'hihgest', did you mean 'highest'?"),
        ("slwo.close > 1", "unknown indicator or feed 'slwo', did you mean 'slow'?"),
    ],
)
def test_a_wrong_rule_is_told_with_its_line_and_nothing_is_written(tmp_path: Path, rule: str, said: str) -> None:
    path = tmp_path / "written.yaml"
    path.write_text(FILE.replace("RULE", rule))
    done = CliRunner().invoke(main, ["run", str(path), "--out", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
    assert f"{path}:11:" in done.stderr
    assert "strategy.params.entries.break.long" in done.stderr
    assert said in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_name_of_a_function_may_be_an_indicators_where_brackets_tell_them_apart() -> None:
    blocks = {**BLOCKS, "median": {"kind": "talib.SMA", "timeperiod": 3}, "zscore": {"kind": "ZScore", "window": 30}}
    rules = {"long": {"enter": "median > median(close, 5) and zscore < zscore(close, 30) + 1"}}
    assert config_of(rules, indicators=blocks).strategy.params["long"]


PAGE = (Path(__file__).resolve().parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")


def test_every_example_on_the_page_of_rules_can_be_written() -> None:
    examples = re.findall(
        r"^\| `([^`]+)` \| ", PAGE.partition("### Examples")[2].partition("## Several")[0], re.MULTILINE
    )
    assert len(examples) >= 8
    lines = {"vwap": ("vwap", "lower1"), "delta": ("delta",), "slow_vwap": ("vwap",)}
    names = Names(
        ("close", "high", "open_time", "close_time"), lines, {"slow": ("close", "vwap")}, {"slow_vwap": "slow"}
    )
    names = replace(names, traded="eth", desks={"btc": names, "eth": names})
    for text in examples:
        Expression(text, names)


def test_every_strategy_on_the_page_of_rules_is_legal() -> None:
    found = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
    blocks = {"vwap": {"kind": "VWAP"}, "delta": {"kind": "VolumeDelta"}}
    for block in found:
        raw = {"name": "page", "data": {"synth": {"feed": "SyntheticTape"}}, "indicators": blocks, **block}
        assert from_mapping(raw).strategy.kind == "Rules"
    assert len(found) == 7


class TestValues:
    """Numbers by name."""

    rules = {"long": {"enter": "close > highest(close, n)[back] and zscore(close, 20) > least", "exit": "close < open"}}

    def test_stand_for_what_they_are_in_every_engine(self, sources: dict[str, Source]) -> None:
        named = {**self.rules, "values": {"n": 12, "back": 1.0, "least": 0.5}}
        text = "close > highest(close, 12)[1] and zscore(close, 20) > 0.5"
        plain = {"long": {"enter": text, "exit": "close < open"}}
        expected = simulate(config_of(plain, "stock"), sources)
        assert len(expected.trips) > 10
        for engine in ("stock", "backtrader", "compiled"):
            assert difference(simulate(config_of(named, engine), sources), expected) == ""

    @pytest.mark.parametrize(
        ("values", "said"),
        [
            ({"n": 12, "back": 1}, "unknown name 'least'"),
            ({"n": 2.5, "back": 1, "least": 0}, "highest(): n must be a whole number"),
            ({"n": 3, "back": -1, "least": 0}, "x[n] takes a whole number of bars back"),
            ({"n": 3, "back": 1, "least": 0, "vwap": 3}, "'vwap' is a column, an indicator, a feed or a function"),
            ({"n": 3, "back": 1, "least": 0, "close": 3}, "'close' is a column, an indicator, a feed or a function"),
            ({"n": 3, "back": 1, "least": "x"}, "least must be a number"),
            ({"n": 3, "back": 1, "least": 0, "more": 3}, "values.more: no rule reads 'more'"),
            ({"n n": 3}, "must be numbers by name"),
        ],
    )
    def test_are_refused_by_name_where_they_do_not_fit(self, values: dict[str, Any], said: str) -> None:
        with pytest.raises(ConfigError, match=re.escape(said)):
            config_of({**self.rules, "values": values})
