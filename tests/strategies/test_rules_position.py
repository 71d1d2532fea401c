"""Rules that read their position: against plain Python, plain backtrader, and in every engine."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tapeflow.backtest.engines.verify import difference
from tapeflow.core.errors import ConfigError, ExpressionError
from tapeflow.core.names import STATE, Names
from tapeflow.strategies.framework.lines import Lines
from tapeflow.strategies.framework.programs import Programs, note_state
from tapeflow.strategies.rule_language.expressions import Expression
from tapeflow.tests.helpers.rule_runs import config_of, fills_of, in_plain_backtrader, run, run_everywhere, walk

RULES = {
    "entries": {
        "first": {"long": "close > open + 1 and position == 0", "short": "close < open - 2 and position == 0"},
        "more": {"long": "pnl > 0.001 and close > entry_price + 1", "short": "pnl > 0.001"},
    },
    "exits": {
        "back": {"long": "drawdown > 0.004", "short": "close > peak + 5"},
        "late": {"long": "bars_held >= 20 and pnl < 0.002", "short": "bars_held >= 12"},
    },
    "pyramiding": 3,
    "reverse": False,
}


class ByHand:
    """What the documentation says of `RULES`, bar by bar in plain backtrader."""

    def __init__(self, bars: Any) -> None:
        self.bars, self.since, self.entries, self.before = bars, 0, 0, 0.0

    def __call__(self, strategy: Any, bar: int) -> None:
        opened, close = float(self.bars["open"][bar]), float(self.bars["close"][bar])
        size, entry = strategy.position.size, strategy.position.price
        if size and not self.before:
            self.since = bar
        self.before = size
        if not size:
            self.entries = 1
            if close > opened + 1:
                strategy.buy(size=8)
            elif close < opened - 2:
                strategy.sell(size=8)
            return
        way, closes = math.copysign(1, size), self.bars["close"][self.since : bar + 1].tolist()
        peak = max(entry, *closes) if size > 0 else min(entry, *closes)
        held, pnl = bar - self.since, way * (close / entry - 1.0)
        back = 1.0 - close / peak > 0.004 if size > 0 else close > peak + 5
        late = held >= 20 and pnl < 0.002 if size > 0 else held >= 12
        if back or late:
            strategy.close()
        elif self.entries < 3 and pnl > 0.001 and (size < 0 or close > entry + 1):
            self.entries += 1
            (strategy.buy if size > 0 else strategy.sell)(size=8)


@pytest.mark.parametrize("seed", [1, 2])
def test_rules_that_read_their_position_do_what_plain_backtrader_does(seed: int) -> None:
    bars = walk(seed)
    made = run_everywhere(RULES, bars)
    assert fills_of(made) == in_plain_backtrader(bars, ByHand(bars))
    assert {fill.reason for fill in made.record.fills} == {"first", "more", "back", "late"}


def test_sizes_and_limits_may_go_by_the_position() -> None:
    more = {"long": "pnl < 0", "size": "1 + bars_held / 2", "limit": "min(entry_price, close) - 1", "valid": 3}
    rules = {"entries": {**RULES["entries"], "more": more}, "exits": RULES["exits"], "pyramiding": 4}
    made = run_everywhere(rules, walk(5))
    sizes = {row["size"] for row in made.record.orders.values() if row["reason"] == "more"}
    assert len(sizes) > 3
    assert {row["status"] for row in made.record.orders.values() if row["reason"] == "more"} == {
        "completed",
        "canceled",
    }


def test_an_engine_that_asks_anew_at_every_bar_does_the_same() -> None:
    import backtrader as bt

    from tapeflow.backtest.broker.base import make_broker
    from tapeflow.backtest.broker.sizers import FixedAmount
    from tapeflow.core.lines import bar_data
    from tapeflow.strategies.rules import Rules

    filled = []
    for runonce in (True, False):
        cerebro, bars = bt.Cerebro(stdstats=False, runonce=runonce), walk(3, 120)
        cerebro.adddata(bar_data(bars, "main", tick=1.0, lot=1.0), name="main")
        cerebro.broker = make_broker(1e6, 0.0, 0.0)
        cerebro.addsizer(FixedAmount, size=8)
        cerebro.addanalyzer(bt.analyzers.Transactions, _name="made")
        cerebro.addstrategy(Rules, **RULES)
        filled.append(dict(cerebro.run()[0].analyzers.made.get_analysis()))
    assert filled[0] == filled[1]
    assert len(filled[0]) > 10


COLUMNS = ("close", "open", "x")
ATOMS = ("1", "0", "-2.5", *COLUMNS, *STATE)
JOINS = ("+", "-", "*", "/", "%", "<", "<=", ">", ">=", "==", "!=", "and", "or")


def random_text(rng: np.random.Generator, depth: int) -> str:
    if depth == 0 or rng.random() < 0.15:
        return str(rng.choice(ATOMS))
    kind, parts = rng.integers(0, 9), [random_text(rng, depth - 1) for _ in range(3)]
    if kind < 5:
        return f"({parts[0]} {rng.choice(JOINS)} {parts[1]})"
    if kind == 5:
        return f"({parts[0]} < {parts[1]} <= {parts[2]})"
    if kind == 6:
        return f"({rng.choice(['not ', '-'])}({parts[0]}))"
    if kind == 7:
        return f"{rng.choice(['abs', 'sqrt', 'log', 'sign', 'known'])}({parts[0]})"
    return str(rng.choice(["min({}, {}, {})", "max({}, {})", "where({}, {}, {})", "clip({}, {}, {})"])).format(*parts)


def test_programs_are_worth_what_the_same_expressions_over_columns_are(monkeypatch: pytest.MonkeyPatch) -> None:
    rng, n, tried = np.random.default_rng(8), 40, 0
    values = rng.choice([0.0, 1.0, -1.0, 2.5, 1e300, float("nan")], (len(COLUMNS) + len(STATE), n))
    table = dict(zip((*COLUMNS, *STATE), values, strict=True))
    lines = Lines.of(**table)
    names = replace(lines.names, columns=COLUMNS, state=True)
    for _ in range(300):
        text = random_text(rng, 4)
        made = Expression(text, names)
        with monkeypatch.context() as patched:
            patched.setattr("tapeflow.strategies.rule_language.expressions.STATE", ())
            plain = Expression(text, lines.names)
        expected = plain.values(lines)
        if made.program is None:
            continue
        tried += 1
        programs = Programs.of({("a", "long"): made.program}, lines)
        state = np.array([table[word] for word in STATE])
        got = [programs.value(("a", "long"), i, np.ascontiguousarray(state[:, i])) for i in range(n)]
        np.testing.assert_array_equal(np.array(got), expected, err_msg=text)
        assert not (plain.over(lines) & ~made.over(lines)).any(), f"{text}: may be true where it is said not to be"
    assert tried > 150


def test_the_state_is_what_the_documentation_says() -> None:
    state = np.zeros(6)
    note_state(state, 3.0, 100.0, 108.0, 4.0, 112.0)
    assert state.tolist() == [3.0, 100.0, 4.0, 108.0 / 100.0 - 1.0, 112.0, 1.0 - 108.0 / 112.0]
    note_state(state, -3.0, 100.0, 108.0, 4.0, 104.0)
    assert state.tolist() == [-3.0, 100.0, 4.0, -(108.0 / 100.0 - 1.0), 100.0, 108.0 / 100.0 - 1.0]
    note_state(state, 0.0, 0.0, 108.0, 4.0, math.nan)
    assert state[0] == 0.0
    assert np.isnan(state[1:]).all()


@pytest.mark.parametrize(
    "text",
    ["highest(pnl, 9) > 0", "peak[1] > 0", "crossover(close, entry_price)", "since(pnl > 0) > 2", "prev(position) > 0"],
)
def test_earlier_bars_of_the_position_are_refused_by_name(text: str) -> None:
    with pytest.raises(ConfigError, match=r"position, entry_price, .* are of this bar alone.*abs\(\)"):
        config_of({"long": {"enter": "close > open", "exit": text}})


def test_words_of_the_position_are_reserved() -> None:
    rules = {"long": {"enter": "close > open"}}
    with pytest.raises(ConfigError, match="'peak' is what rules call the state of their position"):
        config_of(rules, indicators={"peak": {"kind": "VWAP"}})
    with pytest.raises(ConfigError, match="'pnl' is what rules call the state of their position"):
        config_of({**rules, "values": {"pnl": 3}})
    with pytest.raises(ConfigError, match="'drawdown' is what rules call the state of their position"):
        config_of(rules, data={"drawdown": {"feed": "SyntheticTape"}})
    with pytest.raises(ExpressionError, match="'pnl' is what rules call the state of their position"):
        Expression("pnl > 0", Names(("close", "pnl"), state=True))


def test_a_rank_knows_no_position() -> None:
    with pytest.raises(ConfigError, match="'pnl' is the state of a position, which entries and exits of rules alone"):
        config_of({"long": {"enter": "close > open"}}, portfolio={"rank": "pnl"})


def test_of_several_desks_each_reads_its_own_position() -> None:
    from tapeflow.backtest.inputs.read import Source
    from tapeflow.backtest.runner import simulate

    both = {name: Source(None, walk(seed)) for name, seed in (("a", 1), ("b", 2))}
    data = {name: {"feed": "SyntheticTape", "tick": 1.0, "lot": 1.0} for name in both}
    together = simulate(config_of(RULES, "stock", data=data, trade=["a", "b"]), both)
    fast = simulate(config_of(RULES, "backtrader", data=data, trade=["a", "b"]), both)
    assert difference(fast, together) == ""
    for name, seed in (("a", 1), ("b", 2)):
        alone = fills_of(run(RULES, walk(seed)))
        assert [(f.bar, f.closed + f.opened, f.price) for f in together.record.fills if f.data == name] == alone
