"""Protection from the moment of an entry's fill: against the path inside the bar, plain Python and plain backtrader."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import backtrader as bt
import numpy as np
import pytest

from tapeflow.backtest.broker.entry_bar import assumed, rest_of_bar
from tapeflow.backtest.broker.order_rules import LIMIT, MARKET, STOP, STOP_LIMIT
from tapeflow.backtest.engines.verify import difference
from tapeflow.backtest.inputs.read import Source
from tapeflow.backtest.runner import simulate
from tapeflow.core.bars import Bars
from tapeflow.core.clock import MINUTE
from tapeflow.core.errors import ConfigError
from tapeflow.core.lines import bar_data
from tapeflow.tests.helpers.rule_runs import START, config_of, fills_of, run, run_everywhere

COSTS = {"cash": 1e5, "fees": {"taker": "5bp"}}
STEPS = 12


def paths(seed: int, n: int = 400) -> np.ndarray:
    """What the price does inside each of ``n`` bars, (n, STEPS): whole numbers, each beside the one before."""
    rng = np.random.default_rng(seed)
    moves = rng.integers(-1, 2, n * STEPS)
    moves[::STEPS] = rng.integers(-2, 3, n)  # a gap before a bar
    return (1_000 + np.cumsum(moves)).reshape(n, STEPS).astype(float)


def bars_of(made: np.ndarray) -> Bars:
    time = START + np.arange(len(made)) * MINUTE
    prices = dict(open=made[:, 0], high=made.max(axis=1), low=made.min(axis=1), close=made[:, -1])
    return Bars.of(open_time=time, close_time=time + MINUTE, volume=np.ones(len(made)), **prices)


@pytest.mark.parametrize("buy", [True, False])
@pytest.mark.parametrize("kind", [MARKET, LIMIT, STOP, STOP_LIMIT])
def test_what_is_sure_of_the_rest_of_a_bar_is_so_on_every_path(kind: int, buy: bool) -> None:
    rng, tried, unsure = np.random.default_rng(kind), 0, 0
    for path in paths(7, 3000):
        price = path[0] + rng.integers(-4, 5)
        limit = price + rng.integers(-3, 4)
        at = filled_at(kind, buy, price, limit, path)
        if at is None:
            continue
        where, start = at
        rest = np.concatenate(([start], path[where:]))
        bar = (path[0], path.max(), path.min(), path[-1])
        first, high, low = rest_of_bar(kind, False, False, buy, price, limit, *bar)
        assert first == start
        assert high <= rest.max() <= bar[1]
        assert low >= rest.min() >= bar[2]
        if kind == LIMIT:
            assert (low == rest.min()) if buy else (high == rest.max())
        if kind == STOP:
            assert (high == rest.max()) if buy else (low == rest.min())
        if kind == MARKET:
            assert (high, low) == (rest.max(), rest.min())
        tried += 1
        unsure += (high, low) != (rest.max(), rest.min())
    assert tried > 300
    assert kind == MARKET or unsure > 10


def filled_at(kind: int, buy: bool, price: float, limit: float, path: np.ndarray) -> tuple[int, float] | None:
    """Where on a path an order fills, and at what price, if it does; paths meet every whole price on their way."""
    way = 1 if buy else -1
    start = 0
    if kind == MARKET:
        return 0, path[0]
    if kind in (STOP, STOP_LIMIT):
        beyond = np.flatnonzero(way * (path - price) >= 0)
        if not len(beyond):
            return None
        start = int(beyond[0])
        if kind == STOP or (start and way * (limit - price) >= 0):
            return start, path[0] if start == 0 else price
        price = limit
    reached = np.flatnonzero(way * (path[start:] - price) <= 0)
    if not len(reached):
        return None
    where = start + int(reached[0])
    if where and kind == STOP_LIMIT and start and path[-1] > price:
        return (where, price) if way > 0 and path[0] > path[-1] else None  # backtrader's own guess of the course
    return where, path[0] if where == 0 else price


def test_better_and_worse_are_those_of_the_position() -> None:
    whole, sure = (105.0, 95.0), (102.0, 98.0)
    assert assumed(True, False, *whole, *sure) == (102.0, 95.0)
    assert assumed(True, True, *whole, *sure) == (105.0, 98.0)
    assert assumed(False, False, *whole, *sure) == (105.0, 98.0)
    assert assumed(False, True, *whole, *sure) == (102.0, 95.0)


RULES = {
    "entries": {
        "at_once": {"long": "close > open + 2", "short": "close < open - 2"},
        "dip": {"long": "close == open + 1", "short": "close == open - 1", "limit": "close + open - high", "valid": 2},
    },
    "stop_loss": 3.0,
    "take_profit": 4.0,
}


def by_hand(made: np.ndarray, inside: str | None) -> list[tuple[int, float, float]]:
    """Fills of `RULES`, order for order; inside the bar of an entry by the path (None) or by ``inside``."""
    bars = [(p[0], p.max(), p.min(), p[-1]) for p in made]
    fills: list[tuple[int, float, float]] = []
    held, stop, target, resting = 0, 0.0, 0.0, None
    for i, (first, high, low, close) in enumerate(bars):
        rest: Any = (first, high, low)
        if resting is not None and not held:
            way, limit, _ = resting
            at = first if limit is None or way * (limit - first) >= 0 else limit
            if limit is None or at == first or (low <= limit if way > 0 else high >= limit):
                held, resting = way, None
                fills.append((i, 8.0 * way, at))
                stop, target = at - way * 3.0, at + way * 4.0
                rest = rest_by(made[i], at, way, inside, limited=at != first)
        if held and rest is not None:
            start, top, bottom = rest
            touches = bottom <= stop if held > 0 else top >= stop
            reaches = top >= target if held > 0 else bottom <= target
            if touches or reaches:
                level = stop if touches else target
                beyond = held * (start - level) <= 0 if touches else held * (start - level) >= 0
                fills.append((i, -8.0 * held, start if beyond else level))
                held = 0
        if resting is not None and i >= resting[2]:
            resting = None
        if not held and resting is None:
            move = close - first
            if abs(move) > 2:
                resting = (int(np.sign(move)), None, i + 99)
            elif abs(move) == 1:
                resting = (int(move), close + first - high, i + 2)
    return fills


def rest_by(path: np.ndarray, at: float, way: int, inside: str | None, *, limited: bool) -> Any:
    """Where the rest of the bar begins, its high and its low."""
    first, high, low, close = path[0], path.max(), path.min(), path[-1]
    if inside == "next_bar":
        return None
    if not limited:
        return first, high, low
    if inside is None:
        rest = path[int(np.flatnonzero(way * (path - at) <= 0)[0]) :]
        return at, rest.max(), rest.min()
    if way > 0:
        return at, high if inside == "better" else max(at, close), low
    return at, high, low if inside == "better" else min(at, close)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("inside", ["worse", "better", "next_bar"])
def test_every_engine_does_what_plain_python_does(inside: str, seed: int) -> None:
    made = paths(seed)
    ran = run_everywhere(RULES, bars_of(made), fills={"inside": inside})
    expected = by_hand(made, inside)
    assert fills_of(ran) == expected[: len(ran.record.fills)]
    assert len(expected) - len(ran.record.fills) <= 1  # the last bar's decision fills nowhere
    if inside != "next_bar":
        assert sum(a.bar == b.bar and a.opened != 0.0 and b.closed != 0.0 for a, b in pairwise(ran.record.fills)) > 20


def test_where_nothing_is_unknown_the_run_is_that_of_the_path() -> None:
    known = 0
    for seed in range(60):
        made = paths(seed, 40)
        worse = run(RULES, bars_of(made), "compiled")
        better = run(RULES, bars_of(made), "compiled", fills={"inside": "better"})
        if worse.record.inside_unknown == 0:
            assert fills_of(worse) == fills_of(better)
            assert fills_of(worse) == by_hand(made, None)[: len(worse.record.fills)]
            known += len(worse.record.fills)
        else:
            assert "unknown" in worse.inside
    assert known > 100


class Inside(bt.brokers.BackBroker):
    """backtrader's broker with the rule restated for market orders: a stop and a target from the fill on."""

    def submit(self, order: Any, check: bool = True) -> Any:
        order.tried = len(order.data)
        return super().submit(order, check=check)

    def _try_exec(self, order: Any) -> None:
        if len(order.data) <= order.tried:
            return
        order.tried = len(order.data)
        super()._try_exec(order)
        if order.info.get("guarded") and order.status == order.Completed:
            way, price = (1 if order.isbuy() else -1), order.executed.price
            send, size, data = (self.sell if way > 0 else self.buy), abs(order.executed.size), order.data
            stop = send(order.owner, data, size, price - way * 3.0, exectype=bt.Order.Stop, _checksubmit=False)
            send(
                order.owner, data, size, price + way * 4.0, exectype=bt.Order.Limit, oco=stop, _checksubmit=False
            ).tried -= 1
            stop.tried -= 1
            target = self.pending.pop()
            self.pending.pop()
            self.pending.extendleft((target, stop))


def test_every_engine_does_what_plain_backtrader_with_the_rule_restated_does() -> None:
    bars = bars_of(paths(11))
    filled: list[tuple[int, float, float]] = []

    class Plain(bt.Strategy):
        def notify_order(self, order: Any) -> None:
            if order.status == order.Completed:
                filled.append((len(self) - 1, order.executed.size, order.executed.price))

        def next(self) -> None:
            move = self.data.close[0] - self.data.open[0]
            if not self.position and abs(move) > 2:
                (self.buy if move > 0 else self.sell)(size=8, guarded=True)

    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bar_data(bars, "main"), name="main")
    cerebro.broker = Inside(cash=1e6)
    cerebro.addstrategy(Plain)
    cerebro.run()
    rules = {**RULES, "entries": {"at_once": RULES["entries"]["at_once"]}}
    assert fills_of(run_everywhere(rules, bars)) == filled
    assert len(filled) > 60


def test_what_is_not_known_is_counted_told_and_shown_as_a_band() -> None:
    source = {"main": Source(None, bars_of(paths(2)))}
    rules = RULES | {"take_profit": 2.0, "stop_loss": 6.0}
    made = simulate(config_of(rules, "compiled"), source)
    profits = {
        inside: float(run(rules, source["main"].bars, "stock", fills={"inside": inside}).equity["value"][-1]) - 1e6
        for inside in ("worse", "better")
    }
    assert made.inside == {"assumed": "worse", "unknown": made.record.inside_unknown, "net_profit": profits}
    assert made.record.inside_unknown == run(rules, source["main"].bars, "stock").record.inside_unknown > 3
    assert profits["worse"] != profits["better"]


def test_a_trailing_stop_begins_at_the_entry_and_never_falls_back() -> None:
    bars = bars_of(paths(5))
    made = run_everywhere({"entries": {"up": {"long": "close > open + 2"}}, "trailing_stop": 3.0}, bars)
    entry: Any = None
    for fill in made.record.fills:
        if fill.opened:
            entry = fill
            continue
        closes = bars["close"][entry.bar : fill.bar].tolist()
        level = max(entry.price, *closes) - 3.0 if closes else entry.price - 3.0
        assert fill.price == min(level, bars["open"][fill.bar] if fill.bar > entry.bar else level)


def test_adding_to_a_position_protects_all_of_it_from_the_latest_fill_on() -> None:
    rules = {**RULES, "pyramiding": 3, "stop_loss": "0.3%", "exits": {"part": {"long": "close < open", "share": 0.5}}}
    for seed in range(3):
        run_everywhere(
            rules, bars_of(paths(seed)), sizer={"percent": 20}, broker={"cash": 1e5, "fees": {"taker": "5bp"}}
        )


def test_an_authors_own_bracket_keeps_backtraders_rule() -> None:
    from tapeflow.tests.helpers.trading import config, moving, trade

    market = moving(100, 100, 100, 96, 99, 99, reach=1.0)
    script = {1: lambda s: s.buy_bracket(size=1, exectype=bt.Order.Market, stopprice=99.0, limitprice=120.0)}
    made = trade(market, script, config())
    assert [fill.bar for fill in made.fills] == [2, 3]  # bar 2 touched the stop, whose parent was filled in it


def test_the_tape_knows_what_came_first_and_is_not_asked() -> None:
    with pytest.raises(ConfigError, match="inside needs fills from bars: the tape knows what came first"):
        config_of(RULES, fills={"from": "tape", "inside": "better"})
    with pytest.raises(ConfigError, match="inside"):
        config_of(RULES, fills={"inside": "wrose"})


def test_the_genuine_engines_agree_where_bars_of_another_feed_come_between() -> None:
    bars, other = bars_of(paths(3)), bars_of(paths(4))
    other = other.assign(open_time=other["open_time"] + MINUTE // 2, close_time=other["close_time"] + MINUTE // 2)
    both = {"main": Source(None, bars), "other": Source(None, other)}
    data = {name: {"feed": "SyntheticTape", "tick": 1.0, "lot": 1.0} for name in both}
    made = [simulate(config_of(RULES, engine, data=data), both) for engine in ("stock", "backtrader", "compiled")]
    assert difference(made[1], made[0]) == difference(made[2], made[0]) == ""
