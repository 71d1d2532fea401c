"""The broker's bar: orders sent on the bar before are looked at, resting ones are tried in the order they came."""

from __future__ import annotations

from ....core.kernels import njit_inline, njit_internal
from ...broker.entry_bar import NEXT_BAR
from ...broker.order_rules import MARKET
from . import desk as by
from . import state as at
from .account import trial
from .conditions import end_reducing, may_trade, on_arrival
from .costs import Costly, terms_of
from .desk import Desk
from .entry_bar import protect_fill, seen
from .margined import admit_margined, comes_after, force
from .matching import Prices, fill, fill_price, follow_price, waits
from .oco_brackets import accept, cancel_family, cancel_others, end, rests
from .state import Book, Integers, Margin


@njit_internal
def admit(book: Book, costly: Costly | None, margin: Margin | None, bar: int) -> None:
    """Let new orders into the market that cash would pay for, tried one after the other on one account.

    The strategy hears of it while bar ``bar`` is the last.
    """
    if margin is not None:
        admit_margined(book, costly, margin, bar)
        return
    whole, count, account = book[0], book[4], book[5]
    tried = account[at.TRIED :]
    tried[at.CASH], tried[at.HELD], tried[at.ENTRY] = account[at.CASH], account[at.HELD], account[at.ENTRY]
    while count[at.CHECKED] < count[at.ORDERS]:
        k = count[at.CHECKED]
        count[at.CHECKED] = k + 1
        parent = whole[k, at.PARENT]
        if parent >= 0 and whole[parent, at.GONE]:
            end(whole, k, at.REJECTED, bar)
        elif whole[k, at.CONDITIONS] & at.REDUCE_ONLY or trial(book, costly, k, bar) >= 0.0:
            accept(book, k, bar)
        else:
            end(whole, k, at.MARGIN, bar)
            cancel_others(book, k, bar)
            cancel_family(book, k, bar)


@njit_inline
def tidy(whole: Integers, queue: Integers, count: Integers) -> None:
    """Drop from the queue what no longer rests."""
    left = 0
    for q in range(count[at.RESTING]):
        if rests(whole[queue[q], at.STATUS]):
            queue[left] = queue[q]
            left += 1
    count[at.RESTING] = left


@njit_inline
def forced_first(book: Book, costly: Costly | None, margin: Margin | None, k: int, prices: Prices, bar: int) -> bool:
    """Whether the position was closed by force before order ``k`` would have closed it, which was done then."""
    if margin is None:
        return False
    if not comes_after(book, margin, k, prices[0], prices[1], prices[2]):
        return False
    force(book, costly, margin, bar)
    return True


@njit_internal
def expired(book: Book, k: int, now: float, bar: int) -> bool:
    """Whether order ``k`` has ended by now."""
    whole, valid = book[0], book[1][k, at.VALID]
    if whole[k, at.TYPE] == MARKET or valid == 0.0 or now <= valid:
        return False
    end(whole, k, at.EXPIRED, bar)
    cancel_others(book, k, bar)
    cancel_family(book, k, bar)
    return True


@njit_internal
def hold(book: Book, costly: Costly | None, margin: Margin | None, prices: Prices, bar: int) -> None:
    """What a bar without trades does: new orders are taken, old ones expire, and all others wait."""
    whole, real, queue, _, count, _, _ = book
    if count[at.CHECKED] < count[at.ORDERS]:
        admit(book, costly, margin, bar)
    for q in range(count[at.RESTING]):
        k = queue[q]
        if not rests(whole[k, at.STATUS]) or expired(book, k, prices[4], bar):
            continue
        if bar >= whole[k, at.ACTIVE] and waits(whole, real, k, prices):
            whole[k, at.WAITED] += 1
    tidy(whole, queue, count)


@njit_inline
def attempt(
    book: Book, costly: Costly | None, margin: Margin | None, desk: Desk | None, q: int, prices: Prices, bar: int
) -> int:
    """Try the order at place ``q`` of the queue; how many that protect what it opened stand behind it now."""
    whole, real, queue, _, _, account, costs = book
    k, more = queue[q], 0
    if whole[k, at.CONDITIONS] != 0 and not may_trade(book, k, prices[0], bar):
        return 0
    triggered, before = whole[k, at.TRIGGERED] != 0, real[k, at.FILL_SIZE]
    waiting = not triggered and before == 0.0
    terms = terms_of(book, costly, k, prices[1] - prices[2], costs, bar)
    met = prices if desk is None else seen(book, desk, k, prices, bar)
    if whole[k, at.CONDITIONS] & at.AT_ONCE:
        met = on_arrival(book, k, prices)
    price = fill_price(whole, real, k, terms, met)
    if price == price:
        fill(book, costly, margin, k, price, bar)
        if real[k, at.FILL_SIZE] != before and account[at.HELD] == 0.0:
            end_reducing(book, k, bar)
        elif desk is not None and desk[0][by.INSIDE] != NEXT_BAR and real[k, at.FILL_SIZE] != before:
            more = protect_fill(book, desk, k, q, triggered, before != 0.0, prices, bar)
    if whole[k, at.CONDITIONS] & at.AT_ONCE and rests(whole[k, at.STATUS]):
        end(whole, k, at.CANCELED, bar)
    follow_price(whole, real, k, waiting, prices[3], bar)
    return more


@njit_inline
def trade(
    book: Book, costly: Costly | None, margin: Margin | None, desk: Desk | None, prices: Prices, bar: int
) -> None:
    """Do what backtrader's broker does on a bar; ``book`` has room for its fills, and the ``desk`` protects entries."""
    whole, _, queue, _, count, _, _ = book
    if count[at.CHECKED] < count[at.ORDERS]:
        admit(book, costly, margin, bar)
    last, q = count[at.RESTING], -1
    while q + 1 < last:
        q += 1
        k = queue[q]
        if not rests(whole[k, at.STATUS]) or expired(book, k, prices[4], bar):
            continue
        if forced_first(book, costly, margin, k, prices, bar):
            if rests(whole[k, at.STATUS]):
                end(whole, k, at.CANCELED, bar)
            cancel_others(book, k, bar)
            cancel_family(book, k, bar)
        elif bar >= whole[k, at.ACTIVE]:
            last += attempt(book, costly, margin, desk, q, prices, bar)
    tidy(whole, queue, count)
