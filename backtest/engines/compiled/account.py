"""The account: what a trade does to position and cash, and what it is all worth. Operations in backtrader's order."""

from __future__ import annotations

from ....core.kernels import njit_inline
from ...broker.base import DUST
from .afford import afforded
from .costs import Costly, fee_of, note_fill, size_now
from .sizes import mean_price
from .state import (
    AT,
    CASH,
    CLOSED,
    CLOSED_FEE,
    COMPLETED,
    CUTS,
    ENTRY,
    FILL_FEE,
    FILL_PNL,
    FILL_PRICE,
    FILL_SIZE,
    FILLED,
    FILLS,
    HELD,
    NEWS,
    OPENED,
    OPENED_FEE,
    PARTIAL,
    PNL,
    PRICE,
    REMAINING,
    SHOWN,
    STATUS,
    TRIED,
    WHEN,
    WHO,
    Book,
)

Position = tuple[float, float, float, float]


@njit_inline
def traded(held: float, entry: float, size: float, price: float) -> Position:
    """A position after a trade: its size and mean price, and how much of the trade opened and closed."""
    if abs(held + size) <= DUST * max(abs(held), abs(size)):
        size = -held
    after = held + size
    if after == 0.0:
        return after, 0.0, 0.0, size
    if held == 0.0:
        return after, price, size, 0.0
    if (held > 0.0) == (size > 0.0):
        return after, mean_price(entry, held, price, size), size, 0.0
    if (held > 0.0) == (after > 0.0):
        return after, entry, 0.0, size
    return after, price, after, -held


@njit_inline
def worth(cash: float, held: float, entry: float, close: float) -> float:
    """Cash and position at ``close``."""
    value, gain = held * close, held * (close - entry)
    if value > 0.0:
        value = (value - gain) + gain
    return float(cash + value)


@njit_inline
def trial(book: Book, costly: Costly | None, k: int, bar: int) -> float:
    """Cash after order ``k`` would have filled at its own price, 0 where it only closes and is taken in any case.

    The account of trials becomes what it would be. Both sides of the trial are at the order's own price, and nothing it
    cannot pay for is left out, unless a sizer gave it its size.
    """
    account, size, price = book[5][TRIED:], book[1][k, REMAINING], book[1][k, PRICE]
    closes = size * account[HELD] < 0.0 and abs(size) <= abs(account[HELD])
    if book[0][k, CUTS] != 0 and size > 0.0 and account[HELD] >= 0.0:
        size = afforded(book, costly, None, size, price, account[CASH], False, bar)
        if size == 0.0:
            return -1.0
    held, entry, opened, closed = traded(account[HELD], account[ENTRY], size, price)
    cash = account[CASH]
    if closed != 0.0:
        cash += -closed * price
        cash -= fee_of(book, costly, closed, price, False, bar)
    if opened != 0.0:
        cash -= opened * price
        cash -= fee_of(book, costly, opened, price, False, bar)
    account[CASH], account[HELD], account[ENTRY] = cash, held, entry
    return 0.0 if closes else float(cash)


@njit_inline
def settle_fill(book: Book, costly: Costly | None, k: int, price: float, resting: bool, bar: int) -> tuple[bool, bool]:
    """Fill order ``k`` at ``price``: first what closes a position, then what opens one if there is cash for it.

    Returns
    -------
    filled : bool
        Whether anything was traded.
    refused : bool
        Whether there was no cash to open what should have been opened.
    """
    account = book[5]
    entry, now = account[ENTRY], size_now(book, costly, k, bar)
    if book[0][k, CUTS] != 0 and now > 0.0 and account[HELD] >= 0.0:
        made = afforded(book, costly, None, now, price, account[CASH], resting, bar)
        if made != now and made != 0.0:
            book[1][k, REMAINING] = now = made
    _, _, opened, closed = traded(account[HELD], entry, now, price)
    # A whole zero has no sign in Python, so the profit of a trade that closes nothing takes the sign of its move.
    pnl = (-closed if closed != 0.0 else 0.0) * (price - entry)
    cash, opened_fee, closed_fee = account[CASH], 0.0, 0.0
    if closed != 0.0:
        cash += -closed * entry + pnl
        closed_fee = fee_of(book, costly, closed, price, resting, bar)
        cash -= closed_fee
        closed_fee += 0.0  # backtrader adds interest to it, which makes -0.0 a 0.0
        account[CASH] = cash
    refused = False
    if opened != 0.0:
        cash -= opened * price
        opened_fee = fee_of(book, costly, opened, price, resting, bar)
        cash -= opened_fee
        refused = cash < 0.0
        if refused:
            opened, opened_fee = 0.0, 0.0
        else:
            account[CASH] = cash
    size = closed + opened
    if size != 0.0:
        account[HELD], account[ENTRY], _, _ = traded(account[HELD], entry, size, price)
        note_fill(costly, size, price, bar)
        note(book, k, (float(bar), price, opened, closed, opened_fee, closed_fee, pnl))
    return size != 0.0, refused


@njit_inline
def note(book: Book, k: int, fill: tuple[float, float, float, float, float, float, float]) -> None:
    """Enter a fill into its order and into the list of fills."""
    whole, real, _, fills, count, _, _ = book
    bar, price, opened, closed, opened_fee, closed_fee, pnl = fill
    o, size = real[k], closed + opened
    o[REMAINING] -= size
    o[FILL_PRICE] = mean_price(o[FILL_PRICE], o[FILL_SIZE], price, size)
    o[FILL_SIZE] += size
    o[FILL_FEE] += closed_fee + opened_fee
    o[FILL_PNL] += pnl
    o[SHOWN] = o[PRICE]
    if o[REMAINING] != 0.0 and abs(o[REMAINING]) <= DUST * abs(o[FILL_SIZE]):
        o[REMAINING] = 0.0
    whole[k, STATUS] = PARTIAL if o[REMAINING] != 0.0 else COMPLETED
    whole[k, NEWS] = whole[k, FILLED] = int(bar)
    row = fills[count[FILLS]]
    row[WHO], row[WHEN], row[AT], row[OPENED], row[CLOSED] = k, bar, price, opened, closed
    row[OPENED_FEE], row[CLOSED_FEE], row[PNL] = opened_fee, closed_fee, pnl
    count[FILLS] += 1
