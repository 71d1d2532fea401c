"""Protection of a position: stop, target and trailing stop as real orders, one cancelling the others."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import backtrader as bt

from ...core.distances import Atr, Measure, parse_distance
from ...core.errors import DataError
from ...core.plugins.registry import INDICATORS
from ...core.schema import ADJUSTMENT
from ...core.steps import steps_of
from ...core.ticks import grid_of
from .wake import NEVER

ENTRY_DONE = (bt.Order.Completed, bt.Order.Partial)
GUARDS = ("stop_loss", "trailing_stop", "take_profit")
"""What protects a position, in the order in which it is sent: the stop first, so that it wins a tie."""
SETTINGS = (*GUARDS, "time_stop")


def settings_in(own: Mapping[str, Any], block: Mapping[str, Any]) -> dict[str, Any]:
    """What protects positions: a run's ``risk`` block, before it a strategy's ``own`` parameters."""
    return {**{name: own.get(name) for name in SETTINGS}, **block}


def settings_of(strategy: Any) -> dict[str, Any]:
    """What protects the positions of a strategy that runs."""
    own = {name: value for name, value in strategy.p._getkwargs().items() if name not in strategy.authors_own}
    return settings_in(own, getattr(strategy.cerebro, "risk_block", None) or {})


def distances_in(settings: Mapping[str, Any]) -> dict[str, Measure]:
    """The distances that settings ask for, by what keeps them."""
    return {name: parse_distance(settings[name]) for name in GUARDS if settings.get(name) is not None}


def periods_in(settings: Mapping[str, Any]) -> list[int]:
    """The periods of the average true ranges that settings ask for."""
    return sorted({one.period for one in distances_in(settings).values() if isinstance(one, Atr)})


def true_ranges(strategy: Any, datas: Sequence[Any]) -> dict[tuple[Any, int], Any]:
    """Average true ranges of ``datas`` by feed and period, as far as a strategy's distances ask for them.

    They are indicators like others. Nothing is decided before those of the first feed are known.
    """
    periods = periods_in(settings_of(strategy))
    if not periods:
        return {}
    make = INDICATORS.find("talib.ATR")
    return {(data, period): make(data, timeperiod=period) for data in datas for period in periods}


class Risk:
    """The protective orders behind a strategy's position in one feed.

    Parameters
    ----------
    strategy : Strategy
        Whose ``stop_loss``, ``take_profit``, ``trailing_stop`` and ``time_stop`` to follow.
    data : feed
        Whose ticks and bars count.

    Attributes
    ----------
    reverses : bool
        Whether an entry is being sent behind an exit that is on its way: its size is that of an entry.
    """

    def __init__(self, strategy: Any, data: Any) -> None:
        self._strategy, self._data = strategy, data
        settings = settings_of(strategy)
        self._stop, self._trail, self._target = map(distances_in(settings).get, GUARDS)
        self._bars: int | None = settings["time_stop"]
        self._orders: list[Any] = []
        self._side = 0.0
        self._entered = -1
        self._price = math.nan
        self._unprotected: tuple[float, float] | None = None
        self._entry: tuple[Any, int] = (None, 0)
        self._exit: Any = None
        self._at_once = getattr(strategy.broker, "inside", "next_bar") != "next_bar"
        self.reverses = False

    def notify(self, order: Any) -> None:
        """React to the news of an order on the feed."""
        if order.status not in ENTRY_DONE:
            return
        position = self._strategy.getposition(self._data)
        side = math.copysign(1.0, position.size) if position.size else 0.0
        if side != self._side:
            self._side, self._entered = side, len(self._data)
        if not side:
            self.withdraw()
        elif order.executed.size * side > 0:
            if self._at_once:  # it was protected when it filled
                return
            self.withdraw()
            self._unprotected = position.size, order.executed.price
        elif order.status == bt.Order.Partial and order.exectype == bt.Order.Limit and self._is_alive(order):
            self.renew(position.size, self._price)

    def at_fill(self, order: Any) -> list[Any]:
        """Protect the position in place of what protection there is, at the moment ``order`` has opened some of it.

        What is measured by an average true range is known since the close before.
        """
        held = self._strategy.getposition(self._data).size
        if order.executed.size * held <= 0:
            return []
        self.withdraw()
        left = held + self._leaving(held)
        if left * held > 0:
            self._protect(left, order.executed.price, at_fill=True)
        return self._orders

    def _leaving(self, held: float) -> float:
        """What market orders that close are still to take of the position, with their sign."""
        pending = [order for order in self._strategy.broker.pending if order is not None and order.data is self._data]
        closing = (o for o in pending if o.exectype == bt.Order.Market and o.size * held < 0)
        return float(sum(order.executed.remsize for order in closing))

    def _is_alive(self, order: Any) -> bool:
        """Whether a protective order still works of which ``order`` is the news."""
        return any(own.ref == order.ref and own.alive() for own in self._orders)

    def settle(self) -> None:
        """Protect a new position, once the strategy has decided to keep it over this bar."""
        if self._unprotected:
            self._protect(*self._unprotected)
            self._unprotected = None

    def renew(self, size: float, price: float) -> None:
        """Protect ``size`` of the position, had for ``price``, in place of what protection there is."""
        self.withdraw()
        self._unprotected = size, price

    def withdraw(self) -> None:
        """Cancel whatever protection still rests, and send none that was due."""
        self._unprotected = None
        orders, self._orders = self._orders, []
        for order in orders:
            if order.alive():
                self._strategy.cancel(order)

    def enter(self, send: Callable[[], Any]) -> Any:
        """Send a market order that opens; where one of an earlier bar is still being filled, that one instead."""
        (order, bar), now = self._entry, len(self._data)
        if order is not None and order.alive() and bar < now:
            return order
        with self.behind(self._exit is not None and bool(self._exit.alive())):
            self._entry = send(), now
        return self._entry[0]

    @contextmanager
    def behind(self, exits: bool) -> Iterator[None]:
        """Send an entry within this that, where it ``exits``, stands behind an exit that is on its way."""
        before, self.reverses = self.reverses, self.reverses or exits
        yield
        self.reverses = before

    def leave(self, send: Callable[[], Any]) -> Any:
        """Send a market order that closes; where one of before is still being filled, that one instead."""
        if self._exit is not None and self._exit.alive():
            return self._exit
        (order, bar), now = self._entry, len(self._data)
        if order is not None and order.alive() and bar < now:
            self._strategy.cancel(order)
        self._exit = send()
        return self._exit

    @property
    def entered(self) -> int:
        """The bar, from 1, in which the position was entered."""
        return self._entered

    def leaves_by(self, order: Any) -> bool:
        """Whether ``order`` is the market order that closes the position."""
        return order is self._exit

    def expired(self) -> bool:
        """Whether the position has been held for ``time_stop`` bars."""
        if not self._bars or not self._side:
            return False
        return bool(len(self._data) - self._entered >= self._bars)

    def due(self) -> int:
        """The bar, from 0, from which on `expired` is true of the position held."""
        return self._entered + self._bars - 1 if self._bars and self._side else NEVER

    def stop_distance(self, price: float) -> float | None:
        """How far from ``price`` the stop of a position entered there would lie; None without one."""
        asked = self._stop or self._trail
        return None if asked is None else self._distance(asked, price)

    def _protect(self, size: float, price: float, *, at_fill: bool = False) -> None:
        side = 1.0 if size > 0 else -1.0
        ago, self._price = -1 if at_fill else 0, price
        how: dict[str, Any] = {"_checksubmit": False} if at_fill else {}
        if self._stop:
            level = price - side * self._reach(self._stop, price, ago)
            self._send(size, "stop_loss", exectype=bt.Order.Stop, price=self._rounded(level), **how)
        if self._trail:
            amount = {"trailamount": self._reach(self._trail, price, ago)}
            if not isinstance(self._trail, Atr) and self._trail.unit == "fraction":
                amount = {"trailpercent": self._trail.value}
            start = {"price": price} if at_fill else {}  # else it follows the close from the start
            self._send(size, "trailing_stop", exectype=bt.Order.StopTrail, **amount, **start, **how)
        if self._target:
            level = price + side * self._reach(self._target, price, ago)
            self._send(size, "take_profit", exectype=bt.Order.Limit, price=self._rounded(level), **how)

    def _send(self, size: float, reason: str, **kwargs: Any) -> None:
        send = self._strategy.sell if size > 0 else self._strategy.buy
        # One group: whichever fills first cancels the others. The stop goes first, so it wins a tie.
        group = self._orders[0] if self._orders else None
        self._orders.append(send(self._data, size=abs(size), oco=group, reason=reason, **kwargs))

    def _tick(self) -> float | None:
        return steps_of(self._data).tick

    def _distance(self, asked: Measure, price: float, ago: int = 0) -> float:
        if isinstance(asked, Atr):
            # Of a bar that is not over its indicators know nothing yet: their latest value is that of the bar before.
            made = asked.multiple * float(self._strategy.true_ranges[self._data, asked.period].lines[0][0])
            factor = getattr(self._data.lines, ADJUSTMENT, None)
            return made if factor is None else made / float(factor[ago])
        return asked.at(price, self._tick())

    def _reach(self, asked: Measure, price: float, ago: int = 0) -> float:
        """The distance for a protective order from ``price``, both of which have to be known."""
        made = self._distance(asked, price, ago)
        if math.isnan(made + price):
            data, what = self._data, "price of the entry" if math.isnan(price) else "average true range"
            raise DataError(
                f"{data._name or 'the feed'}: no {what} is known at bar {len(data)} to protect a position by, "
                "for a bar before has no prices; fill it or leave it out"
            )
        return made

    def _rounded(self, level: float) -> float:
        return grid_of(self._tick()).on(level)
