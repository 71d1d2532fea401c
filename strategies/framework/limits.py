"""Limits that hold whatever a strategy decides: those of its account, and the size of its position."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import backtrader as bt

from ...core.lots import whole_lots
from ...core.steps import steps_of
from ...core.units import Amount, parse_amount
from .account_limits import watch_account

AT_ONCE = (bt.Order.Market, bt.Order.Close)
"""Kinds of orders that trade at the next open."""


def units_worth(broker: Any, data: Any, value: float, price: float) -> float:
    """The size in ``data`` that is worth ``value`` of account currency; of a broker of backtrader's own, shares."""
    return float(broker.units(data, value, price) if hasattr(broker, "units") else value / price)


def worth_of(broker: Any, data: Any, size: float, price: float) -> float:
    """What ``size`` of ``data`` is worth in account currency, without sign."""
    return float(broker.contract(data).notional(size, price) if hasattr(broker, "contract") else abs(size) * price)


def worth_now(desk: Any, size: float) -> float:
    """What ``size`` is worth at a desk's close, in account currency, without sign."""
    return worth_of(desk.broker, desk.data, size, desk.data.close[0])


def unless_too_small(broker: Any, data: Any, size: float) -> float:
    """``size``, or 0 where it is worth less than the smallest order, which is in quote currency, at the close."""
    price = data.close[0]
    worth = broker.quote(data, size, price) if hasattr(broker, "quote") else size * price
    return size if size and abs(worth) >= steps_of(data).min_notional else 0.0


def or_nothing(desk: Any, size: float) -> float:
    """The same at a desk."""
    return unless_too_small(desk.broker, desk.data, size)


class PositionLimit:
    """Cuts orders down to what keeps a position within a size.

    Parameters
    ----------
    strategy : Strategy
        Started.
    most : Amount
        Share of the equity that the position's notional may be, or a size.

    Notes
    -----
    Orders that open more and still work count as filled. A share of the equity is judged when an order is sent; a
    position that grows by itself is left alone.
    """

    def __init__(self, strategy: Any, most: Amount) -> None:
        self._strategy, self._most = strategy, most

    def room(self, data: Any, side: float) -> float:
        """How much more may be bought (``side`` 1) or sold (-1)."""
        strategy, broker = self._strategy, self._strategy.broker
        guard = strategy.protection_of(data)
        held = 0.0 if guard.reverses else strategy.getposition(data).size  # the exit ahead makes room for all of it
        most = self._most.value
        if self._most.unit == "fraction":
            value, price = most * broker.getvalue(), data.close[0]
            most = units_worth(broker, data, value, price)
        orders = self._working(data, side) if side * held >= 0 else []
        working = math.fsum(abs(o.executed.remsize) for o in orders if not (guard.reverses and guard.leaves_by(o)))
        return float(max(whole_lots(max(most - working, 0.0), steps_of(data).lot) - side * held, 0.0))

    def _working(self, data: Any, side: float) -> list[Any]:
        broker = self._strategy.broker
        orders = [*broker.pending, *broker.submitted]
        return [o for o in orders if o is not None and o.data is data and o.size * side > 0 and o.parent is None]

    def cut(self, send: Callable[..., Any], side: float) -> Callable[..., Any]:
        """``send``, a strategy's ``buy`` or ``sell``, for no more than there is room for; None where there is none."""

        def sent(data: Any = None, size: float | None = None, *args: Any, **kwargs: Any) -> Any:
            data = self._data(data)
            asked = self._strategy.getsizing(data, isbuy=side > 0) if size is None else abs(size)
            allowed = min(asked, self.room(data, side))
            marked = self._strategy._marked(size)
            return send(data, allowed, *args, **marked, **kwargs) if allowed > 0 else None

        return sent

    def whole(self, send: Callable[..., Any], side: float) -> Callable[..., Any]:
        """The same for ``buy_bracket`` and ``sell_bracket``, which send all three orders or none."""

        def sent(data: Any = None, *args: Any, **kwargs: Any) -> Any:
            data = self._data(data)
            return send(data, *args, **kwargs) if self.room(data, side) > 0 else [None, None, None]

        return sent

    def _data(self, data: Any) -> Any:
        if isinstance(data, str):
            return self._strategy.getdatabyname(data)
        return self._strategy.data if data is None else data


def apply_limits(strategy: Any, settings: Mapping[str, Any]) -> None:
    """Hold ``strategy`` to the limits in ``settings``; without any nothing is changed, and nothing costs time.

    Parameters
    ----------
    strategy : Strategy
        Started.
    settings : mapping
        Of a run's ``risk`` block: ``daily_loss``, ``session``, ``drawdown`` and ``max_position``.
    """
    if strategy.desk is None:
        watch_account([strategy], settings)
    if (most := settings.get("max_position")) is not None:
        limit = PositionLimit(strategy, parse_amount(most))
        strategy.buy, strategy.sell = limit.cut(strategy.buy, 1.0), limit.cut(strategy.sell, -1.0)
        strategy.buy_bracket = limit.whole(strategy.buy_bracket, 1.0)
        strategy.sell_bracket = limit.whole(strategy.sell_bracket, -1.0)


def is_market(kwargs: Mapping[str, Any]) -> bool:
    """Whether an order with these arguments is to trade at once."""
    return kwargs.get("exectype") in (None, bt.Order.Market)
