"""The broker: backtrader's own, with maker and taker fees, honest slippage and no dust."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import backtrader as bt
from backtrader.position import Position

from ..core.lots import whole_lots
from ..core.ticks import grid_of

DUST = 1e-9
"""A remainder this small beside what was traded is rounding, not a position."""


class WholePosition(Position):
    """A position that is zero when it is closed, however its fractional sizes add up in binary."""

    def update(self, size: float, price: float, dt: Any = None) -> Any:
        """Add ``size``; a remainder of rounding closes the position."""
        if abs(self.size + size) <= DUST * max(abs(self.size), abs(size)):
            size = -self.size
        return super().update(size, price, dt)

    def clone(self) -> WholePosition:
        """A copy, for the broker's trial execution."""
        return WholePosition(self.size, self.price)

    def pseudoupdate(self, size: float, price: float) -> Any:
        """What `update` would give, without doing it."""
        return self.clone().update(size, price)


class Fees(bt.CommInfoBase):
    """Commission as a share of notional, by whether the order rested.

    Parameters
    ----------
    maker : float, default=0.0
        Share for limit orders that rested before they filled.
    taker : float, default=0.0
        Share for everything else.
    lot : float, default=None
        Step that sizes of target orders are rounded down to; 1e-8 when None.
    """

    params = dict(maker=0.0, taker=0.0, lot=None, stocklike=True, commtype=bt.CommInfoBase.COMM_PERC, percabs=True)
    resting = False
    """Set by the broker around the fill of an order that rested."""

    def _getcommission(self, size: float, price: float, pseudoexec: bool) -> float:
        rate = self.p.maker if self.resting else self.p.taker
        return float(abs(size) * rate * price)

    def getsize(self, price: float, cash: float) -> float:
        """Size worth ``cash``, in lots; backtrader's own gives whole coins, which is nothing below one."""
        return whole_lots(self.p.leverage * cash / price, self.p.lot)


class Broker(bt.brokers.BackBroker):
    """backtrader's broker with its known faults closed.

    A limit order that rested pays the maker's fee, and so does a stop-limit that came to rest after its stop was
    touched. Slippage is taken in full, also beyond the bar's
    range, but never pushes a limit order through its limit. A remainder of rounding leaves neither a
    position nor an order open. A bar of another feed gives an order no second try at its own feed's old bar.
    A market order waits for a bar that has an open. A price on a tick that slips by ticks is on a tick, as the decimal.
    """

    _grid = grid_of(None)

    def units(self, data: Any, value: float, price: float) -> float:
        """The size in ``data`` that is worth ``value`` of account currency at ``price``."""
        return value / price

    def quote(self, data: Any, size: float, price: float) -> float:
        """What ``size`` of ``data`` is worth at ``price``, in quote currency."""
        return size * price

    def init(self) -> None:
        """Start a run."""
        super().init()
        self.positions: defaultdict[Any, WholePosition] = defaultdict(WholePosition)

    def notify(self, order: Any) -> None:
        """Complete an order whose remainder is dust, then tell."""
        done = order.executed
        if order.status == bt.Order.Partial and abs(done.remsize) <= DUST * abs(done.size):
            done.remsize = 0.0
            order.completed()
        super().notify(order)

    def submit(self, order: Any, check: bool = True) -> Any:
        """Take an order, which the bars after this one may fill."""
        order.tried = len(order.data)
        return super().submit(order, check=check)

    def _try_exec(self, order: Any) -> None:
        if len(order.data) > order.tried:
            order.tried = len(order.data)
            self.look_at(order.data)
            super()._try_exec(order)

    def look_at(self, data: Any) -> None:
        """Go by the tick of ``data``, an order of which is tried next."""
        if self.p.slip_fixed:
            self._grid = grid_of(getattr(data, "tick", None))

    def _try_exec_market(self, order: Any, popen: float, phigh: float, plow: float) -> None:
        if not math.isnan(popen):
            super()._try_exec_market(order, popen, phigh, plow)

    def _try_exec_limit(self, order: Any, popen: float, phigh: float, plow: float, plimit: float) -> None:
        fees = self.getcommissioninfo(order.data)
        fees.resting = getattr(order, "rested", False)
        super()._try_exec_limit(order, popen, phigh, plow, plimit)
        fees.resting = False
        order.rested = True

    def _try_exec_stoplimit(
        self,
        order: Any,
        popen: float,
        phigh: float,
        plow: float,
        pclose: float,
        pcreated: float,
        plimit: float,
    ) -> None:
        buy = order.isbuy()
        at_open = popen >= pcreated if buy else popen <= pcreated
        # Touched within the bar, a limit on the near side of the stop waits there for the price to come back.
        waits = not at_open and (plimit < pcreated if buy else plimit > pcreated)
        fees = self.getcommissioninfo(order.data)
        fees.resting = waits
        super()._try_exec_stoplimit(order, popen, phigh, plow, pclose, pcreated, plimit)
        fees.resting = False
        if waits and order.triggered:
            order.rested = True

    def _slip_up(self, pmax: float, price: float, doslip: bool = True, lim: bool = False) -> Any:
        slipped = self._settled(super()._slip_up(pmax, price, doslip, lim))
        return min(slipped, pmax) if lim and slipped is not None else slipped

    def _slip_down(self, pmin: float, price: float, doslip: bool = True, lim: bool = False) -> Any:
        slipped = self._settled(super()._slip_down(pmin, price, doslip, lim))
        return max(slipped, pmin) if lim and slipped is not None else slipped

    def _settled(self, price: Any) -> Any:
        """``price`` as the decimal of its tick, where it slipped by a distance."""
        return self._grid.settled(price) if self.p.slip_fixed and not self.p.slip_perc else price


def make_broker(
    cash: float,
    maker: float,
    taker: float,
    slip_perc: float = 0.0,
    slip_fixed: float = 0.0,
    *,
    lot: float | None = None,
) -> Broker:
    """A broker with its money and costs.

    Parameters
    ----------
    cash : float
        Quote currency at the start.
    maker, taker : float
        Fees as shares of notional.
    slip_perc, slip_fixed : float
        Slippage as a share of the price, or as a price distance; at most one above 0.
    lot : float, optional
        Step that sizes of target orders are rounded down to.
    """
    broker = Broker(
        cash=cash, slip_perc=slip_perc, slip_fixed=slip_fixed, slip_open=True, slip_match=True, slip_out=True
    )
    broker.addcommissioninfo(Fees(maker=maker, taker=taker, lot=lot))
    return broker
