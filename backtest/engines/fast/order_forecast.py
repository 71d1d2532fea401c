"""How long resting orders rest: the first bar on which any of them could fill or expire, found ahead."""

from __future__ import annotations

from typing import Any

import numpy as np
from backtrader.brokers.bbroker import BackBroker
from numpy.typing import NDArray

from ....core.kernels import njit_inline, njit_no_refcount
from ....core.tick_kernels import on_grid
from ....core.ticks import Grid, grid_of
from ...broker import order_rules
from ...broker.base import Broker
from ...broker.order_rules import CLOSE, STOP_TRAIL_LIMIT, TRAILING, is_limit
from ...broker.trailing import trailing_grid
from .cash_broker import CashBroker

MATCHING = ("_try_exec", "_try_exec_limit", "_try_exec_stop", "_try_exec_stoplimit")
KNOWN = (BackBroker, Broker, CashBroker)
"""Brokers that fill orders by the rules that are foreseen here."""

would_trade = njit_inline(order_rules.would_trade)
trailed = njit_inline(order_rules.trailed)


def matches_as_known(broker: Any) -> bool:
    """Whether ``broker`` fills orders by the rules that are foreseen here."""
    return all(getattr(type(broker), name) in [getattr(kind, name) for kind in KNOWN] for name in MATCHING)


@njit_no_refcount
def _first(
    order: tuple[int, bool, bool, bool, bool],
    levels: tuple[float, float, float, float, float, float],
    bars: NDArray[np.float64],
    shut: NDArray[np.bool_],
    span: tuple[int, int],
) -> tuple[int, float]:
    """The first bar of a span on which an order would trade, and where its trigger lies by then.

    Parameters
    ----------
    order : tuple
        Type, and whether it has triggered, is filled in part, buys and trails.
    levels : tuple of float
        Its price, its limit, by how much it trails, a distance or a share of the price, and the tick that it trails
        on, as a fraction.
    bars : ndarray of float64, (4, n)
        Open, high, low and close.
    shut : ndarray of bool, (n,) or (0,)
        Bars in which orders wait; none where there are no such bars. An order that would trade there is not merely
        resting, though it will wait.
    span : tuple of int
        First bar, and the one after the last.
    """
    kind, triggered, filled, buy, trails = order
    price, limit, distance, share, num, den = levels
    for bar in range(span[0], span[1]):
        if would_trade(kind, triggered, filled, buy, price, limit, bars[0, bar], bars[1, bar], bars[2, bar]):
            return bar, price
        if trails and not (len(shut) > 0 and shut[bar]):
            price = on_grid(trailed(buy, price, bars[3, bar], distance, share), num, den)
    return span[1], price


class Resting:
    """Foresees the orders that rest on one feed.

    Parameters
    ----------
    data : feed
        Preloaded.
    broker : BackBroker
        Whose orders. `Broker` has to try a limit order once, for the maker's fee, so that bar is not left out.
    """

    def __init__(self, data: Any, broker: Any) -> None:
        names = ("open", "high", "low", "close")
        self.times = np.frombuffer(data.lines.datetime.array, dtype=np.float64)
        self._bars = np.array([np.frombuffer(getattr(data.lines, name).array, dtype=np.float64) for name in names])
        self._tries = isinstance(broker, Broker)
        shut = broker.shut_bars(data) if self._tries else None
        self._shut = np.array(np.frombuffer(shut or b"", dtype=np.bool_))

    def until(self, orders: Any, bar: int, end: int) -> int:
        """First bar from ``bar`` on, at most ``end``, on which one of ``orders`` is not merely resting."""
        for order in orders:
            if order.valid:
                end = min(end, int(np.searchsorted(self.times, order.valid, side="right")))
            if order.active():
                end = self._search(order, bar, end)[0] if self._rests(order) else bar
            if end <= bar:
                return bar
        return end

    def follow(self, orders: Any, bar: int, end: int) -> None:
        """Let trailing stops follow the closes of bars ``bar`` to ``end``, on none of which they trade."""
        for order in orders:
            if order.active() and order.exectype in TRAILING and not order.triggered:
                price = self._search(order, bar, end)[1]
                if price != order.created.price:
                    order.created.price = price
                    if order.exectype == STOP_TRAIL_LIMIT:
                        order.created.pricelimit = price - order._limitoffset

    def _grid(self, order: Any) -> Grid:
        return trailing_grid(order) if self._tries else grid_of(None)

    def _rests(self, order: Any) -> bool:
        if order.exectype == CLOSE:
            return False
        limited = is_limit(order.exectype, order.triggered)
        return not (limited and self._tries) or order.__dict__.get("rested", False)

    def _search(self, order: Any, bar: int, end: int) -> tuple[int, float]:
        made, kind, triggered = order.created, order.exectype, bool(order.triggered)
        trails = kind in TRAILING and not triggered
        state = kind, triggered, bool(order.executed.size), order.isbuy(), trails
        away = float(order.trailamount or 0.0), float(order.trailpercent or 0.0), *self._grid(order)
        return _first(
            state, (float(made.price), float(made.pricelimit or 0.0), *away), self._bars, self._shut, (bar, end)
        )
