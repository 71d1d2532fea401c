"""Words of rules that the tape fills: targets in parts and their stop along the prints, and what an arrival decides."""

from __future__ import annotations

from typing import Any

import backtrader as bt
import numpy as np
import pytest

from tapeflow.backtest.broker.base import make_broker
from tapeflow.backtest.broker.sizers import FixedAmount
from tapeflow.backtest.engines.fast import FastCerebro
from tapeflow.backtest.recording.recorder import Recorder
from tapeflow.backtest.tape_fills import Delays, FillModel, Prints, TapeMarket, from_tape
from tapeflow.backtest.tape_fills.kernels import OPTIMISTIC, PESSIMISTIC
from tapeflow.core.lines import bar_data
from tapeflow.core.tape import Tape
from tapeflow.strategies.rules import Rules
from tapeflow.tests.backtest.tape_fills.test_fills_broker import TICK, bars_of, tape_of

ENGINES = (bt.Cerebro, FastCerebro)


def dense(seed: int, bars: int = 60) -> list[list[float]]:
    """Prints by minute, each one tick from the one before."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(2, 14, bars)
    path = 100.0 + TICK * np.cumsum(rng.choice([-1, 1], counts.sum()))
    return [part.tolist() for part in np.split(path, np.cumsum(counts)[:-1])]


def ran(tape: Tape, params: dict[str, Any], terms: FillModel, engine: Any = bt.Cerebro, **fees: float) -> Recorder:
    bars = bars_of(tape)
    broker = make_broker(1e6, fees.get("maker", 0.0), fees.get("taker", 0.0))
    from_tape(broker, {"main": TapeMarket.of(Prints.of([tape], TICK), bars["close_time"])}, terms)
    cerebro = engine(stdstats=False)
    cerebro.broker, broker.cerebro = broker, cerebro
    cerebro.adddata(bar_data(bars, "main", tick=TICK, lot=1.0), name="main")
    cerebro.addsizer(FixedAmount, size=4.0)
    cerebro.addanalyzer(Recorder, _name="record")
    cerebro.addstrategy(Rules, **params)
    return cerebro.run()[0].analyzers.record


def along(prints: list[list[float]]) -> list[tuple[int, float, float]]:
    """What an entry at market, a stop 2 below it and targets 1 and 2 above it for halves do, print by print."""
    fills, held, sent = [], 0.0, False
    for i, bar in enumerate(prints):
        for price in bar:
            if sent:
                held, sent, entry, targets = 4.0, False, price, [price + 1, price + 2]
                fills.append((i, 4.0, price))
                continue
            if held and price <= entry - 2:
                fills.append((i, -held, price))
                held = 0.0
            while held and targets and price >= targets[0]:
                fills.append((i, -2.0, targets.pop(0)))
                held -= 2.0
        if not held and bar[-1] > bar[0]:
            sent = True
    return fills


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seed", range(4))
def test_targets_in_parts_and_their_stop_are_those_of_the_path(seed: int, engine: Any) -> None:
    prints = dense(seed)
    rules = {
        "entries": {"up": {"long": "close > open", "stop_loss": 2, "take_profit": PARTS}},
        "cooldown": 0,
    }
    made = ran(
        tape_of([[(p, 1.0, 0) for p in bar] for bar in prints]), rules, FillModel(OPTIMISTIC, share=np.inf), engine
    )
    expected = along(prints)
    assert [(fill.bar, fill.closed + fill.opened, fill.price) for fill in made.fills] == expected
    assert len(expected) > 8


PARTS = [{"at": 1, "share": "50%"}, {"at": 2, "share": "50%"}]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("second", "standing", "status", "fills"),
    [
        ([(99.0, 9.0, -1)], {"tif": "ioc"}, "completed", [99.0]),
        ([(99.0, 1.0, -1), (101.0, 9.0, 1), (99.0, 9.0, -1)], {"tif": "ioc"}, "canceled", [99.0]),
        ([(102.0, 9.0, 1), (99.0, 9.0, -1)], {"tif": "ioc"}, "canceled", []),
        ([(99.0, 9.0, -1)], {"post_only": True}, "rejected", []),
    ],
)
def test_an_order_that_crosses_on_arrival(
    second: Any, standing: dict[str, Any], status: str, fills: list[float], engine: Any
) -> None:
    """The last print before it, at 100, is below the limit of 101."""
    tape = tape_of([[(99.5, 9.0, 1), (100.0, 9.0, 1)], second, [(100.0, 9.0, -1)], [(100.0, 9.0, -1)]])
    rules = {"entries": {"at": {"long": "close > open", "limit": "close + 0.5", **standing}}}
    made = ran(tape, rules, FillModel(OPTIMISTIC), engine)
    first = next(iter(made.orders.values()))
    assert first["status"] == status
    assert [fill.price for fill in made.fills if fill.ref == first["ref"]] == fills


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("standing", "status", "fee"), [({"tif": "ioc"}, "canceled", 0.0), ({"post_only": True}, "completed", 0.001)]
)
def test_an_order_that_would_rest(standing: dict[str, Any], status: str, fee: float, engine: Any) -> None:
    tape = tape_of([[(99.5, 9.0, 1), (100.0, 9.0, 1)], [(100.0, 9.0, 1), (99.0, 9.0, -1)], [(100.0, 9.0, -1)]])
    rules = {"entries": {"at": {"long": "close > open", "limit": "close - 0.5", **standing}}}
    made = ran(tape, rules, FillModel(PESSIMISTIC, Delays(0)), engine, maker=0.001, taker=0.01)
    first = next(iter(made.orders.values()))
    assert first["status"] == status
    assert first["commission"] == pytest.approx(4 * 99.5 * fee)


def test_what_has_not_arrived_yet_waits_for_its_arrival() -> None:
    late = FillModel(OPTIMISTIC, Delays(70_000_000))
    tape = tape_of([[(99.5, 9.0, 1), (100.0, 9.0, 1)], [(99.0, 9.0, -1)], [(99.5, 9.0, 1), (99.0, 9.0, -1)]])
    rules = {"entries": {"at": {"long": "close > open", "limit": "close", "tif": "ioc"}}}
    made = ran(tape, rules, late)
    assert [(fill.bar, fill.price) for fill in made.fills] == [(2, 99.0)]
