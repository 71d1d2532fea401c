"""Stop and stop-limit entries against plain backtrader, and expressions that have names."""

from __future__ import annotations

from typing import Any

import backtrader as bt
import pytest

from tapeflow.core.errors import ConfigError
from tapeflow.tests.helpers.rule_runs import config_of, fills_of, in_plain_backtrader, run, run_everywhere, walk

EXITS = {"late": {"long": "bars_held >= 6", "short": "bars_held >= 6"}}


@pytest.mark.parametrize("limited", [False, True])
@pytest.mark.parametrize("seed", [1, 2])
def test_stop_entries_are_plain_backtraders(seed: int, limited: bool) -> None:
    limits = {"long": {"limit": "high + 1"}, "short": {"limit": "low - 1"}} if limited else {"long": {}, "short": {}}
    entries = {
        "up": {"long": "close > open + 1", "stop": "high + 2", "valid": 3, **limits["long"]},
        "down": {"short": "close < open - 1", "stop": "low - 2", "valid": 3, **limits["short"]},
    }
    bars, mine = walk(seed), dict[str, Any](order=None, end=0, since=0, held=0)

    def decide(strategy: Any, bar: int) -> None:
        opened, high, low, close = (float(bars[name][bar]) for name in ("open", "high", "low", "close"))
        order, size = mine["order"], strategy.position.size
        if size and not mine["held"]:
            mine["since"] = bar
        mine["held"] = size
        if order is not None and order.alive() and bar >= mine["end"]:
            strategy.cancel(order)
        if size:
            if bar - mine["since"] >= 6:
                strategy.close()
            return
        if (order is not None and order.alive()) or abs(close - opened) <= 1:
            return
        way = 1 if close > opened else -1
        level, send = (high + 2, strategy.buy) if way > 0 else (low - 2, strategy.sell)
        kind = {"exectype": bt.Order.StopLimit, "plimit": level - way} if limited else {"exectype": bt.Order.Stop}
        mine.update(order=send(size=8, price=level, **kind), end=bar + 3)

    made = run_everywhere({"entries": entries, "exits": EXITS, "reverse": False}, bars)
    assert fills_of(made) == in_plain_backtrader(bars, decide)
    kinds = {row["type"] for row in made.record.orders.values() if row["reason"] in ("up", "down")}
    assert kinds == {"stop_limit" if limited else "stop"}
    assert len(made.record.fills) > 20


def test_stop_entries_are_protected_from_their_fill_on_in_every_engine() -> None:
    entries = {
        "up": {"long": "close > open", "stop": "high + 1", "valid": 2},
        "back": {"short": "close < open", "stop": "low - 1", "limit": "low", "valid": 4},
        "more": {"long": "pnl > 0", "stop": "max(high, entry_price) + 1", "size": 0.5},
    }
    for seed in range(4):
        for inside in ("worse", "better", "next_bar"):
            rules = {"entries": entries, "stop_loss": 2, "take_profit": 3, "pyramiding": 2}
            made = run_everywhere(rules, walk(seed), fills={"inside": inside})
            assert len(made.record.fills) > 40


def test_a_named_expression_is_what_stands_under_its_name() -> None:
    names = {"rises": "close > open + edge", "calm": "high - low < 6 and not rises[1]"}
    named = {"names": names, "values": {"edge": 1}, "long": {"enter": "rises and calm", "exit": "not rises"}}
    plain = {
        "long": {
            "enter": "(close > open + 1) and (high - low < 6 and not (close > open + 1)[1])",
            "exit": "not (close > open + 1)",
        }
    }
    bars = walk(3)
    assert fills_of(run_everywhere(named, bars)) == fills_of(run(plain, bars))
    by_state = {"names": {"gain": "pnl > 0.002"}, "long": {"enter": "close > open", "exit": "gain or bars_held > 9"}}
    without = {"long": {"enter": "close > open", "exit": "pnl > 0.002 or bars_held > 9"}}
    assert fills_of(run_everywhere(by_state, bars)) == fills_of(run(without, bars))


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"names": {"a": "b > 0", "b": "a + 1"}}, "'a' is made of itself: a -> b -> a"),
        ({"names": {"a": "clsoe > 1"}}, "unknown name 'clsoe', did you mean 'close'"),
        ({"names": {"a": "close > 1", "c": "open > 1"}}, "no rule reads 'c'"),
        ({"names": {"a": "close > 1", "close": "open"}}, "'close' is a column, an indicator, a feed or a function"),
        ({"names": {"a": "close > 1", "peak": "high"}}, "'peak' is what rules call the state of their position"),
        ({"names": {"a": "close > 1"}, "values": {"a": 2}}, "'a' is a number of `values` already"),
        ({"names": {"a": 3}}, "a must be an expression"),
        ({"entries": {"e": {"long": "a", "valid": 3}}, "names": {"a": "close > 1"}}, "goes with `limit` or `stop`"),
        (
            {"entries": {"e": {"long": "a"}}, "exits": {"e": {"long": "a"}}, "names": {"a": "close > 1"}},
            "an entry is called 'e' already",
        ),
    ],
)
def test_what_is_wrong_with_names_is_told(params: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as err:
        config_of({"long": {"enter": "a"}, **params})
    assert told in str(err.value)


def test_a_stop_that_is_not_known_does_not_act() -> None:
    assert not run({"entries": {"never": {"long": "close > 0", "stop": "sqrt(-close)"}}}, walk(1, 30)).record.orders
