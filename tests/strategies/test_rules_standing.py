"""Limit exits, and how long orders stand: against plain backtrader, in every engine, and at the tape."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import backtrader as bt
import pytest

from tapeflow.backtest.broker.base import Broker
from tapeflow.core.bars import Bars
from tapeflow.core.clock import MINUTE, iso
from tapeflow.core.errors import ConfigError
from tapeflow.core.lines import bar_data
from tapeflow.strategies.framework.day_orders import ends_of_days
from tapeflow.tests.helpers.rule_runs import (
    START,
    Filled,
    config_of,
    fills_of,
    in_plain_backtrader,
    run_everywhere,
    walk,
)

UP, DOWN = {"long": "close > open + 1"}, {"short": "close < open - 1"}
LATE = {"late": {"long": "bars_held >= 6", "short": "bars_held >= 6"}}


def way_of(bars: Bars, bar: int) -> int:
    """1 where a bar rose by more than 1, −1 where it fell by more, else 0."""
    move = float(bars["close"][bar] - bars["open"][bar])
    return (move > 1) - (move < -1)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_limit_exits_rest_beside_a_stop_and_are_plain_backtraders(seed: int) -> None:
    bars, mine = walk(seed), dict[str, Any](entry=None, stop=None, out=None, end=0, way=0)

    def decide(strategy: Any, bar: int) -> None:
        if mine["out"] is not None and mine["out"].alive() and bar >= mine["end"]:
            strategy.cancel(mine["out"])
            mine["stop"] = None  # one of a group cancels the other in backtrader, so it is sent again
        size = strategy.position.size
        if not size:
            if mine["entry"] is None and (way := way_of(bars, bar)):
                mine.update(entry=(strategy.buy if way > 0 else strategy.sell)(size=8), way=way)
            if mine["entry"] is not None and not mine["entry"].alive():
                mine.update(entry=None, stop=None)  # it was entered and left
                if way := way_of(bars, bar):
                    mine.update(entry=(strategy.buy if way > 0 else strategy.sell)(size=8), way=way)
            return
        if mine["entry"] is not None:
            mine.update(price=mine["entry"].executed.price, entry=None, out=None, stop=None)
        way, price = mine["way"], mine["price"]
        wanted = way * (bars["close"][bar] - price) > 0 and not (mine["out"] is not None and mine["out"].alive())
        if mine["stop"] is None or wanted:
            if mine["stop"] is not None:
                strategy.cancel(mine["stop"])
            mine["stop"] = strategy.close(price=price - way * 5, exectype=bt.Order.Stop)
        if wanted:
            limit = float(bars["high" if way > 0 else "low"][bar]) + way
            mine["out"] = strategy.close(price=limit, exectype=bt.Order.Limit, oco=mine["stop"])
            mine["end"] = bar + 3

    rules = {
        "entries": {"up": UP, "down": DOWN},
        "exits": {"rich": {"long": "pnl > 0", "short": "pnl > 0", "limit": "where(position > 0, high + 1, low - 1)"}},
        "stop_loss": 5,
        "reverse": False,
    }
    rules["exits"]["rich"]["valid"] = 3  # type: ignore[index]
    made = run_everywhere(rules, bars, fills={"inside": "next_bar"})
    assert fills_of(made) == in_plain_backtrader(bars, decide)
    reasons = {fill.reason for fill in made.record.fills}
    assert reasons == {"up", "down", "rich", "stop_loss"}
    ends = {row["status"] for row in made.record.orders.values() if row["reason"] == "rich"}
    assert {"completed", "canceled"} <= ends


def test_a_limit_exit_closes_its_share_once_and_never_more_than_there_is() -> None:
    exits = {"half": {"long": "pnl > 0", "limit": "high", "valid": 2, "share": 0.5}, **LATE}
    for seed in range(3):
        made = run_everywhere({"entries": {"up": UP}, "exits": exits, "take_profit": 4, "stop_loss": 4}, walk(seed))
        held, since = 0.0, 0
        for fill in made.record.fills:
            since = 0 if fill.opened else since
            since += fill.reason == "half"
            held += fill.closed + fill.opened
            assert held >= 0
            assert since <= 1
        assert sum(fill.reason == "half" for fill in made.record.fills) > 5


def test_what_is_good_till_cancelled_rests_until_an_exit_or_a_fill() -> None:
    entries = {"dip": {**UP, "limit": "close - 6", "tif": "gtc"}}
    bars, mine = walk(5), dict[str, Any](order=None, since=0, held=0)

    def decide(strategy: Any, bar: int) -> None:
        size, order = strategy.position.size, mine["order"]
        if size and not mine["held"]:
            mine["since"] = bar
        mine["held"] = size
        if size and bar - mine["since"] >= 6:
            strategy.close()
        elif not size and (order is None or not order.alive()) and way_of(bars, bar) > 0:
            mine["order"] = strategy.buy(size=8, price=float(bars["close"][bar]) - 6, exectype=bt.Order.Limit)

    made = run_everywhere({"entries": entries, "exits": LATE}, bars)
    assert fills_of(made) == in_plain_backtrader(bars, decide)
    rows = [row for row in made.record.orders.values() if row["reason"] == "dip" and row["executed_time"]]
    assert max(row["executed_time"] - row["created_time"] for row in rows) > 5 * MINUTE


def test_an_order_of_the_day_ends_with_it_as_backtraders_does() -> None:
    long = walk(6)
    time = START + (1 + (long["close_time"] - START) // MINUTE) * 97 * MINUTE  # some fifteen bars a day
    bars = long.assign(open_time=time - MINUTE, close_time=time)
    mine = dict[str, Any](order=None, since=0, held=0)

    def decide(strategy: Any, bar: int) -> None:
        size, order = strategy.position.size, mine["order"]
        if size and not mine["held"]:
            mine["since"] = bar
        mine["held"] = size
        if size and bar - mine["since"] >= 6:
            strategy.close()
        elif not size and (order is None or not order.alive()) and way_of(bars, bar) > 0:
            now = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(time[bar]))
            midnight = datetime(now.year, now.month, now.day) + timedelta(days=1)
            price = float(bars["close"][bar]) - 3
            mine["order"] = strategy.buy(size=8, price=price, exectype=bt.Order.Limit, valid=midnight)

    made = run_everywhere({"entries": {"dip": {**UP, "limit": "close - 3", "tif": "day"}}, "exits": LATE}, bars)
    assert fills_of(made) == in_plain_backtrader(bars, decide)
    assert {row["status"] for row in made.record.orders.values() if row["reason"] == "dip"} >= {"completed", "expired"}


def test_a_trading_day_is_that_of_the_feeds_hours() -> None:
    at = [1_709_844_900_000_000, 1_709_845_200_000_000, 1_709_931_600_000_000]  # 15:55, 16:00 and 16:00 on Friday
    ends = list(ends_of_days(at, "America/New_York@09:30-16:00"))
    stamps = [bt.num2date(end).isoformat(timespec="minutes") for end in ends]
    assert stamps == ["2024-03-08T14:30", "2024-03-11T13:30", "2024-03-12T13:30"]
    assert iso(at[1]) == "2024-03-07T21:00:00Z"


def on_opening(bars: Bars, decide: Any) -> Filled:
    """Fills in stock backtrader of what is decided at each open, knowing it: (strategy, bar)."""

    class Opening(bt.Strategy):
        def __init__(self) -> None:
            self.filled: Filled = []

        def notify_order(self, order: Any) -> None:
            if order.status == order.Completed:
                self.filled.append((len(self.data) - 1, order.executed.size, order.executed.price))

        def next_open(self) -> None:
            decide(self, len(self.data) - 1)

    cerebro = bt.Cerebro(stdstats=False, cheat_on_open=True)
    cerebro.adddata(bar_data(bars, "main"), name="main")
    cerebro.broker = bt.brokers.BackBroker(cash=1e6)
    cerebro.broker.set_coo(True)
    cerebro.addstrategy(Opening)
    made: Filled = cerebro.run()[0].filled
    return made


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("standing", [{"tif": "ioc"}, {"post_only": True, "valid": 1}])
def test_what_trades_on_arrival_is_told_by_the_open(standing: dict[str, Any], seed: int) -> None:
    bars, mine = walk(seed), dict[str, Any](since=-1, order=None)

    def decide(strategy: Any, bar: int) -> None:
        size, order, first = strategy.position.size, mine["order"], float(bars["open"][bar])
        if order is not None and order.alive():
            strategy.cancel(order)
        if size and mine["since"] < 0:
            mine["since"] = bar - 1
        if size and bar - 1 - mine["since"] >= 6:
            strategy.close()
            mine["since"] = -1
        elif not size and bar and way_of(bars, bar - 1) > 0:
            limit = float(bars["close"][bar - 1])
            if "tif" in standing and limit >= first:
                strategy.buy(size=8)
            elif "tif" not in standing and limit < first:
                mine["order"] = strategy.buy(size=8, price=limit, exectype=bt.Order.Limit)

    made = run_everywhere({"entries": {"at": {**UP, "limit": "close", **standing}}, "exits": LATE}, bars)
    expected = on_opening(bars, decide)
    assert fills_of(made) == expected
    assert len(expected) > 10
    ends = {row["status"] for row in made.record.orders.values() if row["reason"] == "at"}
    assert ends == ({"completed", "canceled"} if "tif" in standing else {"completed", "canceled", "rejected"})


def test_an_order_that_is_post_only_never_pays_the_takers_fee() -> None:
    rules = {"entries": {"at": {**UP, "limit": "close - 1", "valid": 4, "post_only": True}}, "exits": LATE}
    broker = {"cash": 1e6, "fees": {"maker": "1bp", "taker": "10bp"}}
    for seed in range(3):
        made = run_everywhere(rules, walk(seed), broker=broker)
        opened = [fill for fill in made.record.fills if fill.opened]
        assert opened
        assert all(fill.opened_fee == abs(fill.opened) * 0.0001 * fill.price for fill in opened)


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ({"entries": {"a": {**UP, "tif": "gtc"}}}, "entries.a.tif: goes with `limit` or `stop`"),
        ({"entries": {"a": {**UP, "limit": "close", "tif": "ico"}}}, "a.tif must be one of 'gtc', 'ioc', 'day'"),
        ({"entries": {"a": {**UP, "limit": "close", "tif": "gtc", "valid": 3}}}, "leave out one of the two"),
        ({"entries": {"a": {**UP, "stop": "close", "tif": "ioc"}}}, "ioc is of a limit order"),
        ({"entries": {"a": {**UP, "stop": "close", "post_only": True}}}, "post_only: is of a limit order"),
        ({"entries": {"a": {**UP, "limit": "close", "post_only": True, "tif": "ioc"}}}, "tif: ioc only then"),
        ({"entries": {"a": UP}, "exits": {"x": {**UP, "valid": 3}}}, "exits.x.valid: goes with `limit`"),
        ({"entries": {"a": UP}, "exits": {"x": {**UP, "limit": "clsoe"}}}, "exits.x.limit: column 1: unknown name"),
    ],
)
def test_what_is_wrong_with_how_orders_stand_is_told(rules: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as err:
        config_of(rules)
    assert told in str(err.value)


class TestConditions:
    """What the broker makes of what is said of an order."""

    def test_what_reduces_only_is_cut_and_ends_with_the_position(self) -> None:
        from tapeflow.tests.helpers.trading import config, moving, trade

        market = moving(100, 100, 104, 108, 112, 116, reach=1.0)

        def sell(strategy: Any, price: float) -> None:
            strategy.sell(size=2, price=price, exectype=bt.Order.Limit, reduce_only=True)

        script = {
            1: lambda s: s.buy(size=3),
            2: lambda s: [sell(s, price) for price in (103.0, 107.0, 111.0)],
        }
        made = trade(market, script, config())
        assert [(fill.closed + fill.opened) for fill in made.fills] == [3.0, -2.0, -1.0]
        assert [row["status"] for row in made.orders][-1] == "canceled"
        assert Broker.inside == "next_bar"
