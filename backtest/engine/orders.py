"""backtrader's orders, made without its metaclass and copied without the copy module."""

from __future__ import annotations

from typing import Any

import backtrader.order as stock
from backtrader.order import Order, OrderData


class _Cheap(Order):
    """What makes an order cheap to make, to read and to copy: what is asked of it most is a plain attribute."""

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
    order.data, order.owner, order.exectype = fields["data"], fields["owner"], fields["exectype"]
    order.valid, order.parent, order.tradeid = fields["valid"], fields["parent"], fields["tradeid"]
    order.__init__()
    return order
