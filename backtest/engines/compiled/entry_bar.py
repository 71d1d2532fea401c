"""Protection from the moment of an entry's fill, in what is left of its bar: `Broker.protect`, compiled."""

from __future__ import annotations

from ....core.kernels import njit_inline, njit_internal
from ...broker import entry_bar, order_rules
from ...broker.entry_bar import BETTER
from ...broker.order_rules import LIMIT, MARKET
from . import desk as by
from . import state as at
from .desk import Desk
from .guards import guard_by
from .matching import Prices
from .oco_brackets import rests
from .order_manager import drop, opened_by
from .state import Book

rest_of_bar, assumed = njit_inline(entry_bar.rest_of_bar), njit_inline(entry_bar.assumed)
would_trade = njit_inline(order_rules.would_trade)


@njit_internal
def _first(book: Book, k: int, end: int, first: float, high: float, low: float) -> int:
    """Which of orders ``k`` to ``end`` trades first in the rest of a bar, as a number; of parts all that trade."""
    whole, real, made = book[0], book[1], 0
    for j in range(k, end):
        buy, price = real[j, at.SIZE] > 0.0, real[j, at.PRICE]
        if would_trade(whole[j, at.TYPE], False, False, buy, price, 0.0, first, high, low):
            made |= 1 << (j - k)
            if whole[j, at.TYPE] != LIMIT or not whole[j, at.CONDITIONS] & at.REDUCE_ONLY:
                return made
    return made


@njit_internal
def _look_ahead(
    book: Book, desk: Desk, k: int, guards: tuple[int, int], triggered: bool, filled: bool, prices: Prices
) -> None:
    """Note what is left of a bar in which order ``k`` has filled, and whether it is known what comes first in it."""
    first, high, low, close, _ = prices
    kind, buy, state, long = book[0][k, at.TYPE], book[1][k, at.SIZE] > 0.0, desk[1], book[5][at.HELD] > 0.0
    price, limit = book[1][k, at.PRICE], book[1][k, at.PRICE_LIMIT]
    start, sure_high, sure_low = rest_of_bar(kind, triggered, filled, buy, price, limit, first, high, low, close)
    worse = assumed(long, False, high, low, sure_high, sure_low)
    better = assumed(long, True, high, low, sure_high, sure_low)
    a, b = guards
    if worse != better and _first(book, a, b, start, *worse) != _first(book, a, b, start, *better):
        book[4][at.UNKNOWN] += 1
    chosen = better if desk[0][by.INSIDE] == BETTER else worse
    state[by.REST_FIRST], state[by.REST_HIGH], state[by.REST_LOW] = start, chosen[0], chosen[1]


@njit_internal
def _leaving(book: Book, held: float) -> float:
    """What market orders that close are still to take of a position, with their sign."""
    whole, real, queue, count, own, made = book[0], book[1], book[2], book[4], int(book[5][at.NUMBER]), 0.0
    for q in range(count[at.RESTING]):
        k = queue[q]
        closes = whole[k, at.TYPE] == MARKET and real[k, at.SIZE] * held < 0.0
        if closes and rests(whole[k, at.STATUS]) and whole[k, at.DESK] == own:
            made += real[k, at.REMAINING]
    return float(made)


@njit_internal
def protect_fill(
    book: Book, desk: Desk, k: int, place: int, triggered: bool, filled: bool, prices: Prices, bar: int
) -> int:
    """Protect what order ``k``, at ``place`` in the queue, has opened; how many orders stand behind it now for that."""
    whole, real, queue, _, count, account, _ = book
    held, price = account[at.HELD], real[k, at.FILL_PRICE]
    if real[k, at.FILL_SIZE] * held <= 0.0:
        return 0
    drop(book, desk, bar)
    opened_by(book, desk, k, bar)
    start = count[at.ORDERS]
    left = held + _leaving(book, held)
    if left * held > 0.0:
        guard_by(book, desk, left, price, price, bar, bar - 1, prices[3])
    end = count[at.ORDERS]
    if end == start:
        return 0
    _look_ahead(book, desk, k, (start, end), triggered, filled, prices)
    more = end - start
    for q in range(count[at.RESTING] - 1, place, -1):
        queue[q + more] = queue[q]
    for i in range(more):
        queue[place + 1 + i] = start + i
        whole[start + i, at.STATUS] = at.ACCEPTED
        whole[start + i, at.NEWS] = whole[start + i, at.HEARD] = bar
    count[at.RESTING] += more
    count[at.CHECKED] = end
    return int(more)


@njit_inline
def seen(book: Book, desk: Desk, k: int, prices: Prices, bar: int) -> Prices:
    """The prices that order ``k`` meets on a bar: what was left of it, where it was sent within."""
    if book[0][k, at.BAR] != bar:
        return prices
    state = desk[1]
    return state[by.REST_FIRST], state[by.REST_HIGH], state[by.REST_LOW], prices[3], prices[4]
