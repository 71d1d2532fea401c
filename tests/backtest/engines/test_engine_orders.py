"""Orders in the fast engine: hooks of brokers, schemes and strategies are called as backtrader calls them."""

from __future__ import annotations

from typing import Any

import backtrader as bt
import numpy as np
import pytest

from tapeflow.backtest.broker.base import Broker, Fees
from tapeflow.backtest.engines.fast import FastCerebro
from tapeflow.backtest.recording.recorder import Recorder
from tapeflow.core.bars import Bars
from tapeflow.core.clock import MINUTE
from tapeflow.core.lines import bar_data


def bars(n: int = 200) -> Bars:
    rng = np.random.default_rng(3)
    close = np.round(100 + np.cumsum(rng.normal(0, 0.5, n)), 2)
    opened = np.concatenate(([100.0], close[:-1]))
    time = 1_700_000_040_000_000 + np.arange(n) * MINUTE
    prices = dict(open=opened, high=np.maximum(opened, close) + 0.3, low=np.minimum(opened, close) - 0.3, close=close)
    return Bars.of(open_time=time, close_time=time + MINUTE, volume=rng.random(n), **prices)


class _Turning(bt.Strategy):
    """Long, short and flat in turn, with sizes that leave residues; hears of its trades."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def next(self) -> None:
        if len(self) % 7 == 0:
            self.buy(size=0.3)
        elif len(self) % 7 == 2:
            self.sell(size=0.7, reason="turn")
        elif len(self) % 7 == 5:
            self.close()

    def notify_trade(self, trade: Any) -> None:
        self.heard.append((trade.size, trade.price, trade.commission, trade.pnlcomm, trade.justopened, trade.barlen))


class _Listening(_Turning):
    """Has its own way of taking in news."""

    def _addnotification(self, order: Any, quicknotify: bool = False) -> None:
        self.heard.append((order.getstatusname(), order.executed.size))
        super()._addnotification(order, quicknotify)


class _Calls:
    """What was called, kept by a class that hooks in."""

    calls: list[Any]


class _Executing(Broker, _Calls):
    def _execute(self, order: Any, ago: Any = None, price: Any = None, *args: Any, **kwargs: Any) -> Any:
        self.calls.append(("execute", ago, price))
        return super()._execute(order, ago, price, *args, **kwargs)


class _Telling(bt.brokers.BackBroker, _Calls):
    def notify(self, order: Any) -> None:
        self.calls.append(("notify", order.getstatusname()))
        super().notify(order)


class _Trying(Broker, _Calls):
    def _try_exec_market(self, order: Any, popen: float, phigh: float, plow: float) -> None:
        self.calls.append(("market", popen, phigh, plow))
        super()._try_exec_market(order, popen, phigh, plow)


class _Slipping(Broker, _Calls):
    def _slip_up(self, pmax: float, price: float, doslip: bool = True, lim: bool = False) -> Any:
        self.calls.append(("slip", price))
        return price + 0.01 if price < 101 else None


class _Confirming(Fees):
    calls: list[Any]

    def confirmexec(self, size: float, price: float) -> None:
        self.calls.append(("confirmed", size, price))


def go(cerebro: Any, broker: Any, strategy: Any = _Turning, market: Bars | None = None) -> tuple[Any, ...]:
    broker.calls = []
    scheme = _Confirming(maker=0.001, taker=0.002)
    scheme.calls = broker.calls
    broker.addcommissioninfo(scheme)
    cerebro.broker = broker
    broker.cerebro = cerebro
    cerebro.adddata(bar_data(market or bars()))
    cerebro.addanalyzer(Recorder, _name="record")
    cerebro.addstrategy(strategy)
    made = cerebro.run()[0]
    record = made.analyzers.record
    return broker.calls, made.heard, record.fills and [f.price for f in record.fills], record.equity[1].tolist()


@pytest.mark.parametrize("kind", [Broker, bt.brokers.BackBroker, _Executing, _Telling, _Trying, _Slipping])
@pytest.mark.parametrize("strategy", [_Turning, _Listening])
def test_hooks_are_called_as_backtrader_calls_them(kind: Any, strategy: Any) -> None:
    fast = FastCerebro(stdstats=False)
    assert go(fast, kind(cash=1_000.0), strategy) == go(bt.Cerebro(stdstats=False), kind(cash=1_000.0), strategy)
    assert fast.reason == ""
    assert len(fast.broker.calls) > 50


def test_an_account_that_runs_dry_refuses_what_backtrader_refuses() -> None:
    ours, theirs = (go(made(stdstats=False), Broker(cash=40.0)) for made in (FastCerebro, bt.Cerebro))
    assert ours == theirs


def test_lines_that_nobody_reads_are_not_laid_out() -> None:
    fast = FastCerebro(stdstats=False)
    go(fast, Broker(cash=1_000.0))
    lines, market = fast.datas[0].lines, bars()
    assert {"open", "close", "datetime", "close_time"} <= {n for n in lines.getlinealiases() if is_there(lines, n)}
    assert not any(is_there(lines, name) for name in ("taker_buy_volume", "open_time", "volume"))
    assert lines.volume.array.tolist() == market["volume"].tolist()
    assert lines.open_time.array.tolist() == market["open_time"].tolist()
    assert (lines.volume.buflen(), len(lines.volume)) == (200, 200)


def is_there(lines: Any, name: str) -> bool:
    return "array" in getattr(lines, name).__dict__


def test_what_a_strategy_writes_into_a_line_is_what_it_reads() -> None:
    class Writing(bt.Strategy):
        def next(self) -> None:
            self.data.volume[0] = -1.0
            self.data.lines.openinterest[0] = float(len(self))

    for made in (FastCerebro(stdstats=False), bt.Cerebro(stdstats=False)):
        made.adddata(bar_data(bars()))
        made.addstrategy(Writing)
        data = made.run()[0].data
        assert set(data.volume.array) == {-1.0}
        assert data.openinterest.array.tolist() == [float(i + 1) for i in range(200)]


def test_a_feed_may_be_extended_beyond_its_end() -> None:
    for made in (FastCerebro(stdstats=False, lookahead=3), bt.Cerebro(stdstats=False, lookahead=3)):
        made.adddata(bar_data(bars()))
        made.addstrategy(bt.Strategy)
        line = made.run()[0].data.lines.taker_buy_volume
        assert (line.buflen(), len(line.array), np.isnan(line.array[-3:]).all()) == (200, 203, True)
