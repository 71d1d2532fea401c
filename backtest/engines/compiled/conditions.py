"""What may be said of an order when it is sent: `backtest.broker.base.CONDITIONS`, compiled."""

from __future__ import annotations

from ....core.kernels import njit_internal
from ...broker.order_rules import LIMIT
from . import state as at
from .matching import Prices
from .oco_brackets import end, rests
from .state import Book


@njit_internal
def may_trade(book: Book, k: int, first: float, bar: int) -> bool:
    """Whether what was said of order ``k`` lets it be tried; what reduces only is cut to what there is."""
    whole, real, held = book[0], book[1], book[5][at.HELD]
    said, left = whole[k, at.CONDITIONS], real[k, at.REMAINING]
    if said & at.REDUCE_ONLY:
        if left * held >= 0.0:
            end(whole, k, at.CANCELED, bar)
            return False
        real[k, at.REMAINING] = min(abs(left), abs(held)) * (1.0 if left > 0.0 else -1.0)
    if said & at.POST_ONLY and whole[k, at.TYPE] == LIMIT and whole[k, at.RESTED] == 0:
        limit = real[k, at.PRICE]
        if limit >= first if left > 0.0 else limit <= first:
            end(whole, k, at.REJECTED, bar)
            return False
        whole[k, at.RESTED] = 1
    return True


@njit_internal
def on_arrival(book: Book, k: int, prices: Prices) -> Prices:
    """What a limit order meets that is good at once: the open, from which slippage may take it to its limit."""
    first, high, low, _, stamp = prices
    if book[1][k, at.SIZE] > 0.0:
        return first, high, first, first, stamp
    return first, first, low, first, stamp


@njit_internal
def end_reducing(book: Book, k: int, bar: int) -> None:
    """Withdraw what would reduce a position that order ``k`` has closed."""
    whole, queue = book[0], book[2]
    for q in range(book[4][at.RESTING]):
        j = queue[q]
        own = whole[j, at.DESK] == whole[k, at.DESK]
        if j != k and own and whole[j, at.CONDITIONS] & at.REDUCE_ONLY and rests(whole[j, at.STATUS]):
            end(whole, j, at.CANCELED, bar)
