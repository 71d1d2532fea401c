"""Limits that hold for any strategy: true ranges, a session's loss, the largest position."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import backtrader as bt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapeflow.configs.schema import config_schema
from tapeflow.core.clock import HOUR
from tapeflow.core.distances import parse_distance
from tapeflow.core.errors import TapeflowError
from tapeflow.strategies.framework.base import Strategy
from tapeflow.tests.helpers.trading import START, Ran, buy, config, flat, moving, random_walk, sell, trade, wilder


class _Enterer(Strategy):
    """Enters long on its bar 40, and stays."""

    def next(self) -> None:
        if len(self) == 40:
            self.enter_long(size=1)


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 1000), period=st.sampled_from((2, 5, 14, 30)), multiple=st.sampled_from((0.5, 2.0)))
def test_distances_in_true_ranges_are_those_known_when_the_entry_fills(seed: int, period: int, multiple: float) -> None:
    market = random_walk(seed)
    asked = {"stop_loss": f"{multiple} atr({period})", "take_profit": {"atr": 3, "period": period}}
    made = trade(market, {}, config(risk=asked), _Enterer)
    entry, (stop, target) = made.fills[0], made.orders[1:3]
    assert entry.bar == 40
    distance = wilder(market, 39, period)  # of the bar in which it fills nothing is known yet
    assert stop["price"] == pytest.approx(to_tick(entry.price - multiple * distance), rel=1e-9)
    assert target["price"] == pytest.approx(to_tick(entry.price + 3 * distance), rel=1e-9)


@pytest.mark.parametrize("name", ["stop_loss", "take_profit", "trailing_stop"])
def test_a_bar_without_a_close_before_the_protection_is_told_in_one_line(name: str) -> None:
    market = random_walk(1)
    close = np.where(np.arange(len(market)) == 30, np.nan, market["close"])
    with pytest.raises(TapeflowError, match="main: no average true range is known at bar 41 to protect a position by"):
        trade(market.assign(close=close), {}, config(risk={name: "2 atr"}), _Enterer)


@pytest.mark.parametrize("name", ["stop_loss", "take_profit", "trailing_stop"])
def test_an_entry_that_waits_for_an_open_is_protected_from_the_price_it_gets(name: str) -> None:
    market = random_walk(1)
    opened = np.where(np.arange(len(market)) == 40, np.nan, market["open"])
    made = trade(market.assign(open=opened), {}, config(risk={name: "1%"}), _Enterer)
    assert (made.fills[0].bar, made.fills[0].price) == (41, market["open"][41])
    price = market["open"][41]
    wanted = {
        "stop_loss": to_tick(price * 0.99),
        "take_profit": to_tick(price * 1.01),
        "trailing_stop": to_tick(max(price, market["close"][41]) * 0.99),
    }
    assert made.orders[1]["price"] == pytest.approx(wanted[name], rel=1e-9)


def to_tick(price: float) -> float:
    """The nearest price of the feed, whose tick is 0.1."""
    return round(price / 0.1) * 0.1


def test_a_trailing_stop_in_true_ranges_keeps_the_distance_it_began_with() -> None:
    market = random_walk(5)
    made = trade(market, {}, config(risk={"trailing_stop": "2 atr"}), _Enterer)
    distance = 2 * wilder(market, 39, 14)
    order = made.orders[1]
    end = made.fills[1].bar if len(made.fills) > 1 else len(market)
    highest = max(made.fills[0].price, *market["close"][40:end])
    assert order["price"] == pytest.approx(to_tick(highest - distance), rel=1e-9)


def test_nothing_is_decided_before_the_true_range_is_known() -> None:
    class Eager(Strategy):
        def next(self) -> None:
            if not self.position:
                self.enter_long(size=1)

    made = trade(random_walk(1), {}, config(risk={"stop_loss": "2 atr(20)"}), Eager)
    assert made.fills[0].bar == 21


def test_the_risk_block_stands_before_the_strategys_own_parameters() -> None:
    class Careful(Strategy):
        params = dict(stop_loss=1.0)

        def next(self) -> None:
            if len(self) == 1:
                self.enter_long(size=1)

    assert trade(flat(5), {}, config(), Careful).orders[1]["price"] == 99.0
    assert trade(flat(5), {}, config(risk={"stop_loss": "3%"}), Careful).orders[1]["price"] == 97.0


def test_a_bar_that_touches_stop_and_target_fills_the_stop() -> None:
    market = flat(6, high=[100.0] * 3 + [110, 100, 100], low=[100.0] * 3 + [90, 100, 100])
    for kwargs in ({"stop_loss": 5.0, "take_profit": 5.0}, {"take_profit": 5.0, "trailing_stop": 5.0}):
        made = trade(market, {0: lambda s: s.enter_long(size=1)}, config(risk=kwargs))
        assert made.fills[-1].price == 95.0
        assert "completed" not in [row["status"] for row in made.orders if row["reason"] == "take_profit"]


class _Churner(Strategy):
    """Is long whenever it may be."""

    def next(self) -> None:
        if not self.position:
            self.enter_long(size=10)


def falling(days: int = 3) -> Any:
    """Hourly bars that lose one each."""
    return moving(*(1000.0 - i for i in range(24 * days)), step=HOUR)


def test_a_session_that_has_lost_too_much_is_over() -> None:
    made = trade(falling(), {}, config(cash=100_000, risk={"daily_loss": 55}), _Churner)
    reasons = [f.reason for f in made.fills]
    assert reasons == ["long.enter", "daily_loss"] * 3
    first, last = made.fills[0], made.fills[1]
    # bought at 1000 in bar 1, worth 60 less at the close of bar 6, sold at the next open
    assert (first.bar, first.price, last.bar, last.price) == (1, 1000.0, 7, 994.0)
    assert made.fills[2].bar == 25  # decided at the close of the next day's first bar
    for bar in range(8, 25):
        assert made.position[bar] == 0


def by_hand(market: Any, made: Ran, limit: float, offset: int) -> set[int]:
    """Bars at whose close the loss of their session has reached ``limit``."""
    over, session, first, worth = set(), None, 0.0, 2000.0
    halted = False
    for bar, value in enumerate(made.value):
        own = (int(market["open_time"][bar]) // HOUR - offset) // 24
        if own != session:
            session, first, halted = own, worth, False
        worth = value
        halted = halted or first - worth >= limit * first
        if halted:
            over.add(bar)
    return over


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 1000))
def test_nothing_is_opened_in_a_session_that_is_over(seed: int) -> None:
    market = random_walk(seed, 200)
    made = trade(market, {}, config(cash=2000, risk={"daily_loss": "1%", "stop_loss": "2%"}), _Churner)
    over = by_hand(market, made, 0.01, 0)
    assert over
    for row in made.orders:
        sent = int((row["created_time"] - START) // HOUR) - 1
        assert sent not in over or row["reason"] in ("daily_loss", "stop_loss")
    for bar in over:
        if bar + 1 in over:
            assert made.position[bar + 1] == 0


def test_a_session_may_begin_at_the_midnight_of_a_zone() -> None:
    asked = {"daily_loss": 55, "session": "1d:America/New_York"}
    made = trade(falling(), {}, config(cash=100_000, risk=asked), _Churner)
    again = [f.bar for f in made.fills if f.reason == "long.enter"][1]
    opened = datetime.fromtimestamp((START + (again - 1) * HOUR) / 1e6, UTC)
    assert opened.hour == 5


def test_working_orders_are_cancelled_when_a_session_is_over() -> None:
    script = {0: lambda s: (s.enter_long(size=10), s.buy(size=1, exectype=bt.Order.Limit, price=900))}
    made = trade(falling(1), script, config(cash=100_000, risk={"daily_loss": 55}))
    assert made.column("status") == ["completed", "canceled", "completed"]


class TestLargestPosition:
    """``max_position``."""

    def test_orders_are_cut_to_the_room_there_is(self) -> None:
        script = {0: buy(3), 1: buy(3), 2: buy(3), 4: sell(9), 6: sell(9)}
        made = trade(flat(9), script, config(risk={"max_position": 5}))
        assert made.column("size") == [3.0, 2.0, 9.0, 1.0]
        assert made.position == [0, 3, 5, 5, 5, -4, -4, -5, -5]

    def test_orders_that_work_count_as_filled(self) -> None:
        script = {0: lambda s: (s.buy(size=3, exectype=bt.Order.Limit, price=90), s.buy(size=4))}
        made = trade(flat(4), script, config(risk={"max_position": 5}))
        assert made.column("size") == [3.0, 2.0]

    def test_working_orders_of_the_other_side_take_no_room(self) -> None:
        far = sell(4, exectype=bt.Order.Limit, price=200.0)
        made = trade(flat(5), {0: far, 1: buy(9)}, config(risk={"max_position": 5}))
        assert made.position[-1] == 5.0

    def test_a_share_of_the_equity_is_notional(self) -> None:
        made = trade(flat(4), {0: buy(900)}, config(risk={"max_position": "30%"}, data={"lot": 0.1}))
        assert made.column("size") == [30.0]

    def test_protection_and_target_orders_are_no_exceptions_and_work(self) -> None:
        limits = {"max_position": 2, "stop_loss": 5.0, "take_profit": 5.0}
        market = moving(100.0, 100, 100, 100, 106, 106)
        made = trade(market, {0: lambda s: s.enter_long(size=4)}, config(risk=limits))
        assert made.column("size") == [2.0, 2.0, 2.0]
        assert made.position[-1] == 0

    def test_a_bracket_without_room_is_not_sent(self) -> None:
        ends = {"stopprice": 90.0, "limitprice": 110.0, "exectype": bt.Order.Market}
        script = {0: buy(2), 2: lambda s: s.buy_bracket(size=2, **ends)}
        made = trade(flat(5), script, config(risk={"max_position": 2}))
        assert len(made.orders) == 1
        cut = trade(flat(5), {0: lambda s: s.buy_bracket(size=4, **ends)}, config(risk={"max_position": 3}))
        assert cut.column("size") == [3.0, 3.0, 3.0]


@pytest.mark.parametrize("text", ["2 atr", "2atr(14)", "2 ATR (14)", {"atr": 2}, {"atr": 2.0, "period": 14}])
def test_true_ranges_are_written_as_people_do(text: Any) -> None:
    made = parse_distance(text)
    assert (made.multiple, made.period) == (2.0, 14)
    assert config(params={"stop_loss": text}).strategy.params["stop_loss"] == text


@pytest.mark.parametrize(
    ("risk", "says"),
    [
        ({"stop_loss": "2 art"}, "risk.stop_loss: must be an amount above 0"),
        ({"stop_loss": "0 atr"}, "must be more than 0 average true ranges"),
        ({"stop_loss": {"atr": 2, "perod": 5}}, "unknown key 'perod', did you mean 'period'?"),
        ({"stop_loss": {"atr": 2, "period": 1}}, "must have a period of 2 to"),
        ({"daily_loss": "200%"}, "risk.daily_loss: must be an amount above 0"),
        ({"session": "1d:New York"}, "'New York' is no time zone"),
        ({"max_position": "2ticks"}, "risk.max_position: must be above 0"),
        ({"max_loss": 1}, "unknown key 'max_loss'"),
        ({"time_stop": 0}, "risk.time_stop: must be at least 1"),
    ],
)
def test_a_limit_that_is_none_is_told_in_one_line(risk: Any, says: str) -> None:
    with pytest.raises(TapeflowError) as caught:
        config(risk=risk)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_distance_in_ticks_needs_the_tick() -> None:
    feed = {"feed": "BinanceAggTrades", "path": "x.zip"}
    with pytest.raises(TapeflowError, match=r"risk.take_profit: is in ticks: set `tick`"):
        config(risk={"take_profit": "3ticks"}, data=feed)
    assert config(risk={"take_profit": "3ticks"}, data={**feed, "tick": 0.5}).risk.take_profit == "3ticks"


def test_the_schema_describes_every_limit() -> None:
    made = config_schema()["$defs"]["Risk"]["properties"]
    assert set(made) == {
        "stop_loss", "take_profit", "trailing_stop", "time_stop", "daily_loss", "session", "drawdown", "max_position",
    }  # fmt: skip
    assert all(one.get("description") for one in made.values())


def test_random_walks_under_all_limits_are_equal_in_both_loops() -> None:
    limits = {"stop_loss": "2 atr", "take_profit": "3 atr", "daily_loss": "1%", "max_position": "80%"}
    for seed in range(4):
        made = trade(random_walk(seed, 150), {}, config(risk=limits, sizer={"percent": 90}), _Churner)
        assert np.isfinite(made.value).all()
