"""Fees by volume, by the contract and with a minimum, against plain Python."""

from __future__ import annotations

from typing import Any

import backtrader as bt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapeflow.core.clock import DAY
from tapeflow.core.errors import TapeflowError
from tapeflow.tests.helpers.trading import buy, config, flat, moving, random_walk, sell, trade

TIERS = [{"volume": 1000, "maker": "1bp", "taker": "4bp"}, {"volume": 5000, "maker": "-1bp", "taker": "3bp"}]
FEES = {"maker": "2bp", "taker": "5bp", "tiers": TIERS}


def by_the_book(fills: list[tuple[int, float]], base: float = 5e-4) -> list[float]:
    """The taker's fee of each fill: time and notional in, the volume of the 30 days before counted by hand."""
    made = []
    for i, (time, notional) in enumerate(fills):
        volume = sum(n for t, n in fills[:i] if t > time - 30 * DAY)
        rate = 3e-4 if volume >= 5000 else 4e-4 if volume >= 1000 else base
        made.append(notional * rate)
    return made


def test_the_fee_falls_with_the_volume_of_the_fills_before() -> None:
    made = trade(flat(6), {0: buy(6), 1: buy(6), 2: buy(30), 3: buy(1)}, config(fees=FEES))
    assert made.column("commission") == pytest.approx([600 * 5e-4, 600 * 5e-4, 3000 * 4e-4, 100 * 4e-4])


@settings(max_examples=10, deadline=None)
@given(sizes=st.lists(st.integers(-20, 20).filter(bool), min_size=3, max_size=30), step=st.sampled_from((1, 3, 11)))
def test_a_fill_counts_for_thirty_days(sizes: list[int], step: int) -> None:
    market = flat(len(sizes) + 2, step=step * DAY)
    script = {i: buy(s) if s > 0 else sell(-s) for i, s in enumerate(sizes)}
    made = trade(market, script, config(cash=1e6, fees=FEES))
    times = market["close_time"][1:]
    expected = []
    for i, (time, notional) in enumerate([(int(t), abs(s) * 100.0) for t, s in zip(times, sizes, strict=False)]):
        past = [(int(t), abs(s) * 100.0) for t, s in zip(times[:i], sizes[:i], strict=True)]
        expected.append(by_the_book([*past, (time, notional)])[-1])
    assert made.column("commission") == pytest.approx(expected)


def test_a_resting_limit_order_pays_the_makers_fee_of_its_tier_and_may_earn_a_rebate() -> None:
    low = [100.0, 100, 100, 99, 100]
    script = {0: buy(60), 1: lambda s: s.sell(size=60), 2: lambda s: None}
    script[1] = lambda s: s.buy(size=1, exectype=bt.Order.Limit, price=99.5)
    made = trade(flat(5, low=low), script, config(fees=FEES))
    assert made.column("commission") == pytest.approx([6000 * 5e-4, -99.5 * 1e-4])


def test_contracts_and_a_minimum_cost_besides() -> None:
    fees = {"taker": "1bp", "per_contract": 0.02, "minimum": 0.5}
    perp = {"instrument": {"margin": "linear", "contract_size": 0.1, "leverage": 2}}
    made = trade(flat(4), {0: buy(0.3), 1: buy(50)}, config(fees=fees, data=perp))
    assert made.column("commission") == pytest.approx([0.5, 5000 * 1e-4 + 500 * 0.02])


def test_a_reversal_is_two_fills_and_pays_the_minimum_twice() -> None:
    made = trade(flat(4), {0: buy(1), 1: sell(2)}, config(fees={"taker": "1bp", "minimum": 3.0}))
    assert made.column("commission") == [3.0, 6.0]


def test_a_rebate_is_no_fee_below_the_minimum() -> None:
    low = [100.0, 100, 99, 100]
    script = {0: lambda s: s.buy(size=1, exectype=bt.Order.Limit, price=99.5)}
    made = trade(flat(4, low=low), script, config(fees={"maker": "-1bp", "minimum": 1.0}))
    assert made.column("commission") == pytest.approx([-99.5e-4])


def stop_limit(price: float, limit: float) -> Any:
    return lambda s: s.buy(size=1, exectype=bt.Order.StopLimit, price=price, plimit=limit)


@pytest.mark.parametrize(
    ("limit", "bars", "price", "rate"),
    [
        (103.0, {"high": [100, 103, 101.0], "close": [100, 101, 101.0]}, 102.0, 5e-4),
        (101.0, {"high": [100, 103, 100.0], "close": [100, 100.5, 100.0], "open": [100, 101, 100.0]}, 101.0, 2e-4),
        (100.2, {"high": [100, 103, 102.0], "close": [100, 101, 102.0], "open": [100, 100.5, 101.0]}, 100.2, 2e-4),
    ],
    ids=["fills at the stop: it takes", "falls back to its limit in the bar: it rests", "a bar later: it rests"],
)
def test_a_stop_limit_pays_by_what_it_did_after_its_stop(limit: float, bars: Any, price: float, rate: float) -> None:
    market = flat(3, low=[100.0, 100.0, 100.0], **bars)
    made = trade(market, {0: stop_limit(102.0, limit)}, config(fees={"maker": "2bp", "taker": "5bp"}))
    assert made.column("executed_price") == [price]
    assert made.column("commission") == pytest.approx([price * rate])


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_both_loops_agree_over_random_orders(seed: int) -> None:
    rng = np.random.default_rng(seed)
    market = random_walk(seed, step=DAY // 2)
    script = {
        int(bar): (buy if rng.random() < 0.5 else sell)(float(rng.integers(1, 30)))
        for bar in rng.choice(100, 40, replace=False)
    }
    fees = {**FEES, "minimum": 0.3}
    made = trade(market, script, config(cash=1e6, fees=fees))
    assert made.column("status").count("completed") > 20


@pytest.mark.parametrize(
    ("fees", "says"),
    [
        ({"tiers": [{"volume": 5}, {"volume": 5}]}, "broker.fees: tiers must have ascending volumes"),
        ({"tiers": [{"volume": 5, "taken": 1}]}, "unknown key 'taken', did you mean 'taker'?"),
        ({"minimum": -1}, "broker.fees.minimum: must be at least 0"),
        ({"tiers": [{"volume": 5, "taker": 5}]}, "must be a fraction between -10% and 10%"),
    ],
)
def test_a_schedule_that_is_none_is_told_in_one_line(fees: Any, says: str) -> None:
    with pytest.raises(TapeflowError) as caught:
        config(fees=fees)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_target_orders_are_for_fractions_of_a_coin() -> None:
    market = moving(40_000.0, 40_000.0, 40_000.0)
    made = trade(market, {0: lambda s: s.order_target_percent(target=0.5)}, config(data={"lot": 0.001}))
    assert made.position[-1] == 0.125
