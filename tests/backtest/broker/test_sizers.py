"""Sizers: by volatility, by the Kelly bet, by the risk of a trade, against plain Python."""

from __future__ import annotations

import math
import statistics
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapeflow.backtest.broker.sizers import kelly, whole_lots
from tapeflow.core.clock import HOUR, MINUTE
from tapeflow.core.errors import TapeflowError
from tapeflow.strategies.framework.base import Strategy
from tapeflow.tests.helpers.trading import config, flat, moving, random_walk, trade, wilder

YEAR_HOURS = 365 * 24


class _Once(Strategy):
    """Enters once, long or short, at the close of its bar 60."""

    params = dict(short=False)

    def next(self) -> None:
        if len(self) == 60:
            (self.enter_short if self.p.short else self.enter_long)()


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1000), window=st.sampled_from((2, 20, 59)))
def test_the_volatility_target_is_met_by_the_closes_so_far(seed: int, window: int) -> None:
    market = random_walk(seed)
    made = trade(market, {}, config(sizer={"volatility": "20%", "window": window}, data={"lot": 0.001}), _Once)
    closes = market["close"][60 - window - 1 : 60].tolist()
    moves = [math.log(b / a) for a, b in pairwise(closes)]
    yearly = statistics.stdev(moves) * math.sqrt(YEAR_HOURS)
    share = min(0.2 / yearly, 1.0)
    assert made.column("size") == [whole_lots(10_000 * share / closes[-1], 0.001)]


def test_no_order_is_sent_before_the_window_is_full_or_while_prices_stand() -> None:
    assert trade(random_walk(0), {}, config(sizer={"volatility": 20, "window": 60}), _Once).orders == []
    assert trade(flat(70), {}, config(sizer={"volatility": 20, "window": 20}), _Once).orders == []


def test_volatility_goes_by_the_time_that_bars_took() -> None:
    closes = 100 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.01, 70)))
    sizer, lot = {"volatility": 20, "window": 30}, {"lot": 1e-6}
    hours = trade(moving(*closes, step=HOUR), {}, config(sizer=sizer, data=lot), _Once).column("size")[0]
    minutes = trade(moving(*closes, step=MINUTE), {}, config(sizer=sizer, data=lot), _Once).column("size")[0]
    assert hours / minutes == pytest.approx(math.sqrt(60), rel=1e-5)


@settings(max_examples=50, deadline=None)
@given(
    wins=st.lists(st.floats(0.001, 0.2), min_size=1, max_size=20),
    losses=st.lists(st.floats(0.001, 0.2), min_size=1, max_size=20),
)
def test_the_kelly_bet_makes_the_account_grow_fastest(wins: list[float], losses: list[float]) -> None:
    best = kelly([*wins, *(-x for x in losses)])
    p, b, a = len(wins) / (len(wins) + len(losses)), statistics.fmean(wins), statistics.fmean(losses)

    def growth(f: float) -> float:
        return p * math.log1p(f * b) + (1 - p) * math.log1p(-f * a)

    for other in (best * 0.98, best * 1.02 if best else 0.01 / a):
        if other * a < 1:
            assert growth(best) >= growth(other) - 1e-12


@pytest.mark.parametrize(
    ("returns", "share"), [([0.1, 0.1], math.inf), ([-0.1, -0.2], 0.0), ([0.1, -0.2], 0.0), ([0.2, -0.1], 2.5)]
)
def test_kelly_at_its_edges(returns: list[float], share: float) -> None:
    assert kelly(returns) == pytest.approx(share)


class _InAndOut(Strategy):
    """Enters every fourth bar, and leaves two bars later."""

    def next(self) -> None:
        if len(self) % 4 == 1:
            self.enter_long()
        elif len(self) % 4 == 3:
            self.exit()


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 1000), fraction=st.sampled_from((0.1, 0.5)))
def test_kelly_goes_by_the_round_trips_finished_so_far(seed: int, fraction: float) -> None:
    market = random_walk(seed)
    asked = {"kelly": fraction, "trades": 8, "start": 5, "most": 80}
    made = trade(market, {}, config(sizer=asked, fees={"taker": "2bp"}, data={"lot": 0.0001}), _InAndOut)
    entries = [row for row in made.orders if row["side"] == "buy"]
    returns: list[float] = []
    opened = 0.0
    sized = 0
    for fill in made.fills:
        if fill.opened:
            decided = fill.bar - 1
            share = 0.05 if len(returns) < 8 else min(fraction * kelly(returns), 0.8)
            wanted = made.value[decided] * share / market["close"][decided]
            assert fill.opened == pytest.approx(whole_lots(wanted, 0.0001), abs=1.01e-4)
            opened, sized = fill.price, sized + 1
        else:
            size = -fill.closed
            fees = 2e-4 * size * (opened + fill.price)
            returns.append((size * (fill.price - opened) - fees) / (size * opened))
    assert sized == len(entries) >= 8


@pytest.mark.parametrize("short", [False, True])
def test_the_risk_of_a_trade_is_what_its_stop_loses(short: bool) -> None:
    class Side(_Once):
        params = dict(short=short)

    market = moving(*([100.0] * 62 + [101.0 if short else 99.0] + [90.0 if not short else 110.0] * 3))
    asked = config(sizer={"risk": "1%"}, risk={"stop_loss": 2.0}, data={"lot": 0.001})
    made = trade(market, {}, asked, Side)
    assert made.column("size")[0] == 50.0  # 1 % of 10,000 over 2
    assert made.value[-1] == pytest.approx(10_000 - 100)


def test_a_tight_stop_makes_no_position_larger_than_the_most() -> None:
    asked = {"sizer": {"risk": "1%", "most": 50}, "risk": {"stop_loss": "0.1%"}, "data": {"lot": 0.001}}
    assert trade(flat(62), {}, config(**asked), _Once).column("size")[0] == 50.0


def test_the_stop_may_be_in_true_ranges_and_leverage_widens_the_most() -> None:
    market = random_walk(2)
    perp = {"lot": 0.001, "instrument": {"margin": "linear", "leverage": 10}}
    asked = config(sizer={"risk": "2%"}, risk={"trailing_stop": "1 atr(10)"}, data=perp)
    made = trade(market, {}, asked, _Once)
    expected = min(0.02 * 10_000 / wilder(market, 59, 10), 10 * 10_000 / market["close"][59])
    assert made.column("size")[0] == whole_lots(expected, 0.001)


def test_the_smallest_notional_holds_for_every_sizer() -> None:
    small = {"lot": 0.001, "min_notional": 6000}
    asked = {"risk": {"stop_loss": 2.0}, "data": small}
    assert trade(flat(62), {}, config(sizer={"risk": "1%"}, **asked), _Once).orders == []
    assert trade(flat(62), {}, config(sizer={"risk": "1.5%"}, **asked), _Once).orders != []


@pytest.mark.parametrize(
    ("sizer", "says"),
    [
        ({}, "sizer: needs exactly one of percent, fixed, volatility, kelly, risk"),
        ({"percent": 5, "risk": 1}, "needs exactly one of"),
        ({"percent": 5, "window": 30}, "window goes with volatility, not with percent"),
        ({"kelly": 0.5, "window": 30}, "window goes with volatility, not with kelly"),
        ({"kelly": 1.5}, "sizer.kelly: must be at most 1"),
        ({"risk": "1%"}, "sizer.risk: sizes by the distance of the stop: set risk.stop_loss"),
        ({"volatility": 20, "most": 150}, "sizer.most: is more than 100 times the leverage"),
        ({"volatilty": 20}, "unknown key 'volatilty', did you mean 'volatility'?"),
    ],
)
def test_a_sizer_that_cannot_be_is_told(sizer: Any, says: str) -> None:
    with pytest.raises(TapeflowError) as caught:
        config(sizer=sizer)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("sizer", "instrument"),
    [
        ({"percent": 10}, {}),
        ({"percent": 10}, {"margin": "inverse", "contract_size": 1}),
        ({"fixed": 1}, {}),
        ({"volatility": 20, "window": 20}, {}),
        ({"kelly": 0.5}, {"margin": "linear"}),
    ],
)
def test_where_no_close_is_known_no_order_is_sent(sizer: Any, instrument: Any) -> None:
    market = random_walk(0)
    closes = np.where(np.arange(len(market)) == 59, np.nan, market["close"])
    made = config(sizer=sizer, data={"instrument": instrument})
    assert trade(market, {}, made, _Once).orders
    assert trade(market.assign(close=closes), {}, made, _Once).orders == []
