"""Margin: leverage, contracts settled in quote currency and in coin, and forced closing, against plain Python."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import backtrader as bt
import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapeflow.api import run
from tapeflow.backtest.broker.contracts import Contract, Inverse
from tapeflow.configs.fills_block import Fills
from tapeflow.configs.loader import from_mapping
from tapeflow.core.brackets import Bracket
from tapeflow.core.errors import TapeflowError
from tapeflow.tests.helpers.trading import buy, config, flat, moving, random_walk, sell, trade


def linear(leverage: float = 10, **more: Any) -> dict[str, Any]:
    return {"instrument": {"margin": "linear", "leverage": leverage, "maintenance": "1%", **more}}


def inverse(leverage: float = 10) -> dict[str, Any]:
    return {"instrument": {**linear(leverage)["instrument"], "margin": "inverse", "contract_size": 100}}


def bisect(f: Any, low: float, high: float) -> float:
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if f(low) * f(middle) > 0 else (low, middle)
    return low


@settings(max_examples=100, deadline=None)
@given(
    size=st.sampled_from((-3.0, -0.5, 0.5, 3.0)),
    entry=st.floats(10, 1000),
    part=st.floats(0.02, 0.5),
    rate=st.sampled_from((0.0, 0.004, 0.05)),
    coin=st.booleans(),
)
def test_the_liquidation_price_leaves_just_the_maintenance(
    size: float, entry: float, part: float, rate: float, coin: bool
) -> None:
    one = (Bracket(rate),)
    made: Contract = Inverse(size=100.0, brackets=one) if coin else Contract(brackets=one)
    stake = part * (abs(size) * 100.0 / entry if coin else abs(size) * entry)

    def over(price: float) -> float:
        gain = size * 100.0 * (1 / entry - 1 / price) if coin else size * (price - entry)
        return stake + gain - rate * (abs(size) * 100.0 / price if coin else abs(size) * price)

    side = -1 if size > 0 else 1
    found = made.liquidation_price(size, entry, stake)
    far = entry * (3.0 if side > 0 else 0.2)
    if over(far) < 0 < over(entry):
        assert found == pytest.approx(bisect(over, entry, far), rel=1e-9)
    elif not math.isnan(found) and over(entry) > 0:
        assert (found - far) * side >= 0


def test_a_short_that_the_coin_covers_is_never_closed_by_force() -> None:
    assert math.isnan(Inverse(size=100.0, brackets=(Bracket(0.005),)).liquidation_price(-10.0, 50_000.0, 0.03))


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), coin=st.booleans())
def test_the_account_is_what_a_ledger_kept_by_hand_says(seed: int, coin: bool) -> None:
    rng, market = np.random.default_rng(seed), random_walk(seed)
    script = {
        int(bar): (buy if rng.random() < 0.5 else sell)(float(rng.integers(1, 30)))
        for bar in rng.choice(100, 20, replace=False)
    }
    start = 100.0 if coin else 10_000.0
    asked = config(cash=start, fees={"taker": "5bp"}, data=inverse(20) if coin else linear(20))
    made = trade(market, script, asked)
    ledger = Ledger(start, coin)
    for bar, close in enumerate(market["close"]):
        if amount := filled(made, bar):
            ledger.fill(amount, market["open"][bar])
        assert made.position[bar] == pytest.approx(ledger.size, abs=1e-9)
        assert made.cash[bar] == pytest.approx(ledger.wallet, rel=1e-9)
        assert made.value[bar] == pytest.approx(
            ledger.wallet + ledger.size * ledger.worth(close) - ledger.paid, rel=1e-9
        )


class Ledger:
    """An account kept by hand: what is open was had for so much, and what is closed settles its part of that."""

    def __init__(self, wallet: float, coin: bool) -> None:
        self.wallet, self.coin, self.size, self.paid = wallet, coin, 0.0, 0.0

    def worth(self, price: float) -> float:
        """Of one contract, up to a constant that profits do not see."""
        return -100.0 / price if self.coin else price

    def fill(self, amount: float, price: float) -> None:
        self.wallet -= 5e-4 * abs(amount) * abs(self.worth(price))
        if self.size * amount < 0:
            closed = math.copysign(min(abs(amount), abs(self.size)), amount)
            share = -closed / self.size
            self.wallet += -closed * self.worth(price) - share * self.paid
            self.paid -= share * self.paid
            self.size, amount = self.size + closed, amount - closed
        self.paid += amount * self.worth(price)
        self.size += amount


def filled(made: Any, bar: int) -> float:
    return math.fsum(f.opened + f.closed for f in made.fills if f.bar == bar)


def test_leverage_bounds_what_can_be_opened_by_the_free_margin() -> None:
    def status(size: float, leverage: float) -> list[str]:
        return trade(flat(3), {0: buy(size)}, config(cash=1000, data=linear(leverage))).column("status")

    assert status(10, 1) == ["completed"]
    assert status(10.01, 1) == ["margin"]
    assert status(100, 10) == ["completed"]
    assert status(100.1, 10) == ["margin"]


def test_what_the_bar_of_the_fill_does_later_refuses_no_order() -> None:
    script = {0: sell(30), 2: sell(15)}
    still, against = moving(100.0, 100, 100, 100, 110), moving(100.0, 100, 100, 110, 110)
    for market in (still, against):
        made = trade(market, script, config(cash=1000, data=linear(5)))
        assert made.column("status") == ["completed", "completed"]
        assert made.value[-1] == 1000.0 - 45 * 10


def test_the_fee_has_to_be_covered_too() -> None:
    def status(size: float) -> list[str]:
        asked = config(cash=1000, data=linear(10), fees={"taker": "10bp"})
        return trade(flat(3), {0: buy(size)}, asked).column("status")

    assert status(99.0) == ["completed"]  # 990 margin and 9.90 fee
    assert status(99.1) == ["margin"]


def test_an_order_that_only_closes_needs_no_margin_and_a_group_counts_once() -> None:
    def act(s: Any) -> None:
        stop = s.sell(size=95, exectype=bt.Order.Stop, price=90)
        s.sell(size=95, exectype=bt.Order.Limit, price=110, oco=stop)

    made = trade(moving(100.0, 100, 100, 112, 112), {0: buy(95), 1: act}, config(cash=1000, data=linear(10)))
    assert made.column("status") == ["completed", "canceled", "completed"]
    assert made.cash[-1] == pytest.approx(1000 + 95 * 10)


def test_no_protection_is_refused_whenever_it_is_sent() -> None:
    limits = {"stop_loss": 5.0, "take_profit": 5.0}
    asked = config(cash=1000, risk=limits)
    at_once = trade(flat(6), {0: lambda s: s.enter_short(size=80)}, asked)
    assert at_once.column("status") == ["completed", "accepted", "accepted"]
    late = asked.model_copy(update={"fills": Fills(inside="next_bar")})
    made = trade(flat(6), {0: lambda s: s.enter_short(size=80)}, late)
    assert made.column("status") == ["completed", "accepted", "accepted"]
    on_margin = trade(flat(6), {0: lambda s: s.enter_short(size=5)}, config(cash=1000, risk=limits, data=linear()))
    assert "margin" not in on_margin.column("status")


@pytest.mark.parametrize("isolated", [False, True])
def test_a_long_is_closed_at_its_liquidation_price_on_the_bar_that_reaches_it(isolated: bool) -> None:
    collateral = "isolated" if isolated else "cross"
    stake = 500.0 if isolated else 1000.0  # 50 at 100 over 10, or the whole account
    price = (50 * 100 - stake) / (50 * 0.99)
    market = moving(100.0, 100.0, 96.0, 75.0, 80.0)
    made = trade(market, {0: buy(50)}, config(cash=1000, fees={"taker": "5bp"}, data=linear(collateral=collateral)))
    assert made.column("reason")[-1] == "liquidation"
    fee = 50 * 100 * 5e-4
    if not isolated:
        price = (50 * 100 - (stake - fee)) / (50 * 0.99)
    forced = made.fills[-1]
    assert (forced.bar, forced.closed, forced.price) == (3, -50.0, pytest.approx(price))
    assert made.cash[-1] == pytest.approx(1000 - fee + 50 * (price - 100) - 50 * price * 5e-4)
    assert made.position[-1] == 0.0


def test_a_bar_that_opens_beyond_takes_no_more_than_the_collateral() -> None:
    market = flat(4, open=[100.0, 100, 60, 60], high=[100.0, 100, 60, 60], low=[100.0, 100, 60, 60],
                  close=[100.0, 100, 60, 60])  # fmt: skip
    isolated = trade(market, {0: buy(50)}, config(cash=1000, data=linear(collateral="isolated")))
    assert (isolated.fills[-1].price, isolated.cash[-1]) == (pytest.approx(90.0), pytest.approx(500.0))
    cross = trade(market, {0: buy(50)}, config(cash=1000, data=linear()))
    assert (cross.fills[-1].price, cross.cash[-1]) == (pytest.approx(80.0), pytest.approx(0.0))


def test_a_gap_short_of_the_collateral_fills_at_the_open() -> None:
    market = flat(4, open=[100.0, 100, 80.5, 80], high=[100.0, 100, 81, 80], low=[100.0, 100, 80, 80],
                  close=[100.0, 100, 80, 80])  # fmt: skip
    made = trade(market, {0: buy(50)}, config(cash=1000, data=linear()))
    assert made.fills[-1].price == 80.5


def test_an_exit_on_its_way_when_a_bar_opens_beyond_is_cancelled_and_opens_nothing() -> None:
    market = flat(5, open=[100.0, 100, 100, 60, 60], high=[100.0, 100, 100, 60, 60], low=[100.0, 100, 100, 60, 60],
                  close=[100.0, 100, 100, 60, 60])  # fmt: skip
    made = trade(market, {0: buy(50), 2: sell(50)}, config(cash=10_000, data=linear(collateral="isolated")))
    assert made.column("status") == ["completed", "canceled", "completed"]
    assert (made.position[-1], made.cash[-1]) == (0.0, pytest.approx(9_500.0))


def test_the_liquidation_fee_takes_what_is_left_and_no_more() -> None:
    market = moving(100.0, 100.0, 70.0)
    made = trade(market, {0: buy(50)}, config(cash=1000, data=linear(liquidation_fee="0.5%")))
    price = made.fills[-1].price
    assert made.fills[-1].closed_fee == pytest.approx(50 * price * 0.005)
    greedy = trade(market, {0: buy(50)}, config(cash=1000, data=linear(liquidation_fee="9%")))
    assert greedy.cash[-1] == pytest.approx(0.0, abs=1e-9)


def test_an_inverse_long_is_closed_in_coin() -> None:
    market = moving(50_000.0, 50_000.0, 48_000.0, 40_000.0)
    made = trade(market, {0: buy(1000)}, config(cash=0.3, data=inverse(10)))
    owned = 0.3 + 1000 * 100 / 50_000
    price = 1000 * 100 * 1.01 / owned
    assert made.fills[-1].price == pytest.approx(price)
    assert made.cash[-1] == pytest.approx(0.3 + 1000 * 100 * (1 / 50_000 - 1 / price))


def test_a_nearer_stop_fills_first_and_a_farther_one_never() -> None:
    market = moving(100.0, 100.0, 100.0, 70.0, 70.0)
    near = {0: buy(50), 1: lambda s: s.sell(size=50, exectype=bt.Order.Stop, price=90)}
    far = {0: buy(50), 1: lambda s: s.sell(size=50, exectype=bt.Order.Stop, price=75)}
    first = trade(market, near, config(cash=1000, data=linear()))
    assert (first.fills[-1].reason, first.fills[-1].price) == ("", 90.0)
    second = trade(market, far, config(cash=1000, data=linear()))
    assert (second.fills[-1].reason, second.fills[-1].price) == ("liquidation", pytest.approx(4000 / 49.5))
    assert second.column("status") == ["completed", "canceled", "completed"]


def test_a_bar_that_reaches_both_the_target_and_the_liquidation_price_takes_the_worse() -> None:
    market = flat(5, high=[100.0, 100, 100, 130, 100], low=[100.0, 100, 100, 70, 100])
    script = {0: buy(50), 1: lambda s: s.sell(size=50, exectype=bt.Order.Limit, price=110)}
    made = trade(market, script, config(cash=1000, data=linear()))
    assert made.column("reason")[-1] == "liquidation"
    assert made.column("status") == ["completed", "canceled", "completed"]
    assert made.position[-1] == 0.0


def test_an_exit_at_the_open_comes_before_what_the_bar_does_later() -> None:
    market = flat(5, low=[100.0, 100, 100, 70, 100])
    made = trade(market, {0: buy(50), 2: sell(50)}, config(cash=1000, data=linear()))
    assert "liquidation" not in made.column("reason")
    assert made.cash[-1] == 1000.0


def test_after_a_forced_close_orders_take_their_part_of_the_volume_again() -> None:
    market = flat(7, low=[100.0, 100, 70, 100, 100, 100, 100], volume=[1e4, 1e4, 1e4, 20, 20, 20, 20])
    asked = config(cash=1000, data=linear(), participation="5%")
    made = trade(market, {0: buy(50), 3: buy(2)}, asked)
    assert [(f.bar, f.opened + f.closed) for f in made.fills] == [(1, 50.0), (2, -50.0), (4, 1.0), (5, 1.0)]


def test_a_bracket_whose_entry_is_refused_is_refused_whole() -> None:
    bracket = {"exectype": bt.Order.Market, "stopprice": 90, "limitprice": 110}
    market = flat(5, high=[100.0, 100, 100, 130, 100], low=[100.0, 100, 100, 70, 100])
    made = trade(market, {0: lambda s: s.buy_bracket(size=1000, **bracket)}, config(cash=1000, data=linear()))
    assert made.column("status") == ["margin", "rejected", "rejected"]
    assert made.fills == []


def test_a_target_beyond_which_the_bar_opens_comes_before_what_the_bar_does_later() -> None:
    market = flat(5, open=[100.0, 100, 100, 112, 100], high=[100.0, 100, 100, 112, 100], low=[100.0, 100, 100, 70, 100])
    script = {0: buy(50), 1: lambda s: s.sell(size=50, exectype=bt.Order.Limit, price=110)}
    made = trade(market, script, config(cash=1000, data=linear()))
    assert (made.fills[-1].reason, made.fills[-1].price) == ("", 112.0)


def test_a_nearer_stop_keeps_a_target_from_being_overtaken_by_force() -> None:
    def leave(s: Any) -> None:
        target = s.sell(size=50, exectype=bt.Order.Limit, price=110)
        s.sell(size=50, exectype=bt.Order.Stop, price=90, oco=target)

    market = flat(5, high=[100.0, 100, 100, 130, 100], low=[100.0, 100, 100, 70, 100])
    made = trade(market, {0: buy(50), 1: leave}, config(cash=1000, data=linear()))
    assert "liquidation" not in made.column("reason")
    assert made.position[-1] == 0.0


def test_spot_on_margin_owes_cash_and_is_closed_when_the_maintenance_is_gone() -> None:
    margin = {"instrument": {"margin": "spot", "leverage": 3, "maintenance": "10%"}}
    held = trade(moving(100.0, 100.0, 90.0), {0: buy(25)}, config(cash=1000, data=margin))
    assert held.cash[-1] == -1500.0
    assert held.value[-1] == 750.0
    gone = trade(moving(100.0, 100.0, 60.0), {0: buy(25)}, config(cash=1000, data=margin))
    price = 1500 / (25 * 0.9)
    assert gone.fills[-1].price == pytest.approx(price)
    assert gone.cash[-1] == pytest.approx(25 * price - 1500)


def test_at_leverage_one_a_linear_account_earns_what_a_cash_account_does() -> None:
    market = random_walk(4)
    script = {3: buy(10), 20: sell(4), 50: sell(6), 60: buy(20), 90: sell(20)}
    cash = trade(market, script, config(fees={"taker": "5bp"}))
    perp = trade(market, script, config(fees={"taker": "5bp"}, data=linear(1)))
    assert perp.value == pytest.approx(cash.value, rel=1e-12)
    assert [f.price for f in perp.fills] == [f.price for f in cash.fills]


def test_residue_of_binary_sizes_leaves_no_position() -> None:
    script = {0: buy(0.1), 1: buy(0.2), 2: sell(0.3)}
    for block in (linear(), linear(collateral="isolated")):
        made = trade(flat(6), script, config(data=block))
        assert made.position[-1] == 0.0
        assert made.value[-1] == pytest.approx(10_000.0)


def test_sizes_of_inverse_contracts_are_whole_contracts() -> None:
    asked = config(cash=1.0, data=inverse(), sizer={"percent": 50})
    made = trade(moving(30_000.0, 30_000.0), {0: lambda s: s.buy()}, asked)
    assert made.column("size") == [150.0]


ACCOUNTS = st.sampled_from(("cross", "isolated", "inverse", "spot"))


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10_000), kind=ACCOUNTS)
def test_both_loops_agree_over_random_orders_and_no_account_goes_below_nothing(seed: int, kind: str) -> None:
    hold(seed, kind)


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@given(seed=st.integers(0, 1_000_000), kind=ACCOUNTS)
def test_both_loops_agree_over_many_random_orders(seed: int, kind: str) -> None:
    hold(seed, kind)


def hold(seed: int, kind: str, block: dict[str, Any] | None = None) -> None:
    rng, market = np.random.default_rng(seed), random_walk(seed)
    blocks = {"cross": linear(30), "isolated": linear(30, collateral="isolated"), "inverse": inverse(30),
              "spot": {"instrument": {"leverage": 5, "maintenance": "5%"}}}  # fmt: skip
    kinds = [{}, {}, {"exectype": bt.Order.Limit, "price": 100.0}, {"exectype": bt.Order.Stop, "price": 99.0},
             {"exectype": bt.Order.StopTrail, "trailamount": 2.0}]  # fmt: skip
    script = {
        int(bar): (buy if rng.random() < 0.5 else sell)(
            float(rng.integers(1, 30)), **kinds[int(rng.integers(len(kinds)))]
        )
        for bar in rng.choice(100, 30, replace=False)
    }
    cash = 10.0 if kind == "inverse" else 200.0
    asked = config(cash=cash, fees={"taker": "2bp"}, data=block or blocks[kind], funding="1bp", participation="50%")
    made = trade(market, script, asked)
    assert min(made.value) > -1e-6 * cash - 0.02 * cash


@pytest.mark.parametrize(
    ("instrument", "says"),
    [
        ({"margin": "linar"}, "did you mean 'linear'?"),
        ({"margin": "inverse"}, "margin inverse needs instrument.contract_size"),
        ({"margin": "linear", "leverage": 0.5}, "leverage: must be at least 1"),
        ({"margin": "linear", "leverage": 200}, "maintenance 0.500% is not below 1 / leverage 0.500%"),
        ({"contract_size": 5}, "contract_size is for margin linear or inverse"),
        ({"collateral": "isolated"}, "collateral isolated is for margin linear or inverse"),
        ({"levrage": 5}, "unknown key 'levrage', did you mean 'leverage'?"),
    ],
)
def test_an_instrument_that_cannot_be_is_told_in_one_line(instrument: Any, says: str) -> None:
    with pytest.raises(TapeflowError) as caught:
        config(data={"instrument": instrument})
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_size_beyond_the_leverage_is_refused() -> None:
    with pytest.raises(TapeflowError, match="percent: is more than 100 times the leverage"):
        config(sizer={"percent": 300})
    assert config(sizer={"percent": 300}, data=linear()).sizer.percent == 300


def test_the_liquidation_price_is_the_one_of_binances_own_example() -> None:
    """Its help page on USD-M liquidation prices: two cross positions, the first BTCUSDT, the second ETHUSDT."""
    wallet, other_maintenance, other_profit, deduction = 1_535_443.01, 71_200.81144, -56_354.57, 135_365.0
    made = Contract(brackets=(Bracket(0.1, deduction),))
    stake = wallet - other_maintenance + other_profit
    assert made.liquidation_price(3_683.979, 1_456.84, stake) == pytest.approx(1_153.26, abs=0.005)


@pytest.mark.real_data
def test_a_day_of_coin_margined_trades_keeps_its_account_in_coin(real_data: Path, tmp_path: Path) -> None:
    day = next(iter(sorted((real_data / "06_binance_official_dumps").rglob("*USD_PERP-aggTrades-*.zip"))))
    raw = {
        "name": "coin",
        "data": {"perp": {
            "feed": "BinanceAggTrades", "market": "cm", "contract_size": 100, "path": str(day),
            "bars": "5m", "tick": 0.1,
            "instrument": {"margin": "inverse", "leverage": 20, "maintenance": "0.4%"},
        }},
        "strategy": {"kind": "Rules", "params": {
            "long": {"enter": "close > open", "exit": "close < open"}, "short": {"enter": "close < open"},
            "reverse": False,
        }},
        "broker": {"cash": 1.0, "fees": {"taker": "5bp"}, "funding": "1bp"},
        "risk": {"stop_loss": "1 atr"},
        "sizer": {"percent": 500},
    }  # fmt: skip
    outs = {}
    for engine in ("stock", "backtrader"):
        run(from_mapping({**raw, "engine": engine}), tmp_path / engine, report=False)
        outs[engine] = [(tmp_path / engine / f"{n}.parquet").read_bytes() for n in ("orders", "equity", "flows")]
    assert outs["stock"] == outs["backtrader"]
    trips = pq.read_table(tmp_path / "stock" / "trades.parquet").to_pylist()
    assert len(trips) > 15
    for trip in trips:
        side = 1 if trip["direction"] == "long" else -1
        coin = side * trip["size"] * 100 * (1 / trip["entry_price"] - 1 / trip["exit_price"])
        assert trip["pnl"] == pytest.approx(coin, abs=1e-12)
        assert trip["return_pct"] == pytest.approx(100 * trip["pnl_net"] / (trip["size"] * 100 / trip["entry_price"]))


def test_cash_that_is_added_is_added() -> None:
    made = trade(flat(5), {1: lambda s: s.broker.add_cash(500)}, config(data=linear()))
    assert (made.cash[-1], made.value[-1]) == (10_500.0, 10_500.0)
