"""The recorder: every order, every fill and the account at every bar, as backtrader reports them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import backtrader as bt

from ..core.clock import from_day_number

TYPES = {
    bt.Order.Market: "market",
    bt.Order.Close: "close",
    bt.Order.Limit: "limit",
    bt.Order.Stop: "stop",
    bt.Order.StopLimit: "stop_limit",
    bt.Order.StopTrail: "stop_trail",
    bt.Order.StopTrailLimit: "stop_trail_limit",
}


@dataclass(frozen=True)
class Fill:
    """One execution of an order, whole or in part.

    Parameters
    ----------
    ref : int
        The order's.
    data : str
        Name of the feed.
    bar : int
        Bar of the feed it happened in, from 0.
    time : int
        Close of that bar, epoch µs.
    price : float
        Quote per base.
    opened, closed : float
        Signed base amounts that opened and closed a position.
    opened_fee, closed_fee : float
        Commission of each, in quote currency.
    pnl : float
        Profit of the closed part before fees.
    reason : str
        What the strategy said it was for.
    """

    ref: int
    data: str
    bar: int
    time: int
    price: float
    opened: float
    closed: float
    opened_fee: float
    closed_fee: float
    pnl: float
    reason: str


class Recorder(bt.Analyzer):
    """Collects what a run did, for the result folder."""

    def __init__(self) -> None:
        self.orders: dict[int, dict[str, Any]] = {}
        self.fills: list[Fill] = []
        self.equity: list[tuple[int, float, float, float]] = []

    def notify_order(self, order: Any) -> None:
        """Keep the latest state of ``order`` and its new executions."""
        number = len(self.orders) + 1
        row = self.orders.setdefault(order.ref, {"ref": number, "created_time": self._created(order)})
        row.update(self._state(order))
        for bit in order.executed.iterpending():
            if bit is not None:
                self.fills.append(self._fill(row["ref"], order, bit))

    def next(self) -> None:
        """Note the account at the close of this bar."""
        broker, data = self.strategy.broker, self.strategy.data
        self.equity.append((self._now(), broker.getvalue(), broker.getcash(), broker.getposition(data).size))

    def _state(self, order: Any) -> dict[str, Any]:
        done = order.executed
        return {
            "data": order.data._name,
            "side": "buy" if order.isbuy() else "sell",
            "type": TYPES.get(order.exectype, order.getordername().lower()),
            "size": abs(order.created.size),
            "price": order.created.price if order.exectype != bt.Order.Market else float("nan"),
            "status": order.getstatusname().lower(),
            "executed_time": self._bar_time(order.data) if done.size else None,
            "executed_price": done.price if done.size else float("nan"),
            "executed_size": abs(done.size),
            "commission": done.comm,
            "pnl": done.pnl,
            "reason": order.info.get("reason", ""),
        }

    def _fill(self, ref: int, order: Any, bit: Any) -> Fill:
        return Fill(
            ref=ref,
            data=order.data._name,
            bar=len(order.data) - 1,
            time=self._bar_time(order.data),
            price=bit.price,
            opened=bit.opened,
            closed=bit.closed,
            opened_fee=bit.openedcomm,
            closed_fee=bit.closedcomm,
            pnl=bit.pnl,
            reason=order.info.get("reason", ""),
        )

    def _created(self, order: Any) -> int:
        """The exact close of the bar on which ``order`` was sent; its news comes a bar or so later."""
        data = order.data
        for ago in range(min(len(data), 8)):
            if data.datetime[-ago] == order.created.dt:
                return self._bar_time(data, ago)
        return from_day_number(order.created.dt)

    @staticmethod
    def _bar_time(data: Any, ago: int = 0) -> int:
        """The exact close of a bar of the feed, where the feed carries it."""
        line = getattr(data.lines, "close_time", None)
        return int(line[-ago]) if line is not None else from_day_number(data.datetime[-ago])

    def _now(self) -> int:
        datas = self.strategy.datas
        return max(self._bar_time(d) for d in datas if len(d))
