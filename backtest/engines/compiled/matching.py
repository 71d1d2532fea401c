"""Matching: whether an order fills within a bar, and at what price. Branch for branch backtrader's."""

from __future__ import annotations

import numpy as np

from ....core.kernels import njit_inline
from ....core.tick_kernels import settled
from ...broker import order_rules
from ...broker.order_rules import CLOSE, LIMIT, MARKET, STOP, STOP_LIMIT, STOP_TRAIL, STOP_TRAIL_LIMIT, TRAILING
from . import state as at
from .account import settle_fill
from .costs import Costly, Terms, away, priced
from .margined import settle_margined
from .oco_brackets import cancel_family, cancel_others, complete, end, rests
from .orders import trail
from .state import Book, Floats, Integers, Margin

Prices = tuple[float, float, float, float, float]
"""Open, high, low, close and day number of a bar."""

would_trade = njit_inline(order_rules.would_trade)


@njit_inline
def _slipped(terms: Terms, buy: bool, price: float) -> float:
    share, fixed = terms[:2]
    if share != 0.0:
        return float(price * (1 + share) if buy else price * (1 - share))
    if fixed != 0.0:
        return float(settled(price + fixed if buy else price - fixed, terms[7], terms[8]))
    return price


@njit_inline
def slipped(terms: Terms, buy: bool, price: float) -> float:
    """``price`` after slippage, in full; NaN where there is no such price."""
    made = _slipped(terms, buy, price)
    if not terms[2]:
        return made
    worse = away(terms, price)
    return priced(made + worse if buy else made - worse)


@njit_inline
def capped(terms: Terms, buy: bool, price: float, cap: float) -> float:
    """``price`` after slippage, but not beyond ``cap``."""
    made = _slipped(terms, buy, price)
    made = min(made, cap) if buy else max(made, cap)
    if not terms[2]:
        return made
    worse = away(terms, price)
    made = made + worse if buy else made - worse
    beyond = made > cap if buy else made < cap
    return priced(cap if beyond else made)


@njit_inline
def limit_price(terms: Terms, buy: bool, limit: float, prices: Prices) -> float:
    """What a limit order gets: the open where that is no worse, else its limit; NaN where it does not fill."""
    first, high, low, _, _ = prices
    if not would_trade(LIMIT, False, False, buy, limit, limit, first, high, low):
        return np.nan
    if limit >= first if buy else limit <= first:
        return capped(terms, buy, first, min(high, limit) if buy else limit)
    return limit


@njit_inline
def stop_price(terms: Terms, buy: bool, trigger: float, prices: Prices) -> float:
    """What a stop gets: the open where that is beyond it, else its trigger; slipped either way; NaN if untouched."""
    first, high, low, _, _ = prices
    if not would_trade(STOP, False, False, buy, trigger, trigger, first, high, low):
        return np.nan
    return slipped(terms, buy, first if (first >= trigger if buy else first <= trigger) else trigger)


@njit_inline
def triggered_price(terms: Terms, buy: bool, trigger: float, limit: float, prices: Prices) -> float:
    """What a stop-limit gets on the bar that triggers it within its range; NaN where its course is not known."""
    first, high, low, close, _ = prices
    if limit >= trigger if buy else limit <= trigger:
        return capped(terms, buy, trigger, high if buy else low)
    if (first > close and limit >= close) if buy else (first <= close and limit <= close):
        return limit
    return np.nan


@njit_inline
def _limit(whole: Integers, k: int, buy: bool, limit: float, terms: Terms, prices: Prices) -> float:
    """A limit order's try; from its second on it has rested."""
    whole[k, at.RESTED] += 1
    return limit_price(terms, buy, limit, prices)


@njit_inline
def _stop_limit(whole: Integers, real: Floats, k: int, terms: Terms, prices: Prices) -> float:
    """The try of a stop that turns into a limit order once it has been triggered."""
    trigger, limit, buy = real[k, at.PRICE], real[k, at.PRICE_LIMIT], real[k, at.SIZE] > 0.0
    first, high, low, _, _ = prices
    if not whole[k, at.TRIGGERED]:
        if not would_trade(STOP_LIMIT, False, False, buy, trigger, limit, first, high, low):
            return np.nan
        whole[k, at.TRIGGERED] = 1
        if not (first >= trigger if buy else first <= trigger):
            if limit < trigger if buy else limit > trigger:
                whole[k, at.RESTED] = 2  # it waits there for the price to come back
            return triggered_price(terms, buy, trigger, limit, prices)
    return _limit(whole, k, buy, limit, terms, prices)


@njit_inline
def _close(real: Floats, k: int, close: float, stamp: float) -> float:
    """An order at the session's close: the close of its last bar, known once a bar of the next has come."""
    if stamp < real[k, at.SESSION_END]:
        real[k, at.ANNOTATED] = close
        return np.nan
    late = real[k, at.ANNOTATED] != 0.0 and stamp > real[k, at.SESSION_END]
    return float(real[k, at.ANNOTATED] if late else close)


@njit_inline
def fill_price(whole: Integers, real: Floats, k: int, terms: Terms, prices: Prices) -> float:
    """What order ``k`` fills at within a bar; NaN where it does not. Bars have stamps of their own, so it is older."""
    kind, buy = whole[k, at.TYPE], real[k, at.SIZE] > 0.0
    if kind == MARKET or (kind in (STOP, STOP_TRAIL) and real[k, at.FILL_SIZE] != 0.0):
        return slipped(terms, buy, prices[0])
    if kind in (STOP, STOP_TRAIL):
        return stop_price(terms, buy, real[k, at.PRICE], prices)
    if kind == LIMIT:
        return _limit(whole, k, buy, real[k, at.PRICE], terms, prices)
    if kind == CLOSE:
        return _close(real, k, prices[3], prices[4])
    return _stop_limit(whole, real, k, terms, prices)


@njit_inline
def waits(whole: Integers, real: Floats, k: int, prices: Prices) -> bool:
    """Whether order ``k`` would trade or trigger within a bar, had anybody traded there."""
    triggered, filled, buy = whole[k, at.TRIGGERED] != 0, real[k, at.FILL_SIZE] != 0.0, real[k, at.SIZE] > 0.0
    price, limit = real[k, at.PRICE], real[k, at.PRICE_LIMIT]
    return would_trade(whole[k, at.TYPE], triggered, filled, buy, price, limit, prices[0], prices[1], prices[2])


@njit_inline
def _settle(
    book: Book, costly: Costly | None, margin: Margin | None, k: int, price: float, bar: int
) -> tuple[bool, bool]:
    resting = book[0][k, at.RESTED] > 1
    if margin is None:
        return settle_fill(book, costly, k, price, resting, bar)
    return settle_margined(book, costly, margin, k, price, resting, False, bar)


@njit_inline
def fill(book: Book, costly: Costly | None, margin: Margin | None, k: int, price: float, bar: int) -> None:
    """Fill order ``k``, and let its group and its bracket know."""
    whole = book[0]
    filled, refused = _settle(book, costly, margin, k, price, bar)
    if filled or refused:
        if refused:
            end(whole, k, at.MARGIN, bar)
        cancel_others(book, k, bar)
    if refused:
        cancel_family(book, k, bar)
    elif whole[k, at.STATUS] == at.COMPLETED:
        complete(book, k, bar)


@njit_inline
def follow_price(whole: Integers, real: Floats, k: int, waiting: bool, close: float, bar: int) -> None:
    """Let order ``k``, if it trails and was not yet triggered before this bar (``waiting``), follow the close."""
    kind = whole[k, at.TYPE]
    if waiting and kind in TRAILING and rests(whole[k, at.STATUS]):
        trail(real, k, kind == STOP_TRAIL_LIMIT, close)
        if bar == whole[k, at.NEWS]:
            real[k, at.SHOWN] = real[k, at.PRICE]
