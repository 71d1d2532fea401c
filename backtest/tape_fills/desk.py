"""The desk of a broker that fills from the tape: the tickets of its orders, and what prints have come to."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, NamedTuple

import backtrader as bt
import numpy as np

from ...core.errors import DataError
from ..broker.base import AT_ONCE
from .fill_model import FillModel
from .kernels import Floats
from .tape_order import UNTOUCHED, PartFill, TapeOrder
from .trade_store import MarketByName

LIMITED = (bt.Order.StopLimit, bt.Order.StopTrailLimit)
STOPS = (bt.Order.Stop, bt.Order.StopTrail, *LIMITED)
KINDS = (bt.Order.Market, bt.Order.Limit, *STOPS)
NEVER = (math.inf, math.inf)


class Execution(NamedTuple):
    """A fill with the exact times of its prints.

    Parameters
    ----------
    order : int
        Number of the order in backtrader.
    first, last : int
        Times of the first and the last print, epoch µs.
    size : float
        Base; negative for a sale.
    price : float
        Weighted by size, slippage included.
    maker : bool
        Whether the order had rested.
    """

    order: int
    first: int
    last: int
    size: float
    price: float
    maker: bool


class Desk:
    """What a broker's orders get of the prints of its feeds, and in which order.

    Parameters
    ----------
    broker : Broker
        Whose.
    markets : mapping of str to Market
        Of each feed, by its name.
    terms : Terms
        On which orders are filled.
    """

    def __init__(self, broker: Any, markets: MarketByName, terms: FillModel) -> None:
        self._broker, self._markets, self._terms = broker, markets, terms
        self.executions: list[Execution] = []
        """What was filled, in the order of the bars."""
        self._amount: float | None = None
        self._sent: dict[int, tuple[int, int]] = {}
        self._tickets: dict[int, TapeOrder] = {}
        self._used: dict[tuple[Any, int, int], Floats] = {}
        self._now, self._number = -1, 0

    def burden(self, fees: Any, data: Any) -> None:
        """Have the commission of ``data`` hold what is charged on trial besides."""
        extra = self._terms.extra
        if extra.ticks or extra.share:
            fees.getcommission = partial(
                _burdened, fees, extra.ticks * self._markets[data._name].prints.tick, extra.share
            )

    def note(self, order: Any) -> None:
        """Note when an order was sent: at the latest close that its strategy knows."""
        feeds = order.owner.datas if order.owner is not None else [order.data]
        now = max(int(data.close_time[0]) for data in feeds if len(data))
        self._number = self._number + 1 if now == self._now else 0
        self._now = now
        self._sent[order.ref] = now, self._number

    def arrange(self, pending: Any) -> None:
        """Put orders into the order in which this bar's prints come to them; those that get none keep theirs."""
        self._used.clear()
        due = [order for order in pending if order.active() and len(order.data) > order.tried]
        if len(due) < 2:
            return
        when = {order.ref: self._when(order) for order in due}
        ordered = sorted(pending, key=lambda order: when.get(order.ref, NEVER))
        pending.clear()
        pending.extend(ordered)
        self._used = {(order.data, _direction(order), len(order.data)): UNTOUCHED for order in due}

    def place(self, pending: Any, guards: list[Any]) -> None:
        """Put what was sent behind the latest execution, at its time, among the orders left of this bar."""
        left = []
        while (order := pending.popleft()) is not None:
            left.append(order)
        for number, guard in enumerate(guards):
            self._sent[guard.ref] = self.executions[-1].last, number
            self._used.setdefault((guard.data, _direction(guard), len(guard.data)), UNTOUCHED)
        due = [order for order in (*guards, *left) if order.active() and len(order.data) > order.tried]
        when = {order.ref: self._when(order) for order in due}
        ordered = sorted((*guards, *left), key=lambda order: when.get(order.ref, NEVER))
        pending.appendleft(None)
        pending.extendleft(reversed(ordered))

    def _when(self, order: Any) -> tuple[float, float]:
        """Time (epoch µs) and row of the first print of this bar that matters to ``order``; infinite without one."""
        if order.exectype not in KINDS:
            return NEVER
        ticket, bar = self._ticket(order), len(order.data) - 1
        if order.exectype in STOPS and not ticket.triggered:
            row = ticket.crosses(bar, order.created.price)
        else:
            row = ticket.first(bar, abs(order.executed.remsize), _limit(order))
        return NEVER if row is None else (float(ticket.market.prints.time[row]), float(row))

    def triggers(self, order: Any, level: float) -> bool:
        """Whether a stop triggers in this bar; its ticket sends the order behind it then."""
        ticket = self._ticket(order)
        row = None if ticket.triggered else ticket.crosses(len(order.data) - 1, level)
        if row is not None:
            ticket.trigger(row)
        return row is not None

    def takes(self, order: Any) -> bool:
        """Whether a limit order takes liquidity as it arrives in this bar; not once it rests, nor before it arrives."""
        return self._ticket(order).takes(len(order.data) - 1, _limit(order))

    def rests(self, order: Any) -> bool:
        """Whether a limit order has arrived and takes no more."""
        return self._ticket(order).rests

    def fill(self, order: Any, limit: float | None) -> None:
        """Have the broker execute what this bar's prints give ``order``."""
        ticket, bar = self._ticket(order), len(order.data) - 1
        used, left = self._others(order, ticket, bar), abs(order.executed.remsize)
        for part in ticket.fill(bar, left, limit, used, self._contract(order.data)):
            self._trade(order, ticket, part, limit)
            if not order.alive():
                return

    def chunk(self, order: Any, price: float, ago: int) -> float:
        """How much of ``order`` trades now, as backtrader asks a filler."""
        left: float = abs(order.executed.remsize)
        return left if self._amount is None else min(self._amount, left)

    def _ticket(self, order: Any) -> TapeOrder:
        if order.ref not in self._tickets:
            if self._broker.p.coc or self._broker.p.coo:
                raise DataError("fills: tape: cheating on close or on open trades at prices of bars; leave it off")
            sent, number = self._sent[order.ref]
            if order.parent is not None:
                # A child begins to work when its parent is done, which is known at the close of the bar before.
                sent = max(sent, int(order.data.close_time[-1]))
            market = self._markets[order.data._name]
            once = bool(order.info.get(AT_ONCE))
            self._tickets[order.ref] = TapeOrder(market, self._terms, _direction(order), sent, number, once=once)
        return self._tickets[order.ref]

    def _contract(self, data: Any) -> float:
        """Quote currency in one unit of a size where sizes count contracts of that worth; 0 where they are base."""
        contracts = getattr(self._broker, "contracts", {})
        given = contracts.get(data._name)
        return float(given.size) if given is not None and given.inverse else 0.0

    def _others(self, order: Any, ticket: TapeOrder, bar: int) -> Floats:
        """What orders of this side took of the bar's prints; nothing needs to be kept of a single order."""
        key = (order.data, _direction(order), bar + 1)
        if key not in self._used:
            return UNTOUCHED
        if not len(self._used[key]):
            lo, hi = ticket.market.rows(bar)
            self._used[key] = np.zeros(hi - lo)
        return self._used[key]

    def _trade(self, order: Any, ticket: TapeOrder, part: PartFill, limit: float | None) -> None:
        price = self._price(ticket, part, limit)
        if price is None:
            return
        fees, prints, before = self._broker.getcommissioninfo(order.data), ticket.market.prints, order.executed.size
        self._amount, fees.resting = part.size, part.maker
        self._broker._execute(order, ago=0, price=price)
        self._amount, fees.resting = None, False
        if done := order.executed.size - before:
            first, last = int(prints.time[part.first]), int(prints.time[part.last])
            self.executions.append(Execution(order.ref, first, last, done, price, part.maker))

    def _price(self, ticket: TapeOrder, part: PartFill, limit: float | None) -> float | None:
        """The price with the run's slippage, where liquidity was taken; None for none."""
        side = ticket.direction
        if part.maker:
            return part.price
        slip = self._broker._slip_up if side > 0 else self._broker._slip_down
        slipped = slip(side * math.inf if limit is None else limit, part.price, True, limit is not None)
        return None if slipped is None else float(slipped)


def _burdened(fees: Any, distance: float, share: float, size: float, price: float) -> float:
    """The fee, and what ``distance`` in price and ``share`` of the notional come to, in account currency."""
    contract = getattr(fees.p, "contract", None)
    notional = abs(size) * price if contract is None else contract.notional(size, price)
    return float(type(fees).getcommission(fees, size, price) + (share + distance / price) * notional)


def _direction(order: Any) -> int:
    return 1 if order.isbuy() else -1


def _limit(order: Any) -> float | None:
    """The worst price of a limit order, and of the one that a stop-limit sends."""
    if order.exectype == bt.Order.Limit:
        return float(order.created.price)
    return float(order.created.pricelimit) if order.exectype in LIMITED else None
