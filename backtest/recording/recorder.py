"""The recorder: every order, every fill and the account at every bar, as backtrader reports them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import backtrader as bt
import numpy as np
from numpy.typing import NDArray

from ...core.clock import from_day_number, from_day_numbers

Array = NDArray[Any]
Account = tuple[Array, ...]

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


class News(NamedTuple):
    """What is heard of an order.

    Parameters
    ----------
    order : Order
        As it is at that time.
    bar : int
        Bar of its feed, from 1.
    price : float
        Its price at that time, which a trailing stop goes on moving.
    """

    order: Any
    bar: int
    price: float

    def state(self, data: str) -> dict[str, Any]:
        """Columns of orders.parquet; ``data`` is what the feed is called."""
        order, done = self.order, self.order.executed
        return {
            "data": data,
            "side": "buy" if order.isbuy() else "sell",
            "type": TYPES.get(order.exectype, order.getordername().lower()),
            "size": abs(order.created.size),
            "price": self.price if order.exectype != bt.Order.Market else float("nan"),
            "status": order.getstatusname().lower(),
            "executed_time": self.time() if done.size else None,
            "executed_price": done.price if done.size else float("nan"),
            "executed_size": abs(done.size),
            "commission": done.comm,
            "pnl": done.pnl,
            "reason": order.info.get("reason", ""),
        }

    def fills(self, ref: int, data: str) -> Iterator[Fill]:
        """Executions since the news before, of the order and the feed that are called so."""
        order = self.order
        for bit in order.executed.iterpending():
            yield Fill(
                ref=ref,
                data=data,
                bar=self.bar - 1,
                time=self.time(),
                price=bit.price,
                opened=bit.opened,
                closed=bit.closed,
                opened_fee=bit.openedcomm,
                closed_fee=bit.closedcomm,
                pnl=bit.pnl,
                reason=order.info.get("reason", ""),
            )

    def created(self) -> int:
        """The exact close of the bar on which the order was sent; its first news comes a bar or so later."""
        stamps, sent = self.order.data.lines.datetime.array, self.order.created.dt
        for ago in range(min(self.bar, 8)):
            if stamps[self.bar - 1 - ago] == sent:
                return self.time(ago)
        return from_day_number(sent)

    def time(self, ago: int = 0) -> int:
        """The exact close of the bar of the news, or of one before it."""
        return _close(self.order.data, self.bar - 1 - ago)


def _exact(data: Any) -> Any:
    """The line of exact closes, where the feed carries it; one that backtrader makes longer does not."""
    return None if getattr(data, "longer", "") else getattr(data.lines, "close_time", None)


def _close(data: Any, bar: int) -> int:
    """The close of a bar of a feed, as exact as the feed carries it; once the run is over."""
    line = _exact(data)
    return int(line.array[bar]) if line is not None else from_day_number(data.lines.datetime.array[bar])


def _closed(data: Any) -> int:
    """The close of a feed's current bar."""
    line = _exact(data)
    return int(line[0]) if line is not None else from_day_number(data.lines.datetime[0])


def closes(data: Any) -> Array:
    """The exact closes of all bars of a feed that is loaded whole, epoch µs."""
    line = _exact(data)
    known = data.lines.datetime if line is None else line
    made = np.frombuffer(known.array, np.float64, data.buflen())
    return from_day_numbers(made) if line is None else made.astype(np.int64)


class Recorder(bt.Analyzer):
    """Collects what a run did, for the result folder.

    Attributes
    ----------
    names : mapping of int to str
        What feeds are called, by their ids, where that is not their own name.
    """

    names: Mapping[int, str] = {}

    def __init__(self) -> None:
        self.news: list[News] = []
        self._rows: list[tuple[int, float, float, float]] = []
        self._spans: list[Account] = []
        self._bars = 0

    def notify_order(self, order: Any) -> None:
        """Keep the news of ``order``; it is made sense of after the run."""
        self.news.append(News(order, len(order.data), order.created.price))

    def next(self) -> None:
        """Note the account at the close of this bar of the traded feed; the bars of other feeds are no news of it."""
        broker, data = self.strategy.broker, self.strategy.data
        if getattr(self.strategy, "desk", None) is not None:
            return
        if len(data) == self._bars:
            if not self._grew(data):
                return
            self._rows.pop()
        self._bars = len(data)
        time, size = _closed(data), broker.getposition(data).size
        self._rows.append((time, broker.getvalue(), broker.getcash(), size))

    def _grew(self, data: Any) -> bool:
        """Whether the bar noted last goes on, as bars that are replayed do."""
        return getattr(data, "replaying", False) and bool(self._rows)

    @staticmethod
    def closed(data: Any) -> int:
        """The exact close of a feed's current bar, epoch µs."""
        return _closed(data)

    def take(self, time: Array, value: Array, cash: Array, position: Array) -> None:
        """Note the account over many bars of the traded feed, before `next` notes any."""
        self._spans.append((time, value, cash, position))
        self._bars += len(time)

    @property
    def equity(self) -> Account:
        """Time in epoch µs, value, cash and position in the traded feed, one entry a bar."""
        rows = tuple(np.array(column) for column in zip(*self._rows, strict=True))
        spans = [*self._spans, rows] if rows else self._spans
        time, *others = (np.concatenate(parts) for parts in zip(*spans, strict=True))
        return time.astype(np.int64), *(column.astype(np.float64) for column in others)

    @cached_property
    def orders(self) -> dict[int, dict[str, Any]]:
        """The latest state of every order, by its number in backtrader; once the run is over."""
        first: dict[int, News] = {}
        last: dict[int, News] = {}
        for news in self.news:
            first.setdefault(news.order.ref, news)
            last[news.order.ref] = news
        return {
            ref: {"ref": number, "created_time": first[ref].created(), **news.state(self._feed(news))}
            for number, (ref, news) in enumerate(last.items(), 1)
        }

    @property
    def waits(self) -> tuple[int, int]:
        """How many orders waited in bars without trades, and for how many bars in all."""
        waited = getattr(self.strategy.broker, "waits", {})
        return len(waited), sum(waited.values())

    @property
    def inside_unknown(self) -> int:
        """Entries of which it is not known whether the rest of their bar reached their protection, where it matters."""
        return int(getattr(self.strategy.broker, "inside_unknown", 0))

    @property
    def ruined_at(self) -> int | None:
        """Close of the bar, epoch µs, at which the account was worth nothing; None where it never was."""
        made: int | None = getattr(self.strategy.broker, "ruined_at", None)
        return made

    @cached_property
    def fills(self) -> list[Fill]:
        """Every execution, in the order in which they became known; once the run is over."""
        rows = self.orders
        return [fill for one in self.news for fill in one.fills(rows[one.order.ref]["ref"], self._feed(one))]

    def _feed(self, news: News) -> str:
        data = news.order.data
        return self.names.get(id(data), data._name)
