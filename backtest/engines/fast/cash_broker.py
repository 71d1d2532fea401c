"""The lazy broker of the commonest account: what backtrader's does with an order, in fewer steps."""

from __future__ import annotations

import math
from typing import Any

from backtrader.brokers.bbroker import BackBroker
from backtrader.order import Order, OrderExecutionBit

from ...broker.afford import is_sized
from ...broker.base import Broker, how_it_stands
from . import positions
from .broker import Lazy

RESTATED = (
    "submit", "transmit", "check_submitted", "submit_accept", "notify", "_execute", "_try_exec", "_try_exec_market",
)  # fmt: skip


def is_plain_broker(broker: Any) -> bool:
    """Whether the class of ``broker`` takes and fills orders as backtrader's does."""
    kind, known = type(broker), (BackBroker, Broker)
    return all(getattr(kind, name) in [getattr(each, name) for each in known] for name in RESTATED)


class CashBroker(Lazy):
    """A lazy broker that restates what its base does with an order that is filled whole, from cash that is there.

    A filler, cheating on open or close, short sales that bring no cash, compensating feeds, positions of an own
    kind and everything else that is rare goes the way of the base.
    """

    cash: float

    def submit(self, order: Any, check: bool = True) -> Any:
        """Take an order; groups that are sent together go the way of the base."""
        whole = order.transmit and check and self.p.checksubmit
        if order.parent is not None or not whole or self.ruined_at is not None:
            return super().submit(order, check=check)
        bar = len(order.data)
        if isinstance(self, Broker):
            self.begin(order)
        self._pchildren[order.ref].append(order)
        order.status, order.broker, order.plen = Order.Submitted, None, bar
        self.submitted.append(order)
        self.orders.append(order)
        self.notifs.append(order.clone())
        return order

    def submit_accept(self, order: Any) -> None:
        """Let an order rest."""
        order.pannotated, order.plen = None, len(order.data)
        order.status, order.broker = Order.Accepted, None
        self.pending.append(order)
        self.notifs.append(order.clone())

    def notify(self, order: Any) -> None:
        """Tell of ``order`` as it is now."""
        if order.status == Order.Partial:
            super().notify(order)
        else:
            self.notifs.append(order.clone())

    def check_submitted(self) -> None:
        """Take in what was sent, as far as the cash would reach at the prices of sending."""
        if isinstance(self, Broker):
            super().check_submitted()
            return
        trials: dict[Any, Any] = {}
        cash = self.cash
        while self.submitted:
            order = self.submitted.popleft()
            if self._take_children(order) is None:
                continue
            data = order.data
            if data not in trials:
                trials[data] = positions.trial(self.positions[data])
            cash = self._execute(order, cash=cash, position=trials[data])
            if cash >= 0.0:
                self.submit_accept(order)
            else:
                self._refuse(order)

    def _trial(self, position: Any) -> Any:
        return positions.trial(position)

    def _refuse(self, order: Any) -> None:
        order.margin()
        self.notify(order)
        self._ococheck(order)
        self._bracketize(order, cancel=True)

    def _try_exec(self, order: Any) -> None:
        data, p = order.data, self.p
        ticks = not data.tick_open is data.tick_high is data.tick_low is None
        if order.exectype != Order.Market or p.coc or p.coo or ticks or getattr(order, "conditional", False):
            super()._try_exec(order)
            return
        if isinstance(self, Broker):
            bar = len(data)
            if bar <= order.tried:
                return
            order.tried = bar
            if self.is_shut(data):
                self.waits[order.ref] += 1
                return
            if math.isnan(data.open[0]):
                return
            self.look_at(data)
        if data.datetime[0] <= order.created.dt:
            return
        if order.isbuy():
            price = self._slip_up(data.high[0], data.open[0], doslip=p.slip_open)
        else:
            price = self._slip_down(data.low[0], data.open[0], doslip=p.slip_open)
        self._execute(order, 0, price)
        if isinstance(self, Broker) and order.executed.size:
            self.filled(order, how_it_stands(order))

    def _execute(
        self, order: Any, ago: Any = None, price: Any = None, cash: Any = None, position: Any = None, dtcoc: Any = None
    ) -> Any:
        data, p = order.data, self.p
        held = self.positions[data]
        rare = p.filler is not None or p.coo or not p.shortcash or data._compensate is not None
        if self.eager or rare or not positions.is_known(held):
            return super()._execute(order, ago, price, cash, position, dtcoc)
        if ago is None:
            return self._try_on(order, cash, position)
        if price is not None and isinstance(self, Broker) and is_sized(order):
            self._cut_to_cash(order, price)
        return None if price is None else self._fill(order, held, price, dtcoc or data.datetime[ago])

    def _try_on(self, order: Any, cash: float, position: Any) -> float:
        """Cash that would be left if ``order`` were filled at the price it was sent at."""
        scheme, price = self.getcommissioninfo(order.data), order.created.price
        _, _, opened, closed = position.update(order.executed.remsize, price)
        if closed:
            cash += _own(-closed * price, scheme)
            cash -= scheme.getcommission(closed, price)
        if opened:
            cash -= _own(opened * price, scheme)
            cash -= scheme.getcommission(opened, price)
        return cash

    def _fill(self, order: Any, held: Any, price: float, time: float) -> None:
        data, size = order.data, order.executed.remsize
        scheme, trial = self.getcommissioninfo(data), positions.trial(held)
        psize, pprice, opened, closed = trial.update(size, price)
        pnl = -closed * (price - held.price) * scheme.p.mult
        gone, come = (0.0, 0.0), (0.0, 0.0)
        if closed:
            gone = self._give(closed, held.price, price, pnl, scheme)
            if self.p.int2pnl:
                gone = gone[0], gone[1] + self.d_credit.pop(data, 0.0)
        short = False
        if opened:
            come = opened * price, scheme.getcommission(opened, price)
            cash = self.cash - _own(come[0], scheme) - come[1]
            short = cash < 0.0
            if short:
                opened, come = 0, (0.0, 0.0)
            else:
                held.adjbase, self.cash = price, cash
        done = closed + opened
        if done:
            scheme.confirmexec(done, price)
            positions.settle(held, trial if done == size else None, done, price, data.datetime[0])
            bit = OrderExecutionBit(time, done, price, closed, *gone, opened, *come, pnl, psize, pprice)
            self._executed(order, bit, scheme)
        if short:
            self._refuse(order)

    def _give(self, closed: float, entry: float, price: float, pnl: float, scheme: Any) -> tuple[float, float]:
        """Take the cash of what is closed; its value at entry, and the fee."""
        value = -closed * entry
        cash = self.cash + (_own(value, scheme) + pnl)
        fee = scheme.getcommission(closed, price)
        self.cash = cash - fee
        return value, fee

    def _executed(self, order: Any, bit: Any, scheme: Any) -> None:
        done = order.executed
        done.addbit(bit)
        done.margin, order.comminfo = scheme.margin, scheme
        order.status = Order.Partial if done.remsize else Order.Completed
        self.notify(order)
        self._ococheck(order)


def _own(value: float, scheme: Any) -> float:
    """The part of a position's ``value`` that is not lent."""
    made: float = value / scheme.p.leverage if value > 0 else value
    return made
