"""How much of an entry the money allows: what `backtest.broker.afford` does, for money of any kind of account."""

from __future__ import annotations

from ....core.kernels import njit_inline, njit_internal
from ...broker.afford import TRIES
from .costs import Costly, fee_of
from .lots import fewer
from .state import LEAST, LEVERAGE, LOT, LOT_SCALE, Book, Margin


@njit_inline
def initial(margin: Margin, size: float, price: float) -> float:
    """The margin that a position binds."""
    return float(abs(size) * price / margin[LEVERAGE] if size != 0.0 else 0.0)


@njit_inline
def _left(
    book: Book, costly: Costly | None, margin: Margin | None, size: float, price: float, money: float, resting: bool,
    bar: int,
) -> float:  # fmt: skip
    """What an entry leaves of ``money``: cash, or margin that is free."""
    fee = fee_of(book, costly, size, price, resting, bar)
    if margin is None:
        return float(money - size * price - fee)
    return float(money - (initial(margin, size, price) + fee))


@njit_internal
def _cut(
    book: Book, costly: Costly | None, margin: Margin | None, size: float, price: float, money: float, resting: bool,
    bar: int,
) -> float:  # fmt: skip
    """What ``money`` pays for of a ``size`` that is too large."""
    costs, left = book[6], _left(book, costly, margin, size, price, money, resting, bar)
    for _ in range(1, TRIES):
        size = fewer(size, money, left, costs[LOT], costs[LOT_SCALE])
        if not size > 0.0:
            return 0.0
        left = _left(book, costly, margin, size, price, money, resting, bar)
        if left >= 0.0:
            return float(size if size * price >= costs[LEAST] else 0.0)
    return 0.0


@njit_inline
def afforded(
    book: Book, costly: Costly | None, margin: Margin | None, size: float, price: float, money: float, resting: bool,
    bar: int,
) -> float:  # fmt: skip
    """How much of ``size``, which has a sign, ``money`` pays for at ``price``; 0 for none."""
    made = abs(size)
    if not money > 0.0:
        return 0.0
    if not _left(book, costly, margin, made, price, money, resting, bar) >= 0.0:
        made = _cut(book, costly, margin, made, price, money, resting, bar)
    return float(made if size > 0.0 else -made)
