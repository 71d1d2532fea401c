"""Rules over random walks on whole prices, through every engine, and the same orders in plain backtrader."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import backtrader as bt
import numpy as np

from tapeflow.backtest.engines.verify import difference
from tapeflow.backtest.inputs.read import Source
from tapeflow.backtest.results.outcome import Outcome
from tapeflow.backtest.runner import simulate
from tapeflow.configs.loader import from_mapping
from tapeflow.core.bars import Bars
from tapeflow.core.clock import MINUTE
from tapeflow.core.lines import bar_data

START = 1_704_067_200_000_000
ENGINES = ("stock", "backtrader", "compiled")
Filled = list[tuple[int, float, float]]


def walk(seed: int, n: int = 300) -> Bars:
    """Bars of a random walk on whole prices, each opening where the one before closed or beside it."""
    rng = np.random.default_rng(seed)
    close = 1_000.0 + np.cumsum(rng.integers(-3, 4, n))
    opened = np.concatenate([[1_000.0], close[:-1]]) + rng.integers(-1, 2, n)
    high = np.maximum(opened, close) + rng.integers(0, 3, n)
    low = np.minimum(opened, close) - rng.integers(0, 3, n)
    time = START + np.arange(n) * MINUTE
    return Bars.of(
        open_time=time, close_time=time + MINUTE, open=opened, high=high, low=low, close=close, volume=np.ones(n)
    )


def config_of(params: dict[str, Any], engine: str = "backtrader", **more: Any) -> Any:
    """A run of rules, or of the strategy called ``kind``, for money that never ends."""
    return from_mapping(
        {
            "name": "rules",
            "data": {"main": {"feed": "SyntheticTape", "tick": 1.0, "lot": 1.0}},
            "strategy": {"kind": more.pop("kind", "Rules"), "params": params},
            "broker": {"cash": 1e6},
            "sizer": {"fixed": 8},
            "engine": engine,
            **more,
        }
    )


def run(params: dict[str, Any], bars: Bars, engine: str = "backtrader", **more: Any) -> Outcome:
    """It through one engine."""
    return simulate(config_of(params, engine, **more), {"main": Source(None, bars)})


def run_everywhere(params: dict[str, Any], bars: Bars, **more: Any) -> Outcome:
    """It through every engine, which must agree to the last bit."""
    stock, *others = (run(params, bars, engine, **more) for engine in ENGINES)
    for other in others:
        assert difference(other, stock) == "", other.engine
    return stock


def fills_of(outcome: Outcome) -> Filled:
    """Fills as (bar, signed size, price)."""
    return [(fill.bar, fill.closed + fill.opened, fill.price) for fill in outcome.record.fills]


def in_plain_backtrader(bars: Bars, decide: Callable[[Any, int], None], **broker: Any) -> Filled:
    """Fills of a script in stock backtrader, with its own broker: ``decide(strategy, bar)`` at each close."""

    class Scripted(bt.Strategy):
        def __init__(self) -> None:
            self.filled: Filled = []

        def notify_order(self, order: Any) -> None:
            if order.status == order.Completed:
                self.filled.append((len(self) - 1, order.executed.size, order.executed.price))

        def next(self) -> None:
            decide(self, len(self) - 1)

    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bar_data(bars, "main"), name="main")
    cerebro.broker = bt.brokers.BackBroker(cash=1e6, **broker)
    cerebro.addstrategy(Scripted)
    made: Filled = cerebro.run()[0].filled
    return made
