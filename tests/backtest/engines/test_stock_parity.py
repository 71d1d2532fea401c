"""The runner against plain backtrader: PandasData, a strategy written by hand, nothing of ours in the loop."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path

import backtrader as bt
import numpy as np
import pandas as pd
import pytest

from tapeflow.backtest.inputs.read import Source, read
from tapeflow.backtest.runner import simulate
from tapeflow.configs.fills_block import Fills
from tapeflow.configs.loader import load_config

CONFIG = """
name: parity
data:
  main: {data}
indicators:
  vwap: {{kind: VWAP, anchor: 1d}}
  delta: {{kind: VolumeDelta}}
  signed: {{kind: SignedVolume}}
strategy:
  kind: Rules
  params:
    long: {{enter: "close < vwap and delta > 0 and signed > 0", exit: "close > vwap"}}
    short: {{enter: "close > vwap and delta < 0 and signed < 0", exit: "close < vwap"}}
    {protection}
broker: {{cash: 50000, fees: {{maker: 2bp, taker: 5bp}}}}
sizer: {{percent: 20}}
"""
EXTRA = ("quote_volume", "taker_buy_volume", "taker_sell_volume", "open_time")


class Columns(bt.feeds.PandasData):
    """A frame with the columns the strategy wants beyond OHLCV."""

    lines = EXTRA
    params = tuple((name, -1) for name in EXTRA)


class ByHand(bt.Strategy):
    """The config above, as somebody without this project would write it."""

    params = dict(stop=None, target=None, tick=0.1)

    def __init__(self) -> None:
        self.day, self.notional, self.amount = None, 0.0, 0.0
        self.guards: list[bt.Order] = []
        self.log: dict[int, bt.Order] = {}
        self.values: list[float] = []
        self.entry, self.filled_at = 0, None

    def notify_order(self, order: bt.Order) -> None:
        self.log[order.ref] = order
        if order.status != order.Completed:
            return
        if not self.position:
            self.drop_guards()
        elif order.ref == self.entry and self.p.stop:
            self.filled_at = order.executed.price

    def guard(self) -> None:
        side, price, size = (1 if self.position.size > 0 else -1), self.filled_at, abs(self.position.size)
        send = self.sell if side > 0 else self.buy
        below, above = (
            float(round((price + d * price) / self.p.tick) * Decimal(repr(self.p.tick)))
            for d in (-side * self.p.stop, side * self.p.target)
        )
        stop = send(size=size, exectype=bt.Order.Stop, price=below)
        target = send(size=size, exectype=bt.Order.Limit, price=above, oco=stop)
        self.guards, self.filled_at = [stop, target], None

    def drop_guards(self) -> None:
        for order in self.guards:
            if order.alive():
                self.cancel(order)
        self.guards = []

    def size(self) -> float:
        return math.floor(self.broker.getvalue() * 20 / 100 / self.data.close[0] / 0.001 * (1 + 1e-12) + 1e-9) / 1000

    def next(self) -> None:
        self.values.append(self.broker.getvalue())
        day = self.data.open_time[0] // 86_400_000_000
        if day != self.day:
            self.day, self.notional, self.amount = day, 0.0, 0.0
        self.notional += self.data.quote_volume[0]
        self.amount += self.data.volume[0]
        vwap = self.notional / self.amount if self.amount else float("nan")
        close, delta = self.data.close[0], self.data.taker_buy_volume[0] - self.data.taker_sell_volume[0]
        color = close - self.data.open[0]
        if self.position:
            if (close > vwap) if self.position.size > 0 else (close < vwap):
                self.drop_guards()
                self.filled_at = None
                self.close()
            elif self.filled_at:
                self.guard()
        elif close < vwap and delta > 0 and color > 0:
            self.entry = self.buy(size=self.size()).ref
        elif close > vwap and delta < 0 and color < 0:
            self.entry = self.sell(size=self.size()).ref


def by_hand(source: Source, **params: float) -> bt.Strategy:
    columns = source.bars.columns
    frame = pd.DataFrame({k: np.array(columns[k]) for k in ("open", "high", "low", "close", "volume", *EXTRA)})
    frame.index = pd.to_datetime(columns["close_time"], unit="us")
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(Columns(dataname=frame, nocase=False))
    cerebro.addstrategy(ByHand, **params)
    cerebro.broker.setcash(50_000)
    cerebro.broker.setcommission(commission=0.0005, stocklike=True)
    return cerebro.run()[0]


def config(tmp_path: Path, data: str, protection: str = "time_stop: null") -> object:
    path = tmp_path / "parity.yaml"
    path.write_text(CONFIG.format(data=data, protection=protection))
    return load_config(path)


def assert_equal(ours: object, plain: bt.Strategy) -> None:
    made = list(ours.record.orders.values())
    assert len(plain.log) == len(made) > 20
    for order, row in zip(plain.log.values(), made, strict=True):
        done = order.executed
        expected = (order.isbuy(), abs(order.created.size), order.getstatusname().lower(), abs(done.size))
        assert expected == (row["side"] == "buy", row["size"], row["status"], row["executed_size"])
        expected_price = done.price if done.size else None
        assert expected_price == (row["executed_price"] if row["executed_size"] else None), row
        assert done.comm == row["commission"]
        if done.size:
            assert done.dt == pytest.approx(bt.date2num(pd.Timestamp(row["executed_time"], unit="us")), abs=2e-10)
    assert plain.broker.getcash() == ours.equity["cash"][-1]
    assert plain.broker.getvalue() == ours.equity["value"][-1]
    assert plain.values == ours.equity["value"].tolist()


def run_in(engine: str, conf: object, source: object) -> object:
    made = simulate(conf.model_copy(update={"engine": engine}), {"main": source})
    assert made.engine == engine
    return made


@pytest.mark.parametrize("engine", ["backtrader", "compiled"])
def test_a_run_equals_plain_backtrader_bit_for_bit(tmp_path: Path, engine: str) -> None:
    conf = config(tmp_path, "{feed: SyntheticTape, seed: 3, days: 1, lot: 0.001}")
    source = read(conf, "main", lambda text: None)["main"]
    assert_equal(run_in(engine, conf, source), by_hand(source))


@pytest.mark.parametrize("engine", ["backtrader", "compiled"])
def test_stops_and_targets_equal_plain_backtraders_bit_for_bit(tmp_path: Path, engine: str) -> None:
    protection = "stop_loss: 0.15%\n    take_profit: 0.2%"
    conf = config(tmp_path, "{feed: SyntheticTape, seed: 4, days: 1, lot: 0.001, tick: 0.1}", protection)
    fees = conf.broker.fees.model_copy(update={"maker": 5e-4})
    late = Fills(inside="next_bar")  # which is when orders of a strategy that hears of its fill work
    conf = conf.model_copy(update={"broker": conf.broker.model_copy(update={"fees": fees}), "fills": late})
    source = read(conf, "main", lambda text: None)["main"]
    outcome = run_in(engine, conf, source)
    kinds = {row["type"] for row in outcome.record.orders.values() if row["status"] == "completed"}
    assert kinds == {"market", "stop", "limit"}
    assert_equal(outcome, by_hand(source, stop=0.0015, target=0.002))


@pytest.mark.real_data
@pytest.mark.parametrize("engine", ["backtrader", "compiled"])
def test_a_run_on_a_real_day_equals_plain_backtrader(tmp_path: Path, real_data: Path, engine: str) -> None:
    path = real_data / "06_binance_official_dumps" / "cm_BTCUSD_PERP-aggTrades-2026-05-08.zip"
    data = f"{{feed: BinanceAggTrades, market: cm, contract_size: 100, path: '{path}', lot: 0.001}}"
    conf = config(tmp_path, data)
    source = read(conf, "main", lambda text: None)["main"]
    assert_equal(run_in(engine, conf, source), by_hand(source))
