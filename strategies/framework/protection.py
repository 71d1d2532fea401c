"""Protection of a position: stop, target and trailing stop as real orders, one cancelling the others."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import backtrader as bt

from ...core.distances import Atr, Measure
from ...core.errors import DataError
from ...core.lots import DEFAULT_LOT, decimals, whole_lots
from ...core.plugins.registry import INDICATORS
from ...core.schema import ADJUSTMENT
from ...core.steps import steps_of
from ...core.ticks import grid_of
from .guards import CLOSES, HIGHS, WHOLE, Guards, Price, Trail
from .wake import NEVER

ENTRY_DONE = (bt.Order.Completed, bt.Order.Partial)


def settings_in(cls: Any, own: Mapping[str, Any], block: Mapping[str, Any]) -> dict[str, Any]:
    """What protects positions of a class: a run's ``risk`` block, before it the strategy's ``own`` parameters."""
    return {**{name: own.get(name) for name in cls.protected_by}, **block}


def settings_of(strategy: Any) -> dict[str, Any]:
    """What protects the positions of a strategy that runs."""
    own = {name: value for name, value in strategy.p._getkwargs().items() if name not in strategy.authors_own}
    return settings_in(type(strategy), own, getattr(strategy.cerebro, "risk_block", None) or {})


def periods_in(measures: Iterable[Measure]) -> list[int]:
    """The periods of the average true ranges among ``measures``."""
    return sorted({one.period for one in measures if isinstance(one, Atr)})


def true_ranges(strategy: Any, datas: Sequence[Any]) -> dict[tuple[Any, int], Any]:
    """Average true ranges of ``datas`` by feed and period, as far as a strategy's distances ask for them.

    They are indicators like others. Nothing is decided before those of the first feed are known.
    """
    periods = periods_in(strategy.measures_in(strategy.p._getkwargs(), settings_of(strategy)))
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
    apart : bool
        Whether protective orders stand each for itself, rather than cancel one another. None closes more than there is.
    reads : callable
        What an expression of a rule is worth at this close, by the rule's name and its own.
    reverses : bool
        Whether an entry is being sent behind an exit that is on its way: its size is that of an entry.
    """

    def __init__(self, strategy: Any, data: Any) -> None:
        self._strategy, self._data = strategy, data
        self.apart = False
        self.reads: Callable[[str, str], float] = _nothing_read
        self._asked = self._now = Guards.of(settings_of(strategy))[0]
        self._orders: list[Any] = []
        self._side = self._asked_side = 0.0
        self._entered = self._filled = -1
        self._price = math.nan
        self._even: tuple[float, float] | None = None
        self._away = 0.0
        self._is_even = False
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
            self._opened_by(order)
            self._unprotected = position.size, order.executed.price
        elif (
            not self.apart
            and order.status == bt.Order.Partial
            and order.exectype == bt.Order.Limit
            and self._is_alive(order)
        ):
            self.renew(position.size, self._price)

    def at_fill(self, order: Any) -> list[Any]:
        """Protect the position in place of what protection there is, at the moment ``order`` has opened some of it.

        What is measured by an average true range is known since the close before.
        """
        held = self._strategy.getposition(self._data).size
        if order.executed.size * held <= 0:
            return []
        self.withdraw()
        self._opened_by(order)
        left = held + self._leaving(held)
        if left * held > 0:
            self._protect(left, order.executed.price, at_fill=True)
        return self._orders

    def _opened_by(self, order: Any) -> None:
        """Go by what the entry behind ``order`` asks for."""
        self._now = order.info.get("guards") or self._now
        self._filled, self._is_even = len(self._data), False

    def _leaving(self, held: float) -> float:
        """What market orders that close are still to take of the position, with their sign."""
        pending = [order for order in self._strategy.broker.pending if order is not None and order.data is self._data]
        closing = (o for o in pending if o.exectype == bt.Order.Market and o.size * held < 0)
        return float(sum(order.executed.remsize for order in closing))

    def _is_alive(self, order: Any) -> bool:
        """Whether a protective order still works of which ``order`` is the news."""
        return any(own.ref == order.ref and own.alive() for own in self._orders)

    def settle(self) -> None:
        """Protect a new position, once the strategy has decided to keep it over this bar; move stops that follow."""
        if self._unprotected:
            self._protect(*self._unprotected)
            self._unprotected = None
        if self._now.moves and self._orders:
            self._move()

    def renew(self, size: float, price: float) -> None:
        """Protect ``size`` of the position, had for ``price``, in place of what protection there is.

        What stands each for itself stays, and closes what there is.
        """
        if self.apart:
            return
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
        if not self._now.bars or not self._side:
            return False
        return bool(len(self._data) - self._entered >= self._now.bars)

    def due(self) -> int:
        """The bar, from 0, from which on `expired` is true of the position held."""
        return self._entered + self._now.bars - 1 if self._now.bars and self._side else NEVER

    @contextmanager
    def sizing(self, guards: Guards | None, side: float) -> Iterator[None]:
        """Size an entry within this by the stop that ``guards`` would have; without, by that of every position."""
        before, self._asked_side = self._asked, side
        self._asked = guards or before
        yield
        self._asked = before

    def stop_distance(self, price: float) -> float | None:
        """How far from ``price`` the stop of a position entered there would lie; None without one."""
        asked, trail = self._asked.stop, self._asked.trail
        if isinstance(asked, Price):
            return self._asked_side * (price - asked.value)
        if asked is not None:
            return self._distance(asked, price)
        if trail is None:
            return None
        start = price if trail.by in (CLOSES, HIGHS) else trail.start
        return self._asked_side * (price - start) + self._kept(trail, start)

    def _kept(self, trail: Trail, price: float) -> float:
        """How far a stop keeps from ``price``, which it follows."""
        return 0.0 if trail.distance is None else self._distance(trail.distance, price)

    def _protect(self, size: float, price: float, *, at_fill: bool = False) -> None:
        side, now = 1.0 if size > 0 else -1.0, self._now
        ago, self._price = -1 if at_fill else 0, price
        how: dict[str, Any] = {"_checksubmit": False} if at_fill else {}
        if now.stop is not None:
            level = self._level(now.stop, price, -side, ago)
            self._send(size, "stop_loss", exectype=bt.Order.Stop, price=level, **how)
        if now.trail is not None:
            self._send_trail(now.trail, size, price, ago, how)
        for target, part in zip(now.targets, self._parts(abs(size)), strict=True):
            if part > 0.0:
                level = self._level(target.at, price, side, ago)
                self._send(side * part, "take_profit", exectype=bt.Order.Limit, price=level, **how)
        if now.break_even is not None:
            after, to = now.break_even
            reach = price + side * self._reach(after, price, ago)
            self._even = reach, self._rounded(price + side * to.at(price, self._tick()))

    def _send_trail(self, trail: Trail, size: float, price: float, ago: int, how: dict[str, Any]) -> None:
        if trail.by == CLOSES and trail.distance is not None:
            amount = {"trailamount": self._reach(trail.distance, price, ago)}
            if not isinstance(trail.distance, Atr) and trail.distance.unit == "fraction":
                amount = {"trailpercent": trail.distance.value}
            start = {"price": price} if how else {}  # else it follows the close from the start
            self._send(size, "trailing_stop", exectype=bt.Order.StopTrail, **amount, **start, **how)
            return
        start_at = price if trail.by == HIGHS else trail.start
        self._away = 0.0 if trail.distance is None else self._reach(trail.distance, start_at, ago)
        level = self._rounded(start_at - math.copysign(1.0, size) * self._away)
        self._send(size, "trailing_stop", exectype=bt.Order.Stop, price=level, **how)

    def _parts(self, size: float) -> list[float]:
        """What each target takes of ``size``: its share in whole lots, the last one the rest where shares are all."""
        targets, lot = self._now.targets, steps_of(self._data).lot
        if not self._now.in_parts:
            return [size] * len(targets)
        made = [whole_lots(size * target.share, lot) for target in targets]
        if math.fsum(target.share for target in targets) >= WHOLE:
            made[-1] = round(size - sum(made[:-1]), decimals(lot or DEFAULT_LOT))
        return made

    def _level(self, place: Any, price: float, way: float, ago: int) -> float:
        """The price of a guard on the tick: its own, or so far from ``price``."""
        if isinstance(place, Price):
            return self._rounded(place.value)
        return self._rounded(price + way * self._reach(place, price, ago))

    def _move(self) -> None:
        """Move stops to where this bar says; never back."""
        data, side, trail = self._data, self._side, self._now.trail
        close = data.close[0]
        best = data.high[0] if side > 0 else data.low[0]
        if len(data) == self._filled:
            best = close  # the bar's extreme may have come before the entry
        if self._now.break_even is not None and self._even is not None:
            self._is_even = self._is_even or side * (best - self._even[0]) >= 0.0
            if self._is_even:
                self._pull("stop_loss", self._even[1])
        if trail is not None and trail.by != CLOSES:
            followed = best if trail.by == HIGHS else self.reads(trail.rule, trail.by)
            kept = self._away
            if trail.distance is not None and not isinstance(trail.distance, Atr) and trail.distance.unit == "fraction":
                kept = trail.distance.value * followed
            if not math.isnan(followed):
                self._pull("trailing_stop", self._rounded(followed - side * kept))

    def _pull(self, reason: str, level: float) -> None:
        """Move the stop of this name to ``level``, if that is nearer to the market than where it lies."""
        for order in self._orders:
            if order.info.reason == reason and order.alive() and self._side * (level - order.created.price) > 0.0:
                order.created.price = level

    def _send(self, size: float, reason: str, **kwargs: Any) -> None:
        send = self._strategy.sell if size > 0 else self._strategy.buy
        # One group: whichever fills first cancels the others. The stop goes first, so it wins a tie.
        group = self._orders[0] if self._orders and not self.apart else None
        self._orders.append(send(self._data, size=abs(size), oco=group, reason=reason, reduce_only=True, **kwargs))

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


def _nothing_read(rule: str, what: str) -> float:
    return math.nan
