"""Limits that hold whatever a strategy decides: a session's loss, and the size of its position."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import backtrader as bt

from ...aggregation.sessions import Session
from ...core.lots import whole_lots
from ...core.steps import steps_of
from ...core.units import Amount, parse_amount
from .hooks import is_ruined

LOSS = "daily_loss"


class LossLimit:
    """Closes everything when a session has lost too much, and stands aside until the next.

    The loss is what the account is worth less than at the last close before the session, measured at closes; a bar
    belongs to the session in which it opens. When it reaches the limit, working orders are cancelled and positions
    closed at market, which fills at the next open, so that a session may lose more than the limit.

    Parameters
    ----------
    strategy : Strategy
        Started.
    most : Amount
        Share of the worth at the session's start, or account currency.
    session : Session
        What is counted.
    """

    def __init__(self, strategy: Any, most: Amount, session: Session) -> None:
        self.strategy, self._most, self._session = strategy, most, session
        self._worth = self._first = float(strategy.broker.getvalue())
        self._end = -math.inf
        self.halted = False
        self._leaving: dict[Any, Any] = {}

    def reached(self) -> bool:
        """Whether the session has lost too much by this bar; closes what is open then."""
        opened = int(self.strategy.data.open_time[0])
        if opened >= self._end:
            self._end, self._first, self.halted = self._session.end(opened), self._worth, False
        self._worth = float(self.strategy.broker.getvalue())
        limit = self._most.value * (self._first if self._most.unit == "fraction" else 1.0)
        self.halted = self.halted or self._first - self._worth >= limit
        if self.halted:
            self._close_all()
        return self.halted

    def _close_all(self) -> None:
        strategy = self.strategy
        mine = [order for order in self._leaving.values() if order is not None]
        for order in [o for o in strategy.broker.pending if o is not None and o not in mine]:
            strategy.cancel(order)
        strategy._withdraw()
        for data in strategy.datas:
            sent = self._leaving.get(data)
            if len(data) and strategy.getposition(data).size and not (sent is not None and sent.alive()):
                self._leaving[data] = strategy.close(data=data, reason=LOSS)


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
        held = strategy.getposition(data).size
        most = self._most.value
        if self._most.unit == "fraction":
            value, price = most * broker.getvalue(), data.close[0]
            most = broker.units(data, value, price) if hasattr(broker, "units") else value / price
        working = math.fsum(abs(o.executed.remsize) for o in self._working(data, side)) if side * held >= 0 else 0.0
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
        Of a run's ``risk`` block: ``daily_loss``, ``session`` and ``max_position``.
    """
    if (loss := settings.get(LOSS)) is not None:
        session = Session.parse(settings.get("session", "1d"), getattr(strategy.data, "hours", ""))
        _watch(strategy, LossLimit(strategy, parse_amount(loss), session))
    if (most := settings.get("max_position")) is not None:
        limit = PositionLimit(strategy, parse_amount(most))
        strategy.buy, strategy.sell = limit.cut(strategy.buy, 1.0), limit.cut(strategy.sell, -1.0)
        strategy.buy_bracket = limit.whole(strategy.buy_bracket, 1.0)
        strategy.sell_bracket = limit.whole(strategy.sell_bracket, -1.0)


def _watch(strategy: Any, limit: LossLimit) -> None:
    """Ask ``limit`` before the strategy decides, at every bar."""
    for name in ("next", "prenext", "nextstart"):
        if name == "next" or getattr(type(strategy), name) is not getattr(bt.Strategy, name):
            setattr(strategy, name, _unless_reached(limit, getattr(strategy, name)))
    strategy.wake = lambda: None


def _unless_reached(limit: LossLimit, decide: Callable[[], None]) -> Callable[[], None]:
    def hook() -> None:
        if not is_ruined(limit.strategy) and not limit.reached():
            decide()

    return hook


def is_market(kwargs: Mapping[str, Any]) -> bool:
    """Whether an order with these arguments is to trade at once."""
    return kwargs.get("exectype") in (None, bt.Order.Market)
