"""Protection of a position: stop, target and trailing stop as real orders, one cancelling the others."""

from __future__ import annotations

import math
from typing import Any

import backtrader as bt

from ..core.units import Amount, parse_amount
from .wake import NEVER

ENTRY_DONE = (bt.Order.Completed, bt.Order.Partial)


class Risk:
    """The protective orders behind a strategy's position in its first feed.

    Parameters
    ----------
    strategy : Strategy
        Whose ``stop_loss``, ``take_profit``, ``trailing_stop`` and ``time_stop`` to follow.
    """

    def __init__(self, strategy: Any) -> None:
        self._strategy = strategy
        p = strategy.p
        self._stop, self._target, self._trail = (
            None if v is None else parse_amount(v) for v in (p.stop_loss, p.take_profit, p.trailing_stop)
        )
        self._bars: int | None = p.time_stop
        self._orders: list[Any] = []
        self._side = 0.0
        self._entered = -1
        self._unprotected: tuple[float, float] | None = None

    def notify(self, order: Any) -> None:
        """React to the news of an order on the first feed."""
        if order.data is not self._strategy.data or order.status not in ENTRY_DONE:
            return
        position = self._strategy.getposition(order.data)
        side = math.copysign(1.0, position.size) if position.size else 0.0
        if side != self._side:
            self._side, self._entered = side, len(self._strategy.data)
        if not side:
            self.withdraw()
        elif order.executed.size * side > 0:
            self.withdraw()
            self._unprotected = position.size, order.executed.price

    def settle(self) -> None:
        """Protect a new position, once the strategy has decided to keep it over this bar."""
        if self._unprotected:
            self._protect(*self._unprotected)
            self._unprotected = None

    def withdraw(self) -> None:
        """Cancel whatever protection still rests, and send none that was due."""
        self._unprotected = None
        orders, self._orders = self._orders, []
        for order in orders:
            if order.alive():
                self._strategy.cancel(order)

    def expired(self) -> bool:
        """Whether the position has been held for ``time_stop`` bars."""
        held = len(self._strategy.data) - self._entered
        return bool(self._bars and self._side and held >= self._bars)

    def due(self) -> int:
        """The bar, from 0, from which on `expired` is true of the position held."""
        return self._entered + self._bars - 1 if self._bars and self._side else NEVER

    def _protect(self, size: float, price: float) -> None:
        side = 1.0 if size > 0 else -1.0
        if self._stop:
            level = price - side * self._distance(self._stop, price)
            self._send(size, "stop_loss", exectype=bt.Order.Stop, price=self._rounded(level))
        if self._trail:
            amount = {"trailamount": self._distance(self._trail, price)}
            if self._trail.unit == "fraction":
                amount = {"trailpercent": self._trail.value}
            self._send(size, "trailing_stop", exectype=bt.Order.StopTrail, **amount)
        if self._target:
            level = price + side * self._distance(self._target, price)
            self._send(size, "take_profit", exectype=bt.Order.Limit, price=self._rounded(level))

    def _send(self, size: float, reason: str, **kwargs: Any) -> None:
        send = self._strategy.sell if size > 0 else self._strategy.buy
        # One group: whichever fills first cancels the others. The stop goes first, so it wins a tie.
        group = self._orders[0] if self._orders else None
        self._orders.append(send(size=abs(size), oco=group, reason=reason, **kwargs))

    def _tick(self) -> float | None:
        return getattr(self._strategy.data, "tick", None)

    def _distance(self, amount: Amount, price: float) -> float:
        return amount.at(price, self._tick())

    def _rounded(self, level: float) -> float:
        tick = self._tick()
        return round(level / tick) * tick if tick else level
