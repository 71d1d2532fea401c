"""Entries of a sizer are cut to what cash, fees and slippage allow; an author's own size is filled whole or refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapeflow.backtest.broker.afford import afforded
from tapeflow.backtest.engines.verify import difference
from tapeflow.backtest.inputs.read import Source
from tapeflow.backtest.runner import simulate
from tapeflow.core.lots import whole_lots
from tapeflow.tests.backtest.broker.test_ruin import _Feed
from tapeflow.tests.backtest.test_empty_bars import ENGINES, PERP, rules
from tapeflow.tests.helpers.trading import buy, config, flat, moving, random_walk, trade

MINIMUM = {"taker": "10bp", "minimum": 2}
ALL_IN = {"sizer": {"percent": 100}, "data": {"lot": 0.01}}
GAP = dict(open=np.array([100.0, 110, 110, 110]), close=np.array([100.0, 110, 110, 110]))


def enter(strategy: Any) -> Any:
    return strategy.enter_long()


def test_an_order_sized_at_the_close_and_filled_at_a_higher_open_takes_what_cash_allows_there() -> None:
    made = trade(
        flat(4, **GAP, high=np.full(4, 110.0)), {0: enter}, config(cash=10_000, fees={"taker": "10bp"}, **ALL_IN)
    )
    assert made.column("status") == ["completed"]
    assert made.column("size") == [100.0]
    assert made.column("executed_size") == [90.81]  # 90.82 × 110 × 1.001 is above 10,000
    assert 0 <= made.cash[-1] < 0.01 * 110 * 1.001


def test_an_order_that_spends_exactly_all_cash_is_filled_whole() -> None:
    made = trade(flat(4), {0: enter}, config(cash=10_000, **ALL_IN))
    assert (made.column("executed_size"), made.cash[-1]) == ([100.0], 0.0)
    own = trade(flat(4), {0: buy(100)}, config(cash=10_000))
    assert (own.column("status"), own.cash[-1]) == (["completed"], 0.0)


def test_a_size_that_an_author_gave_is_never_changed() -> None:
    assert trade(flat(4), {0: buy(100.01)}, config(cash=10_000)).column("status") == ["margin"]
    fixed = config(cash=10_000, sizer={"fixed": 100.01})
    assert trade(flat(4), {0: enter}, fixed).column("status") == ["margin"]


def test_nothing_is_filled_below_the_least_notional() -> None:
    asked = config(cash=10_000, fees={"taker": "9%"}, sizer={"percent": 100}, data={"min_notional": 9_500.0})
    assert trade(flat(4), {0: enter}, asked).column("status") == ["margin"]


def test_children_of_a_bracket_are_cut_with_their_entry() -> None:
    market = flat(6, open=[100.0, 110, 110, 110, 110, 110], high=np.full(6, 110.0), low=[100.0, 100, 100, 80, 100, 100])
    script = {0: lambda s: s.buy_bracket(exectype=0, stopprice=90.0, limitprice=150.0)}
    made = trade(market, script, config(cash=10_000, **ALL_IN))
    assert made.position[-1] == 0.0
    assert made.column("executed_size")[:2] == [90.9, 90.9]


def test_margin_is_taken_to_the_last_of_what_is_free() -> None:
    exact = config(cash=1000, sizer={"percent": 1000}, data=PERP)
    made = trade(flat(4), {0: enter}, exact)
    assert made.column("executed_size") == [100.0]
    assert trade(flat(4), {0: buy(100)}, exact).column("status") == ["completed"]
    assert trade(flat(4), {0: buy(100.01)}, exact).column("status") == ["margin"]
    dear = trade(
        flat(4), {0: enter}, config(cash=1000, sizer={"percent": 1000}, data={**PERP, "lot": 1}, fees={"taker": "1%"})
    )
    assert dear.column("executed_size") == [90.0]  # 1000 over 10 of margin and 1 of fee a contract, in whole contracts


@settings(max_examples=60, deadline=None)
@given(
    st.floats(0.1, 1e5), st.floats(1e-3, 1e5), st.floats(1, 1e6), st.sampled_from([0.0, 1e-4, 0.01]),
    st.sampled_from([None, 0.001, 0.1, 1.0]),
)  # fmt: skip
def test_what_is_afforded_is_the_most_lots_that_leave_nothing_owed(
    size: float, price: float, cash: float, fee: float, lot: float | None
) -> None:
    size = whole_lots(size, lot)
    if not size:
        return

    def left(part: float) -> float:
        return cash - part * price - abs(part) * fee * price

    made = afforded(size, cash, lot, left)
    assert made <= size
    assert not made or left(made) >= 0
    more = made + (lot or 1e-8) * (1 + 1e-6)
    assert made == size or left(more) < 1e-9 * cash


@pytest.mark.parametrize(
    "blocks",
    [
        {"sizer": {"percent": 100}},
        {"sizer": {"percent": 100}, "broker": {"cash": 1e4, "fees": {"taker": "10bp"}, "slippage": "5bp"}},
        {
            "sizer": {"percent": 100},
            "broker": {"cash": 1e4, "fees": {"taker": "10bp", "minimum": 2}, "participation": "60%"},
        },
        {"sizer": {"percent": 1000}, "instrument": PERP, "broker": {"cash": 1e4, "fees": {"taker": "5bp"}}},
        {"sizer": {"kelly": 0.9, "start": 100}, "broker": {"cash": 1e4, "fees": {"taker": "1%"}}},
    ],
)
def test_all_engines_cut_alike_and_the_run_counts_it(blocks: Any) -> None:
    asked = rules(**dict(blocks))
    sources = {"main": Source(_Feed(), random_walk(3, 300).assign(volume=np.full(300, 100.0)))}
    stock, *others = (simulate(asked.model_copy(update={"engine": engine}), sources) for engine in ENGINES)
    assert [difference(one, stock) for one in others] == ["", ""]
    told = others[-1].summary()
    assert told["orders_cut"] > 0 == told["orders_refused"]
    assert any("entries were cut to what cash" in text for text in told["warnings"])


def test_a_run_whose_orders_were_refused_names_the_remedy() -> None:
    asked = rules(sizer={"fixed": 1000.0}, engine="stock")
    told = simulate(asked, {"main": Source(_Feed(), moving(100.0, 101, 102, 103, 102))}).summary()
    assert told["orders_refused"] > 0
    assert any("refused for lack of cash: a smaller size or more cash helps" in text for text in told["warnings"])
