"""Orders written down in advance, each with its bar, through the compiled broker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any

import backtrader as bt
import numpy as np

from tapeflow.backtest.broker.order_rules import LIMIT, MARKET, STOP
from tapeflow.backtest.engines.compiled.account import worth
from tapeflow.backtest.engines.compiled.broker import trade
from tapeflow.backtest.engines.compiled.market import PRICES, unusable
from tapeflow.backtest.engines.compiled.oco_brackets import cancel
from tapeflow.backtest.engines.compiled.orders import adopt, join, send, set_end, set_trail
from tapeflow.backtest.engines.compiled.record import Record
from tapeflow.backtest.engines.compiled.state import (
    CASH,
    ENTRY,
    HELD,
    TAKEN,
    TYPES,
    Book,
    Floats,
    Integers,
    grown,
    is_full,
    new_book,
)
from tapeflow.core.bars import Bars
from tapeflow.core.clock import day_numbers
from tapeflow.core.errors import DataError
from tapeflow.core.kernels import compiled

ACTIONS = ("send", "flatten", "cancel", "bracket")
SEND, FLATTEN, CANCEL, BRACKET = range(4)
_BAR, _ACTION, _KIND, _SIZE, _PRICE, _LIMIT, _TRAIL, _SHARE, _VALID, _END, _LINK, _LEG, _STOP, _TARGET = range(14)


@dataclass(frozen=True)
class Ticket:
    """One instruction to the broker, given on the close of a bar.

    Parameters
    ----------
    bar : int
        From 0.
    action : str, default="send"
        ``send`` an order, ``flatten`` the position at market, ``cancel`` an earlier order, or send a
        ``bracket``: an order (at market without a price) with a stop and a target that wait for it.
    kind : str, default="market"
        Type of the order, as in orders.parquet.
    size : float
        Above zero to buy; an order of no size is not sent.
    price, limit : float
        Trigger or limit price, limit behind a trigger; 0 where not given.
    trail, trail_share : float
        Distance of a trailing stop in quote currency, or as a share of the price.
    valid : int or None
        Epoch µs after which the order expires.
    link : int or None
        Number of the ticket whose order is to be cancelled, or to be in one group with: one cancels the other.
    leg : int, default=0
        Which order of a linked bracket: 0 the first, 1 the stop, 2 the target.
    stop, target : float
        Prices of a bracket's children.
    """

    bar: int
    action: str = "send"
    kind: str = "market"
    size: float = 0.0
    price: float = 0.0
    limit: float = 0.0
    trail: float = 0.0
    trail_share: float = 0.0
    valid: int | None = None
    link: int | None = None
    leg: int = 0
    stop: float = 0.0
    target: float = 0.0


def run_tickets(bars: Bars, tickets: Sequence[Ticket], cash: float, costs: Sequence[float], name: str = "") -> Record:
    """Run orders written down in advance.

    Parameters
    ----------
    bars : Bars
        The market.
    tickets : sequence of Ticket
        By bar.
    cash : float
        Money at the start.
    costs : sequence of float
        Maker's fee, taker's fee, slippage as a share, slippage as a price distance.
    name : str
        The feed's, for the record.

    Raises
    ------
    DataError
        If a price is missing, not finite or not above 0, or a ticket stands before an earlier one.
    """
    if why := unusable(bars):
        raise DataError(f"{name or 'bars'}: {why}")
    if any(a.bar > b.bar for a, b in pairwise(tickets)):
        raise DataError(f"{name or 'bars'}: tickets must go by bar")
    table = np.array([*(bars[name] for name in PRICES), day_numbers(bars["close_time"])])
    account = np.empty((3, len(bars)))
    book = new_book(cash, np.array(costs, dtype=np.float64), room=3 * len(tickets) + 1)
    rows, first, bar = _rows(tickets, table[4]), np.full(len(tickets), -1), 0
    while (bar := _span(book, table, rows, first, account, bar)) < len(bars):
        book = grown(book)
    return Record(book, bars["close_time"], account, name, ("",))


def _rows(tickets: Sequence[Ticket], stamps: Floats) -> Floats:
    rows = np.zeros((len(tickets), 14))
    for row, ticket in zip(rows, tickets, strict=True):
        valid = 0.0 if ticket.valid is None else float(day_numbers(np.array([ticket.valid]))[0])
        end = _session_end(float(stamps[ticket.bar])) if ticket.kind == "close" else 0.0
        link = -1 if ticket.link is None else ticket.link
        row[:] = (
            *(ticket.bar, ACTIONS.index(ticket.action), TYPES.index(ticket.kind), ticket.size, ticket.price),
            *(ticket.limit, ticket.trail, ticket.trail_share, valid, end, link, ticket.leg),
            *(ticket.stop, ticket.target),
        )
    return rows


def _session_end(stamp: float) -> float:
    """The end of a bar's day, as backtrader's orders have it: its last instant that has a day number of its own."""
    when: Any = bt.num2date(stamp)
    end = when.replace(hour=23, minute=59, second=59, microsecond=999990)
    return float(bt.date2num(end + timedelta(days=1) if end < when else end))


@compiled
def _order(book: Book, row: Floats, bar: int, close: float, first: Integers) -> int:
    """Send the order of a ticket."""
    k = send(book, bar, close, int(row[_KIND]), row[_SIZE], row[_PRICE], row[_LIMIT], 0)
    set_trail(book, k, row[_TRAIL], row[_SHARE], 0.0, 1.0)
    set_end(book, k, row[_VALID], row[_END])
    if row[_LINK] >= 0.0 and first[int(row[_LINK])] >= 0:
        join(book, k, first[int(row[_LINK])] + int(row[_LEG]))
    return k


@compiled
def _bracket(book: Book, row: Floats, bar: int, close: float) -> int:
    """Send the three orders of a bracket."""
    size = row[_SIZE]
    k = send(book, bar, close, LIMIT if row[_PRICE] != 0.0 else MARKET, size, row[_PRICE], 0.0, 0)
    set_end(book, k, row[_VALID], 0.0)
    for kind, price in ((STOP, row[_STOP]), (LIMIT, row[_TARGET])):
        child = send(book, bar, close, kind, -size, price, 0.0, 0)
        set_end(book, child, row[_VALID], 0.0)
        adopt(book, child, k)
    return k


@compiled
def _do(book: Book, row: Floats, bar: int, close: float, first: Integers) -> int:
    """Do what a ticket says; the row of its first order, or −1."""
    action, held = int(row[_ACTION]), book[5][HELD]
    if action == CANCEL:
        k = first[int(row[_LINK])]
        if k >= 0:
            cancel(book, k + int(row[_LEG]), bar + 1)
        return -1
    if action == FLATTEN:
        return send(book, bar, close, MARKET, -held, 0.0, 0.0, 0) if held != 0.0 else -1
    if row[_SIZE] == 0.0:
        return -1
    return _bracket(book, row, bar, close) if action == BRACKET else _order(book, row, bar, close, first)


@compiled
def _span(book: Book, bars: Floats, rows: Floats, first: Integers, account: Floats, bar: int) -> int:
    """Work off tickets from ``bar`` on; the bar it had no room for, or the end."""
    _, _, _, _, count, money, _ = book
    ticket = count[TAKEN]
    for i in range(bar, bars.shape[1]):
        if is_full(book, 0, 4):
            return i
        close = bars[3, i]
        trade(book, None, None, None, (bars[0, i], bars[1, i], bars[2, i], close, bars[4, i]), i)
        account[0, i], account[1, i], account[2, i] = (
            worth(money[CASH], money[HELD], money[ENTRY], close),
            money[CASH],
            money[HELD],
        )
        while ticket < len(rows) and int(rows[ticket, _BAR]) == i:
            first[ticket] = _do(book, rows[ticket], i, close, first)
            ticket += 1
        count[TAKEN] = ticket
    return int(bars.shape[1])
