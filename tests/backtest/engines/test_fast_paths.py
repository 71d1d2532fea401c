"""Each fast path says that it ran, beside tests elsewhere that its results are those of the slow one."""

from __future__ import annotations

import gc
import threading
from collections.abc import Generator
from itertools import pairwise
from typing import Any

import backtrader as bt
import numpy as np
import pytest
from backtrader.brokers.bbroker import BackBroker
from backtrader.linebuffer import LinesOperation
from backtrader.order import Order, OrderBase

from tapeflow.backtest.broker.base import Broker, make_broker
from tapeflow.backtest.engines.compiled import loop, run_compiled
from tapeflow.backtest.engines.fast import FastCerebro, run
from tapeflow.backtest.inputs.read import Source
from tapeflow.backtest.recording.recorder import Recorder
from tapeflow.configs.loader import from_mapping
from tapeflow.core.bars import Bars
from tapeflow.core.clock import MINUTE
from tapeflow.core.kernels import ready
from tapeflow.core.lines import bar_data
from tapeflow.core.plugins.registry import INDICATORS
from tapeflow.feeds.csv_reader.files import ahead
from tapeflow.strategies.framework.base import Strategy
from tapeflow.strategies.framework.lines import Lines
from tapeflow.strategies.framework.signals import Signals
from tapeflow.strategies.framework.wake import SkipHint
from tapeflow.strategies.rule_language import expressions
from tapeflow.strategies.rule_language.expressions import Expression
from tapeflow.strategies.rules import Rules
from tapeflow.tests.helpers.compiled_runs import random_run

EVERY = 200


def bars(n: int = 2_000) -> Bars:
    rng = np.random.default_rng(3)
    close = np.round(100 + np.cumsum(rng.normal(0, 0.2, n)), 2)
    opened = np.concatenate(([100.0], close[:-1]))
    time = 1_700_000_040_000_000 + np.arange(n) * MINUTE
    prices = dict(open=opened, high=np.maximum(opened, close) + 0.1, low=np.minimum(opened, close) - 0.1, close=close)
    return Bars.of(open_time=time, close_time=time + MINUTE, volume=np.ones(n), **prices)


class Sparse(Strategy):
    """Enters on few bars; what follows is up to orders that rest."""

    params = dict(stop_loss="2%", take_profit="2%")
    kinds: set[type]

    def next(self) -> None:
        type(self).kinds = {*type(self.broker).__mro__}
        if not self.position and len(self) % EVERY == 0:
            self.enter_long(size=1)

    def wake(self) -> SkipHint:
        at, never = np.arange(1, self.data.buflen() + 1), np.zeros(self.data.buflen(), dtype=bool)
        return SkipHint(flat=at % EVERY == 0, long=never, short=never)


class Trailing(Sparse):
    params = dict(stop_loss=None, take_profit=None, trailing_stop="3%")


class Timed(Sparse):
    params = dict(stop_loss=None, take_profit=None, time_stop=150)


class Bracketed(Sparse):
    """Enters where a stop-limit order does, which may expire."""

    params = dict(stop_loss=None, take_profit=None)

    def next(self) -> None:
        close = self.data.close[0]
        if len(self) % EVERY == 0:
            till = self.data.datetime[0] + 120 / 1440
            self.buy(size=1, exectype=bt.Order.StopLimit, price=close + 1, plimit=close + 2, valid=till)
            self.sell(size=1, exectype=bt.Order.StopTrailLimit, price=close - 1, plimit=close - 2, trailamount=1.5)

    def wake(self) -> SkipHint:
        mask = np.arange(1, self.data.buflen() + 1) % EVERY == 0
        return SkipHint(mask, mask, mask)


def go(kind: Any, broker: Any = None, cerebro: Any = FastCerebro, **params: Any) -> tuple[Any, Any]:
    made = cerebro(stdstats=False)
    made.broker = make_broker(10_000, maker=0.0002, taker=0.0005) if broker is None else broker
    made.broker.cerebro = made
    made.adddata(bar_data(bars()))
    made.addanalyzer(Recorder, _name="record")
    made.addstrategy(kind, **params)
    return made, made.run()[0].analyzers.record


class Watching(Sparse):
    """Notes how many objects are left out of the search for garbage while it runs."""

    frozen: int

    def next(self) -> None:
        if len(self) == EVERY:  # counting takes long
            type(self).frozen = gc.get_freeze_count()


@pytest.mark.parametrize("already", [False, True])
def test_objects_are_frozen_for_a_run_unless_another_froze_his(already: bool) -> None:
    if already:
        gc.freeze()
    threshold, before = gc.get_threshold(), gc.get_freeze_count()
    try:
        go(Watching)
        assert gc.get_threshold() == threshold
        assert gc.get_freeze_count() <= before
        assert (Watching.frozen > before) is not already
    finally:
        gc.unfreeze()


@pytest.mark.parametrize("kind", [Sparse, Trailing, Bracketed])
@pytest.mark.parametrize("broker", [Broker, BackBroker])
def test_bars_on_which_orders_only_rest_are_foreseen(kind: Any, broker: Any) -> None:
    made, ours = go(kind, broker(cash=10_000.0))
    assert made.reason == ""
    assert made.skipping
    assert made.foreseen > 400
    assert made.left_out >= made.foreseen
    _, plain = go(kind, broker(cash=10_000.0), bt.Cerebro)
    assert len(ours.fills) > 3
    assert ours.fills == plain.fills
    assert repr(list(ours.orders.values())) == repr(list(plain.orders.values()))
    assert [column.tolist() for column in ours.equity] == [column.tolist() for column in plain.equity]


def test_bars_before_a_time_stop_is_due_are_left_out() -> None:
    made, ours = go(Timed)
    assert made.left_out > 1_900
    assert {leave.bar - entry.bar for entry, leave in pairwise(ours.fills) if leave.closed} == {151}
    assert ours.fills == go(Timed, cerebro=bt.Cerebro)[1].fills


def test_orders_of_a_broker_with_rules_of_its_own_are_not_foreseen() -> None:
    class Own(Broker):
        def _try_exec_limit(self, *args: Any) -> None:
            super()._try_exec_limit(*args)

    made, _ = go(Sparse, Own(cash=10_000.0))
    assert made.skipping
    assert made.foreseen == 0 < made.left_out


def test_rules_leave_bars_out_and_foresee_their_protection() -> None:
    rule = {"enter": "close > highest(high, 200)[1]"}
    made, _ = go(Rules, long=rule, stop_loss="3%", take_profit="3%")
    assert made.foreseen > 100


@pytest.mark.parametrize("broker", [Broker, BackBroker])
def test_the_commonest_brokers_fill_orders_in_fewer_steps(broker: Any) -> None:
    go(Sparse, broker(cash=10_000.0))
    assert run.CashBroker in Sparse.kinds


@pytest.mark.parametrize("broker", [Broker, BackBroker])
def test_their_orders_are_made_and_filled_by_no_step_of_backtrader(
    broker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = broker(cash=10_000.0)
    for owner, name in ((OrderBase, "__init__"), (Order, "clone"), (Order, "execute"), (BackBroker, "_execute")):
        monkeypatch.setattr(owner, name, lambda *args, **kwargs: pytest.fail("a step of backtrader was taken"))
    assert len(go(Everywhere, kind)[1].fills) > 100


def test_one_strategy_on_one_feed_takes_the_shortest_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "any_run", lambda *args: pytest.fail("the loop for any run was taken"))
    for kind in (Sparse, Everywhere):
        assert go(kind)[0].reason == ""


class Everywhere(bt.Strategy):
    """Acts on every bar, by an operation on lines."""

    def __init__(self) -> None:
        self.rises = self.data.close > self.data.open + 0.0

    def next(self) -> None:
        if self.rises[0] and not self.position:
            self.buy(size=1)
        elif self.position:
            self.close()


def test_operations_on_lines_are_computed_over_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    def once(self: Any, start: int, end: int) -> None:
        pytest.fail("an operation was computed value by value")

    for name in ("_once_op", "_once_val_op"):
        monkeypatch.setattr(LinesOperation, name, once)
    assert len(go(Everywhere)[1].fills) > 100


@pytest.mark.parametrize("kind", [Sparse, Everywhere])
def test_the_account_is_rebuilt_rather_than_asked_for_at_every_bar(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recorder, "next", lambda self: pytest.fail("the recorder was called at a bar"))
    made, record = go(kind)
    assert made.reason == ""
    assert len(record.equity[0]) == 2_000


class Signalling(Strategy):
    """Counts how often its signals are asked for."""

    asked = 0

    def signals(self, lines: Lines) -> Signals:
        type(self).asked += 1
        return Signals(long_entry=lines["close"] > lines["open"], long_exit=lines["close"] < lines["open"])


def test_signals_are_asked_for_once_over_all_bars() -> None:
    Signalling.asked = 0
    made, record = go(Signalling)
    assert (made.skipping, Signalling.asked) == (True, 1)
    assert len(record.fills) > 100


def test_a_run_whose_costs_are_shares_of_notional_takes_the_loop_that_was_compiled_for_no_others() -> None:
    run_compiled(*random_run(np.random.default_rng(0), 40))
    assert any([str(kind) for kind in kinds[1:3]] == ["none", "none"] for kinds in loop._span.overloads)


@pytest.mark.parametrize("params", [{}, {"stop_loss": "3%"}, {"time_stop": 40}])
def test_the_compiled_loop_passes_over_bars_on_which_nothing_can_happen(params: dict[str, Any]) -> None:
    rule = {"enter": "close > highest(high, 50)[1]", "exit": "close < lowest(low, 50)[1]"}
    config = from_mapping(
        {
            "name": "x",
            "data": {"main": {"feed": "SyntheticTape"}},
            "strategy": {"kind": "Rules", "params": {"long": rule, **params}},
        }
    )
    record: Any = run_compiled(config, {"main": Source(None, bars())}).record
    assert len(record.fills) > 10
    assert record.slept > (1_500 if "stop_loss" not in params else 500)


def test_a_rule_of_comparisons_is_asked_where_it_is_true_rather_than_where_it_is_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = Lines.of(close=[1.0, np.nan, 3.0], open=[2.0, 2.0, 2.0])
    monkeypatch.setattr(expressions, "is_true", lambda values: pytest.fail("its truth was made of its value"))
    rules = {"close > open and open > 1": [False, False, True], "close < open or close > 2.5": [True, False, True]}
    assert {rule: Expression(rule, lines.names).over(lines).tolist() for rule in rules} == rules


@pytest.mark.parametrize("kind", ["CVD", "SignedVolume"])
def test_steps_of_indicators_skip_reference_counting(kind: str) -> None:
    step: Any = INDICATORS.find(kind).step
    assert ready(step) is step.lean
    assert step.lean.targetoptions["_nrt"] is False


def test_a_piece_of_a_file_is_made_in_a_thread_while_the_one_before_it_is_used() -> None:
    second, makers = threading.Event(), set()

    def pieces() -> Generator[int, None, None]:
        for i in range(3):
            makers.add(threading.current_thread())
            if i == 1:
                second.set()
            yield i

    items = ahead(pieces())
    assert next(items) == 0
    assert second.wait(60), "the second is not made before it is asked for"
    assert list(items) == [1, 2]
    assert threading.main_thread() not in makers
