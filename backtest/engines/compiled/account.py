"""The account: what a trade does to position and cash, and what it is all worth. Operations in backtrader's order."""

from __future__ import annotations

from ....core.kernels import njit_inline
from ...broker.base import DUST
from . import state as at
from .afford import afforded
from .costs import Costly, fee_of, note_fill, size_now
from .sizes import mean_price
from .state import Book

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
    account, size, price = book[5][at.TRIED :], book[1][k, at.REMAINING], book[1][k, at.PRICE]
    closes = size * account[at.HELD] < 0.0 and abs(size) <= abs(account[at.HELD])
    if book[0][k, at.CUTS] != 0 and size > 0.0 and account[at.HELD] >= 0.0:
        size = afforded(book, costly, None, size, price, account[at.CASH], False, bar)
        if size == 0.0:
            return -1.0
    held, entry, opened, closed = traded(account[at.HELD], account[at.ENTRY], size, price)
    cash = account[at.CASH]
    if closed != 0.0:
        cash += -closed * price
        cash -= fee_of(book, costly, closed, price, False, bar)
    if opened != 0.0:
        cash -= opened * price
        cash -= fee_of(book, costly, opened, price, False, bar)
    account[at.CASH], account[at.HELD], account[at.ENTRY] = cash, held, entry
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
    entry, now = account[at.ENTRY], size_now(book, costly, k, bar)
    if book[0][k, at.CUTS] != 0 and now > 0.0 and account[at.HELD] >= 0.0:
        made = afforded(book, costly, None, now, price, account[at.CASH], resting, bar)
        if made != now and made != 0.0:
            book[1][k, at.REMAINING] = now = made
    _, _, opened, closed = traded(account[at.HELD], entry, now, price)
    # A whole zero has no sign in Python, so the profit of a trade that closes nothing takes the sign of its move.
    pnl = (-closed if closed != 0.0 else 0.0) * (price - entry)
    cash, opened_fee, closed_fee = account[at.CASH], 0.0, 0.0
    if closed != 0.0:
        cash += -closed * entry + pnl
        closed_fee = fee_of(book, costly, closed, price, resting, bar)
        cash -= closed_fee
        closed_fee += 0.0  # backtrader adds interest to it, which makes -0.0 a 0.0
        account[at.CASH] = cash
    refused = False
    if opened != 0.0:
        cash -= opened * price
        opened_fee = fee_of(book, costly, opened, price, resting, bar)
        cash -= opened_fee
        refused = cash < 0.0
        if refused:
            opened, opened_fee = 0.0, 0.0
        else:
            account[at.CASH] = cash
    size = closed + opened
    if size != 0.0:
        account[at.HELD], account[at.ENTRY], _, _ = traded(account[at.HELD], entry, size, price)
        note_fill(costly, size, price, bar)
        note(book, k, (float(bar), price, opened, closed, opened_fee, closed_fee, pnl))
    return size != 0.0, refused


@njit_inline
def note(book: Book, k: int, fill: tuple[float, float, float, float, float, float, float]) -> None:
    """Enter a fill into its order and into the list of fills."""
    whole, real, _, fills, count, _, _ = book
    bar, price, opened, closed, opened_fee, closed_fee, pnl = fill
    o, size = real[k], closed + opened
    o[at.REMAINING] -= size
    o[at.FILL_PRICE] = mean_price(o[at.FILL_PRICE], o[at.FILL_SIZE], price, size)
    o[at.FILL_SIZE] += size
    o[at.FILL_FEE] += closed_fee + opened_fee
    o[at.FILL_PNL] += pnl
    o[at.SHOWN] = o[at.PRICE]
    if o[at.REMAINING] != 0.0 and abs(o[at.REMAINING]) <= DUST * abs(o[at.FILL_SIZE]):
        o[at.REMAINING] = 0.0
    whole[k, at.STATUS] = at.PARTIAL if o[at.REMAINING] != 0.0 else at.COMPLETED
    whole[k, at.NEWS] = whole[k, at.FILLED] = int(bar)
    row = fills[count[at.FILLS]]
    row[at.WHO], row[at.WHEN], row[at.AT], row[at.OPENED], row[at.CLOSED] = k, bar, price, opened, closed
    row[at.OPENED_FEE], row[at.CLOSED_FEE], row[at.PNL] = opened_fee, closed_fee, pnl
    count[at.FILLS] += 1
