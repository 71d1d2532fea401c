"""The broker: backtrader's, with its faults closed."""

from __future__ import annotations

import backtrader as bt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapeflow.backtest.broker.base import make_broker
from tapeflow.backtest.broker.order_rules import trailed
from tapeflow.backtest.broker.sizers import whole_lots
from tapeflow.core.bars import Bars
from tapeflow.core.clock import MINUTE
from tapeflow.core.lines import bar_data
from tapeflow.tests.helpers import trading

START = 1_700_000_040_000_000


def bars(n: int = 20, seed: int = 0, **columns: list[float]) -> Bars:
    rng = np.random.default_rng(seed)
    close = 100 + np.cumsum(rng.normal(0, 0.5, n))
    opened = np.concatenate(([100.0], close[:-1]))
    made = dict(open=opened, close=close, high=np.maximum(opened, close) + 0.3, low=np.minimum(opened, close) - 0.3)
    made |= {k: np.array(v) for k, v in columns.items()}
    n = len(made["close"])
    time = START + np.arange(n) * MINUTE
    return Bars.of(open_time=time, close_time=time + MINUTE, volume=np.ones(n), **made)


def trade(market: Bars, script: dict, broker: object | None = None) -> object:
    """Run ``script[bar](strategy)`` on its bar and give the strategy back, with the news of its orders."""

    class Script(bt.Strategy):
        def __init__(self) -> None:
            self.news: list[tuple] = []
            self.done: list[object] = []

        def notify_order(self, order: object) -> None:
            self.news.append((len(self) - 1, order.getstatusname(), order.executed.price, order.executed.comm))

        def notify_trade(self, made: object) -> None:
            if made.isclosed:
                self.done.append(made)

        def next(self) -> None:
            if act := script.get(len(self) - 1):
                act(self)

    cerebro = bt.Cerebro(stdstats=False)
    if broker is not None:
        cerebro.broker = broker
        broker.cerebro = cerebro
    cerebro.adddata(bar_data(market))
    cerebro.addstrategy(Script)
    return cerebro.run()[0]


def plain() -> object:
    return make_broker(10_000, maker=0.0002, taker=0.0005)


@settings(max_examples=60, deadline=None)
@given(sizes=st.lists(st.integers(-900, 900).filter(bool), min_size=2, max_size=12))
def test_fractional_sizes_that_add_up_to_nothing_leave_nothing(sizes: list[int]) -> None:
    amounts = [s / 1000 for s in [*sizes, -sum(sizes)] if s]
    script = {i: (lambda s, a=a: s.buy(size=a) if a > 0 else s.sell(size=-a)) for i, a in enumerate(amounts)}
    strategy = trade(bars(20), script, plain())
    assert strategy.position.size == 0.0
    assert not strategy.position
    assert all(row[1] in ("Submitted", "Accepted", "Completed") for row in strategy.news)
    assert strategy.done, "every flat account has finished trades"
    assert all(t.size == 0.0 for t in strategy.done)


def test_stock_leaves_the_dust_that_this_broker_does_not() -> None:
    script = {
        0: lambda s: s.buy(size=0.1),
        1: lambda s: s.buy(size=0.2),
        2: lambda s: s.sell(size=0.3),
    }
    assert trade(bars(), script).position.size != 0.0
    assert trade(bars(), script, plain()).position.size == 0.0


def test_a_limit_order_that_rested_pays_the_makers_fee_and_a_marketable_one_the_takers() -> None:
    market = bars(open=[100.0, 100, 100, 100], close=[100.0] * 4, high=[101.0] * 4, low=[99.0, 99.5, 98.0, 99])
    rested = trade(market, {0: lambda s: s.buy(size=1, exectype=bt.Order.Limit, price=98.5)}, plain())
    assert rested.news[-1] == (2, "Completed", 98.5, pytest.approx(98.5 * 0.0002))
    taken = trade(market, {0: lambda s: s.buy(size=1, exectype=bt.Order.Limit, price=100.5)}, plain())
    assert taken.news[-1] == (1, "Completed", 100.0, pytest.approx(100 * 0.0005))
    crossed = trade(market, {0: lambda s: s.buy(size=1)}, plain())
    assert crossed.news[-1][3] == pytest.approx(100 * 0.0005)


def test_slippage_is_taken_in_full_beyond_the_bars_range_but_not_through_a_limit() -> None:
    market = bars(open=[100.0] * 3, close=[100.0] * 3, high=[100.0] * 3, low=[100.0] * 3)
    by_share = trade(market, {0: lambda s: s.buy(size=1)}, make_broker(1e4, 0, 0, slip_perc=0.001))
    assert by_share.news[-1][2] == pytest.approx(100.1)
    by_price = trade(market, {0: lambda s: s.sell(size=1)}, make_broker(1e4, 0, 0, slip_fixed=0.5))
    assert by_price.news[-1][2] == 99.5
    limit = {0: lambda s: s.buy(size=1, exectype=bt.Order.Limit, price=100.2)}
    assert trade(market, limit, make_broker(1e4, 0, 0, slip_fixed=0.5)).news[-1][2] <= 100.2


@pytest.mark.parametrize(
    ("size", "lot", "expected"),
    [(0.3, 0.1, 0.3), (0.7, 0.1, 0.7), (0.29999, 0.1, 0.2), (1.9, 1, 1.0), (0.123456789, None, 0.12345678), (5, 10, 0)],
)
def test_sizes_are_whole_lots_written_as_a_person_would(size: float, lot: float | None, expected: float) -> None:
    assert expected == whole_lots(size, lot)


def test_a_market_order_waits_for_a_bar_that_has_an_open() -> None:
    prices = [100.0, 100.0, np.nan, np.nan, 104.0, 104.0]
    market = trading.flat(6, open=prices, high=prices, low=prices, close=prices)
    made = trading.trade(market, {1: trading.buy(1.0)}, trading.config())
    assert [(fill.bar, fill.price) for fill in made.fills] == [(4, 104.0)]
    assert (made.cash[-1], made.position[-1], made.value[-1]) == (10_000.0 - 104.0, 1.0, 10_000.0)


def test_a_stop_that_trails_by_nothing_is_the_close() -> None:
    assert (trailed(False, 95.0, 101.0, 0.0, 0.0), trailed(False, 102.0, 101.0, 0.0, 0.0)) == (101.0, 102.0)
    assert (trailed(True, 105.0, 101.0, 0.0, 0.0), trailed(True, 99.0, 101.0, 0.0, 0.0)) == (101.0, 99.0)


def test_a_value_buys_so_many_units_at_a_price() -> None:
    assert make_broker(1.0, 0.0, 0.0).units(None, 300.0, 100.0) == 3.0
