"""Strategies in the style of backtrader's documentation, run as they stand and with only their base class changed."""

import datetime
from typing import Any

import backtrader as bt


class QuickStart(bt.Strategy):
    """A mean crossed by the close; one order at a time; every hook of the documentation, none calling super()."""

    params = (("maperiod", 15), ("printlog", False))

    def log(self, text: str, dt: Any = None) -> None:
        self.said.append((dt or self.datas[0].datetime.date(0), text))

    def __init__(self) -> None:
        self.said: list[Any] = []
        self.dataclose = self.datas[0].close
        self.order = None
        self.buyprice = None
        self.buycomm = None
        self.sma = bt.indicators.SimpleMovingAverage(self.datas[0], period=self.params.maperiod)

    def notify_order(self, order: Any) -> None:
        if order.status in [order.Submitted, order.Accepted]:
            return
        if order.status in [order.Completed]:
            if order.isbuy():
                self.log(f"BUY EXECUTED, Price: {order.executed.price:.2f}, Comm {order.executed.comm:.2f}")
                self.buyprice = order.executed.price
                self.buycomm = order.executed.comm
            else:
                self.log(f"SELL EXECUTED, Price: {order.executed.price:.2f}, Comm {order.executed.comm:.2f}")
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
                self.order = self.buy()
        elif self.dataclose[0] < self.sma[0]:
            self.order = self.sell()

    def stop(self) -> None:
        self.log(f"(MA Period {self.params.maperiod}) Ending Value {self.broker.getvalue():.2f}")


class HoldForFive(bt.Strategy):
    """Buys after two falling closes and sells five bars after the fill."""

    def __init__(self) -> None:
        self.order: Any = None

    def notify_order(self, order: Any) -> None:
        if order.status == order.Completed:
            self.bar_executed = len(self)
        if not order.alive():
            self.order = None

    def next(self) -> None:
        close = self.data.close
        if self.order:
            return
        if not self.position:
            if close[0] < close[-1] < close[-2]:
                self.order = self.buy()
        elif len(self) >= self.bar_executed + 5:
            self.order = self.sell()


class CrossAndClose(bt.Strategy):
    """The crossover of two means; leaves with close()."""

    params = dict(pfast=5, pslow=20)

    def __init__(self) -> None:
        sma1, sma2 = bt.ind.SMA(period=self.p.pfast), bt.ind.SMA(period=self.p.pslow)
        self.crossover = bt.ind.CrossOver(sma1, sma2)

    def next(self) -> None:
        if not self.position:
            if self.crossover > 0:
                self.buy()
        elif self.crossover < 0:
            self.close()


class CloseAndReverse(bt.Strategy):
    """Always in the market: closes and turns round, with a size of its own."""

    def __init__(self) -> None:
        self.momentum = bt.ind.Momentum(self.data, period=10)

    def next(self) -> None:
        if self.momentum > 0 and self.position.size <= 0:
            self.close()
            self.buy(size=7)
        elif self.momentum < 0 and self.position.size >= 0:
            self.close()
            self.sell(size=7)


class Brackets(bt.Strategy):
    """A limit entry with stop and target in one bracket."""

    def __init__(self) -> None:
        self.orefs: list[int] = []
        self.cross = bt.ind.CrossOver(bt.ind.EMA(period=5), bt.ind.EMA(period=15))

    def notify_order(self, order: Any) -> None:
        if not order.alive() and order.ref in self.orefs:
            self.orefs.remove(order.ref)

    def next(self) -> None:
        if self.orefs or self.position or self.cross <= 0:
            return
        price = self.data.close[0] * 0.998
        made = self.buy_bracket(
            price=price, stopprice=price * 0.985, limitprice=price * 1.02, valid=datetime.timedelta(days=2), size=5
        )
        self.orefs = [order.ref for order in made]


class TargetPercent(bt.Strategy):
    """Rebalances to a share of the account by how far the price is from its mean."""

    def __init__(self) -> None:
        self.gap = self.data.close / bt.ind.SMA(self.data.close, period=20) - 1.0

    def next(self) -> None:
        if len(self) % 5 == 0:
            self.order_target_percent(target=0.5 if self.gap[0] < 0 else 0.1)


class TargetSize(bt.Strategy):
    """Walks its position up and down by target sizes and values."""

    def next(self) -> None:
        if len(self) % 40 == 10:
            self.order_target_size(target=12)
        elif len(self) % 40 == 20:
            self.order_target_value(target=2500.0)
        elif len(self) % 40 == 30:
            self.order_target_size(target=-3)
        elif len(self) % 40 == 0:
            self.order_target_percent(target=0.0)


class Timers(bt.Strategy):
    """Buys and sells by timers alone."""

    def __init__(self) -> None:
        self.add_timer(when=datetime.time(6, 0), weekdays=[1, 3], weekcarry=True, name="in")
        self.add_timer(when=datetime.time(18, 0), weekdays=[2, 5], name="out")

    def notify_timer(self, timer: Any, when: Any, *args: Any, **kwargs: Any) -> None:
        if kwargs["name"] == "in" and not self.position:
            self.buy(size=4)
        elif kwargs["name"] == "out" and self.position:
            self.close()


class OrderTypes(bt.Strategy):
    """Stops, limits, stop-limits and trailing stops, some cancelled and some that expire."""

    def __init__(self) -> None:
        self.mine: list[Any] = []

    def start(self) -> None:
        self.seen = 0

    def prenext(self) -> None:
        self.seen += 1

    def nextstart(self) -> None:
        self.next()

    def notify_order(self, order: Any) -> None:
        if order.status == order.Completed and order in self.mine:
            self.mine.remove(order)

    def next(self) -> None:
        close, phase = self.data.close[0], len(self) % 24
        if phase == 0:
            for order in self.mine:
                self.cancel(order)
            self.close()
            self.mine = []
        elif phase == 1:
            self.mine.append(self.buy(exectype=bt.Order.Stop, price=close * 1.004, size=3))
            self.mine.append(self.sell(exectype=bt.Order.Limit, price=close * 1.02, size=2))
        elif phase == 4:
            self.mine.append(self.buy(exectype=bt.Order.StopLimit, price=close * 1.003, plimit=close * 1.005, size=2))
        elif phase == 8 and self.position.size > 0:
            self.mine.append(self.sell(exectype=bt.Order.StopTrail, trailpercent=0.01, size=self.position.size))
        elif phase == 12:
            valid = self.data.datetime.datetime(0) + datetime.timedelta(hours=3)
            self.mine.append(self.sell(exectype=bt.Order.Limit, price=close * 1.006, valid=valid, size=1))


class Pyramid(bt.Strategy):
    """Adds while it is right, sized by the sizer, and gets out of it all at once."""

    params = (("most", 3),)

    def __init__(self) -> None:
        self.high = bt.ind.Highest(self.data.close, period=10)
        self.low = bt.ind.Lowest(self.data.close, period=10)
        self.adds = 0

    def notify_trade(self, trade: Any) -> None:
        if trade.isclosed:
            self.adds = 0

    def next(self) -> None:
        if self.data.close[0] >= self.high[0] and self.adds < self.p.most:
            self.buy()
            self.adds += 1
        elif self.position and self.data.close[0] <= self.low[0]:
            self.close()


class Pairs(bt.Strategy):
    """Two feeds: buys the one that lags and sells the other; reports by the feeds' names."""

    def __init__(self) -> None:
        self.ratio = [bt.ind.ROC(data.close, period=12) for data in self.datas]
        self.inds = {data._name: ratio for data, ratio in zip(self.datas, self.ratio, strict=True)}

    def next(self) -> None:
        if len(self) % 12:
            return
        first, second = self.datas
        lag = self.ratio[0][0] - self.ratio[1][0]
        held = self.getposition(first).size
        if held and (held > 0) == (lag > 0):
            self.close(data=first)
            self.close(data=second)
        elif not held:
            self.buy(data=first if lag < 0 else second, size=5)
            self.sell(data=second if lag < 0 else first, size=5)


class Oscillator(bt.Strategy):
    """RSI with orders at the sizer's size on both sides, the second of which takes back the first."""

    params = dict(period=14, high=60, low=40)

    def __init__(self) -> None:
        self.rsi = bt.ind.RSI_SMA(self.data.close, period=self.p.period, safediv=True)
        self.risk = 0.02
        self.plan = "none"

    def next(self) -> None:
        if not self.position:
            if self.rsi < self.p.low:
                self.buy()
            elif self.rsi > self.p.high:
                self.sell()
        elif self.position.size > 0 and self.rsi > 50:
            self.sell()
        elif self.position.size < 0 and self.rsi < 50:
            self.buy()
