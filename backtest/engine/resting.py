"""How long resting orders rest: the first bar on which any of them could fill or expire, found over arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from backtrader.brokers.bbroker import BackBroker
from backtrader.order import Order
from numpy.typing import NDArray

from ..broker import Broker

Test = Callable[[int, int], NDArray[np.bool_]]

BLOCK = 32
"""Bars looked at first; each further look takes four times as many."""
MATCHING = ("_try_exec", "_try_exec_limit", "_try_exec_stop", "_try_exec_stoplimit")
TRAILING = (Order.StopTrail, Order.StopTrailLimit)
STOPS = (Order.Stop, Order.StopLimit, *TRAILING)
LIMITED = (Order.StopLimit, Order.StopTrailLimit)


def matches_as_known(broker: Any) -> bool:
    """Whether ``broker`` fills orders by the rules that are foreseen here."""
    own = ((getattr(type(broker), name), name) for name in MATCHING)
    return all(method in (getattr(BackBroker, name), getattr(Broker, name)) for method, name in own)


class Resting:
    """Foresees the orders that rest on one feed.

    Parameters
    ----------
    data : feed
        Preloaded.
    shut : bytes or None
        1 for each bar in which orders wait. An order that would trade there is not resting, though it will wait.
    """

    def __init__(self, data: Any, shut: bytes | None = None) -> None:
        self.shut = None if shut is None else np.frombuffer(shut, dtype=np.bool_)
        names = ("open", "high", "low", "close", "datetime")
        self.open, self.high, self.low, self.close, self.times = (
            np.frombuffer(getattr(data.lines, name).array, dtype=np.float64) for name in names
        )

    def until(self, orders: Any, bar: int, end: int) -> int:
        """First bar from ``bar`` on, at most ``end``, on which one of ``orders`` is not merely resting."""
        for order in orders:
            if order.valid:
                end = min(end, int(np.searchsorted(self.times, order.valid, side="right")))
            if order.active():
                end = self._first(order, bar, end)
            if end <= bar:
                return bar
        return end

    def follow(self, orders: Any, bar: int, end: int) -> None:
        """Let trailing stops follow the closes of bars ``bar`` to ``end``."""
        for order in orders:
            if order.active() and order.exectype in TRAILING and not self._is_limit(order):
                price = float(self._levels(order, bar, end)[-1])
                if price != order.created.price:
                    order.created.price = price
                    if order.exectype == Order.StopTrailLimit:
                        order.created.pricelimit = price - order._limitoffset

    def _first(self, order: Any, bar: int, end: int) -> int:
        if self._is_limit(order):
            if not order.__dict__.get("rested", False):
                return bar
            made = order.created
            return self._search(
                self._limit(order, made.price if order.exectype == Order.Limit else made.pricelimit), bar, end
            )
        if order.exectype in TRAILING:
            return self._first_trailed(order, bar, end)
        if order.exectype in STOPS:
            price = order.created.price
            return self._search(lambda a, b: self._stopped(order, price, a, b), bar, end)
        return bar

    @staticmethod
    def _is_limit(order: Any) -> bool:
        return bool(order.exectype == Order.Limit or (order.triggered and order.exectype in LIMITED))

    def _limit(self, order: Any, price: float) -> Test:
        if order.isbuy():
            return lambda a, b: (price >= self.open[a:b]) | (price >= self.low[a:b])
        return lambda a, b: (price <= self.open[a:b]) | (price <= self.high[a:b])

    def _stopped(self, order: Any, price: Any, a: int, b: int) -> NDArray[np.bool_]:
        opened, reach = self.open[a:b], (self.high if order.isbuy() else self.low)[a:b]
        beyond = np.greater_equal if order.isbuy() else np.less_equal
        made: NDArray[np.bool_] = beyond(opened, price) | beyond(reach, price)
        return made

    def _first_trailed(self, order: Any, bar: int, end: int) -> int:
        start = bar
        return self._search(
            lambda a, b: self._stopped(order, self._levels(order, start, b)[a - start : -1], a, b), bar, end
        )

    def _levels(self, order: Any, bar: int, end: int) -> NDArray[np.float64]:
        """Trigger before each bar from ``bar`` to ``end``, and after the last."""
        close = self.close[bar:end]
        if self.shut is not None:
            close = np.where(self.shut[bar:end], np.nan, close)  # which `nearer` leaves out
        if order.trailamount:
            distance: Any = order.trailamount
        else:
            distance = close * order.trailpercent if order.trailpercent else 0.0
        steps = close + distance if order.isbuy() else close - distance
        nearer = np.fmin if order.isbuy() else np.fmax
        made: NDArray[np.float64] = nearer.accumulate(np.concatenate(([order.created.price], steps)))
        return made

    @staticmethod
    def _search(test: Test, bar: int, end: int) -> int:
        size = BLOCK
        while bar < end:
            last = min(bar + size, end)
            hits = test(bar, last)
            at = int(hits.argmax())
            if hits[at]:
                return bar + at
            bar, size = last, size * 4
        return end
