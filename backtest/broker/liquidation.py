"""Forced closing of margined positions: when the margin that is left no longer covers the maintenance."""

from __future__ import annotations

import math
from typing import Any

import backtrader as bt
from backtrader.order import BuyOrder, SellOrder

from .margin import MarginBroker
from .order_rules import AFTER, LAST, beside_force, stops_before

LIQUIDATION = "liquidation"


class LiquidatingBroker(MarginBroker):
    """The broker of margined positions that closes by force what can no longer be held.

    A position is closed by force, with all its orders cancelled, on the bar whose range reaches its liquidation price:
    at that price, or at the open where the bar opens beyond it, but never for more than the collateral, which is where
    the venue's insurance steps in. Stops nearer than the liquidation price fill before it, targets beyond it after.
    Nothing is closed by force in a bar without trades.
    """

    def _fee_to_close(self, data: Any, closed: float, price: float, profit: float) -> float:
        fee = super()._fee_to_close(data, closed, price, profit)
        if not self._forced:
            return fee
        contract, left = self.contract(data), max(self.collateral(data) + profit, 0.0)
        return float(min(fee + contract.liquidation_fee * contract.notional(closed, price), left))

    def collateral(self, data: Any) -> float:
        """What is at stake for the position in ``data`` besides its profit."""
        position, contract = self.positions[data], self.contract(data)
        if contract.isolated:
            return self.posted.get(data, 0.0)
        others = [self.worth(d, d.close[0]) for d, p in self.positions.items() if p.size and d is not data]
        own = position.size * position.price if contract.paid else 0.0
        return math.fsum([self.cash, own, *others])

    def _kept_for_others(self, data: Any) -> float:
        others = ((d, self.contract(d), p.size) for d, p in self.positions.items() if p.size and d is not data)
        return math.fsum(c.kept(size, d.close[0]) for d, c, size in others)

    def liquidation_price(self, data: Any) -> float:
        """The price at which the position in ``data`` is closed by force; NaN where there is none."""
        position, contract = self.positions[data], self.contract(data)
        if not position.size:
            return math.nan
        stake = self.collateral(data) - (0.0 if contract.isolated else self._kept_for_others(data))
        return contract.liquidation_price(position.size, position.price, stake)

    def at_open(self, fresh: list[Any]) -> None:
        """Close by force what the bar opens beyond its liquidation price."""
        for data in fresh:
            if self._beyond(data, data.open[0], data.open[0]):
                self._liquidate(data, data.open[0])

    def at_close(self, fresh: list[Any]) -> None:
        """Close by force what the bar's range has reached."""
        done = False
        for data in fresh:
            if self._beyond(data, data.low[0], data.high[0]):
                self._liquidate(data, self.liquidation_price(data))
                done = True
        if done:
            self._get_value()

    def _beyond(self, data: Any, low: float, high: float) -> bool:
        """Whether ``low`` or ``high`` is at the liquidation price, or beyond it."""
        size = self.positions[data].size
        if not size or self.is_shut(data):
            return False
        price = self.liquidation_price(data)  # nothing is beyond NaN
        return bool(low <= price if size > 0 else high >= price)

    def _try_exec(self, order: Any) -> None:
        if self._comes_after(order):
            self._liquidate(order.data, self.liquidation_price(order.data))
            order.cancel()
            self.notify(order)
            self._ococheck(order)
            self._bracketize(order, cancel=True)
        else:
            super()._try_exec(order)

    def _comes_after(self, order: Any) -> bool:
        """Whether a forced close comes before ``order`` would close the position within this bar."""
        data, made = order.data, order.created
        if len(data) <= order.tried or not self._beyond(data, data.low[0], data.high[0]):
            return False
        held, forced = self.positions[data].size, self.liquidation_price(data)
        turn = beside_force(
            order.exectype, order.triggered, held, order.size, made.price, made.pricelimit, data.open[0], forced
        )
        if turn != LAST:
            return turn == AFTER
        others = (o for o in self.pending if o is not None and o.data is data and o.active())
        return not any(stops_before(o.exectype, held, o.size, o.created.price, forced) for o in others)

    def _withdraw(self, order: Any) -> None:
        """Cancel an order, one that is still on its way too."""
        if order in self.submitted:
            self.submitted.remove(order)
            self.pending.append(order)
        self.cancel(order)

    def _liquidate(self, data: Any, price: float) -> None:
        """Close the position by force, at ``price`` or where its collateral is used up, and cancel its orders."""
        self.look_at(data)
        position, contract = self.positions[data], self.contract(data)
        empty = contract.empty_price(position.size, position.price, self.collateral(data))
        if not math.isnan(empty):
            price = max(price, empty) if position.size > 0 else min(price, empty)
        for order in [o for o in (*self.pending, *self.submitted) if o is not None and o.data is data]:
            self._withdraw(order)
        kind = SellOrder if position.size > 0 else BuyOrder
        order = kind(owner=self._owner.get(data), data=data, size=abs(position.size), exectype=bt.Order.Market)
        order.addinfo(reason=LIQUIDATION)
        self._ocoize(order, None)
        self.orders.append(order)
        order.submit()
        self.notify(order)
        order.accept()
        self.notify(order)
        self._forced = True
        self._execute(order, ago=0, price=price)
        self._forced = False
