"""Any broker of backtrader's kind, working only on bars on which it has something to do."""

from __future__ import annotations

from typing import Any

from backtrader.brokers.bbroker import BackBroker
from backtrader.comminfo import CommInfoBase
from backtrader.order import Order

from ...broker.base import Broker
from . import orders, positions
from .danger import is_endangered
from .history import History, Holding

HOOKS = (
    "next",
    "_get_value",
    "get_value",
    "getvalue",
    "get_leverage",
    "get_fundvalue",
    "get_fundshares",
    "fundvalue",
    "fundshares",
    "get_notification",
    "add_cash",
    "set_cash",
    "setcash",
    "setcommission",
    "addcommissioninfo",
    "buy",
    "sell",
)
KNOWN = (BackBroker, Broker)
"""Brokers whose hooks are known."""
PLAIN = ("get_credit_interest", "_get_credit_interest", "cashadjust", "getvaluesize", "profitandloss", "get_leverage")


def is_plain(scheme: Any) -> bool:
    """Whether a position under commission ``scheme`` neither costs nor earns anything while it is held."""
    own = all(getattr(type(scheme), name) is getattr(CommInfoBase, name) for name in PLAIN)
    return bool(own and scheme._stocklike and scheme._creditrate == 0.0)


def why_busy(broker: Any) -> str:
    """Empty, or why ``broker`` has to be asked at every bar."""
    kind = type(broker)
    if not isinstance(broker, BackBroker):
        return f"{kind.__name__} is no BackBroker"
    own = [name for name in HOOKS if not any(getattr(kind, name) is getattr(base, name) for base in KNOWN)]
    if isinstance(broker, Broker) and kind.pass_bar is not Broker.pass_bar:
        own.append("pass_bar")
    if own:
        return f"{kind.__name__} has its own {own[0]}"
    if broker._userhist or broker._fundhist:
        return "there is an order or fund history"
    if not all(is_plain(scheme) for scheme in broker.comminfo.values()):
        return "holding a position costs or earns something at every bar"
    return ""


def _sender(kind: type) -> Any:
    """The method that sends an order of ``kind``."""

    def send(
        self: Any,
        owner: Any,
        data: Any,
        size: float,
        price: float | None = None,
        plimit: float | None = None,
        exectype: Any = None,
        valid: Any = None,
        tradeid: int = 0,
        oco: Any = None,
        trailamount: float | None = None,
        trailpercent: float | None = None,
        parent: Any = None,
        transmit: bool = True,
        histnotify: bool = False,
        _checksubmit: bool = True,
        **info: Any,
    ) -> Any:
        order = orders.make(
            kind,
            dict(
                owner=owner,
                data=data,
                size=size,
                price=price,
                pricelimit=plimit,
                exectype=exectype,
                valid=valid,
                tradeid=tradeid,
                oco=None,
                trailamount=trailamount,
                trailpercent=trailpercent,
                parent=parent,
                transmit=transmit,
                simulated=False,
                histnotify=histnotify,
            ),
        )
        if info:
            order.addinfo(**info)
        self._ocoize(order, oco)
        return self.submit(order, check=_checksubmit)

    return send


class Lazy(BackBroker):
    """What a broker's class is put behind while a run lasts: values are worked out when asked for.

    Orders, fills, fees and notifications are the class's own. `next` does what backtrader's does as far
    as that can matter for positions that cost nothing to hold.
    """

    history: History
    stale = False
    eager = False
    endangered = False
    """Whether the account could come to be worth nothing at any of the feeds' closes; then every bar is looked at."""
    ruined_at: int | None = None

    @property
    def busy(self) -> bool:
        """Whether `next` has something to do."""
        waits = self.pending or self.submitted or self._toactivate or self._cash_addition or self.notifs
        return bool(waits or self.eager or self.endangered)

    def next(self) -> None:
        """Take orders in, try those that rest; the account's value is left for when it is asked for."""
        if self.eager:
            super().next()
            return
        while self._toactivate:
            self._toactivate.popleft().activate()
        if self.p.checksubmit:
            self.check_submitted()
        if self.pending:
            self._try_pending()
        self.stale = True
        moved = bool(self.notifs or self._cash_addition)
        if self._cash_addition:
            self.fresh()
        if moved:
            self.note()
            self.endangered = isinstance(self, Broker) and is_endangered(self)
        if self.endangered:
            self.fresh()
            self.judge()
            self.endangered = self.ruined_at is None

    def _try_pending(self) -> None:
        pending = self.pending
        pending.append(None)
        while (order := pending.popleft()) is not None:
            if order.exectype != Order.Market and order.expire():
                self.notify(order)
                self._ococheck(order)
                self._bracketize(order, cancel=True)
            elif not order.active():
                pending.append(order)
            else:
                self._try_exec(order)
                if order.alive():
                    pending.append(order)
                elif order.status == order.Completed:
                    self._bracketize(order)

    buy = _sender(orders.BuyOrder)
    sell = _sender(orders.SellOrder)

    def note(self) -> None:
        """Write the account down if it changed."""
        held = tuple((data, p.size, p.price, self.getcommissioninfo(data)) for data, p in self.positions.items())
        holdings = self.history.holdings
        if not holdings or (holdings[-1].cash, holdings[-1].positions) != (self.cash, held):
            holdings.append(Holding(self.history.clock.i, self.cash, held))

    def fresh(self) -> None:
        """Bring the value up to this bar."""
        if self.stale:
            self.stale = False
            self._get_value()

    def get_value(self, datas: Any = None, mkt: bool = False, lever: bool = False) -> Any:
        """The value of the account, or of some of its positions."""
        self.fresh()
        if datas is not None and (len(datas) != 1 or self._cash_addition):
            self.odd()
        return super().get_value(datas, mkt, lever)

    getvalue = get_value

    def get_leverage(self) -> Any:
        """Leverage of what is held."""
        self.fresh()
        return super().get_leverage()

    def get_fundvalue(self) -> Any:
        """Value of one share of the account."""
        self.fresh()
        return super().get_fundvalue()

    def get_fundshares(self) -> Any:
        """Shares the account is divided into."""
        self.fresh()
        return super().get_fundshares()

    fundvalue = property(get_fundvalue)
    fundshares = property(get_fundshares)

    def add_cash(self, cash: float) -> None:
        """Add to the account, from the next bar on."""
        self.fresh()
        super().add_cash(cash)

    def set_cash(self, cash: float) -> None:
        """Replace the cash."""
        self.odd()
        super().set_cash(cash)

    setcash = set_cash

    def addcommissioninfo(self, comminfo: Any, name: Any = None) -> None:
        """Change what trading costs."""
        self.odd()
        super().addcommissioninfo(comminfo, name)
        self._reconsider()

    def setcommission(self, *args: Any, **kwargs: Any) -> None:
        """Change what trading costs."""
        self.odd()
        super().setcommission(*args, **kwargs)
        self._reconsider()

    def odd(self) -> None:
        """Prepare for something that the history does not tell."""
        self.fresh()
        self.history.odd()

    def _reconsider(self) -> None:
        if not self.eager and not all(is_plain(scheme) for scheme in self.comminfo.values()):
            self.eager = True
            positions.restore(self)


LENT = ("history", "stale", "eager", "endangered")
"""What a broker has while it is lazy, and holds a whole run by."""


def make_lazy(broker: Any, history: History, lazy: type = Lazy) -> None:
    """Make ``broker`` lazy, in the manner of ``lazy``."""
    made = {data: positions.timeless(position, data) for data, position in broker.positions.items()}
    broker.positions = positions.Positions(broker.positions.default_factory, made)
    broker.positions.broker = broker
    base = type(broker)
    broker.__class__ = type.__new__(type(base), base.__name__, (lazy, base), {"__module__": base.__module__})
    broker.history = history
    broker.stale = broker.eager = broker.endangered = False


def restore(broker: Any) -> None:
    """Make it what it was, with its value up to the last bar."""
    broker.fresh()
    positions.restore(broker)
    broker.__class__ = type(broker).__bases__[1]
    for name in ("_closes", *LENT):
        broker.__dict__.pop(name, None)
