"""Protection of single entries, targets in parts, break-even and stops that follow: against plain Python and plain
backtrader, in every engine."""

from __future__ import annotations

from typing import Any

import backtrader as bt
import numpy as np
import pytest

from tapeflow.backtest.engines.verify import difference
from tapeflow.backtest.inputs.read import Source
from tapeflow.backtest.runner import simulate
from tapeflow.core.bars import Bars
from tapeflow.core.errors import ConfigError
from tapeflow.tests.helpers.rule_runs import Filled, config_of, fills_of, in_plain_backtrader, run, run_everywhere, walk

UP, DOWN = {"long": "close > open + 1"}, {"short": "close < open - 1"}
PARTS = [{"at": 2, "share": "50%"}, {"at": 4, "share": 0.3}, {"at": "highest(high, 3) + 2", "share": "20%"}]


def by_hand(bars: Bars, asked: dict[str, Any]) -> Filled:
    """What entries at market do that are protected from their fill on, worked out bar by bar; distances in price.

    ``asked`` has for each side ``stop`` and ``targets`` as functions of (the entry's price, bar of its decision),
    ``shares``, ``bars``, ``even`` as (after, to), and ``follow``, a function of (the best price, bar), or None.
    """
    rows = np.array([bars[name] for name in ("open", "high", "low", "close")]).T
    fills: Filled = []
    held, way, sent, stop, targets, entered, even, bound = 0.0, 0, None, None, [], 0, False, 0.0
    time_up = False
    for i, (first, high, low, close) in enumerate(rows.tolist()):
        if time_up and held:
            fills.append((i, -held * way, first))
            held = 0.0
        time_up = False
        if sent is not None:
            way, now = sent, asked[sent]
            held, entered, even, bound = 10.0, i, False, first
            fills.append((i, 10.0 * way, first))
            stop = now["stop"](first, i - 1) if now.get("stop") else None
            shares = [int(10 * share) for share in now["shares"]]
            if sum(now["shares"]) > 0.999:
                shares[-1] = 10 - sum(shares[:-1])
            targets = [[level(first, i - 1), float(n)] for level, n in zip(now["targets"], shares, strict=True) if n]
            sent = None
        if held:
            now = asked[way]
            if stop is not None and (low <= stop if way > 0 else high >= stop):
                fills.append((i, -held * way, min(first, stop) if way > 0 else max(first, stop)))
                held = 0.0
            for target in targets if held else ():
                level, size = target
                if size and (high >= level if way > 0 else low <= level):
                    size, target[1] = min(size, held), 0.0
                    fills.append((i, -size * way, max(first, level) if way > 0 else min(first, level)))
                    held -= size
                    if not held:
                        break
        if held:
            best = close if i == entered else (high if way > 0 else low)
            if now.get("even"):
                after, to = now["even"]
                even = even or way * (best - (bound + way * after)) >= 0
                if even:
                    stop = max(stop, bound + to) if way > 0 else min(stop, bound - to)
            if now.get("follow"):
                level = now["follow"](best, i)
                stop = max(stop, level) if way > 0 else min(stop, level)
            time_up = bool(now.get("bars") and i - entered >= now["bars"])
        elif abs(close - first) > 1:
            way = 1 if close > first else -1
            asks = [*asked[way]["targets"], *([asked[way]["stop"]] if asked[way].get("stop") else [])]
            sent = None if any(np.isnan(level(0.0, i)) for level in asks) else way  # a price that is not known yet
    return fills


def entries(long: dict[str, Any], short: dict[str, Any]) -> dict[str, Any]:
    return {"entries": {"up": {**UP, **long}, "down": {**DOWN, **short}}}


def lowest(bars: Bars, n: int) -> Any:
    return lambda price, bar: float(bars["low"][bar - n + 1 : bar + 1].min()) if bar >= n - 1 else np.nan


def highest(bars: Bars, n: int, more: float = 0.0) -> Any:
    return lambda price, bar: float(bars["high"][bar - n + 1 : bar + 1].max()) + more if bar >= n - 1 else np.nan


def off(distance: float) -> Any:
    return lambda price, bar: price + distance


def check(rules: dict[str, Any], bars: Bars, expected: Filled, least: int = 25) -> None:
    for inside in ("worse", "better"):  # of a market order all of the bar is to come
        made = fills_of(run_everywhere(rules, bars, sizer={"fixed": 10}, fills={"inside": inside}))
        assert made == expected[: len(made)]
        assert len(expected) - len(made) <= 1
        assert len(made) > least


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_each_entry_has_its_own_stop_target_and_time_stop(seed: int) -> None:
    bars = walk(seed)
    rules = entries({"stop_loss": "low - 1", "take_profit": 5}, {"stop_loss": 3, "time_stop": 4}) | {"reverse": False}
    asked = {
        1: {"stop": lambda price, bar: float(bars["low"][bar]) - 1, "targets": [off(5)], "shares": [1.0]},
        -1: {"stop": off(3), "targets": [], "shares": [], "bars": 4},
    }
    check(rules, bars, by_hand(bars, asked))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_targets_take_their_shares_and_the_stop_what_is_left(seed: int) -> None:
    bars = walk(seed)
    long = {"stop_loss": 3, "take_profit": PARTS}
    short = {"stop_loss": "highest(high, 4) + 2", "take_profit": [{"at": 3, "share": 0.35}]}
    asked = {
        1: {"stop": off(-3), "targets": [off(2), off(4), highest(bars, 3, 2)], "shares": [0.5, 0.3, 0.2]},
        -1: {"stop": highest(bars, 4, 2), "targets": [off(-3)], "shares": [0.35]},
    }
    expected = by_hand(bars, asked)
    check(entries(long, short), bars, expected)
    assert {abs(size) for _, size, _ in expected} >= {10.0, 5.0, 3.0}
    made = run(entries(long, short), bars, sizer={"fixed": 10})
    cut = [r for r in made.record.orders.values() if r["reason"] == "stop_loss" and r["status"] == "completed"]
    assert any(row["executed_size"] < row["size"] for row in cut)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_stop_is_moved_to_the_entry_once_a_bar_has_gained_enough(seed: int) -> None:
    bars = walk(seed)
    rules = entries({}, {"take_profit": 7}) | {"stop_loss": 4, "break_even": {"after": 2, "to": 1}}
    asked = {
        1: {"stop": off(-4), "targets": [], "shares": [], "even": (2, 1)},
        -1: {"stop": off(4), "targets": [off(-7)], "shares": [1.0], "even": (2, 1)},
    }
    expected = by_hand(bars, asked)
    check(rules, bars, expected)
    plain = {**rules, "break_even": None}
    assert fills_of(run(plain, bars, sizer={"fixed": 10})) != expected


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_stops_follow_highs_and_expressions_and_never_fall_back(seed: int) -> None:
    bars = walk(seed)
    long = {"trailing_stop": {"by": "highs", "distance": 4}, "take_profit": [{"at": 5, "share": 0.5}]}
    short = {"trailing_stop": {"by": "highest(high, 4)", "distance": 1}}
    asked = {
        1: {"stop": off(-4), "targets": [off(5)], "shares": [0.5], "follow": lambda best, bar: best - 4},
        -1: {
            "stop": highest(bars, 4, 1),
            "targets": [],
            "shares": [],
            "follow": lambda best, bar: highest(bars, 4, 1)(best, bar),
        },
    }
    check(entries(long, short), bars, by_hand(bars, asked))


@pytest.mark.parametrize("seed", [1, 2])
def test_from_the_next_bar_on_they_are_plain_backtraders(seed: int) -> None:
    bars, mine = walk(seed), dict[str, Any](guards=[], entry=None, way=0, since=0, even=False)

    def decide(strategy: Any, bar: int) -> None:
        first, high, low, close = (float(bars[name][bar]) for name in ("open", "high", "low", "close"))
        size, order = strategy.position.size, mine["entry"]
        new = bool(size and order is not None and not order.alive())
        if new:
            price, way = order.executed.price, mine["way"]
            mine.update(guards=[], entry=None, since=bar, level=price - way * 4, price=price, even=False)
        best = close if new else high if size > 0 else low
        if size:
            way = mine["way"]
            mine["even"] = mine["even"] or way * (best - mine["price"]) >= 2
            level = way * max(
                way * mine["level"], way * (best - way * 5), way * mine["price"] if mine["even"] else -9e9
            )
            if bar - mine["since"] >= 8:
                strategy.cancel(mine["guards"][0])
                strategy.close()
            elif new or level != mine["level"]:  # backtrader has no way to move an order: send it anew, the stop first
                for stop in mine["guards"][:1]:
                    strategy.cancel(stop)
                stop = strategy.close(price=level, exectype=bt.Order.Stop)
                target = strategy.close(price=mine["price"] + way * 6, exectype=bt.Order.Limit, oco=stop)
                mine.update(guards=[stop, target], level=level)
        elif mine["entry"] is None and abs(close - first) > 1:
            way = 1 if close > first else -1
            mine.update(entry=(strategy.buy if way > 0 else strategy.sell)(size=8), way=way)

    own = {"stop_loss": 4, "take_profit": 6, "time_stop": 8, "break_even": 2}
    own |= {"trailing_stop": {"by": "highs", "distance": 5}}
    made = run_everywhere(entries(own, own), bars, fills={"inside": "next_bar"})
    assert fills_of(made) == in_plain_backtrader(bars, decide)[: len(made.record.fills)]
    assert len(made.record.fills) > 20


def test_an_entry_goes_before_the_strategy_and_the_risk_block() -> None:
    bars = walk(4)
    whole = {"entries": {"up": {**UP, "stop_loss": 2, "take_profit": None}}, "take_profit": 3, "trailing_stop": 9}
    made = run_everywhere(whole, bars, risk={"stop_loss": 7})
    alone = run({"entries": {"up": {**UP, "stop_loss": 2}}, "trailing_stop": 9}, bars)
    assert fills_of(made) == fills_of(alone)
    side = {"long": {"enter": UP["long"], "stop_loss": 2}, "trailing_stop": 9}
    assert fills_of(run_everywhere(side, bars)) == fills_of(alone)


def test_a_price_that_is_not_known_keeps_an_entry_away() -> None:
    assert not run({"entries": {"up": {**UP, "stop_loss": "sqrt(-close)"}}}, walk(1, 40)).record.orders


def test_adding_to_a_position_protects_all_of_it_by_the_latest_entry() -> None:
    more = {"long": "pnl > 0", "take_profit": [{"at": 2, "share": 0.5}, {"at": 5, "share": 0.5}], "stop_loss": 2}
    rules = {"entries": {"up": {**UP, "stop_loss": 5}, "more": more}, "pyramiding": 3}
    sent = []
    for seed in range(3):
        made = run_everywhere(rules, walk(seed), sizer={"fixed": 4})
        sent += [row["size"] for row in made.record.orders.values() if row["reason"] == "take_profit"]
    assert {4.0, 6.0} <= set(sent)


def test_parts_are_whole_lots_and_the_last_is_the_rest() -> None:
    data = {"main": {"feed": "SyntheticTape", "tick": 1.0, "lot": 0.1}}
    targets = [{"at": 2, "share": 0.33}, {"at": 3, "share": 0.33}, {"at": 4, "share": 0.34}]
    made = run_everywhere({"entries": {"up": UP}, "take_profit": targets}, walk(1), sizer={"fixed": 1.0}, data=data)
    sizes = [row["size"] for row in made.record.orders.values() if row["reason"] == "take_profit"][:3]
    assert sizes == [0.3, 0.3, 0.4]


def test_each_desk_follows_its_own_stops() -> None:
    both = {name: Source(None, walk(seed)) for name, seed in (("a", 1), ("b", 2))}
    data = {name: {"feed": "SyntheticTape", "tick": 1.0, "lot": 1.0} for name in both}
    rules = entries({"trailing_stop": {"by": "lowest(low, 3)"}}, {"stop_loss": 2, "take_profit": PARTS[:1]})
    made = [simulate(config_of(rules, engine, data=data, trade=["a", "b"]), both) for engine in ("stock", "backtrader")]
    assert difference(made[1], made[0]) == ""
    for name, seed in (("a", 1), ("b", 2)):
        alone = fills_of(run(rules, walk(seed)))
        assert [(f.bar, f.closed + f.opened, f.price) for f in made[0].record.fills if f.data == name] == alone


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"stop_loss": "lowset(low, 3)"}, "entries.up.stop_loss: column 1: unknown function 'lowset', did you mean"),
        ({"stop_loss": "pnl - 3"}, "reads the state of a position, which there is none of when the entry is sent"),
        ({"stop_loss": "-1%"}, "up.stop_loss must be an amount above 0"),
        ({"take_profit": [{"at": 1, "share": 0.6}, {"at": 2, "share": "50%"}]}, "has shares of 110 % in all"),
        ({"take_profit": [{"at": 1, "shaer": 0.6}]}, "up.take_profit[1] has an unknown key 'shaer', did you mean"),
        ({"take_profit": []}, "up.take_profit must be a target, or a list of {at, share}"),
        ({"break_even": "1%"}, "break_even moves the stop_loss: give one; entry up has none"),
        ({"break_even": {"aftr": 1}, "stop_loss": 2}, "unknown key 'aftr', did you mean 'after'"),
        ({"trailing_stop": {"by": "highs"}}, "follows highs at no distance: give `distance`"),
        ({"trailing_stop": {"by": "clsoe"}}, "trailing_stop.by: column 1: unknown name 'clsoe', did you mean 'close'"),
        ({"stoploss": 3}, "unknown key 'stoploss', did you mean 'stop_loss'"),
    ],
)
def test_what_is_wrong_with_protection_is_told(rule: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as err:
        config_of({"entries": {"up": {**UP, **rule}}})
    assert told in str(err.value)


def test_risk_sizes_by_the_stop_of_the_entry() -> None:
    rules = {"entries": {"up": {**UP, "stop_loss": "low - 2"}, "down": {**DOWN, "stop_loss": 4}}, "time_stop": 5}
    for seed in range(2):
        made = run_everywhere(rules, walk(seed), sizer={"risk": 0.01})
        assert len(made.record.fills) > 20
    with pytest.raises(ConfigError, match=r"sizes by the distance of the stop: .*; entry down has none"):
        config_of({"entries": {"up": {**UP, "stop_loss": 1}, "down": DOWN}}, sizer={"risk": 1})
