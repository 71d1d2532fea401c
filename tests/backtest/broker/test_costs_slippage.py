"""Slippage by range, square-root impact and the part of a bar's volume that own orders may be."""

from __future__ import annotations

import itertools
import math
import statistics
from typing import Any

import backtrader as bt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapeflow.backtest.broker.impact import SquareRoot
from tapeflow.configs.units import Slippage
from tapeflow.core.errors import TapeflowError
from tapeflow.strategies.framework.base import Strategy
from tapeflow.tests.helpers.trading import buy, config, flat, moving, random_walk, sell, trade


def test_a_share_of_the_range_of_the_bar_that_fills() -> None:
    market = flat(4, high=[100.0, 104, 100, 107], low=[100.0, 98, 100, 97])
    made = trade(market, {0: buy(1), 2: sell(1)}, config(slippage="10% range"))
    assert made.column("executed_price") == pytest.approx([100 + 0.1 * 6, 100 - 0.1 * 10])


def test_slippage_by_range_takes_no_limit_order_through_its_limit() -> None:
    market = flat(3, high=[100.0, 104, 100], low=[100.0, 90, 100])
    script = {0: lambda s: s.buy(size=1, exectype=bt.Order.Limit, price=100.5)}
    made = trade(market, script, config(slippage="50% range"))
    assert made.column("executed_price") == [100.5]


@pytest.mark.parametrize(("text", "amount"), [("10% range", 0.1), ("33.3 % of range", 0.333), ("100% Range", 1.0)])
def test_a_share_of_the_range_is_written_as_people_do(text: str, amount: float) -> None:
    made = Slippage.parse(text)
    assert (made.amount, made.unit) == (pytest.approx(amount), "range")
    assert Slippage.parse(str(made)) == made


@pytest.mark.parametrize("text", ["0% range", "120% range", "-5% range", "range"])
def test_a_share_of_the_range_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(TapeflowError, match="slippage"):
        config(slippage=text)


def impact_by_hand(market: Any, bar: int, size: float, coefficient: float, window: int) -> float:
    """Share of the price that an order filled at ``bar`` moves it."""
    bars = min(window, bar)
    if bars < 3:
        return 0.0
    closes = [float(c) for c in market["close"][max(bar - window - 1, 0) : bar]]
    moves = [math.log(b / a) for a, b in itertools.pairwise(closes)]
    volume = statistics.fmean(market["volume"][bar - bars : bar])
    return coefficient * statistics.stdev(moves) * math.sqrt(size / volume)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), size=st.sampled_from((0.5, 3.0, 40.0)), bar=st.integers(0, 100))
def test_impact_is_the_square_root_law_of_the_bars_before(seed: int, size: float, bar: int) -> None:
    market = random_walk(seed)
    made = trade(market, {bar: buy(size)}, config(cash=1e6, impact={"coefficient": 0.7, "window": 30}))
    share = impact_by_hand(market, bar + 1, size, 0.7, 30)
    assert made.column("executed_price") == pytest.approx([market["open"][bar + 1] * (1 + share)], rel=1e-12)


def test_impact_does_not_depend_on_the_length_of_the_bars() -> None:
    law, sigma, volume = SquareRoot(1.0, 100), 0.01, 50.0
    assert law.of(sigma * math.sqrt(8), volume * 8, 5.0) == pytest.approx(law.of(sigma, volume, 5.0))


def test_where_nothing_trades_an_order_of_unbounded_impact_waits() -> None:
    closes = np.array([100.0, 101, 100, 101, 100, 101, 100, 101, 100])
    market = moving(*closes, volume=[0, 0, 0, 0, 0, 0, 4, 4, 4])
    made = trade(market, {4: buy(1)}, config(impact={"coefficient": 1.0, "window": 3}))
    assert [fill.bar for fill in made.fills] == [7]


def test_impact_comes_on_top_of_slippage() -> None:
    market = random_walk(3)
    made = trade(market, {50: sell(2)}, config(slippage=0.25, impact={"window": 20}))
    share = impact_by_hand(market, 51, 2, 1.0, 20)
    assert made.column("executed_price") == pytest.approx([market["open"][51] * (1 - share) - 0.25], rel=1e-12)


def test_an_order_takes_as_many_bars_as_its_part_of_the_volume_allows() -> None:
    market = flat(8, volume=[10, 20, 0, 30, 10, 50, 10, 10])
    made = trade(market, {0: buy(4)}, config(participation="5%", data={"lot": 0.1}))
    assert [(fill.bar, fill.opened) for fill in made.fills] == [
        (1, pytest.approx(1.0)), (3, pytest.approx(1.5)), (4, pytest.approx(0.5)), (5, pytest.approx(1.0)),
    ]  # fmt: skip
    assert made.column("status") == ["completed"]
    assert made.position[-1] == pytest.approx(4.0)


def test_orders_share_a_bars_volume_first_come_first_served() -> None:
    made = trade(
        flat(5, volume=[100.0] * 5), {0: lambda s: (s.buy(size=4), s.sell(size=3))}, config(participation="5%")
    )
    assert [(fill.bar, fill.ref, fill.opened + fill.closed) for fill in made.fills] == [
        (1, 1, 4),
        (1, 2, -1),
        (2, 2, -2),
    ]


def test_the_rest_of_an_order_leaves_what_it_does_not_take_of_its_bar() -> None:
    made = trade(flat(5, volume=[100.0] * 5), {0: lambda s: (s.buy(size=7), s.buy(size=4))}, config(participation="5%"))
    assert [(fill.bar, fill.ref, fill.opened) for fill in made.fills] == [(1, 1, 5), (2, 1, 2), (2, 2, 3), (3, 2, 1)]


def test_a_volume_below_one_is_a_volume() -> None:
    law = SquareRoot(2.0, 100)
    assert law.of(0.01, 0.5, 0.5) == 0.02
    assert math.isnan(law.of(0.01, 0.0, 0.5))


def test_a_stop_that_was_touched_goes_on_at_market() -> None:
    market = flat(6, low=[100.0, 100, 95, 100, 100, 100], volume=[1000, 1000, 40, 40, 40, 40])
    script = {0: buy(5), 1: lambda s: s.sell(size=5, exectype=bt.Order.Stop, price=97)}
    made = trade(market, script, config(participation="5%"))
    assert [(fill.bar, fill.price, fill.closed) for fill in made.fills[1:]] == [
        (2, 97.0, -2.0), (3, 100.0, -2.0), (4, 100.0, -1.0),
    ]  # fmt: skip


def test_the_rest_of_a_target_that_filled_in_part_is_protected_again() -> None:
    market = flat(8, high=[100.0, 100, 106, 100, 100, 100, 100, 100], low=[100.0, 100, 100, 100, 97, 97, 97, 97],
                  volume=[1e4, 1e4, 40, 40, 400, 400, 400, 400])  # fmt: skip
    limits = {"stop_loss": 2.0, "take_profit": 5.0}
    made = trade(market, {0: lambda s: s.enter_long(size=5)}, config(participation="5%", risk=limits))
    assert [(fill.bar, fill.reason, fill.price, fill.closed) for fill in made.fills[1:]] == [
        (2, "take_profit", 105.0, -2.0), (4, "stop_loss", 98.0, -3.0),
    ]  # fmt: skip
    assert made.position[-1] == 0.0


def test_an_exit_that_takes_several_bars_is_sent_once() -> None:
    class Patient(Strategy):
        def next(self) -> None:
            if len(self) == 1:
                self.enter_long(size=4)
            elif self.position and len(self) >= 4:
                self.exit()

    made = trade(flat(12, volume=[1000] * 3 + [40] * 9), {}, config(participation="5%"), Patient)
    assert made.column("size") == [4.0, 4.0]
    assert made.position[-1] == 0.0


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_no_bar_sees_more_of_own_fills_than_its_part(seed: int) -> None:
    rng, market = np.random.default_rng(seed), random_walk(seed)
    kinds = [{}, {"exectype": bt.Order.Limit, "price": 100.0}, {"exectype": bt.Order.Stop, "price": 101.0}]
    script = {
        int(bar): (buy if rng.random() < 0.5 else sell)(float(rng.integers(1, 30)) / 10, **kinds[int(rng.integers(3))])
        for bar in rng.choice(100, 25, replace=False)
    }
    asked = config(cash=1e6, participation="10%", slippage="5% range", impact={"window": 10}, data={"lot": 0.01})
    made = trade(market, script, asked)
    filled = np.zeros(len(market))
    for fill in made.fills:
        filled[fill.bar] += abs(fill.opened) + abs(fill.closed)
    assert (filled <= 0.1 * market["volume"] + 1e-9).all()


@pytest.mark.parametrize("value", ["0%", "101%", "-5%", 0, "lots"])
def test_a_participation_that_is_none_is_refused(value: Any) -> None:
    with pytest.raises(TapeflowError, match="participation"):
        config(participation=value)
