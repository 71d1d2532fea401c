"""The broker of margined positions: what margin they bind, and which orders it covers."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import backtrader as bt

from .afford import is_sized
from .base import REDUCE_ONLY, WholePosition
from .carry import CarryBroker, Flow
from .contracts import Inverse


class HarmonicPosition(WholePosition):
    """A position whose entry price is the mean that contracts settled in coin have."""

    size: float
    price: float

    def update(self, size: float, price: float, dt: Any = None) -> Any:
        """Add ``size``."""
        held, entry = self.size, self.price
        made = super().update(size, price, dt)
        if held and made[2] and not made[3]:
            self.price = Inverse().entry(held, entry, size, price)
            return made[0], self.price, *made[2:]
        return made

    def clone(self) -> HarmonicPosition:
        """A copy, for the broker's trial execution."""
        return HarmonicPosition(self.size, self.price)


class MarginBroker(CarryBroker):
    """The project's broker with accounts as venues of leverage keep them.

    An order is taken, and filled, when the account's free margin covers the initial margin of what it opens, notional
    over leverage, and its fee; what only closes needs none. Orders of one group, of which one fill cancels the others,
    are each judged as if alone. In cross margin free is what the account is worth less the initial margin of all
    positions, in isolated margin the account's cash less what was posted. Where the margin goes by brackets, no order
    may take a position into one that does not allow its leverage.
    """

    inverse = False
    _fundval: float
    _forced = False

    def init(self) -> None:
        """Start a run."""
        super().init()
        kind: Any = HarmonicPosition if self.inverse else WholePosition
        self.positions = defaultdict(kind)
        self.posted: dict[Any, float] = {}
        self._owner: dict[Any, Any] = {}

    def submit(self, order: Any, check: bool = True) -> Any:
        """Take an order, and note the margin that there is for it."""
        order.free_margin = self.free(order.data, order.data.close[0])
        return super().submit(order, check=check)

    def worth(self, data: Any, price: float) -> float:
        """What a position adds to cash, at ``price``: all of it where it is paid for, else its profit."""
        position, contract = self.positions[data], self.contract(data)
        if contract.paid:
            return float(position.size * price)
        return contract.pnl(position.size, position.price, price)

    def equity(self, data: Any = None, price: float = math.nan) -> float:
        """Cash and the worth of all positions, at their closes; that of ``data`` at ``price``."""
        held = [other for other, position in self.positions.items() if position.size]
        return math.fsum([self.cash, *(self.worth(d, price if d is data else d.close[0]) for d in held)])

    def free(self, data: Any, price: float) -> float:
        """Margin that new positions can have, with ``data`` at ``price``."""
        if self.contract(data).isolated:
            return float(self.cash - math.fsum(self.posted.values()))
        held = ((d, p.size) for d, p in self.positions.items() if p.size)
        bound = (self._initial(d, size, price if d is data else d.close[0]) for d, size in held)
        return self.equity(data, price) - math.fsum(bound)

    def _initial(self, data: Any, size: float, price: float) -> float:
        contract = self.contract(data)
        return float(contract.notional(size, price) / contract.leverage) if size else 0.0

    def _get_value(self, datas: Any = None, lever: bool = False) -> Any:
        while self._cash_addition:
            added = self._cash_addition.popleft()
            self._fundshares += added / self._fundval
            self.cash += added
        if datas:
            return math.fsum(self._signed(data) for data in datas)
        self._value = self._valuelever = self.equity()
        self._fundval = self._value / self._fundshares
        self._valuemkt = self._valuemktlever = math.fsum(map(self._signed, self.positions))
        self._leverage = self._valuemkt / self._value if self._value else 0.0
        return self._value

    def _signed(self, data: Any) -> float:
        size = self.positions[data].size
        return math.copysign(self.contract(data).notional(size, data.close[0]), size) if size else 0.0

    def check_submitted(self) -> None:
        """Take the orders sent on the bar before, or refuse those that the margin there was then does not cover."""
        sizes: dict[Any, float] = {}
        before: dict[Any, float] = {}
        reserved = 0.0
        while self.submitted:
            order = self.submitted.popleft()
            if self._take_children(order) is None:
                continue
            if order.info.get(REDUCE_ONLY):
                self.submit_accept(order)
                continue
            position: Any = self.positions[order.data]
            group, held = self._group(order), float(sizes.get(order.data, position.size))
            first = group not in before
            held = before.setdefault(group, held)
            size = self._allowed(order, order.size, order.created.price, order.free_margin - reserved, held)
            needed = self._needed(order, size, held)
            lacks = order.free_margin - reserved < needed or self._beyond_bracket(order, size, held)
            if not size or (needed > 0 and lacks):
                self._refuse(order)
                continue
            if first:
                sizes[order.data] = held + size
                reserved += max(needed, 0.0) - self._set_free(order, size, held)
            self.submit_accept(order)

    def _group(self, order: Any) -> Any:
        """What orders share of which one fill cancels the others."""
        return ("children", order.parent.ref) if order.parent is not None else ("group", self._ocos[order.ref])

    def _allowed(self, order: Any, size: float, price: float, cash: float, held: float) -> float:
        """How much of ``size``, where a sizer gave it and it opens, the free margin in ``cash`` covers."""
        if not is_sized(order) or size * held < 0:
            return size
        data, fees = order.data, self.getcommissioninfo(order.data)

        def left(part: float) -> float:
            return cash - (self._initial(data, part, price) + float(fees.getcommission(part, price)))

        return self._cut(order, size, price, cash, left)

    def _needed(self, order: Any, size: float, held: float) -> float:
        """Free margin that ``size`` of ``order`` takes from a position of ``held``; 0 when it opens nothing."""
        data, price = order.data, order.created.price
        closed = min(abs(size), abs(held)) if size * held < 0 else 0.0
        opened = abs(size) - closed
        if opened <= 1e-9 * abs(size):
            return 0.0
        fee = self.getcommissioninfo(data).getcommission(opened, price)
        return float(self._initial(data, opened, price) - self._initial(data, closed, price) + fee)

    def _set_free(self, order: Any, size: float, held: float) -> float:
        """Initial margin that an exit at market sets free for an entry behind it, which it is sure to fill before."""
        closes = size * held < 0 and abs(size) <= abs(held) and order.exectype == bt.Order.Market
        return self._initial(order.data, size, order.created.price) if closes else 0.0

    def _beyond_bracket(self, order: Any, size: float, held: float) -> bool:
        contract, price = self.contract(order.data), order.created.price
        return bool(contract.notional(held + size, price) > contract.most)

    def _money(self, order: Any, price: float) -> float:
        return self.free(order.data, price)

    def _execute(self, order: Any, ago: Any = None, price: Any = None, *args: Any, **kwargs: Any) -> Any:
        if price is None:
            return
        if is_sized(order):
            self._cut_to_cash(order, price)
        data, size = order.data, order.executed.remsize
        if self.p.filler is not None and not self._forced:
            size = math.copysign(self.p.filler(order, price, ago), size)
        position = self.positions[data]
        entry = position.price
        _, _, opened, closed = position.pseudoupdate(size, price)
        profit, closed_fee = self._close(data, closed, entry, price) if closed else (0.0, 0.0)
        opened_fee = self._open(data, opened, price) if opened else 0.0
        refused = math.isnan(opened_fee)
        if refused:
            opened, opened_fee = 0.0, 0.0
        if closed + opened:
            self._fill(order, price, entry, (closed, closed_fee), (opened, opened_fee), profit)
        if refused:
            self._refuse(order)

    def _close(self, data: Any, closed: float, entry: float, price: float) -> tuple[float, float]:
        """Settle the part of a position that an order closes; its profit and fee."""
        contract, held = self.contract(data), self.positions[data].size
        profit = contract.pnl(-closed, entry, price)
        fee = self._fee_to_close(data, closed, price, profit)
        self.cash += (-closed * price if contract.paid else profit) - fee
        if contract.isolated:
            self.posted[data] *= 1.0 - closed / -held
        self.positions[data].update(closed, price, data.datetime.datetime())
        return profit, fee

    def _fee_to_close(self, data: Any, closed: float, price: float, profit: float) -> float:
        return float(self.getcommissioninfo(data).getcommission(closed, price))

    def _open(self, data: Any, opened: float, price: float) -> float:
        """Open a position, or more of it; the fee, or NaN where the margin does not cover it."""
        contract, fee = self.contract(data), self.getcommissioninfo(data).getcommission(opened, price)
        margin = self._initial(data, opened, price)
        held = self.positions[data].size + opened
        if self.free(data, price) < margin + fee or contract.notional(held, price) > contract.most:
            return math.nan
        self.cash -= fee + (opened * price if contract.paid else 0.0)
        if contract.isolated:
            self.posted[data] = self.posted.get(data, 0.0) + margin
        self.positions[data].update(opened, price, data.datetime.datetime())
        return float(fee)

    def _fill(self, order: Any, price: float, entry: float, closed: Any, opened: Any, profit: float) -> None:
        data, scheme, size = order.data, self.getcommissioninfo(order.data), closed[0] + opened[0]
        given, taken = scheme.getvaluesize(-closed[0], entry), scheme.getvaluesize(opened[0], price)
        scheme.confirmexec(size, price)
        held = self.positions[data]
        done = (data.datetime[0], size, price, closed[0], given, closed[1], opened[0], taken, opened[1])
        order.execute(*done, scheme.margin, profit, held.size, held.price)
        order.addcomminfo(scheme)
        self._owner[data] = order.owner
        if self.terms.participation is not None:
            self._note_volume(data, abs(size))
        self.notify(order)
        self._ococheck(order)

    def _book(self, data: Any, flow: Flow) -> None:
        super()._book(data, flow)
        if self.contract(data).isolated:
            self.posted[data] += flow.amount
