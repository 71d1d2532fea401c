"""Scripts in the manner of backtrader's documentation: each sets up a Cerebro as its readers do, and runs it.

Each takes a folder to write to, and gives back what ``run`` gave. They name ``bt.Cerebro``, as scripts do, so that what
stands in its place runs them.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd

Script = Callable[[Path], Any]
SCRIPTS: dict[str, Script] = {}
MODES: dict[str, dict[str, Any]] = {}
MINUTES = bt.TimeFrame.Minutes


def script(made: Script) -> Script:
    """Add a script to the corpus."""
    SCRIPTS[made.__name__] = made
    return made


def prices(seed: int = 1, n: int = 260, freq: str = "D", start: str = "2022-01-03", scale: float = 0.02) -> Any:
    """Bars of a random walk in cents."""
    rng = np.random.default_rng(seed)
    close = 50 * np.exp(np.cumsum(rng.normal(0, scale, n)))
    first = np.r_[50.0, close[:-1]] * np.exp(rng.normal(0, scale / 5, n))
    made = pd.DataFrame({"open": first, "high": np.maximum(first, close), "low": np.minimum(first, close)})
    made["high"] += rng.uniform(0, 0.5, n)
    made["low"] -= rng.uniform(0, 0.5, n)
    made["close"], made["volume"] = close, rng.integers(50, 500, n)
    return made.round(2).set_index(pd.date_range(start, periods=n, freq=freq, name="datetime"))


def feed(seed: int = 1, **options: Any) -> Any:
    """A feed of such bars."""
    shape = {key: options.pop(key) for key in ("n", "freq", "start", "scale") if key in options}
    return bt.feeds.PandasData(dataname=prices(seed, **shape), **options)


def minutes(seed: int = 1, n: int = 600, compression: int = 1, **options: Any) -> Any:
    """A feed of minutes over two days."""
    frame = prices(seed, n, f"{compression}min", "2022-01-03 09:31", 0.003)
    return bt.feeds.PandasData(dataname=frame, timeframe=MINUTES, compression=compression, **options)


class Cross(bt.Strategy):
    """The crossover of two means, out at the next one."""

    params = dict(fast=5, slow=15, size=None)

    def __init__(self) -> None:
        fast, slow = (bt.ind.SMA(period=n) for n in (self.p.fast, self.p.slow))
        self.cross = bt.ind.CrossOver(fast, slow)

    def next(self) -> None:
        if not self.position:
            if self.cross > 0:
                self.buy(size=self.p.size)
        elif self.cross < 0:
            self.close()


class BothWays(Cross):
    """Turns round at every crossover."""

    def next(self) -> None:
        if self.cross:
            self.close()
            (self.buy if self.cross > 0 else self.sell)(size=self.p.size or 5)


def crossing(kind: Any = Cross, data: Any = None, **modes: Any) -> Any:
    """A Cerebro with a feed and a strategy."""
    cerebro = bt.Cerebro(**modes)
    cerebro.adddata(feed() if data is None else data)
    cerebro.addstrategy(kind)
    return cerebro


@script
def quickstart(folder: Path) -> Any:
    class TestStrategy(bt.Strategy):
        params = (("exitbars", 5), ("maperiod", 15))

        def log(self, text: str, dt: Any = None) -> None:
            print(f"{(dt or self.datas[0].datetime.date(0)).isoformat()}, {text}")

        def __init__(self) -> None:
            self.dataclose = self.datas[0].close
            self.order = None
            self.sma = bt.indicators.SimpleMovingAverage(self.datas[0], period=self.params.maperiod)
            bt.indicators.ExponentialMovingAverage(self.datas[0], period=25)
            bt.indicators.WeightedMovingAverage(self.datas[0], period=25).subplot = True
            bt.indicators.StochasticSlow(self.datas[0])
            bt.indicators.MACDHisto(self.datas[0])
            rsi = bt.indicators.RSI(self.datas[0])
            bt.indicators.SmoothedMovingAverage(rsi, period=10)
            bt.indicators.ATR(self.datas[0]).plot = False

        def notify_order(self, order: Any) -> None:
            if order.status in [order.Submitted, order.Accepted]:
                return
            if order.status in [order.Completed]:
                what = "BUY" if order.isbuy() else "SELL"
                self.log(f"{what} EXECUTED, {order.executed.price:.2f}, {order.executed.comm:.2f}")
                self.bar_executed = len(self)
            elif order.status in [order.Canceled, order.Margin, order.Rejected]:
                self.log("Order Canceled/Margin/Rejected")
            self.order = None

        def notify_trade(self, trade: Any) -> None:
            if trade.isclosed:
                self.log(f"OPERATION PROFIT, GROSS {trade.pnl:.2f}, NET {trade.pnlcomm:.2f}")

        def next(self) -> None:
            if self.order:
                return
            if not self.position:
                if self.dataclose[0] > self.sma[0]:
                    self.log(f"BUY CREATE, {self.dataclose[0]:.2f}")
                    self.order = self.buy()
            elif len(self) >= self.bar_executed + self.params.exitbars:
                self.order = self.sell()

        def stop(self) -> None:
            self.log(f"Ending Value {self.broker.getvalue():.2f}")

    cerebro = crossing(TestStrategy)
    cerebro.broker.setcash(1000.0)
    cerebro.addsizer(bt.sizers.FixedSize, stake=10)
    cerebro.broker.setcommission(commission=0.001)
    return cerebro.run()


@script
def signal_of_an_indicator(folder: Path) -> Any:
    class MySignal(bt.Indicator):
        lines = ("signal",)
        params = (("period", 12),)

        def __init__(self) -> None:
            self.lines.signal = self.data - bt.indicators.SMA(period=self.p.period)

    cerebro = bt.Cerebro()
    cerebro.adddata(feed())
    cerebro.add_signal(bt.SIGNAL_LONGSHORT, MySignal)
    return cerebro.run()


@script
def signals_of_entry_and_exit(folder: Path) -> Any:
    class Above(bt.Indicator):
        lines = ("signal",)
        params = (("period", 20),)

        def __init__(self) -> None:
            self.lines.signal = self.data - bt.ind.EMA(period=self.p.period)

    class Turns(bt.Indicator):
        lines = ("signal",)

        def __init__(self) -> None:
            self.lines.signal = bt.ind.SMA(period=5) - bt.ind.SMA(period=10)

    cerebro = bt.Cerebro()
    cerebro.adddata(feed(2))
    cerebro.add_signal(bt.SIGNAL_LONG, Above, period=25)
    cerebro.add_signal(bt.SIGNAL_LONGEXIT, Turns)
    cerebro.signal_accumulate(False)
    return cerebro.run()


@script
def signal_strategy(folder: Path) -> Any:
    class SmaCross(bt.SignalStrategy):
        params = dict(sma1=10, sma2=20)

        def notify_order(self, order: Any) -> None:
            if not order.alive():
                print("BUY" if order.isbuy() else "SELL", order.executed.size, f"{order.executed.price:.2f}")

        def __init__(self) -> None:
            crossover = bt.ind.CrossOver(bt.ind.SMA(period=self.params.sma1), bt.ind.SMA(period=self.params.sma2))
            self.signal_add(bt.SIGNAL_LONG, crossover)

    return crossing(SmaCross).run()


@script
def bracket_by_hand(folder: Path) -> Any:
    class ByHand(Cross):
        def next(self) -> None:
            if self.position or getattr(self, "out", 0) > len(self) or not self.cross > 0:
                return
            price = self.data.close[0]
            main = self.buy(exectype=bt.Order.Limit, price=price * 0.995, transmit=False, size=20)
            self.sell(exectype=bt.Order.Stop, price=price * 0.97, size=main.size, transmit=False, parent=main)
            self.sell(exectype=bt.Order.Limit, price=price * 1.05, size=main.size, transmit=True, parent=main)
            self.out = len(self) + 20

    return crossing(ByHand).run()


@script
def bracket_with_its_own_expiry(folder: Path) -> Any:
    class Bracket(Cross):
        def notify_order(self, order: Any) -> None:
            print(len(self), order.getordername(), order.getstatusname(), order.isbuy())

        def next(self) -> None:
            if self.position or not self.cross:
                return
            price, days = self.data.close[0], datetime.timedelta(4)
            if self.cross > 0:
                self.buy_bracket(
                    price=price * 0.99, valid=days, stopprice=price * 0.96, limitprice=price * 1.04,
                    stopargs={"valid": datetime.timedelta(30)}, limitargs={"valid": datetime.timedelta(40)},
                )  # fmt: skip
            else:
                self.sell_bracket(exectype=bt.Order.Market, stopprice=price * 1.05, limitprice=price * 0.95)

    return crossing(Bracket).run()


@script
def one_cancels_others(folder: Path) -> Any:
    class Oco(Cross):
        refs: list[Any] = []

        def notify_order(self, order: Any) -> None:
            print(self.data.datetime.date(), order.getstatusname(), order.exectype)
            if order.status == order.Completed:
                self.hold = len(self)
            if not order.alive():
                self.refs = [one for one in self.refs if one is not order]

        def next(self) -> None:
            if self.refs:
                return
            if self.position:
                if len(self) - self.hold >= 10:
                    self.close()
            elif self.cross > 0:
                close = self.data.close[0]
                first = self.buy(exectype=bt.Order.Limit, price=close * 0.98, valid=datetime.timedelta(3))
                second = self.buy(exectype=bt.Order.Limit, price=close * 0.96, valid=datetime.timedelta(9), oco=first)
                third = self.buy(exectype=bt.Order.Limit, price=close * 0.90, valid=datetime.timedelta(9), oco=first)
                self.refs = [first, second, third]

    return crossing(Oco).run()


@script
def trailing_stops(folder: Path) -> Any:
    class Trails(Cross):
        def next(self) -> None:
            if not self.position and self.cross > 0:
                self.buy(size=10)
                self.stop_order = None
            elif self.position and self.stop_order is None:
                how = dict(trailpercent=0.03) if len(self) % 2 else dict(trailamount=1.5)
                self.stop_order = self.sell(size=10, exectype=bt.Order.StopTrail, **how)
            elif self.position:
                print(f"{self.stop_order.created.price:.4f}")

    return crossing(Trails).run()


@script
def order_execution_types(folder: Path) -> Any:
    class Types(Cross):
        def notify_order(self, order: Any) -> None:
            print(len(self), order.getordername(), order.getstatusname(), f"{order.executed.price:.2f}")

        def next(self) -> None:
            close, day = self.data.close[0], len(self) % 40
            valid = self.data.datetime.date(0) + datetime.timedelta(days=6)
            if day == 1:
                self.buy(exectype=bt.Order.Stop, price=close * 1.01, valid=valid)
            elif day == 8:
                self.buy(exectype=bt.Order.StopLimit, price=close * 1.01, plimit=close * 1.005, valid=valid)
            elif day == 15:
                self.buy(exectype=bt.Order.Limit, price=close * 0.99, valid=0)
            elif day == 22:
                self.sell(exectype=bt.Order.Close)
            elif day == 30:
                self.close()

    return crossing(Types).run()


@script
def target_orders(folder: Path) -> Any:
    class Targets(bt.Strategy):
        def next(self) -> None:
            if len(self) % 9 == 0:
                day = self.data.datetime.date(0)
                self.order_target_percent(target=(day.day % 10) / 20)
            elif len(self) % 9 == 3:
                self.order_target_value(target=2000.0 + 10 * len(self))
            elif len(self) % 9 == 6:
                self.order_target_size(target=len(self) % 5 * 7 - 10)

    cerebro = crossing(Targets)
    cerebro.broker.setcommission(commission=0.002)
    return cerebro.run()


@script
def sizer_of_ones_own(folder: Path) -> Any:
    class LongOnly(bt.Sizer):
        params = (("stake", 1),)

        def _getsizing(self, comminfo: Any, cash: float, data: Any, isbuy: bool) -> float:
            if isbuy:
                return float(self.p.stake * int(cash / 1000))
            return float(self.broker.getposition(data).size)

    cerebro = crossing(BothWays)
    cerebro.addsizer(LongOnly, stake=3)

    class Sized(Cross):
        def next(self) -> None:
            if self.cross:
                (self.buy if self.cross > 0 else self.sell)()

    cerebro.addstrategy(Sized)
    return cerebro.run()


@script
def sizers_by_percent(folder: Path) -> Any:
    cerebro = crossing()
    cerebro.addsizer(bt.sizers.PercentSizer, percents=30)
    index = cerebro.addstrategy(BothWays, fast=3)
    cerebro.addsizer_byidx(index, bt.sizers.AllInSizerInt)
    return cerebro.run()


@script
def timers(folder: Path) -> Any:
    class Timed(bt.Strategy):
        def __init__(self) -> None:
            self.add_timer(when=bt.timer.SESSION_START, weekdays=[1, 3], weekcarry=True)
            self.add_timer(when=bt.timer.SESSION_END, monthdays=[1, 15], monthcarry=True, tag="month")
            self.add_timer(when=datetime.time(9, 45), offset=datetime.timedelta(minutes=5), cheat=True)

        def notify_timer(self, timer: Any, when: Any, *args: Any, **kwargs: Any) -> None:
            print(len(self), when, kwargs)
            if kwargs.get("tag"):
                self.close()
            else:
                self.buy(size=2)

    cerebro = bt.Cerebro()
    cerebro.adddata(minutes(n=500, compression=15, sessionstart=datetime.time(9, 30), sessionend=datetime.time(17, 0)))
    cerebro.addstrategy(Timed)
    return cerebro.run()


@script
def cheat_on_open(folder: Path) -> Any:
    class Opens(BothWays):
        def next_open(self) -> None:
            print(f"{self.data.datetime.date()} {self.data.open[0]:.2f} {self.cross[-1]}")
            if self.cross[0]:
                self.close()
                (self.buy if self.cross > 0 else self.sell)(size=int(self.broker.getcash() / self.data.open[0] / 3))

        def next(self) -> None:
            pass

    return crossing(Opens, cheat_on_open=True).run()


@script
def cheat_on_close(folder: Path) -> Any:
    cerebro = crossing(BothWays)
    cerebro.broker.set_coc(True)
    cerebro.broker.set_checksubmit(False)
    return cerebro.run()


@script
def pairs(folder: Path) -> Any:
    class Pairs(bt.Strategy):
        params = dict(period=10, limit=1.3)

        def __init__(self) -> None:
            ratio = self.data0.close / self.data1.close
            self.score = (ratio - bt.ind.SMA(ratio, period=self.p.period)) / bt.ind.StdDev(ratio, period=self.p.period)

        def next(self) -> None:
            flat = not self.getposition(self.data0).size
            if flat and abs(self.score[0]) > self.p.limit:
                first, second = (self.sell, self.buy) if self.score > 0 else (self.buy, self.sell)
                first(data=self.data0, size=10)
                second(data=self.data1, size=12)
            elif not flat and abs(self.score[0]) < 0.2:
                self.close(self.data0)
                self.close(self.data1)

    cerebro = bt.Cerebro()
    cerebro.adddata(feed(3), name="PEP")
    cerebro.adddata(feed(4), name="KO")
    cerebro.addstrategy(Pairs)
    cerebro.broker.setcommission(commission=0.005, name="KO")
    return cerebro.run()


@script
def momentum_over_many(folder: Path) -> Any:
    class Rotation(bt.Strategy):
        def __init__(self) -> None:
            self.inds = {data: bt.ind.ROC(data, period=15) for data in self.datas}

        def prenext(self) -> None:
            self.next()

        def next(self) -> None:
            if len(self) % 10:
                return
            known = [data for data in self.datas if len(data) > 15]
            ranked = sorted(known, key=lambda data: self.inds[data][0], reverse=True)
            for data in ranked[1:]:
                self.order_target_percent(data, 0.0)
            for data in ranked[:1]:
                self.order_target_percent(data, 0.8)
            print([data._name for data in ranked])

    cerebro = bt.Cerebro()
    for seed, (name, start) in enumerate({"a": "2022-01-03", "b": "2022-02-10", "c": "2022-04-01"}.items(), 11):
        cerebro.adddata(feed(seed, start=start, n=150 + 20 * (seed % 3)), name=name)
    cerebro.addstrategy(Rotation)
    return cerebro.run()


@script
def weeks_beside_days(folder: Path) -> Any:
    class TwoFrames(bt.Strategy):
        def __init__(self) -> None:
            self.days, self.weeks = bt.ind.SMA(self.data0, period=8), bt.ind.SMA(self.data1, period=4)

        def next(self) -> None:
            print(len(self.data0), len(self.data1), f"{self.weeks[0]:.4f}")
            if not self.position and self.days[0] > self.weeks[0]:
                self.buy()
            elif self.position and self.days[0] < self.weeks[0]:
                self.close()

    cerebro = bt.Cerebro()
    data = feed()
    cerebro.adddata(data)
    cerebro.resampledata(data, timeframe=bt.TimeFrame.Weeks, compression=1)
    cerebro.addstrategy(TwoFrames)
    return cerebro.run()


@script
def replayed_weeks(folder: Path) -> Any:
    class Replayed(Cross):
        def next(self) -> None:
            print(len(self), f"{self.data.close[0]:.2f} {self.data.volume[0]}")
            super().next()

    cerebro = bt.Cerebro()
    cerebro.replaydata(feed(), timeframe=bt.TimeFrame.Weeks, compression=1)
    cerebro.addstrategy(Replayed, fast=2, slow=5)
    return cerebro.run()


@script
def observers(folder: Path) -> Any:
    class OrderObserver(bt.observer.Observer):
        lines = ("created", "expired")

        def next(self) -> None:
            for order in self._owner._orderspending:
                if order.data is self.data and order.isbuy() and order.status == bt.Order.Accepted:
                    self.lines.created[0] = order.created.price or -1.0

    cerebro = crossing(BothWays)
    cerebro.addobserver(OrderObserver)
    cerebro.addobserver(bt.observers.DrawDown)
    cerebro.addobserver(bt.observers.TimeReturn, timeframe=bt.TimeFrame.Months)
    cerebro.addobserver(bt.observers.Benchmark, timeframe=bt.TimeFrame.NoTimeFrame)
    cerebro.addobserver(bt.observers.LogReturns)
    return cerebro.run()


@script
def analyzers(folder: Path) -> Any:
    cerebro = crossing(BothWays)
    for name in (
        *("SharpeRatio", "SQN", "TradeAnalyzer", "DrawDown", "TimeDrawDown", "AnnualReturn", "VWR", "Transactions"),
        *("PositionsValue", "GrossLeverage", "Returns", "PeriodStats", "Calmar", "LogReturnsRolling", "PyFolio"),
    ):
        cerebro.addanalyzer(getattr(bt.analyzers, name), _name=name)
    cerebro.addanalyzer(bt.analyzers.TimeReturn, timeframe=bt.TimeFrame.Months, _name="monthly")
    return cerebro.run()


@script
def analyzer_of_ones_own(folder: Path) -> Any:
    class Exposure(bt.Analyzer):
        def start(self) -> None:
            self.bars, self.held, self.values = 0, 0, []

        def notify_cashvalue(self, cash: float, value: float) -> None:
            self.values.append((cash, value))

        def next(self) -> None:
            self.bars += 1
            self.held += bool(self.strategy.position.size)

        def get_analysis(self) -> Any:
            return {"share": self.held / self.bars, "values": self.values[::20]}

    cerebro = crossing()
    cerebro.addanalyzer(Exposure, _name="exposure")
    return cerebro.run()


@script
def writers(folder: Path) -> Any:
    cerebro = crossing(data=feed(n=60))
    cerebro.addwriter(bt.WriterFile, csv=True, out=str(folder / "written.csv"), rounding=2)
    cerebro.addanalyzer(bt.analyzers.SQN)
    made = cerebro.run()
    print((folder / "written.csv").read_text())
    return made


@script
def optimisation(folder: Path) -> Any:
    cerebro = bt.Cerebro(optreturn=False)
    cerebro.adddata(feed())
    cerebro.optstrategy(BothWays, fast=[3, 5], slow=range(10, 31, 10))
    cerebro.addanalyzer(bt.analyzers.SQN, _name="sqn")
    made = [strategies[0] for strategies in cerebro.run(maxcpus=1)]
    for one in made:
        print(one.p.fast, one.p.slow, one.analyzers.sqn.get_analysis())
    return made


@script
def futures(folder: Path) -> Any:
    cerebro = crossing(BothWays)
    cerebro.broker.setcommission(commission=2.0, margin=400.0, mult=10.0)
    return cerebro.run()


@script
def interest_on_shorts(folder: Path) -> Any:
    cerebro = crossing(BothWays)
    cerebro.broker.setcommission(commission=0.001, interest=0.15, interest_long=True)
    return cerebro.run()


@script
def commission_of_ones_own(folder: Path) -> Any:
    class CommInfoFractional(bt.CommissionInfo):
        params = dict(commission=0.075, mult=1.0, stocklike=True)

        def _getcommission(self, size: float, price: float, pseudoexec: bool) -> float:
            return float(max(1.0, abs(size) * price * self.p.commission / 100))

        def getsize(self, price: float, cash: float) -> float:
            return float(self.p.leverage * (cash / price))

    cerebro = crossing()
    cerebro.broker.addcommissioninfo(CommInfoFractional())
    cerebro.addsizer(bt.sizers.PercentSizer, percents=50)
    return cerebro.run()


@script
def slippage(folder: Path) -> Any:
    cerebro = crossing(BothWays)
    cerebro.broker = bt.brokers.BackBroker(slip_perc=0.003, slip_open=True, slip_match=True, slip_out=False)
    return cerebro.run()


@script
def volume_fillers(folder: Path) -> Any:
    class Large(Cross):
        def notify_order(self, order: Any) -> None:
            print(order.getstatusname(), order.executed.size, order.executed.remsize)

        def next(self) -> None:
            if len(self) % 30 == 5:
                self.buy(size=300)
            elif len(self) % 30 == 20:
                self.close()

    cerebro = crossing(Large)
    cerebro.broker.setcash(100_000.0)
    cerebro.broker.set_filler(bt.broker.fillers.FixedBarPerc(perc=20.0))
    return cerebro.run()


@script
def rolling_futures(folder: Path) -> Any:
    class Rolls(Cross):
        def next(self) -> None:
            print(
                self.data.datetime.date(), self.data._d.p.name if self.data._d is not None else "", self.data.close[0]
            )
            super().next()

    cerebro = bt.Cerebro()
    contracts = [
        feed(seed, name=f"FES{seed}", start=f"2022-0{seed}-01", n=90, timeframe=bt.TimeFrame.Days) for seed in (1, 3, 5)
    ]
    cerebro.rolloverdata(
        *contracts, name="FES", checkdate=lambda dt, d: dt.day >= 20, checkcondition=lambda a, b: dt_rises(a, b)
    )
    cerebro.addstrategy(Rolls, fast=3, slow=8)
    return cerebro.run()


def dt_rises(leaving: Any, entering: Any) -> bool:
    """Whether the next contract trades more."""
    return bool(entering.volume[0] > leaving.volume[0])


@script
def indicator_of_ones_own(folder: Path) -> Any:
    class Channel(bt.Indicator):
        lines = ("top", "bottom", "inside")
        params = dict(period=12)
        plotinfo = dict(subplot=False)

        def __init__(self) -> None:
            self.addminperiod(self.p.period)
            self.l.inside = bt.And(self.data.close < self.l.top, self.data.close > self.l.bottom)

        def next(self) -> None:
            self.lines.top[0] = max(self.data.high.get(ago=-1, size=self.p.period - 1))
            self.lines.bottom[0] = min(self.data.low.get(ago=-1, size=self.p.period - 1))

    class Breakout(bt.Strategy):
        def __init__(self) -> None:
            self.channel = Channel()
            self.up = bt.ind.CrossUp(self.data.close, self.channel.top)
            self.held = bt.If(self.data.close > self.data.close(-3), self.channel.bottom, self.channel.top)

        def next(self) -> None:
            if not self.position and self.up:
                self.buy(size=5)
            elif self.position and self.data.close[0] < self.channel.bottom[0]:
                self.close()
            print(f"{self.held[0]:.2f} {self.channel.inside[0]}")

    return crossing(Breakout).run()


@script
def csv_with_a_line_of_its_own(folder: Path) -> Any:
    class WithRatio(bt.feeds.GenericCSVData):
        lines = ("pe",)
        params = (("pe", 6), ("dtformat", "%Y-%m-%d"), ("openinterest", -1))

    class Values(bt.Strategy):
        def next(self) -> None:
            if not self.position and self.data.pe[0] < 12:
                self.buy(size=3)
            elif self.position and self.data.pe[0] > 18:
                self.close()

    frame = prices(5)
    frame["pe"] = 15 + 6 * np.sin(np.arange(len(frame)) / 9)
    frame.to_csv(folder / "pe.csv", date_format="%Y-%m-%d", float_format="%.2f")
    data = WithRatio(dataname=str(folder / "pe.csv"), fromdate=datetime.datetime(2022, 2, 1))
    return crossing(Values, data).run()


@script
def filters(folder: Path) -> Any:
    data = feed()
    data.addfilter(bt.filters.HeikinAshi)
    data.addfilter_simple(lambda data: data.datetime.date(0).weekday() > 4)
    return crossing(Cross, data).run()


@script
def bricks(folder: Path) -> Any:
    data = feed(scale=0.01)
    data.addfilter(bt.filters.Renko, size=0.5)
    return crossing(Cross, data).run()


@script
def trade_ids(folder: Path) -> Any:
    class Many(bt.Strategy):
        def notify_trade(self, trade: Any) -> None:
            if trade.isclosed:
                print(trade.tradeid, f"{trade.pnlcomm:.4f}", trade.barlen)

        def next(self) -> None:
            if len(self) % 10 == 1:
                self.buy(tradeid=len(self) // 10 % 3, size=2)
            elif len(self) % 10 == 8:
                self.close(tradeid=len(self) // 10 % 3, size=2)

    return crossing(Many).run()


@script
def fund(folder: Path) -> Any:
    class Paid(Cross):
        def notify_fund(self, cash: float, value: float, fundvalue: float, shares: float) -> None:
            if len(self) % 20 == 0:
                print(f"{cash:.2f} {value:.2f} {fundvalue:.6f} {shares:.6f}")

        def next(self) -> None:
            if len(self) % 50 == 0:
                self.broker.add_cash(1000.0)
            super().next()

    cerebro = crossing(Paid)
    cerebro.broker.set_fundmode(True)
    cerebro.addobserver(bt.observers.FundValue)
    cerebro.addanalyzer(bt.analyzers.TimeReturn, timeframe=bt.TimeFrame.Months, _name="monthly")
    return cerebro.run()


@script
def strategy_that_chooses(folder: Path) -> Any:
    class Fetcher:
        kinds = (Cross, BothWays)

        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            return cls.kinds[kwargs.pop("idx")](*args, **kwargs)

    cerebro = bt.Cerebro(optreturn=False)
    cerebro.adddata(feed())
    cerebro.optstrategy(Fetcher, idx=[0, 1])
    return [strategies[0] for strategies in cerebro.run(maxcpus=1)]


@script
def minutes_and_their_clone(folder: Path) -> Any:
    class Sees(bt.Strategy):
        def __init__(self) -> None:
            self.gap = self.data0.close - self.data1(-5)

        def next(self) -> None:
            if not self.position and self.gap[0] > 0.2:
                self.buy(data=self.data1, size=4)
            elif self.getposition(self.data1).size and self.gap[0] < -0.2:
                self.close(data=self.data1)

    cerebro = bt.Cerebro()
    data = minutes()
    cerebro.adddata(data, name="whole")
    cerebro.adddata(data.clone(), name="copy")
    cerebro.addstrategy(Sees)
    return cerebro.run()


@script
def order_history(folder: Path) -> Any:
    cerebro = crossing(bt.Strategy)
    stamps = prices().index
    cerebro.add_order_history([[stamps[10], 5, 51.0], [stamps[40], -5, 53.0], [stamps[60], 8, 50.0]], notify=True)
    cerebro.addanalyzer(bt.analyzers.TradeAnalyzer, _name="trades")
    return cerebro.run()


@script
def saving_memory(folder: Path) -> Any:
    return crossing(BothWays, exactbars=1).run(stdstats=False)


@script
def bar_by_bar(folder: Path) -> Any:
    return crossing(BothWays, runonce=False).run()
