"""The loop over bars: what the market does to orders and the account, then what rules and limits decide.

Costs beyond the fill, and margin, are None where a run has none; what they would do is then not compiled at all.
"""

from __future__ import annotations

import numpy as np

from ....core.kernels import njit_inline, njit_no_refcount
from . import desk as by
from . import state as at
from .account import worth
from .broker import admit, hold, trade
from .carry import carry_over, carry_to, lacks_room
from .costs import Costly
from .desk import Desk
from .exact import PARTS
from .guards import move, protect
from .margined import force_at_close, force_at_open, note_free, value_of
from .order_manager import close_all, hear, stands_aside, wakes
from .rulebook import Rules, act
from .sizes import pair
from .state import Book, Floats, Margin, grown, is_full

Market = tuple[Floats, Floats, Floats, Floats]
"""Open, high, low and close of every bar."""
ROOM = 8
"""More orders than one bar can bring."""


@njit_inline
def _is_busy(book: Book) -> bool:
    """Whether an order is out."""
    count = book[4]
    return bool(count[at.RESTING] > 0 or count[at.CHECKED] < count[at.ORDERS])


@njit_inline
def _trade(book: Book, costly: Costly | None, margin: Margin | None, desk: Desk, market: Market, bar: int) -> None:
    """What happens in the market and to the account on a bar."""
    first, high, low, close = market[0][bar], market[1][bar], market[2][bar], market[3][bar]
    count = book[4]
    works, news = _is_busy(book), count[at.FILLS]
    shut = (desk[7][bar] >> at.SHUT) & 1 != 0
    if works and desk[7][bar] >> at.FOREIGN:
        admit(book, costly, margin, bar - 1)
    if costly is not None:
        carry_to(book, costly, margin, bar, market[3][bar - 1] if bar > 0 else close)
    if margin is not None and not shut:
        force_at_open(book, costly, margin, first, bar)
    if works:
        prices = (first, high, low, close, float(bar))  # bars stand for times: a day ends between two of them
        if shut:
            hold(book, costly, margin, prices, bar)
        else:
            trade(book, costly, margin, desk, prices, bar)
    if margin is not None and not shut:
        force_at_close(book, costly, margin, high, low, bar)
    if costly is not None:
        carry_over(book, costly, margin, bar, close)
    if count[at.FILLS] > news:
        hear(book, desk, news, bar)
        if desk[0][by.PAIRS] != 0.0:
            pair(book, desk[4])


@njit_inline
def _lacks_room(book: Book, costly: Costly | None, desk: Desk, bar: int) -> bool:
    """Whether there is no room for what bar ``bar`` may bring."""
    if is_full(book, ROOM + desk[8].shape[1], 2 + desk[8].shape[1]):
        return True
    if costly is None:
        return False
    return lacks_room(costly, bar)


@njit_inline
def _wakes(book: Book, desk: Desk, held: float) -> tuple[int, int]:
    """What `wakes` says, but that a limit of losses and entries that rest ask on every bar."""
    if desk[0][by.LOSS] != 0.0 or (desk[1][by.COUNT] != 0.0 and _is_busy(book)):
        return 0, 0
    return wakes(desk, held)


@njit_inline
def _sleep(book: Book, desk: Desk, closes: Floats, bar: int, account: Floats) -> int:
    """Value the account from ``bar`` on while nothing happens; the first bar on which something may."""
    bits, money = desk[7], book[5]
    held, cash, entry, floor = money[at.HELD], money[at.CASH], money[at.ENTRY], money[at.FLOOR]
    if _is_busy(book) or money[at.RUINED] != 0.0:
        return bar
    wake, due = _wakes(book, desk, held)
    due, start = min(due, len(closes)), bar
    while bar < due and bits[bar] & wake == 0:
        value = worth(cash, held, entry, closes[bar])
        if value <= floor:
            break
        account[0, bar], account[1, bar], account[2, bar] = value, cash, held
        bar += 1
    book[4][at.SLEPT] += bar - start
    return bar


@njit_inline
def _decide(book: Book, desk: Desk, rules: Rules, market: Market, bar: int, close: float, parts: Floats) -> None:
    """What limits and rules make of the close of a bar."""
    wake, due = _wakes(book, desk, book[5][at.HELD])
    if bar < due and desk[7][bar] & wake == 0:
        return
    if desk[0][by.LOSS] != 0.0 and stands_aside(book, desk, at.LOST, bar, close):
        return
    act(book, desk, rules, bar, close, parts)
    if desk[1][by.DUE] != 0.0:
        protect(book, desk, bar, close)
    if desk[0][by.MOVES] != 0.0 and desk[1][by.GUARDS] != 0.0:
        move(book, desk, market[1][bar], market[2][bar], close, bar)


@njit_no_refcount
def _span(
    book: Book,
    costly: Costly | None,
    margin: Margin | None,
    desk: Desk,
    rules: Rules,
    market: Market,
    span: tuple[int, int],
    account: Floats,
    parts: Floats,
) -> int:
    """Follow rules from bar ``span[0]`` on, asking them from ``span[1]`` on; the bar it had no room for, or the end."""
    count, money, state, bits, closes = book[4], book[5], desk[1], desk[7], market[3]
    n, bar = len(closes), span[0]
    while bar < n:
        if costly is None and margin is None:
            bar = _sleep(book, desk, closes, bar, account)
            if bar == n:
                break
        if _lacks_room(book, costly, desk, bar):
            return bar
        if costly is not None or margin is not None or _is_busy(book):
            _trade(book, costly, margin, desk, market, bar)
        close, held = closes[bar], money[at.HELD]
        value = value_of(book, margin, close)
        account[0, bar], account[1, bar], account[2, bar] = value, money[at.CASH], held
        if value <= money[at.FLOOR] and money[at.RUINED] == 0.0 and not ((bits[bar] >> at.SHUT) & 1 and held != 0.0):
            close_all(book, bar, close)
        if margin is not None:
            note_free(book, margin, close)
        if bar >= span[1] and money[at.RUINED] == 0.0:
            state[by.VALUE] = value
            _decide(book, desk, rules, market, bar, close, parts)
        bar += 1
    if bits[n] >> at.FOREIGN and count[at.CHECKED] < count[at.ORDERS]:
        admit(book, costly, margin, n - 1)
    return int(n)


def follow(
    book: Book,
    costly: Costly | None,
    margin: Margin | None,
    desk: Desk,
    rules: Rules,
    market: Market,
    first: int,
    account: Floats,
) -> tuple[Book, Costly | None]:
    """Follow rules over all bars.

    Parameters
    ----------
    book : Book
        Empty.
    costly : Costly or None
        What trading and holding cost; None where that is no more than shares of notional.
    margin : Margin or None
        How the position is margined; None where it is paid for.
    desk : Desk
        Limits, protection and sizer.
    rules : Rules
        What the rules say.
    market : Market
        The traded bars.
    first : int
        First bar the rules are looked at.
    account : ndarray of float64, (3, n)
        Takes value, cash and position at every close.

    Returns
    -------
    book : Book
        With every order and fill.
    costly : Costly or None
        With what was booked.
    """
    bar, parts = 0, np.zeros(PARTS + 2)
    while (bar := _span(book, costly, margin, desk, rules, market, (bar, first), account, parts)) < len(market[3]):
        book = grown(book)
        if costly is not None:
            costly = (*costly[:5], np.concatenate((costly[5], np.zeros((len(costly[5]) + 64, 6)))))
    return book, costly
