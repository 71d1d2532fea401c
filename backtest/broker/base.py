"""The broker: backtrader's own, with maker and taker fees, honest slippage and no dust."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import backtrader as bt
from backtrader.position import Position

from ...core.clock import from_day_number
from ...core.errors import DataError
from ...core.lines import BarData
from ...core.lots import whole_lots
from ...core.steps import steps_of
from ...core.ticks import grid_of
from .afford import afforded, is_sized
from .costs import FillTerms
from .entry_bar import BETTER, INSIDE, NEXT_BAR, assumed, rest_of_bar
from .order_rules import would_trade as trades
from .trailing import trail_on_tick
from .waiting import would_trade

DUST = 1e-9
"""A remainder this small beside what was traded is rounding, not a position, nor an account's worth."""
REDUCE_ONLY, POST_ONLY, AT_ONCE = CONDITIONS = "reduce_only", "post_only", "at_once"
"""What may be said of an order when it is sent: that it closes no more than there is, that it never takes liquidity,
that what does not trade on arrival is withdrawn."""
RUIN = "ruin"
"""What the orders are for that close everything."""


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
    A market order waits for a bar that has an open, and every order for a bar in which somebody traded. A price on a
    tick that slips by ticks is on a tick, as the decimal, and so is the trigger of protection that trails.

    Attributes
    ----------
    empty_bars : {"wait", "fill"}
        Whether orders wait in bars without trades. In bars whose figures contradict each other they always do.
    by_feed : mapping of str to FillTerms
        What decides fills, by the feed's name, where there are several; empty where all orders fill alike.
    refusals : mapping of str to str
        Why no order can be sent on a feed, by its name.
    waits : Counter of int
        Bars in which an order would have traded or triggered, had anybody traded, by its number.
    inside : {"next_bar", "worse", "better"}
        From when on protection works that a strategy sends behind an entry: from the next bar on, or from the fill on,
        where it is not known what came first within the bar as is worse, or better, for the position.
    inside_unknown : int
        How often that was not known, and made a difference.
    ruined_at : int or None
        Close of the bar, epoch µs, at which the account was worth nothing.

    Notes
    -----
    An order that only closes is taken whatever the cash. An entry that a sizer sized is cut, in whole lots, to what the
    cash allows after fees and slippage: its size goes by the close, its fill by what comes after. A size that an author
    gave is filled whole or refused.

    An order that is to reduce only is taken whatever the cash, cut to what is left of the position when it is tried,
    and ends with it. One that is post only is rejected where it would trade on arrival, one that is good at once
    withdrawn where it does not.

    An account that is worth nothing at a close is ruined: orders are cancelled, positions closed at market, and what is
    sent from then on is rejected.
    """

    _grid = grid_of(None)
    empty_bars = "wait"
    inside = "next_bar"
    by_feed: Mapping[str, FillTerms] = {}
    refusals: Mapping[str, str] = {}
    ruined_at: int | None = None

    def leverage(self, data: Any) -> float:
        """Notional that a unit of margin in ``data`` carries."""
        return 1.0

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
        self.waits: Counter[int] = Counter()
        self.inside_unknown = 0
        self._shut: dict[Any, bytes | None] = {}
        self._asked: set[Any] = set()
        self.ruined_at, self._closing = None, False
        self.floor = DUST * self.cash

    def notify(self, order: Any) -> None:
        """Complete an order whose remainder is dust, then tell."""
        done = order.executed
        if order.status == bt.Order.Partial and abs(done.remsize) <= DUST * abs(done.size):
            done.remsize = 0.0
            order.completed()
        super().notify(order)

    def next(self) -> None:
        """Do what a bar brings, and see whether the account still stands."""
        self.pass_bar()
        self.judge()

    def pass_bar(self) -> None:
        """Take orders in, try those that rest, and value the account."""
        super().next()

    def judge(self) -> None:
        """Close everything once the account is worth nothing; a close at which nobody traded tells nothing new."""
        if self.ruined_at is not None or not self._value <= self.floor:
            return
        held = {data: position.size for data, position in self.positions.items() if position.size}
        if any(self.is_shut(data) for data in held):
            return
        self.ruined_at = max(_close_of(data) for data in self.cerebro.datas if len(data))
        for order in [order for order in self.pending if order is not None]:
            self.cancel(order)
        self._closing = True
        for data, size in held.items():
            send = self.sell if size > 0 else self.buy
            send(self.cerebro.runningstrats[0], data, abs(size), exectype=bt.Order.Market, reason=RUIN)
        self._closing = False

    def submit(self, order: Any, check: bool = True) -> Any:
        """Take an order, which the bars after this one may fill."""
        self.begin(order)
        if self.ruined_at is not None and not self._closing:
            order.reject()
            self.notify(order)
            return order
        return super().submit(order, check=check)

    def begin(self, order: Any) -> None:
        """Have ``order`` wait for the bar after this one; a feed that the account cannot trade is refused."""
        if order.data not in self._asked:
            self._asked.add(order.data)
            if why := self.refusals.get(order.data._name):
                raise DataError(why)
            if isinstance(order.data, BarData):
                order.data.check_prices()
        order.tried = len(order.data)
        order.conditional = any(map(order.info.get, CONDITIONS))
        if order.exectype == bt.Order.StopTrail:
            trail_on_tick(order)

    def check_submitted(self) -> None:
        """Take in what was sent, as far as the cash would reach at the prices of sending."""
        trials: dict[Any, Any] = {}
        cash = self.cash
        while self.submitted:
            order = self.submitted.popleft()
            if self._take_children(order) is None:
                continue
            if order.data not in trials:
                trials[order.data] = self._trial(self.positions[order.data])
            cash, taken = self._admit(order, cash, trials[order.data])
            if taken:
                self.submit_accept(order)
            else:
                self._refuse(order)

    def _trial(self, position: Any) -> Any:
        return position.clone()

    def _admit(self, order: Any, cash: float, position: Any) -> tuple[float, bool]:
        """Cash after ``order`` would have filled at its own price, and whether it is taken."""
        if order.info.get(REDUCE_ONLY):
            return cash, True
        done, held = order.executed, position.size
        wished = done.remsize
        closes = wished * held < 0 and abs(wished) <= abs(held)
        if is_sized(order):
            done.remsize = self._allowed(order, wished, order.created.price, cash, held)
            if not done.remsize:
                done.remsize = wished
                return cash, False
        cash = self._execute(order, cash=cash, position=position)
        done.remsize = wished
        return cash, closes or cash >= 0.0

    def _refuse(self, order: Any) -> None:
        order.margin()
        self.notify(order)
        self._ococheck(order)
        self._bracketize(order, cancel=True)

    def _allowed(self, order: Any, size: float, price: float, cash: float, held: float) -> float:
        """How much of ``size`` is paid for by ``cash``; a sale brings cash, and what closes is never cut."""
        if size <= 0 or held < 0:
            return size
        fees = self.getcommissioninfo(order.data)
        return self._cut(order, size, price, cash, lambda part: cash - part * price - fees.getcommission(part, price))

    def _money(self, order: Any, price: float) -> float:
        """What an entry at ``price`` can be paid from."""
        return float(self.cash)

    def _cut(self, order: Any, size: float, price: float, money: float, left: Callable[[float], float]) -> float:
        """``size``, which has a sign, cut to what ``money`` allows; 0 where that is too little for an order."""
        data = order.data
        made = afforded(abs(size), money, steps_of(data).lot, left)
        if made < abs(size) and abs(self.quote(data, made, price)) < steps_of(data).min_notional:
            return 0.0
        return math.copysign(made, size) if made else 0.0

    def _execute(
        self, order: Any, ago: Any = None, price: Any = None, cash: Any = None, position: Any = None, dtcoc: Any = None
    ) -> Any:
        if ago is not None and price is not None and is_sized(order):
            self._cut_to_cash(order, price)
        return super()._execute(order, ago, price, cash, position, dtcoc)

    def _cut_to_cash(self, order: Any, price: float) -> None:
        """Leave out of an entry what the money does not allow at the price of its fill; its children with it."""
        now = order.executed.remsize
        if self.p.filler is not None:
            now = math.copysign(self.p.filler(order, price, 0), now)
        made = self._allowed(order, now, price, self._money(order, price), self.positions[order.data].size)
        if not made or made == now:
            return
        order.executed.remsize = made
        for child in self._pchildren.get(order.ref, ()):
            if child is not order:
                child.executed.remsize = math.copysign(made + order.executed.size, child.executed.remsize)

    def shut_bars(self, data: Any) -> bytes | None:
        """A byte for each bar of ``data``, 1 where orders wait; None where they never do."""
        if data not in self._shut:
            self._shut[data] = data.shut(self.empty_bars) if isinstance(data, BarData) else None
        return self._shut[data]

    def is_shut(self, data: Any) -> bool:
        """Whether nothing fills or triggers in the current bar of ``data``."""
        mask = self.shut_bars(data)
        return mask is not None and mask[len(data) - 1] != 0

    def _try_exec(self, order: Any) -> None:
        if len(order.data) <= order.tried:
            return
        order.tried = len(order.data)
        if not self.is_shut(order.data):
            if order.conditional and not self._may_trade(order):
                return
            self.look_at(order.data)
            how, before = how_it_stands(order), order.executed.size
            self._try(order)
            if order.exectype == bt.Order.StopTrail:
                trail_on_tick(order)
            if order.executed.size != before:
                self.filled(order, how)
            if order.conditional and order.info.get(AT_ONCE) and order.alive() and self.has_arrived(order):
                self._end(order)
        elif would_trade(order):
            self.waits[order.ref] += 1

    def _try(self, order: Any) -> None:
        """Try ``order`` at the prices of its feed's bar, or of what was left of it when it was sent."""
        rest = order.__dict__.pop("rest", None)
        if order.conditional and order.info.get(AT_ONCE):
            rest = self.on_arrival(order)
        if rest is None:
            super()._try_exec(order)
            return
        first, high, low, close = rest
        if order.exectype == bt.Order.Limit:
            self._try_exec_limit(order, first, high, low, order.created.price)
        else:
            self._try_exec_stop(order, first, high, low, order.created.price, close)

    def _may_trade(self, order: Any) -> bool:
        """Whether what was said of ``order`` lets it be tried; what reduces only is cut to what there is."""
        if order.info.get(REDUCE_ONLY):
            done, held = order.executed, self.positions[order.data].size
            if done.remsize * held >= 0:
                self._end(order)
                return False
            done.remsize = math.copysign(min(abs(done.remsize), abs(held)), done.remsize)
        if order.info.get(POST_ONLY):
            if self.would_take(order):
                order.reject()
                self.notify(order)
                return False
            order.rested = True
        return True

    def on_arrival(self, order: Any) -> Any:
        """What a limit order meets that is good at once: the open, from which slippage may take it to its limit."""
        data, first = order.data, order.data.open[0]
        return (first, data.high[0], first, first) if order.isbuy() else (first, first, data.low[0], first)

    def would_take(self, order: Any) -> bool:
        """Whether a limit order would trade on arrival, at the open of the first bar that it meets."""
        first, limit = order.data.open[0], order.created.price
        return not getattr(order, "rested", False) and bool(limit >= first if order.isbuy() else limit <= first)

    def has_arrived(self, order: Any) -> bool:
        """Whether what is left of an order that was tried would rest."""
        return True

    def _end(self, order: Any) -> None:
        """Withdraw an order that is being tried."""
        order.cancel()
        self.notify(order)

    def filled(self, order: Any, how: tuple[Any, ...]) -> None:
        """Protect what ``order`` has opened, or end what would reduce a position that it has closed."""
        if not self.positions[order.data].size:
            self.end_reducing(order.data)
        else:
            self.protect(order, how)

    def end_reducing(self, data: Any) -> None:
        """Withdraw what reduces a position in ``data`` that is gone."""
        for i in range(len(self.pending) - 1, -1, -1):
            order = self.pending[i]
            if order is not None and order.data is data and order.conditional and order.info.get(REDUCE_ONLY):
                del self.pending[i]
                self._end(order)

    def protect(self, order: Any, how: tuple[Any, ...]) -> None:
        """Have the strategy protect what ``order`` has opened; that is tried next, on the rest of the bar."""
        send = None if self.inside == INSIDE[NEXT_BAR] else getattr(order.owner, "protect_fill", None)
        if send is None or not (guards := send(order)):
            return
        for guard in guards:
            self.pending.pop()  # it was taken last
            guard.tried = len(order.data) - 1
        self.place(order, guards, how)

    def place(self, order: Any, guards: list[Any], how: tuple[Any, ...]) -> None:
        """Put what protects an entry before all that is still to be tried in this bar."""
        data = order.data
        bar = data.open[0], data.high[0], data.low[0], data.close[0]
        told: tuple[Any, ...] = (*how, *bar)
        first, *sure = rest_of_bar(*told)
        long = self.positions[data].size > 0
        worse, better = (assumed(long, kind, *bar[1:3], *sure) for kind in (False, True))
        self.inside_unknown += worse != better and _first(guards, first, *worse) != _first(guards, first, *better)
        for guard in guards:
            guard.rest = (first, *(better if self.inside == INSIDE[BETTER] else worse), bar[3])
        self.pending.extendleft(reversed(guards))

    def look_at(self, data: Any) -> None:
        """Go by the terms of ``data``, an order of which is tried next."""
        if self.by_feed:
            self.go_by(self.by_feed[data._name])
        if self.p.slip_fixed:
            self._grid = grid_of(steps_of(data).tick)

    def go_by(self, terms: FillTerms) -> None:
        """Fill by ``terms`` from here on."""
        self.p.slip_perc, self.p.slip_fixed = terms.slip_share, terms.slip_price

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


def how_it_stands(order: Any) -> tuple[Any, ...]:
    """What `rest_of_bar` has to know of an order, before it is tried."""
    made = order.created
    return order.exectype, bool(order.triggered), bool(order.executed.size), order.isbuy(), made.price, made.pricelimit


def _first(guards: list[Any], first: float, high: float, low: float) -> list[int]:
    """Which of ``guards`` trades first in the rest of a bar; of targets that close parts all that trade."""
    done = [
        i
        for i, guard in enumerate(guards)
        if trades(guard.exectype, False, False, guard.isbuy(), guard.created.price, 0.0, first, high, low)
    ]
    in_parts = done and guards[done[0]].exectype == bt.Order.Limit and guards[done[0]].info.get(REDUCE_ONLY)
    return done if in_parts else done[:1]


def _close_of(data: Any) -> int:
    """Close of a feed's current bar, epoch µs."""
    line = getattr(data.lines, "close_time", None)
    return from_day_number(data.datetime[0]) if line is None else int(line[0])


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
