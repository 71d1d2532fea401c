"""backtrader's orders, made without its metaclass and copied without the copy module."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import backtrader.order as stock
from backtrader.order import Order, OrderData
from backtrader.utils import AutoOrderedDict
from backtrader.utils.dateintern import num2date

PLAIN = (None, Order.Market, Order.Limit, Order.Stop, Order.StopLimit)
"""Types of orders that are made in one step; the others work out a trigger, or the end of the session, first."""


class _Cheap(Order):
    """What makes an order cheap to make, to read and to copy: what is asked of it most is a plain attribute."""

    @property
    def dteos(self) -> float:
        """End of the session in which it was sent, which hardly anybody asks for."""
        if "_dteos" not in self.__dict__:
            sent = num2date(self.created.dt, tz=self.data.lines.datetime._tz)
            end = self.data.p.sessionend
            last = sent.replace(hour=end.hour, minute=end.minute, second=end.second, microsecond=end.microsecond)
            self._dteos = self.data.date2num(last + timedelta(days=1) if last < sent else last)
        made: float = self._dteos
        return made

    @dteos.setter
    def dteos(self, value: float) -> None:
        self._dteos = value

    def clone(self) -> Any:
        """A copy whose executions go on by themselves."""
        made, done = object.__new__(type(self)), self.executed
        made.__dict__ = self.__dict__.copy()
        done.markpending()
        made.executed = object.__new__(OrderData)
        made.executed.__dict__ = done.__dict__.copy()
        return made


class BuyOrder(_Cheap, stock.BuyOrder):
    """A buy."""


class SellOrder(_Cheap, stock.SellOrder):
    """A sale."""


def make(kind: Any, fields: dict[str, Any]) -> Any:
    """The order that ``kind(**fields)`` makes; ``fields`` are all parameters an order has."""
    order = object.__new__(kind)
    order.params = order.p = object.__new__(kind.params)
    order.p.__dict__.update(fields)
    if fields["exectype"] in PLAIN and fields["valid"] is None:
        _set_up(order, fields)
        return order
    order.data, order.owner, order.exectype = fields["data"], fields["owner"], fields["exectype"]
    order.valid, order.parent, order.tradeid = fields["valid"], fields["parent"], fields["tradeid"]
    order.__init__()
    return order


def _set_up(order: Any, fields: dict[str, Any]) -> None:
    """What ``OrderBase.__init__`` does for an order of a plain type that does not expire."""
    data, price, limit, parent = fields["data"], fields["price"], fields["pricelimit"], fields["parent"]
    size = fields["size"] if order.ordtype == Order.Buy else -fields["size"]
    close, away, share = data.close[0], fields["trailamount"], fields["trailpercent"]
    order.__dict__.update(
        fields,
        ref=next(Order.refbasis),
        broker=None,
        info=AutoOrderedDict(),
        comminfo=None,
        triggered=False,
        status=Order.Created,
        exectype=fields["exectype"] or Order.Market,
        size=size,
        created=OrderData(data.datetime[0], size, price if price or limit else close, limit, 0, close, away, share),
        executed=OrderData(remsize=size),
        position=0,
        _active=parent is None,
        _plimit=limit,
        _limitoffset=0.0,
    )
