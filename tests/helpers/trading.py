"""A script of orders over given bars, through the broker of a config and both of backtrader's loops."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import backtrader as bt
import numpy as np

from tapeflow.backtest.broker.choice import broker_for
from tapeflow.backtest.broker.sizers import add_sizer
from tapeflow.backtest.engines.fast import FastCerebro
from tapeflow.backtest.recording.recorder import Recorder
from tapeflow.configs.loader import from_mapping
from tapeflow.configs.models import RunConfig
from tapeflow.core.bars import Bars
from tapeflow.core.clock import HOUR, MINUTE
from tapeflow.core.lines import bar_data
from tapeflow.strategies.framework.base import Strategy

START = 1_704_067_200_000_000
"""Midnight UTC of 2024-01-01."""
Script = Mapping[int, Callable[[Any], Any]]


def config(*, sizer: Any = None, risk: Any = None, data: Any = None, params: Any = None, **broker: Any) -> RunConfig:
    """A run of this broker block; what trades does not matter."""
    block = {"feed": "SyntheticTape", **(data or {})}
    rules = {"long": {"enter": "close > open"}, **(params or {})}
    raw: dict[str, Any] = {"name": "t", "data": {"main": block}, "strategy": {"kind": "Rules", "params": rules}}
    raw |= {"broker": {"cash": 10_000.0, **broker}}
    raw |= {k: v for k, v in (("sizer", sizer), ("risk", risk)) if v is not None}
    return from_mapping(raw)


def flat(n: int, price: float = 100.0, *, step: int = MINUTE, start: int = START, **columns: Any) -> Bars:
    """Bars that stand still, but for the columns given."""
    made = {name: np.full(n, price) for name in ("open", "high", "low", "close")} | {"volume": np.full(n, 10.0)}
    made |= {name: np.asarray(column, dtype=float) for name, column in columns.items()}
    time = start + np.arange(n) * step
    return Bars.of(open_time=time, close_time=time + step, **made)


def moving(*closes: float, reach: float = 0.0, **kwargs: Any) -> Bars:
    """Bars that go from close to close, and so far beyond."""
    close = np.array(closes)
    opened = np.concatenate((close[:1], close[:-1]))
    high, low = np.maximum(opened, close) + reach, np.minimum(opened, close) - reach
    return flat(len(close), open=opened, high=high, low=low, close=close, **kwargs)


def random_walk(seed: int, n: int = 120, step: int = HOUR) -> Bars:
    """Bars of a random walk with gaps, and volumes of 1 to 9: in each of them somebody traded."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, n)))
    opened = np.concatenate(([100.0], close[:-1])) * np.exp(rng.normal(0, 0.002, n))
    reach = np.abs(rng.normal(0, 0.5, (2, n)))
    high, low = np.maximum(opened, close) + reach[0], np.minimum(opened, close) - reach[1]
    return flat(
        n,
        open=opened,
        high=high,
        low=low,
        close=close,
        volume=np.maximum(rng.integers(0, 10, n), 1),
        step=step,
        start=START,
    )


class _Scripted(Strategy):
    """Does what it is told on given bars."""

    params = dict(script=None)

    def next(self) -> None:
        if act := self.p.script.get(len(self) - 1):
            act(self)


@dataclass
class Ran:
    """What a run came to.

    Parameters
    ----------
    orders, fills, flows : list
        As the recorder and the broker have them.
    cash, value, position : list of float
        One a bar.
    strategy : Strategy
        After the run.
    """

    orders: list[dict[str, Any]]
    fills: list[Any]
    cash: list[float]
    value: list[float]
    position: list[float]
    flows: list[Any]
    strategy: Any = field(repr=False, compare=False)

    def column(self, name: str) -> list[Any]:
        """One column of the orders."""
        return [row[name] for row in self.orders]


def run_in(cerebro: Any, market: Bars, script: Script, made: RunConfig, kind: Any = _Scripted) -> Ran:
    """One run in one of backtrader's loops."""
    bt.Order.refbasis = itertools.count(1)
    block = made.data["main"]
    cerebro.adddata(
        bar_data(market, "main", tick=block.tick, lot=block.step, min_notional=block.min_notional), name="main"
    )
    cerebro.broker = broker_for(made)
    cerebro.broker.cerebro = cerebro
    cerebro.risk_block = made.risk.settings()
    add_sizer(cerebro, made)
    cerebro.addanalyzer(Recorder, _name="record")
    cerebro.addstrategy(kind, **({"script": script} if kind is _Scripted else {}))
    strategy = cerebro.run()[0]
    record = strategy.analyzers.record
    _, value, cash, position = (column.tolist() for column in record.equity)
    orders = list(record.orders.values())
    return Ran(orders, record.fills, cash, value, position, getattr(strategy.broker, "flows", []), strategy)


def trade(market: Bars, script: Script, made: RunConfig, kind: Any = _Scripted) -> Ran:
    """A run in both loops, which must agree to the last bit."""
    plain = run_in(bt.Cerebro(stdstats=False), market, script, made, kind)
    fast = FastCerebro(stdstats=False)
    again = run_in(fast, market, script, made, kind)
    assert fast.reason == ""
    assert repr(again) == repr(plain)
    return plain


def buy(size: float, **kwargs: Any) -> Callable[[Any], Any]:
    """An order, at market unless said otherwise."""
    return lambda s: s.buy(size=size, **kwargs)


def sell(size: float, **kwargs: Any) -> Callable[[Any], Any]:
    """The same on the other side."""
    return lambda s: s.sell(size=size, **kwargs)


def wilder(market: Any, bar: int, period: int) -> float:
    """The average true range at ``bar``: the mean of the first ``period``, smoothed from then on."""
    high, low, close = (market[name].tolist() for name in ("high", "low", "close"))
    true = [max(high[i], close[i - 1]) - min(low[i], close[i - 1]) for i in range(1, bar + 1)]
    made = math.fsum(true[:period]) / period
    for each in true[period:]:
        made = (made * (period - 1) + each) / period
    return made
