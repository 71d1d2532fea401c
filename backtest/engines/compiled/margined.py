"""Accounts with margin: what `backtest.broker.margin` does for one position settled in quote currency.

Functions that are given None for the margin are those of an account that pays in full, and are compiled without it.
"""

from __future__ import annotations

import numpy as np

from ....core.kernels import njit_inline, njit_internal
from ...broker import order_rules
from ...broker.order_rules import AFTER, LAST, MARKET
from . import state as at
from .account import note, traded, worth
from .afford import afforded, initial
from .costs import Costly, fee_of, note_fill, size_now
from .oco_brackets import accept, cancel, cancel_family, cancel_others, end, rests
from .orders import send
from .state import Book, Margin

price_leaving = njit_inline(order_rules.price_leaving)
beside_force = njit_inline(order_rules.beside_force)
stops_before = njit_inline(order_rules.stops_before)


@njit_inline
def value_of(book: Book, margin: Margin | None, price: float) -> float:
    """What the account is worth with the position at ``price``."""
    account = book[5]
    if margin is None:
        return worth(account[at.CASH], account[at.HELD], account[at.ENTRY], price)
    held = account[at.HELD]
    if held == 0.0:
        return float(account[at.CASH])
    return float(
        account[at.CASH] + (held * price if margin[at.PAID_FOR] != 0.0 else held * (price - account[at.ENTRY]))
    )


@njit_internal
def _free(book: Book, margin: Margin, price: float) -> float:
    """Margin that new positions can have, with the one there is at ``price``."""
    if margin[at.ISOLATED] != 0.0:
        return float(book[5][at.CASH] - margin[at.POSTED])
    return float(value_of(book, margin, price) - initial(margin, book[5][at.HELD], price))


@njit_internal
def note_free(book: Book, margin: Margin, close: float) -> None:
    """Take down what margin is free at the close of a bar, when orders are sent."""
    margin[at.FREE] = _free(book, margin, close)


@njit_internal
def _collateral(book: Book, margin: Margin) -> float:
    """What is at stake besides the position's profit."""
    account = book[5]
    if margin[at.ISOLATED] != 0.0:
        return float(margin[at.POSTED])
    return float(account[at.CASH] + (account[at.HELD] * account[at.ENTRY] if margin[at.PAID_FOR] != 0.0 else 0.0))


@njit_internal
def _price_at(book: Book, margin: Margin, rate: float, deduction: float) -> float:
    """The price at which what is left is ``rate`` of the notional less the deduction; NaN where there is none."""
    price = price_leaving(book[5][at.HELD], book[5][at.ENTRY], _collateral(book, margin) + deduction, rate)
    return float(price if price > 0.0 else np.nan)


@njit_internal
def _forced_at(book: Book, margin: Margin) -> float:
    """The liquidation price: where the first of the brackets says so; NaN where none does."""
    held, made = book[5][at.HELD], np.nan
    for i in range(at.BRACKETS, len(margin), 2):
        price = _price_at(book, margin, margin[i], margin[i + 1])
        if made != made or (price > made if held > 0.0 else price < made):
            made = price
    return float(made)


@njit_internal
def settle_margined(
    book: Book, costly: Costly | None, margin: Margin, k: int, price: float, resting: bool, forced: bool, bar: int
) -> tuple[bool, bool]:
    """Fill order ``k`` at ``price``; whether anything was traded, and whether margin lacked to open what it should."""
    account = book[5]
    held, entry = account[at.HELD], account[at.ENTRY]
    wished = book[1][k, at.REMAINING] if forced else size_now(book, costly, k, bar)
    if book[0][k, at.CUTS] != 0 and wished * held >= 0.0:
        made = afforded(book, costly, margin, wished, price, _free(book, margin, price), resting, bar)
        if made != wished and made != 0.0:
            book[1][k, at.REMAINING] = wished = made
    _, _, opened, closed = traded(held, entry, wished, price)
    pnl, opened_fee, closed_fee, refused = 0.0, 0.0, 0.0, False
    if closed != 0.0:
        pnl = -closed * (price - entry)
        closed_fee = fee_of(book, costly, closed, price, resting, bar)
        if forced:
            left = max(_collateral(book, margin) + pnl, 0.0)
            closed_fee = min(closed_fee + margin[at.FORCED_FEE] * (abs(closed) * price), left)
        account[at.CASH] += (-closed * price if margin[at.PAID_FOR] != 0.0 else pnl) - closed_fee
        if margin[at.ISOLATED] != 0.0:
            margin[at.POSTED] *= 1.0 - closed / -held
        account[at.HELD], account[at.ENTRY], _, _ = traded(held, entry, closed, price)
    if opened != 0.0:
        opened_fee, bound = fee_of(book, costly, opened, price, resting, bar), initial(margin, opened, price)
        beyond = abs(account[at.HELD] + opened) * price > margin[at.MOST_NOTIONAL]
        refused = beyond or _free(book, margin, price) < bound + opened_fee
        if refused:
            opened, opened_fee = 0.0, 0.0
        else:
            account[at.CASH] -= opened_fee + (opened * price if margin[at.PAID_FOR] != 0.0 else 0.0)
            if margin[at.ISOLATED] != 0.0:
                margin[at.POSTED] += bound
            account[at.HELD], account[at.ENTRY], _, _ = traded(account[at.HELD], account[at.ENTRY], opened, price)
    if closed + opened != 0.0:
        note_fill(costly, closed + opened, price, bar)
        note(book, k, (float(bar), price, opened, closed, opened_fee, closed_fee, pnl))
    return closed + opened != 0.0, refused


@njit_internal
def _needed(
    book: Book, costly: Costly | None, margin: Margin, size: float, price: float, held: float, bar: int
) -> float:
    """Free margin that an order takes from a position of ``held``; 0 when it opens nothing."""
    closed = min(abs(size), abs(held)) if size * held < 0.0 else 0.0
    opened = abs(size) - closed
    if opened <= 1e-9 * abs(size):
        return 0.0
    fee = fee_of(book, costly, opened, price, False, bar)
    return float(initial(margin, opened, price) - initial(margin, closed, price) + fee)


@njit_internal
def admit_margined(book: Book, costly: Costly | None, margin: Margin, bar: int) -> None:
    """Let new orders into the market that the margin covers that was free as they were sent.

    Of a group each is judged as if alone, and the first counts.
    """
    whole, real, count, account = book[0], book[1], book[4], book[5]
    held, before, reserved, leader = account[at.HELD], account[at.HELD], 0.0, -1
    while count[at.CHECKED] < count[at.ORDERS]:
        k = count[at.CHECKED]
        count[at.CHECKED] = k + 1
        if whole[k, at.CONDITIONS] & at.REDUCE_ONLY:
            accept(book, k, bar)
            continue
        first = whole[k, at.LEADER] != leader
        leader = whole[k, at.LEADER]
        before = held if first else before
        size, price = real[k, at.SIZE], real[k, at.PRICE]
        if whole[k, at.CUTS] != 0 and size * before >= 0.0:
            size = afforded(book, costly, margin, size, price, margin[at.FREE] - reserved, False, bar)
        needed = _needed(book, costly, margin, size, price, before, bar)
        beyond = abs(before + size) * price > margin[at.MOST_NOTIONAL]
        if size == 0.0 or (needed > 0.0 and (margin[at.FREE] - reserved < needed or beyond)):
            end(whole, k, at.MARGIN, bar)
            cancel_others(book, k, bar)
            cancel_family(book, k, bar)
            continue
        if first:
            held = before + size
            closes = size * before < 0.0 and abs(size) <= abs(before) and whole[k, at.TYPE] == MARKET
            reserved += max(needed, 0.0) - (initial(margin, size, price) if closes else 0.0)
        accept(book, k, bar)


@njit_internal
def _beyond(book: Book, margin: Margin, low: float, high: float) -> bool:
    """Whether ``low`` or ``high`` is at the liquidation price, or beyond it."""
    held = book[5][at.HELD]
    if held == 0.0:
        return False
    price = _forced_at(book, margin)
    return bool(low <= price if held > 0.0 else high >= price)


@njit_internal
def comes_after(book: Book, margin: Margin, k: int, first: float, high: float, low: float) -> bool:
    """Whether a forced close comes before order ``k`` would close the position within a bar that opens at ``first``."""
    whole, real, queue, count, held = book[0], book[1], book[2], book[4], book[5][at.HELD]
    if not _beyond(book, margin, low, high):
        return False
    forced, size, price, limit = _forced_at(book, margin), real[k, at.SIZE], real[k, at.PRICE], real[k, at.PRICE_LIMIT]
    turn = beside_force(whole[k, at.TYPE], whole[k, at.TRIGGERED] != 0, held, size, price, limit, first, forced)
    if turn != LAST:
        return bool(turn == AFTER)
    for q in range(count[at.RESTING]):
        j = queue[q]
        if rests(whole[j, at.STATUS]) and stops_before(
            whole[j, at.TYPE], held, real[j, at.SIZE], real[j, at.PRICE], forced
        ):
            return False
    return True


@njit_internal
def _liquidate(book: Book, costly: Costly | None, margin: Margin, price: float, bar: int) -> None:
    """Close the position by force, at ``price`` or where its collateral is used up, and cancel all orders."""
    whole, queue, count, held = book[0], book[2], book[4], book[5][at.HELD]
    empty = _price_at(book, margin, 0.0, 0.0)
    if empty == empty:
        price = max(price, empty) if held > 0.0 else min(price, empty)
    for q in range(count[at.RESTING]):
        cancel(book, queue[q], bar)
    for j in range(count[at.CHECKED], count[at.ORDERS]):
        end(whole, j, at.CANCELED, bar)
        cancel_others(book, j, bar)
    k = send(book, bar, price, MARKET, -held, 0.0, 0.0, int(margin[at.FORCED_REASON]))
    whole[k, at.STATUS] = at.ACCEPTED
    settle_margined(book, costly, margin, k, price, False, True, bar)
    count[at.CHECKED] = count[at.ORDERS]


@njit_internal
def force(book: Book, costly: Costly | None, margin: Margin, bar: int) -> None:
    """Close the position by force at its liquidation price."""
    _liquidate(book, costly, margin, _forced_at(book, margin), bar)


@njit_internal
def force_at_open(book: Book, costly: Costly | None, margin: Margin, first: float, bar: int) -> None:
    """Close by force what the bar opens beyond its liquidation price."""
    if _beyond(book, margin, first, first):
        _liquidate(book, costly, margin, first, bar)


@njit_internal
def force_at_close(book: Book, costly: Costly | None, margin: Margin, high: float, low: float, bar: int) -> None:
    """Close by force what the bar's range has reached."""
    if _beyond(book, margin, low, high):
        force(book, costly, margin, bar)
