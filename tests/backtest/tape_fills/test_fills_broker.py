"""The broker that fills from the tape: equal to backtrader where bars say it all, and right where only prints do."""

from __future__ import annotations

from typing import Any

import backtrader as bt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapeflow.aggregation.bars import Aggregator
from tapeflow.backtest.broker.base import make_broker
from tapeflow.backtest.engines.fast import FastCerebro
from tapeflow.backtest.tape_fills import ASSUMPTIONS, Delays, FillModel, Prints, TapeMarket, from_tape
from tapeflow.backtest.tape_fills.kernels import OPTIMISTIC, PESSIMISTIC
from tapeflow.configs.fills_block import Jitter
from tapeflow.core.bars import Bars
from tapeflow.core.clock import MINUTE
from tapeflow.core.errors import DataError
from tapeflow.core.lines import bar_data
from tapeflow.core.tape import Tape

START = 1_700_000_040_000_000
TICK = 0.5
ENGINES = (bt.Cerebro, FastCerebro)
ORDER = bt.Order


def tape_of(bars: list[list[tuple[float, float, int]]], times: list[list[int]] | None = None) -> Tape:
    """A tape of (price, quantity, side) by minute; prints are spread evenly over it unless their times are given."""
    rows = []
    for i, prints in enumerate(bars):
        at = times[i] if times else [1000 + k * (MINUTE // 2 // len(prints)) for k in range(len(prints))]
        rows += [(START + i * MINUTE + t, *p) for t, p in zip(at, prints, strict=True)]
    time, price, quantity, side = zip(*rows, strict=True)
    return Tape.of(time=time, price=price, quantity=quantity, side=side)


def bars_of(tape: Tape) -> Bars:
    made = Aggregator(["1m"])
    made.push(tape)
    return made.finish()[0]


class Script(bt.Strategy):
    """Does what a script says on each bar, and keeps the news."""

    params = dict(script={})

    def __init__(self) -> None:
        self.news: list[tuple] = []
        self.sent: list[Any] = []
        self.values: list[float] = []

    def notify_order(self, order: Any) -> None:
        number = next((i for i, own in enumerate(self.sent) if own.ref == order.ref), -1)
        done = order.executed
        self.news.append((len(self) - 1, number, order.getstatusname(), done.size, done.price, done.comm))

    def next(self) -> None:
        self.values.append(self.broker.getvalue())
        for act in self.p.script.get(len(self) - 1, ()):
            act(self)

    def order(self, side: int, size: float, **kwargs: Any) -> Any:
        if isinstance(kwargs.get("oco"), int):
            kwargs["oco"] = self.sent[kwargs["oco"]]
        self.sent.append((self.buy if side > 0 else self.sell)(size=size, **kwargs))
        return self.sent[-1]

    def fills(self) -> list[tuple]:
        return [n for n in self.news if n[2] in ("Partial", "Completed")]


def trade(
    tape: Tape,
    script: dict,
    terms: FillModel | None = None,
    engine: Any = bt.Cerebro,
    broker: Any = None,
    market: Any = None,
) -> Script:
    """Run a script over the minutes of a tape; without terms, fills come from the bars."""
    bars = bars_of(tape)
    broker = broker or make_broker(1e6, 0.0, 0.0)
    if terms is not None:
        from_tape(broker, {"": TapeMarket.of(Prints.of([tape], TICK), bars["close_time"])}, terms)
    cerebro = engine(stdstats=False)
    cerebro.broker = broker
    broker.cerebro = cerebro
    cerebro.adddata(bar_data(bars))
    cerebro.addstrategy(Script, script=script)
    return cerebro.run()[0]


def send(side: int, size: float, **kwargs: Any) -> Any:
    return lambda s: s.order(side, size, **kwargs)


@st.composite
def dense_markets(draw: Any) -> tuple[Tape, dict]:
    """A tape whose every print is one tick from the one before, and orders at ticks near the price."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    counts = rng.integers(2, 12, draw(st.integers(4, 25)))
    path = 100.0 + TICK * np.cumsum(rng.choice([-1, 1], counts.sum()))
    rows, script, at = [], {}, 0
    for bar, n in enumerate(counts):
        rows.append([(float(p), 1.0, 0) for p in path[at : at + n]])
        at += n
        script[bar] = [_random_order(rng, float(path[at - 1])) for _ in range(rng.integers(0, 3))]
    return tape_of(rows), script


def _random_order(rng: np.random.Generator, last: float) -> Any:
    kind = rng.choice([ORDER.Market, ORDER.Limit, ORDER.Stop, ORDER.StopTrail, ORDER.Close])
    side, size = int(rng.choice([-1, 1])), float(rng.integers(1, 5))
    if kind in (ORDER.Market, ORDER.Close):
        return send(side, size, exectype=kind)
    if kind == ORDER.StopTrail:
        return send(side, size, exectype=kind, trailamount=TICK * int(rng.integers(1, 8)))
    return send(side, size, exectype=kind, price=last + TICK * int(rng.integers(-6, 7)))


@settings(max_examples=25, deadline=None)
@given(drawn=dense_markets(), engine=st.sampled_from(ENGINES))
def test_without_latency_and_with_size_without_end_fills_are_those_of_backtrader(drawn, engine) -> None:
    tape, script = drawn
    check_against_backtrader(tape, script, engine)


@pytest.mark.slow
@settings(max_examples=1000, deadline=None)
@given(drawn=dense_markets(), engine=st.sampled_from(ENGINES))
def test_they_are_in_a_thousand_markets(drawn, engine) -> None:
    check_against_backtrader(*drawn, engine)


def check_against_backtrader(tape: Tape, script: dict, engine: Any) -> None:
    stock = trade(tape, script, broker=bt.brokers.BackBroker(cash=1e6))
    ours = trade(tape, script, FillModel(OPTIMISTIC, Delays(0), share=np.inf), engine)
    assert sorted(ours.fills()) == sorted(stock.fills())
    assert ours.values == pytest.approx(stock.values, rel=1e-12)


@settings(max_examples=10, deadline=None)
@given(drawn=dense_markets(), model=st.sampled_from(list(ASSUMPTIONS.values())), late=st.sampled_from([0, 9_000_000]))
def test_both_loops_of_backtrader_give_the_same_fills(drawn, model, late) -> None:
    tape, script = drawn
    runs = [trade(tape, script, FillModel(model, Delays(late)), engine) for engine in ENGINES]
    assert runs[0].news == runs[1].news
    assert runs[0].values == runs[1].values


def test_a_large_order_is_filled_over_bars_and_pays_what_it_walked() -> None:
    tape = tape_of([[(100.0, 9.0, 1)], [(101.0, 2.0, 1), (102.0, 1.0, 1)], [(103.0, 5.0, -1)], [(99.0, 1.0, 1)]])
    made = trade(tape, {0: [send(1, 5.0)]}, FillModel())
    assert made.fills() == [(1, 0, "Partial", 3.0, (2 * 101 + 102) / 3, 0.0), (2, 0, "Completed", 5.0, 102.0, 0.0)]
    assert made.position.size == 5.0


def test_two_orders_of_one_side_share_the_prints_and_two_of_different_sides_do_not() -> None:
    tape = tape_of([[(100.0, 9.0, 1)], [(101.0, 2.0, 1), (102.0, 2.0, 1)], [(103.0, 5.0, -1)]])
    same = trade(tape, {0: [send(1, 2.0), send(1, 2.0)]}, FillModel())
    assert [fill[4] for fill in same.fills()] == [101.0, 102.0]
    other = trade(tape, {0: [send(1, 2.0), send(-1, 2.0)]}, FillModel())
    assert [fill[4] for fill in other.fills()] == [101.0, 101.0]


def test_latency_counts_from_the_close_and_may_reach_beyond_a_bar() -> None:
    tape = tape_of(
        [[(100.0, 9.0, 1)], [(101.0, 9.0, 1), (102.0, 9.0, 1)], [(103.0, 9.0, 1)]], [[0], [10_000, 40_000], [5_000]]
    )
    for latency, price in ((0, 101.0), (10_000, 101.0), (10_001, 102.0), (40_001, 103.0), (MINUTE, 103.0)):
        (fill,) = trade(tape, {0: [send(1, 1.0)]}, FillModel(delays=Delays(latency))).fills()
        assert fill[4] == price, latency
    assert trade(tape, {0: [send(1, 1.0)]}, FillModel(delays=Delays(2 * MINUTE))).fills() == []


@pytest.mark.parametrize("text", ["uniform(20ms)", "exponential(20ms)", "lognormal(20ms, 0.5)"])
def test_drawn_latencies_depend_on_the_seed_and_the_order_alone_and_have_their_distribution(text: str) -> None:
    jitter = Jitter.parse(text)
    drawn = np.array([Delays(5_000, jitter, 7).of(START + k, 0) for k in range(3000)]) - 5_000
    assert np.array_equal(drawn[:50], np.array([Delays(5_000, jitter, 7).of(START + k, 0) for k in range(50)]) - 5_000)
    assert (drawn != np.array([Delays(0, jitter, 8).of(START + k, 0) for k in range(3000)])).mean() > 0.99
    assert (drawn >= 0).all()
    middle = {"uniform": 10_000, "exponential": 20_000 * np.log(2), "lognormal": 20_000}[jitter.kind]
    assert np.median(drawn) == pytest.approx(middle, rel=0.06)
    assert jitter.kind != "uniform" or drawn.max() <= 20_000


def guarded(tape: Tape, terms: FillModel, **more: Any) -> Script:
    """Long 1 from bar 1 on, with a stop at 95 and a target at 105 that cancel each other."""
    script = {
        0: [send(1, 1.0)],
        1: [
            send(-1, 1.0, exectype=ORDER.Stop, price=95.0),
            send(-1, 1.0, exectype=ORDER.Limit, price=105.0, oco=1),
        ],
    }
    return trade(tape, script, terms, **more)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("path", "exit_at"), [((106.0, 94.0), 105.0), ((94.0, 106.0), 94.0)])
def test_stop_or_target_is_what_the_tape_reached_first(path: tuple[float, float], exit_at: float, engine: Any) -> None:
    wide = [(100.0, 9.0, 1), (path[0], 9.0, 1), (path[1], 9.0, -1)]
    tape = tape_of([[(100.0, 9.0, 1)], [(100.0, 9.0, 1)], wide, [(100.0, 9.0, 1)]])
    made = guarded(tape, FillModel(OPTIMISTIC), engine=engine)
    assert [fill[4] for fill in made.fills()] == [100.0, exit_at]
    assert made.position.size == 0
    assert trade(tape, {}).broker.getvalue() == 1e6
    by_bars = [fill[4] for fill in guarded(tape, None).fills()]
    assert by_bars == [100.0, 95.0], "without the tape the stop is taken to come first"


def test_a_stop_that_has_triggered_takes_its_target_away_while_its_order_is_on_the_way() -> None:
    wide = [(100.0, 9.0, 1), (94.0, 9.0, -1), (106.0, 9.0, 1)]
    tape = tape_of(
        [[(100.0, 9.0, 1)], [(100.0, 9.0, 1)], wide, [(99.0, 9.0, 1)]], [[0], [100], [100, 200, 300], [50_000]]
    )
    made = guarded(tape, FillModel(OPTIMISTIC, Delays(100)))
    assert [fill[4] for fill in made.fills()] == [100.0, 106.0], "the stop's own order trades at the next print"
    late = Delays(100)
    object.__setattr__(late, "of", lambda sent, number: (100, MINUTE))
    made = guarded(tape, FillModel(OPTIMISTIC, late))
    assert [fill[4] for fill in made.fills()] == [100.0, 99.0]
    assert "Canceled" in {news[2] for news in made.news if news[1] == 2}
    assert made.position.size == 0


def test_a_bracket_gives_its_children_the_tapes_order_too() -> None:
    wide = [(100.0, 9.0, 1), (106.0, 9.0, 1), (94.0, 9.0, -1)]
    tape = tape_of([[(100.0, 9.0, 1)], [(100.0, 9.0, 1)], wide, [(100.0, 9.0, 1)]])

    def bracket(s: Script) -> None:
        s.sent += s.buy_bracket(size=1.0, exectype=ORDER.Market, stopprice=95.0, limitprice=105.0)

    made = trade(tape, {0: [bracket]}, FillModel(OPTIMISTIC))
    assert [(fill[1], fill[4]) for fill in made.fills()] == [(0, 100.0), (2, 105.0)]
    assert made.news[-1][2] == "Canceled"


def test_who_rested_pays_the_makers_fee_and_who_crossed_the_takers() -> None:
    tape = tape_of([[(100.0, 9.0, 1)], [(100.0, 1.0, 1), (101.0, 1.0, 1), (99.0, 3.0, -1)]])
    limit = {0: [send(1, 3.0, exectype=ORDER.Limit, price=100.0)]}
    made = trade(tape, limit, FillModel(OPTIMISTIC), broker=make_broker(1e6, maker=0.001, taker=0.01))
    assert [fill[3] for fill in made.fills()] == [1.0, 3.0]
    assert made.fills()[-1][5] == pytest.approx(1 * 100 * 0.01 + 2 * 100 * 0.001)
    assert [e.maker for e in made.broker.desk.executions] == [False, True]


def test_slippage_comes_on_top_for_takers_and_never_goes_through_a_limit() -> None:
    tape = tape_of([[(100.0, 9.0, 1)], [(100.0, 9.0, 1), (99.0, 9.0, -1)]])
    for order, price in (
        (send(1, 1.0), 100.25),
        (send(-1, 1.0), 99.75),
        (send(1, 1.0, exectype=ORDER.Limit, price=100.0), 100.0),
        (send(1, 1.0, exectype=ORDER.Limit, price=99.0), 99.0),
    ):
        made = trade(tape, {0: [order]}, FillModel(), broker=make_broker(1e6, 0, 0, slip_fixed=0.25))
        assert made.fills()[0][4] == price


def test_a_stop_limit_waits_at_its_limit_once_it_has_triggered() -> None:
    rows = [
        [(100.0, 9.0, 1)],
        [(102.0, 9.0, 1), (103.0, 9.0, 1)],
        [(102.0, 9.0, 1), (101.0, 1.0, -1), (100.0, 4.0, -1)],
    ]
    order = {0: [send(1, 3.0, exectype=ORDER.StopLimit, price=102.0, plimit=101.0)]}
    made = trade(tape_of(rows), order, FillModel(OPTIMISTIC))
    assert made.fills() == [(2, 0, "Completed", 3.0, 101.0, 0.0)]
    assert trade(tape_of(rows), order, FillModel(PESSIMISTIC)).fills() == made.fills()
    assert trade(tape_of(rows), order, FillModel(PESSIMISTIC, through=3)).fills() == []


def test_cheating_on_close_is_refused_by_name() -> None:
    broker = make_broker(1e6, 0, 0)
    broker.set_coc(True)
    with pytest.raises(DataError, match="cheating on close"):
        trade(tape_of([[(100.0, 1.0, 1)]] * 3), {0: [send(1, 1.0)]}, FillModel(), broker=broker)


@settings(max_examples=8, deadline=None)
@given(drawn=dense_markets(), late=st.integers(0, 90_000_000), cut=st.floats(0.2, 0.9))
def test_fills_up_to_an_instant_do_not_change_with_what_comes_after_it(drawn, late, cut) -> None:
    tape, script = drawn
    rows = int(np.searchsorted(tape.time, START + int(cut * (tape.time[-1] - START)) // MINUTE * MINUTE))
    if rows < 2:
        return
    bars = int(tape.time[rows - 1] - START) // MINUTE + 1
    for model in ASSUMPTIONS.values():
        whole, part = (trade(t, script, FillModel(model, Delays(late))) for t in (tape, tape[:rows]))
        assert [n for n in whole.news if n[0] < bars] == part.news
        assert whole.values[:bars] == part.values[:bars]


def test_no_print_before_the_arrival_of_an_order_ever_fills_it() -> None:
    rng = np.random.default_rng(3)
    rows = [
        [(100.0 + TICK * float(rng.integers(-9, 9)), 1.0, int(rng.choice([-1, 1]))) for _ in range(20)]
        for _ in range(60)
    ]
    script = {i: [_random_order(rng, 100.0)] for i in range(0, 58, 2)}
    for model in ASSUMPTIONS.values():
        made = trade(tape_of(rows), script, FillModel(model, Delays(700_000)))
        created = {o.ref: START + MINUTE * (i + 1) for i, o in zip(range(0, 58, 2), made.sent, strict=True)}
        assert len(made.broker.desk.executions) > 5
        assert all(e.first >= created[e.order] + 700_000 for e in made.broker.desk.executions)
        assert all(e.last >= e.first for e in made.broker.desk.executions)
