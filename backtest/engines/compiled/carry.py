"""What holding a position costs or brings: funding, interest, dividends. What `backtest.broker.carry` does."""

from __future__ import annotations

import numpy as np

from ....core.kernels import njit_internal
from ....core.schema import DIVIDEND, ROLL
from ...broker.carry import YEAR
from .costs import (
    BORROW,
    CARRIES,
    CLOSE_TIME,
    FLOWS,
    OPEN_TIME,
    PAID,
    PAYS,
    ROLLS,
    ROLLS_FROM,
    ROLLS_TO,
    Costly,
    fee_of,
)
from .state import CASH, HELD, ISOLATED, POSTED, SLIP_FIXED, SLIP_SHARE, Book, Margin

TIME, RATE, MARK = range(3)
"""Rows of the payments of funding."""
DUE, KIND, SIZE, VALUED, SHARE, AMOUNT = range(6)
"""Columns of what was booked: when it was due, of which of `KINDS`, on how much and at which price, rate, money."""
KINDS = ("funding", "borrow", DIVIDEND, ROLL)
FUNDING, INTEREST, PAYMENT, CHANGE = range(4)
Flow = tuple[float, int, float, float, float, float]
"""What is booked, in the order of its columns."""


@njit_internal
def _book(book: Book, costly: Costly, margin: Margin | None, flow: Flow) -> None:
    """Book money."""
    time, kind, held, price, rate, paid = flow
    flows, state = costly[5], costly[3]
    book[5][CASH] += paid
    if margin is not None and margin[ISOLATED] != 0.0:
        margin[POSTED] += paid
    row = flows[int(state[FLOWS])]
    row[DUE], row[KIND], row[SIZE], row[VALUED], row[SHARE], row[AMOUNT] = time, kind, held, price, rate, paid
    state[FLOWS] += 1.0


@njit_internal
def _pay_funding(book: Book, costly: Costly, margin: Margin | None, start: float, end: float, price: float) -> None:
    """Book funding due later than ``start`` and not later than ``end``."""
    payments, state, held = costly[4], costly[3], book[5][HELD]
    at = int(state[PAID])
    while at < payments.shape[1] and payments[TIME, at] <= start:
        at += 1
    while at < payments.shape[1] and payments[TIME, at] <= end:
        if held != 0.0:
            rate, mark = payments[RATE, at], payments[MARK, at]
            valued = mark if mark > 0.0 else price
            paid = rate * (abs(held) * valued) * (1.0 if held > 0.0 else -1.0)
            _book(book, costly, margin, (payments[TIME, at], FUNDING, held, valued, rate, -paid))
        at += 1
    state[PAID] = float(at)


@njit_internal
def _carry(book: Book, costly: Costly, margin: Margin | None, start: float, end: float, price: float) -> None:
    """Book what falls due later than ``start`` and not later than ``end``."""
    if end <= start:
        return
    numbers, account = costly[0], book[5]
    _pay_funding(book, costly, margin, start, end, price)
    if numbers[BORROW] == 0.0:
        return
    rate, held = numbers[BORROW] * (end - start) / YEAR, account[HELD]
    if held < 0.0:
        _book(book, costly, margin, (end, INTEREST, held, price, rate, -rate * (abs(held) * price)))
    if account[CASH] < 0.0:
        _book(book, costly, margin, (end, INTEREST, np.nan, np.nan, rate, rate * account[CASH]))


@njit_internal
def _change(book: Book, costly: Costly, held: float, price: float, bar: int) -> float:
    """What one of the two fills of a roll costs: a taker's fee, and slippage."""
    costs = book[6]
    fee = fee_of(book, costly, held, price, False, bar)
    return float(fee + abs(held) * (costs[SLIP_SHARE] * abs(price) + costs[SLIP_FIXED]))


@njit_internal
def carry_to(book: Book, costly: Costly, margin: Margin | None, bar: int, close: float) -> None:
    """Book what falls due between the bar before ``bar``, whose ``close`` is given, and the open of ``bar``."""
    times = costly[1]
    if costly[0][CARRIES] != 0.0 and bar > 0:
        _carry(book, costly, margin, times[CLOSE_TIME, bar - 1], times[OPEN_TIME, bar], close)
        paid, held = times[PAYS, bar], book[5][HELD]
        if paid != 0.0 and held != 0.0:
            _book(book, costly, margin, (times[OPEN_TIME, bar], PAYMENT, held, close, paid / close, held * paid))
        if times[ROLLS, bar] != 0.0 and held != 0.0:
            old, new = times[ROLLS_FROM, bar], times[ROLLS_TO, bar]
            cost = _change(book, costly, held, old, bar) + _change(book, costly, held, new, bar)
            _book(book, costly, margin, (times[OPEN_TIME, bar], CHANGE, held, new, np.nan, -cost))


@njit_internal
def carry_over(book: Book, costly: Costly, margin: Margin | None, bar: int, close: float) -> None:
    """Book what falls due within bar ``bar``."""
    times = costly[1]
    if costly[0][CARRIES] == 0.0:
        return
    start = times[OPEN_TIME, bar]
    if bar > 0:
        start = max(times[CLOSE_TIME, bar - 1], start)
    _carry(book, costly, margin, start, times[CLOSE_TIME, bar], close)


@njit_internal
def lacks_room(costly: Costly, bar: int) -> bool:
    """Whether there is no room for what bar ``bar`` may bring."""
    payments, flows, state = costly[4], costly[5], costly[3]
    at, due, end = int(state[PAID]), 6, costly[1][CLOSE_TIME, bar]
    while at < payments.shape[1] and payments[TIME, at] <= end:
        due += 1
        at += 1
    return bool(int(state[FLOWS]) + due > len(flows))
