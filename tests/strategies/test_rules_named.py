"""Named rules against a simulation in plain Python, in both of backtrader's engines, and what is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tapeflow.api import run as run_to_folder
from tapeflow.backtest.engines.verify import difference
from tapeflow.backtest.inputs.read import Source
from tapeflow.backtest.results.outcome import Outcome
from tapeflow.checks.lookahead import attack
from tapeflow.configs.loader import from_mapping
from tapeflow.core.bars import Bars
from tapeflow.core.clock import MINUTE
from tapeflow.core.errors import ConfigError
from tapeflow.tests.helpers.rule_runs import START, config_of, run, walk

SIDES = ("long", "short")


def orders(outcome: Outcome) -> list[tuple[Any, ...]]:
    """Orders as (bar of the fill or None, name, signed size, fill price)."""
    made = []
    for row in outcome.record.orders.values():
        filled = row["status"] == "completed"
        bar = (row["executed_time"] - START) // MINUTE - 1 if filled else None
        sign = 1.0 if row["side"] == "buy" else -1.0
        made.append((bar, row["reason"], sign * row["size"], row["executed_price"] if filled else None))
    return made


@dataclass
class Sent:
    """An order of the simulation."""

    name: str
    size: float
    limit: float | None = None
    end: int = 0
    entry: bool = True
    bar: int | None = None
    price: float | None = None
    dead: bool = False

    @property
    def rests(self) -> bool:
        return self.bar is None and not self.dead


@dataclass
class Simulation:
    """What the documentation of `Rules` says, bar by bar, without costs or protection."""

    entries: dict[str, Any]
    exits: dict[str, Any]
    cooldown: int = 0
    pyramiding: int = 1
    bars: list[dict[str, float]] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    mine: list[Sent] = field(default_factory=list)
    held: float = 0.0
    left: int = -(10**9)
    done: set[str] = field(default_factory=set)

    def run(self, bars: Bars) -> list[tuple[Any, ...]]:
        for i in range(len(bars)):
            self.bars.append({k: float(bars[k][i]) for k in ("open", "high", "low", "close")})
            self.fill(i)
            if i < len(bars) - 1:  # of what is sent at the last close nobody hears
                self.decide(i)
        return [(o.bar, o.name, o.size, o.price) for o in self.sent]

    def fill(self, i: int) -> None:
        bar = self.bars[i]
        for order in [o for o in self.sent if o.rests]:
            price: float | None = bar["open"]
            if order.limit is not None:
                reached = bar["low"] <= order.limit if order.size > 0 else bar["high"] >= order.limit
                better = bar["open"] < order.limit if order.size > 0 else bar["open"] > order.limit
                price = (bar["open"] if better else order.limit) if reached else None
            if price is not None:
                order.bar, order.price = i, price
                self.held += order.size
                if self.held == 0:  # the next entry, if there is one behind the exit, fills after it
                    self.left, self.done = i, set()
                    self.mine = [o for o in self.mine if o.rests]

    def decide(self, i: int) -> None:
        for order in self.mine:
            if order.limit is not None and order.rests and i >= order.end:
                order.dead = True
        if not self.held:
            if i - self.left >= self.cooldown:
                self.enter(i, SIDES)
            return
        side = "long" if self.held > 0 else "short"
        for name, rule in self.exits.items():
            if side in rule and name not in self.done and rule[side](self.bars):
                if self.leave(name, rule.get("share", 1.0)) and not self.cooldown:
                    self.turn(i, "short" if side == "long" else "long")
                return
        self.enter(i, (side,))

    def turn(self, i: int, other: str) -> None:
        sides = {s for r in self.entries.values() for s in SIDES if s in r and r[s](self.bars)}
        if sides == {other}:
            self.mine = []
            self.enter(i, SIDES)

    def leave(self, name: str, share: float) -> bool:
        part = abs(self.held) * share // 1
        whole = share == 1 or part >= abs(self.held)
        if whole:
            for order in self.mine:
                order.dead = order.dead or (order.rests and order.limit is not None)
            part = abs(self.held)
        else:
            self.done.add(name)
        if part:
            self.sent.append(Sent(name, -part if self.held > 0 else part, entry=False))
        return whole

    def enter(self, i: int, sides: tuple[str, ...]) -> None:
        self.mine = [o for o in self.mine if not o.dead]
        if len(self.mine) >= self.pyramiding:
            return
        if resting := [o for o in self.mine if o.rests]:
            sides = tuple(s for s in sides if (s == "long") == (resting[0].size > 0))
        fired = [(n, r, s) for n, r in self.entries.items() for s in sides if s in r and r[s](self.bars)]
        if len({s for _, _, s in fired}) != 1:
            return
        name, rule, side = fired[0]
        size = 8 * rule.get("size", 1.0) // 1
        order = Sent(name, size if side == "long" else -size)
        if "limit" in rule:
            order.limit, order.end = rule["limit"](self.bars), i + rule.get("valid", 1)
        self.mine.append(order)
        self.sent.append(order)


def change(bars: list[dict[str, float]], n: int) -> float:
    return bars[-1]["close"] - bars[-1 - n]["close"] if len(bars) > n else float("nan")


ENTRIES = {
    "jump": {"long": "change(close) > 2", "short": "change(close) < -2"},
    "dip": {"long": "change(close, 3) < -3", "limit": "low - 1", "valid": 3, "size": 0.5},
}
ENTRIES_BY_HAND = {
    "jump": {"long": lambda b: change(b, 1) > 2, "short": lambda b: change(b, 1) < -2},
    "dip": {"long": lambda b: change(b, 3) < -3, "limit": lambda b: b[-1]["low"] - 1, "valid": 3, "size": 0.5},
}
EXITS = {
    "part": {"long": "change(close) > 1", "short": "change(close) < -1", "share": 0.4},
    "turn": {"long": "change(close, 2) < -3", "short": "change(close, 2) > 3"},
}
EXITS_BY_HAND = {
    "part": {"long": lambda b: change(b, 1) > 1, "short": lambda b: change(b, 1) < -1, "share": 0.4},
    "turn": {"long": lambda b: change(b, 2) < -3, "short": lambda b: change(b, 2) > 3},
}


@pytest.mark.parametrize("engine", ["stock", "backtrader", "compiled"])
@pytest.mark.parametrize(
    ("seed", "cooldown", "pyramiding"), [(1, 0, 1), (2, 0, 3), (3, 6, 1), (4, 6, 2), (5, 1, 5), (6, 40, 2)]
)
def test_orders_are_those_of_a_simulation_by_hand(engine: str, seed: int, cooldown: int, pyramiding: int) -> None:
    bars = walk(seed)
    more = {"cooldown": cooldown, "pyramiding": pyramiding}
    made = orders(run({"entries": ENTRIES, "exits": EXITS, **more}, bars, engine))
    expected = Simulation(ENTRIES_BY_HAND, EXITS_BY_HAND, **more).run(bars)
    assert len([o for o in made if o[0] is not None]) > 5
    assert made == expected


@pytest.mark.parametrize("seed", range(4))
def test_both_of_backtraders_engines_leave_the_same(seed: int) -> None:
    bars = walk(seed + 20)
    guards: list[dict[str, Any]] = [{"stop_loss": 4}, {"trailing_stop": "0.5%", "time_stop": 9}, {"take_profit": 6}, {}]
    params = {"entries": {"jump": ENTRIES["jump"]}, "exits": EXITS, "pyramiding": 1 + seed % 3, **guards[seed % 4]}
    if seed % 2:
        params["entries"] = ENTRIES
    fast, stock = run(params, bars), run(params, bars, "stock")
    assert fast.engine == "backtrader"
    assert difference(fast, stock) == ""
    assert len(fast.record.orders) > 20


def test_bars_on_which_no_named_rule_can_act_are_left_out() -> None:
    made = run({"entries": {"jump": ENTRIES["jump"]}, "exits": EXITS, "cooldown": 3}, walk(1))
    assert "the others were left out" in made.engine_reason


def test_protection_follows_what_is_left_of_a_position() -> None:
    params = {
        "entries": {"once": {"long": "close > open"}},
        "exits": {"half": {"long": "close > 0", "share": 0.5}},
        "stop_loss": 300,
        "cooldown": 1000,
    }
    made = [(r["reason"], r["size"], r["status"]) for r in run(params, walk(1, 20)).record.orders.values()]
    assert made == [
        ("once", 8.0, "completed"),
        ("stop_loss", 8.0, "canceled"),
        ("half", 4.0, "completed"),
        ("stop_loss", 4.0, "accepted"),
    ]


def test_a_stop_never_closes_more_than_is_left() -> None:
    for seed in range(3):
        params = {"entries": ENTRIES, "exits": EXITS, "stop_loss": 3, "pyramiding": 3}
        made = run(params, walk(seed + 50))
        position = np.array(made.equity["position"])
        signs = np.sign(position[np.flatnonzero(np.diff(position)) + 1])
        stops = [r for r in made.record.orders.values() if r["reason"] == "stop_loss" and r["status"] == "completed"]
        assert stops
        assert set(signs) <= {-1.0, 0.0, 1.0}
        closing = [f for f in made.record.fills if f.reason in ("stop_loss", "part", "turn")]
        assert all(f.opened == 0 for f in closing)


def test_a_size_may_be_an_expression_and_is_rounded_to_lots() -> None:
    params = {"entries": {"jump": {"long": "close > open", "size": "1 + (close - open) / 10"}}, "cooldown": 1000}
    bars = walk(3, 40)
    first = next(iter(run(params, bars).record.orders.values()))
    i = int(np.flatnonzero(bars["close"] > bars["open"])[0])
    assert first["size"] == 8 * (1 + (bars["close"][i] - bars["open"][i]) / 10) // 1


def test_an_entry_whose_limit_is_unknown_does_not_act() -> None:
    params = {"entries": {"never": {"long": "close > 0", "limit": "sqrt(-close)"}}}
    assert not run(params, walk(1, 30)).record.orders


def test_plain_and_named_rules_go_together_in_their_order() -> None:
    params = {
        "long": {"enter": "change(close) > 2", "exit": "change(close) < 0"},
        "entries": {"also": {"long": "change(close) > 1"}},
    }
    names = {o[1] for o in orders(run(params, walk(2)))}
    assert names == {"long.enter", "long.exit", "also"}


def test_named_rules_raise_no_alarm_when_the_future_is_attacked() -> None:
    params = {"entries": ENTRIES, "exits": EXITS, "cooldown": 2, "pyramiding": 2, "stop_loss": 5}
    found = attack(config_of(params), {"main": Source(None, walk(9))}, instants=2)
    assert [str(leak) for leak in found.leaks] == []
    assert found.orders > 20


class TestPlain:
    """One entry and one exit a side, with the new functions, in all three engines."""

    @pytest.mark.parametrize(
        ("enter", "leave"),
        [
            ("crossover(close, mean(close, 9))", "crossunder(close, mean(close, 9))"),
            ("close > highest(high, 12)[1]", "close < lowest(low, 12)[1]"),
            ("zscore(close, 20) < -1", "zscore(close, 20) > 0"),
            ("close < percentile(close, 30, 20)", "close > median(close, 30)"),
            ("since(change(close) > 2) < 2", "count(close < open, 4) >= 3"),
            ("std(close, 10) > 2 and sum(change(close), 5) > 0", "cross(close, prev(close, 5))"),
            ("between('00:30', '02:00') and close > open", "time >= '02:00' or elapsed('2h') > 90"),
            ("close > when(session('1h') != session('1h')[1], open)", "elapsed('1h') == 60"),
            ("weekday == 'Mon' and close > open", "where(close > open, close - open, 0) > 2"),
            ("close > clip(mean(close, 5), 990, 1010)", "not known(close[3]) or close < max(open, prev(close), low)"),
        ],
    )
    def test_three_engines_do_the_same(self, enter: str, leave: str) -> None:
        bars = walk(7, 250)
        params = {"long": {"enter": enter, "exit": leave}, "short": {"enter": f"not ({enter})", "exit": enter}}
        made = {engine: run(params, bars, engine) for engine in ("stock", "backtrader", "compiled")}
        assert len(made["stock"].record.fills) >= 4
        assert difference(made["backtrader"], made["stock"]) == ""
        assert difference(made["compiled"], made["stock"]) == ""

    @pytest.mark.parametrize(
        "more",
        [
            {"entries": ENTRIES, "exits": EXITS},
            {"exits": EXITS, "pyramiding": 3},
            {"cooldown": 3},
            {"entries": ENTRIES, "exits": EXITS, "pyramiding": 2, "cooldown": 1, "stop_loss": 5},
        ],
    )
    def test_so_do_they_with_names(self, more: dict[str, Any]) -> None:
        params = {"long": {"enter": "change(close) > 1", "exit": "change(close) < -2"}, **more}
        made = {engine: run(params, walk(3, 250), engine) for engine in ("stock", "backtrader", "compiled")}
        assert len(made["stock"].record.fills) >= 4
        assert difference(made["backtrader"], made["stock"]) == ""
        assert difference(made["compiled"], made["stock"]) == ""


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({}, "strategy.params.long: there is no rule: give `long`, `short` or `entries`"),
        ({"entries": {}}, "must be rules by name"),
        ({"entries": {"a": {"lnog": "close > open"}}}, "a has an unknown key 'lnog', did you mean 'long'?"),
        ({"entries": {"a": {"size": 1}}}, "a lacks a side: give `long`, `short` or both"),
        ({"entries": {"a b": {"long": "close > open"}}}, "a name must be letters, digits and _"),
        ({"entries": {"stop_loss": {"long": "close > open"}}}, "orders of this strategy are called already"),
        ({"entries": {"a": {"long": "clse > open"}}}, "unknown name 'clse', did you mean 'close'?"),
        ({"entries": {"a": {"long": "close > open", "size": 0}}}, "a.size must be a number above 0 or an expression"),
        ({"entries": {"a": {"long": "close > open", "size": "clse"}}}, "unknown name 'clse'"),
        ({"entries": {"a": {"long": "close > open", "valid": 3}}}, "goes with `limit`"),
        ({"entries": {"a": {"long": "close > open", "limit": 5}}}, "a.limit must be an expression"),
        ({"entries": {"a": {"long": "close > open", "limit": "5", "valid": 0}}}, "a.valid must be a whole number"),
        ({"entries": {"a": {"long": 5}}}, "a.long must be an expression"),
        ({"entries": {"a": "close > open"}}, "a must be a mapping of long, short, size, limit, stop, valid"),
        (
            {"long": {"enter": "close > open"}, "exits": {"a": {"long": "close > 1", "share": 1.5}}},
            "a.share must be a number above 0 to 1",
        ),
        ({"long": {"enter": "close > open"}, "cooldown": -1}, "must be a whole number of at least 0"),
        ({"long": {"enter": "close > open"}, "pyramiding": 0}, "must be a whole number of at least 1"),
    ],
)
def test_a_mistake_is_told_in_one_line_with_its_place(params: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)) as caught:
        config_of(params)
    assert "strategy.params" in str(caught.value)
    assert "\n" not in str(caught.value).strip()


def test_a_limit_entry_that_filled_in_part_and_expired_leaves_room_for_the_next(tmp_path: Any) -> None:
    text = {
        "data": {"tape": {"feed": "SyntheticTape", "days": 1, "bars": "1m", "tick": 1.0, "lot": 0.001}},
        "indicators": {"delta": {"kind": "VolumeDelta"}},
        "strategy": {
            "kind": "Rules",
            "params": {
                "entries": {"dip": {"long": "delta.percent > -2", "limit": "low", "valid": 2}},
                "take_profit": "0.03%",
                "stop_loss": "0.2%",
            },
        },
        "fills": {"from": "tape", "latency": "80ms", "survival": False},
    }
    result = run_to_folder(from_mapping({"name": "dips", **text}), tmp_path / "out", report=False)
    orders = pd.read_parquet(result.folder / "orders.parquet")
    dips = orders[orders["reason"] == "dip"]
    withdrawn = dips[(dips["status"] == "canceled") & (dips["executed_size"].abs() > 0)]
    assert len(withdrawn), "no entry was withdrawn after it had filled in part"
    assert (dips["created_time"] > withdrawn["created_time"].iloc[0]).sum() > 20
