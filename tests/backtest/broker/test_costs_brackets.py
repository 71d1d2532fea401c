"""Maintenance by brackets of notional: tables, liquidation prices and limits to leverage, against plain Python."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tapeflow.backtest.broker.contracts import Contract, Inverse
from tapeflow.backtest.inputs.read import Source
from tapeflow.backtest.runner import simulate
from tapeflow.configs.instrument_block import Instrument
from tapeflow.configs.loader import from_mapping
from tapeflow.core.brackets import Bracket
from tapeflow.core.errors import TapeflowError
from tapeflow.tests.backtest.broker.test_costs_margin import hold
from tapeflow.tests.helpers.trading import buy, config, flat, moving, random_walk, sell, trade

TABLE = [
    {"floor": 0, "rate": "0.5%", "leverage": 50},
    {"floor": 2_000, "rate": "1%", "leverage": 20},
    {"floor": 6_000, "rate": "4%", "leverage": 10},
]


def perp(leverage: float = 20, brackets: Any = TABLE, **more: Any) -> dict[str, Any]:
    return {"instrument": {"margin": "linear", "leverage": leverage, "brackets": brackets, **more}}


def maintenance(notional: float, steps: list[tuple[float, float]]) -> float:
    """What is to be kept of a notional: each part of it at the rate of the bracket that it lies in."""
    ends = [floor for floor, _ in steps[1:]] + [math.inf]
    return math.fsum(
        rate * max(0.0, min(notional, end) - floor) for (floor, rate), end in zip(steps, ends, strict=True)
    )


def search(over: Any, near: float, far: float) -> float:
    """The price between two at which what is left changes its sign."""
    for _ in range(200):
        middle = (near + far) / 2
        near, far = (middle, far) if over(middle) > 0 else (near, middle)
    return near


@st.composite
def tables(draw: Any) -> list[tuple[float, float]]:
    """Floors and rates, both ascending."""
    count = draw(st.integers(1, 6))
    floors = sorted(draw(st.lists(st.floats(1, 1e5), min_size=count - 1, max_size=count - 1, unique=True)))
    rates = sorted(draw(st.lists(st.floats(0, 0.3), min_size=count, max_size=count, unique=True)))
    assume(all(b - a > 1e-6 for a, b in itertools.pairwise(rates)))
    assume(all(b / a > 1.001 for a, b in itertools.pairwise(floors)))
    return list(zip([0.0, *floors], rates, strict=True))


def instrument(steps: list[tuple[float, float]], coin: bool = False) -> Instrument:
    rows = [{"floor": floor, "rate": rate} for floor, rate in steps]
    more: dict[str, Any] = {"margin": "inverse", "contract_size": 100} if coin else {"margin": "linear"}
    return Instrument(brackets=rows, **more)


@given(steps=tables(), notional=st.floats(0, 1e6))
def test_each_part_of_a_notional_is_kept_at_the_rate_of_its_bracket(
    steps: list[tuple[float, float]], notional: float
) -> None:
    made = Contract(brackets=tuple(instrument(steps).table))
    assert made.kept(1.0, notional) == pytest.approx(maintenance(notional, steps), rel=1e-9, abs=1e-9)


@settings(max_examples=300, deadline=None)
@given(
    steps=tables(),
    size=st.sampled_from((-700.0, -3.0, -0.5, 0.5, 3.0, 700.0)),
    entry=st.floats(10, 1000),
    part=st.floats(0.02, 2.0),
    coin=st.booleans(),
)
def test_the_liquidation_price_is_where_a_search_finds_that_margin_balance_is_the_maintenance(
    steps: list[tuple[float, float]], size: float, entry: float, part: float, coin: bool
) -> None:
    table = tuple(instrument(steps, coin).table)
    made: Contract = Inverse(size=100.0, brackets=table) if coin else Contract(brackets=table)
    stake = part * (abs(size) * 100.0 / entry if coin else abs(size) * entry)

    def over(price: float) -> float:
        gain = size * 100.0 * (1 / entry - 1 / price) if coin else size * (price - entry)
        return stake + gain - maintenance(abs(size) * 100.0 / price if coin else abs(size) * price, steps)

    assume(over(entry) > 1e-9 * stake)
    far = 1e-9 * entry if size > 0 else 1e9 * entry
    found = made.liquidation_price(size, entry, stake)
    if over(far) < 0:
        assert found == pytest.approx(search(over, entry, far), rel=1e-6)
        assert abs(over(found)) < 1e-9 * (stake + abs(size) * max(entry, found))
    else:
        assert math.isnan(found) or (found < far if size > 0 else found > far)


def test_a_table_with_its_deductions_is_the_same_as_one_without() -> None:
    given_ = [{**row, "deduction": d} for row, d in zip(TABLE, (0, 10, 190), strict=True)]
    assert config(data=perp(10, given_)).data["main"].instrument.table == [
        Bracket(0.005, 0.0, 0.0, 50.0), Bracket(0.01, 10.0, 2_000.0, 20.0), Bracket(0.04, 190.0, 6_000.0, 10.0),
    ]  # fmt: skip
    assert (
        config(data=perp(10)).data["main"].instrument.table
        == config(data=perp(10, given_)).data["main"].instrument.table
    )


def test_one_bracket_does_what_one_rate_does() -> None:
    market, script = random_walk(7), {3: buy(60), 30: sell(90), 60: buy(80), 90: sell(20)}
    one = trade(market, script, config(cash=800, data=perp(10, [{"floor": 0, "rate": "1%"}])))
    rate = {"instrument": {"margin": "linear", "leverage": 10, "maintenance": "1%"}}
    assert repr(one) == repr(trade(market, script, config(cash=800, data=rate)))


@pytest.mark.parametrize("isolated", [False, True])
def test_a_long_is_closed_at_the_price_of_its_bracket(isolated: bool) -> None:
    more = {"collateral": "isolated"} if isolated else {}
    made = trade(moving(100.0, 100.0, 98.0, 70.0), {0: buy(50)}, config(cash=400, data=perp(20, **more)))
    stake = 250.0 if isolated else 400.0  # 50 at 100 over 20, or the whole account
    price = (50 * 100 - stake - 10) / (50 * 0.99)  # the second bracket: 1 % less 10
    assert 2_000 < 50 * price < 6_000
    assert made.column("reason")[-1] == "liquidation"
    assert made.fills[-1].price == pytest.approx(price)


def test_a_short_is_closed_in_the_bracket_that_it_has_grown_into() -> None:
    made = trade(moving(100.0, 100.0, 130.0, 150.0), {0: sell(50)}, config(cash=1_500, data=perp(20)))
    price = (50 * 100 + 1_500 + 190) / (50 * 1.04)  # the third: 4 % less 190
    assert 50 * price > 6_000 > 50 * 100
    assert made.fills[-1].price == pytest.approx(price)
    assert made.fills[-1].bar == 2


def test_other_positions_of_the_account_keep_what_their_brackets_say() -> None:
    contract = Contract(brackets=tuple(instrument([(0.0, 0.01), (2_000.0, 0.03)]).table))
    assert contract.kept(-30.0, 100.0) == pytest.approx(2_000 * 0.01 + 1_000 * 0.03)


def test_an_order_into_a_bracket_that_does_not_allow_its_leverage_is_refused() -> None:
    def status(size: float, leverage: float, script: Any = None) -> list[str]:
        made = script or {0: buy(size)}
        return trade(flat(6), made, config(cash=10_000, data=perp(leverage))).column("status")

    assert status(60, 20) == ["completed"]  # 6,000
    assert status(60.1, 20) == ["margin"]
    assert status(60.1, 10) == ["completed"]
    assert status(20, 50) == ["completed"]  # 2,000
    assert status(20.1, 50) == ["margin"]
    assert status(0, 20, {0: buy(40), 2: buy(30)}) == ["completed", "margin"], "what is held counts"
    assert status(0, 20, {0: buy(60), 2: sell(120)}) == ["completed", "completed"], "a reversal is as large as its rest"
    assert status(0, 20, {0: buy(60), 2: sell(121)}) == ["completed", "margin"]


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000), coin=st.booleans())
def test_both_loops_agree_and_no_account_goes_below_nothing(seed: int, coin: bool) -> None:
    scale = 0.01 if coin else 1.0  # notionals are in coin
    rows = [{**row, "floor": row["floor"] * scale * 0.5, "leverage": None} for row in TABLE]
    more: dict[str, Any] = {"margin": "inverse", "contract_size": 100} if coin else {}
    hold(seed, "inverse" if coin else "cross", perp(20, rows, **more))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"brackets": [TABLE[1], TABLE[0]]}, "brackets must have ascending floors from 0 on (got 2000, 0)"),
        ({"brackets": [TABLE[0], TABLE[0]]}, "brackets must have ascending floors from 0 on (got 0, 0)"),
        ({"brackets": TABLE[1:]}, "brackets must have ascending floors from 0 on (got 2000, 6000)"),
        (
            {"brackets": [TABLE[0], {**TABLE[1], "rate": "0.4%"}]},
            "brackets must have ascending rates (got 0.5000%, 0.4000%)",
        ),
        (
            {"brackets": [TABLE[0], {**TABLE[1], "leverage": 60}]},
            "brackets must not allow more leverage on a larger notional (got 50, 60)",
        ),
        (
            {"brackets": [TABLE[0], {**TABLE[1], "deduction": 50}]},
            "deduction 50 makes the maintenance leap at the floor 2000 of bracket 2; 10 does not",
        ),
        ({"leverage": 60}, "leverage 60 is more than any bracket allows, 50 at most"),
        (
            {"brackets": [{"floor": 0, "rate": "1%"}, {"floor": 100, "rate": "6%"}]},
            "rate 6.000% of bracket 2 is not below 1 / leverage 5.000%",
        ),
        ({"maintenance": "1%"}, "brackets have their own rates; leave out maintenance"),
        ({"margin": "spot", "leverage": 1}, "brackets are for margin linear or inverse, or spot above leverage 1"),
        ({"brackets": [{**TABLE[0], "leverag": 5}]}, "unknown key 'leverag', did you mean 'leverage'?"),
        ({"brackets": [{"floor": 0}]}, "missing key 'rate'"),
    ],
)
def test_a_table_that_cannot_be_is_told_in_one_line(change: dict[str, Any], says: str) -> None:
    with pytest.raises(TapeflowError) as caught:
        config(data={"instrument": {**perp()["instrument"], **change}})
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_run_says_that_its_maintenance_goes_by_brackets() -> None:
    raw = {
        "data": {"main": {"feed": "SyntheticTape", **perp()}}, "broker": {"funding": "1bp"},
        "strategy": {"kind": "Rules", "params": {"long": {"enter": "close > open"}}},
    }  # fmt: skip
    told = simulate(from_mapping(raw), {"main": Source(None, random_walk(1))}).assumptions()
    assert any("maintenance by 3 brackets of notional from 0.500% to 4.000%" in line for line in told)
