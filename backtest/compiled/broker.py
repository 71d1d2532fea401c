"""The broker's bar: orders sent on the bar before are looked at, resting ones are tried in the order they came."""

from __future__ import annotations

from ...core.kernels import inner, woven
from .account import trial
from .groups import cancel_family, cancel_others, end, rests
from .layout import (
    ACCEPTED,
    ACTIVE,
    CASH,
    CHECKED,
    ENTRY,
    EXPIRED,
    GONE,
    HELD,
    MARGIN,
    MARKET,
    NEWS,
    ORDERS,
    PARENT,
    PRICE,
    REJECTED,
    REMAINING,
    RESTING,
    SLIP_FIXED,
    SLIP_SHARE,
    STATUS,
    TRIED,
    TRIGGERED,
    TYPE,
    VALID,
    Book,
    Integers,
)
from .matching import Prices, fill, fill_price, follow_price


@inner
def admit(book: Book, bar: int) -> None:
    """Let new orders into the market that cash would pay for, tried one after the other on one account.

    The strategy hears of it while bar ``bar`` is the last.
    """
    whole, real, queue, _, count, account, costs = book
    tried = account[TRIED:]
    tried[CASH], tried[HELD], tried[ENTRY] = account[CASH], account[HELD], account[ENTRY]
    while count[CHECKED] < count[ORDERS]:
        k = count[CHECKED]
        count[CHECKED] = k + 1
        parent = whole[k, PARENT]
        if parent >= 0 and whole[parent, GONE]:
            end(whole, k, REJECTED, bar)
        elif trial(tried, costs, real[k, REMAINING], real[k, PRICE]) >= 0.0:
            whole[k, STATUS], whole[k, NEWS] = ACCEPTED, bar
            queue[count[RESTING]] = k
            count[RESTING] += 1
        else:
            end(whole, k, MARGIN, bar)
            cancel_others(book, k, bar)
            cancel_family(book, k, bar)


@woven
def _tidy(whole: Integers, queue: Integers, count: Integers) -> None:
    """Drop from the queue what no longer rests."""
    left = 0
    for q in range(count[RESTING]):
        if rests(whole[queue[q], STATUS]):
            queue[left] = queue[q]
            left += 1
    count[RESTING] = left


@inner
def trade(book: Book, prices: Prices, bar: int) -> None:
    """Do what backtrader's broker does on a bar; ``book`` has room for its fills."""
    whole, real, queue, _, count, _, costs = book
    if count[CHECKED] < count[ORDERS]:
        admit(book, bar)
    slip = costs[SLIP_SHARE], costs[SLIP_FIXED]
    for q in range(count[RESTING]):
        k = queue[q]
        if not rests(whole[k, STATUS]):
            continue
        valid = real[k, VALID]
        if whole[k, TYPE] != MARKET and valid != 0.0 and prices[4] > valid:
            end(whole, k, EXPIRED, bar)
            cancel_others(book, k, bar)
            cancel_family(book, k, bar)
        elif bar >= whole[k, ACTIVE]:
            waiting = whole[k, TRIGGERED] == 0
            price = fill_price(whole, real, k, slip, prices)
            if price == price:
                fill(book, k, price, bar)
            follow_price(whole, real, k, waiting, prices[3], bar)
    _tidy(whole, queue, count)
