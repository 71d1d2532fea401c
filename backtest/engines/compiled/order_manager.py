"""Where a strategy's orders stand, and what it hears: what `strategies.framework.protection` and
`strategies.framework.limits` do, compiled."""

from __future__ import annotations

import numpy as np

from ....core.kernels import njit_inline, njit_internal
from ...broker.entry_bar import NEXT_BAR
from ...broker.order_rules import LIMIT, MARKET
from . import desk as by
from . import state as at
from .desk import Desk
from .exact import add, total
from .lots import SCALE, STEP, whole
from .oco_brackets import cancel, rests
from .orders import send
from .state import Book, Floats


@njit_inline
def alive(book: Book, k: float) -> bool:
    """Whether order ``k``, −1 for none, may still be filled."""
    return bool(k >= 0.0 and book[0][int(k), at.STATUS] <= at.PARTIAL)


@njit_inline
def told(desk: Desk, bar: int) -> int:
    """The bar on which the strategy hears of what it cancels: a bar of another feed may come before the next."""
    return bar if desk[7][bar + 1] >> at.FOREIGN else bar + 1


@njit_inline
def withdraw(book: Book, desk: Desk, bar: int) -> None:
    """Cancel what protection still rests, and send none that was due."""
    drop(book, desk, told(desk, bar))


@njit_inline
def drop(book: Book, desk: Desk, heard: int) -> None:
    """The same, of which the strategy hears on bar ``heard``."""
    state = desk[1]
    state[by.DUE] = 0.0
    if state[by.GUARDS] != 0.0:
        _cancel_guards(book, state, heard)


@njit_internal
def _cancel_guards(book: Book, state: Floats, heard: int) -> None:
    first, guards = int(state[by.FIRST_GUARD]), int(state[by.GUARDS])
    state[by.GUARDS] = 0.0
    for k in range(first, first + guards):
        cancel(book, k, heard)


@njit_inline
def opened_by(book: Book, desk: Desk, k: int, bar: int) -> None:
    """Go by what the entry behind order ``k`` asks for."""
    whole, state = book[0], desk[1]
    rule = whole[k, at.REASON] - at.FIRST_RULE
    if 0 <= rule < len(desk[8]):
        state[by.RULE], state[by.SENT] = float(rule), float(whole[k, at.BAR])
    state[by.FILLED], state[by.IS_EVEN] = float(bar), 0.0


@njit_inline
def _guards(book: Book, desk: Desk, k: int) -> bool:
    """Whether order ``k`` is protection that still works."""
    state = desk[1]
    first = int(state[by.FIRST_GUARD])
    return first <= k < first + int(state[by.GUARDS]) and alive(book, k)


@njit_inline
def _protects(book: Book, desk: Desk, k: int, bar: int) -> None:
    """Learn of a fill of order ``k``: a new position is to be protected, one that is gone no longer."""
    whole_, real, state, held = book[0], book[1], desk[1], book[5][at.HELD]
    side = np.sign(held)
    if side != state[by.SIDE]:
        state[by.SIDE], state[by.ENTERED] = side, bar
    if side == 0.0:
        withdraw(book, desk, bar)
    elif real[k, at.FILL_SIZE] * side > 0.0:
        if desk[0][by.INSIDE] == NEXT_BAR:  # else it was protected when it filled
            withdraw(book, desk, bar)
            opened_by(book, desk, k, bar)
            state[by.DUE], state[by.DUE_PRICE] = held, real[k, at.FILL_PRICE]
    elif (
        desk[0][by.APART] == 0.0
        and real[k, at.REMAINING] != 0.0
        and whole_[k, at.TYPE] == LIMIT
        and _guards(book, desk, k)
    ):
        price = state[by.GUARDED_AT]
        withdraw(book, desk, bar)
        state[by.DUE], state[by.DUE_PRICE] = held, price


@njit_inline
def _counts(book: Book, desk: Desk, k: int, bar: int) -> None:
    """Learn of a fill of order ``k``: whether the position is new, larger, smaller or gone."""
    real, state, slots, exits, held = book[1], desk[1], desk[2], desk[6], book[5][at.HELD]
    if held * real[k, at.FILL_SIZE] > 0.0:
        state[by.BOUGHT_AT] = real[k, at.FILL_PRICE]
    elif book[0][k, at.STATUS] == at.COMPLETED:
        for i in range(exits.shape[1]):
            if exits[by.ORDER, i] == k:
                exits[by.CLOSED, i] = 1
    if held == 0.0 or held * state[by.BEFORE] < 0.0:
        state[by.LEFT] = bar + 1
        exits[by.CLOSED] = 0
        left = 0
        for i in range(int(state[by.COUNT])):
            k = slots[0, i]
            if alive(book, k) or real[k, at.FILL_SIZE] * held > 0.0:
                slots[0, left], slots[1, left] = slots[0, i], slots[1, i]
                left += 1
        state[by.COUNT] = left
    state[by.BEFORE] = held


@njit_inline
def hear(book: Book, desk: Desk, news: int, bar: int) -> None:
    """Learn of the fills from ``news`` on."""
    for f in range(news, book[4][at.FILLS]):
        hear_one(book, desk, int(book[3][f, at.WHO]), bar)


@njit_inline
def wakes(desk: Desk, held: float) -> tuple[int, int]:
    """The bits of a bar of which any brings something to decide, and the bar from which on there may be without."""
    numbers, state, bars = desk[0], desk[1], desk[9][int(desk[1][by.RULE]), by.BARS]
    if state[by.DUE] != 0.0 or (held != 0.0 and (numbers[by.MOVES] != 0.0 or numbers[by.APART] != 0.0)):
        return 0, 0
    if held == 0.0:
        return at.LONG | at.SHORT, at.NEVER
    side = at.LONG if held > 0.0 else at.SHORT
    bits = side << at.EXITS | side if numbers[by.PYRAMIDING] > 1.0 else side << at.EXITS
    return bits, int(state[by.ENTERED] + bars) if bars else at.NEVER


@njit_inline
def hear_one(book: Book, desk: Desk, k: int, bar: int) -> None:
    """Learn of a fill of order ``k``."""
    _protects(book, desk, k, bar)
    _counts(book, desk, k, bar)


@njit_inline
def leave(book: Book, desk: Desk, reason: int, bar: int, close: float) -> int:
    """Send a market order that closes; where one of before is still being filled, that one instead."""
    state = desk[1]
    withdraw(book, desk, bar)
    if alive(book, state[by.EXIT]):
        return int(state[by.EXIT])
    if alive(book, state[by.ENTRY]) and state[by.ENTRY_BAR] < bar:
        cancel(book, int(state[by.ENTRY]), told(desk, bar))
    k = send(book, bar, close, MARKET, -book[5][at.HELD], 0.0, 0.0, reason)
    state[by.EXIT] = float(k)
    return k


@njit_internal
def _working(book: Book, side: float, but: int, parts: Floats) -> float:
    """What the desk's orders that buy (``side`` 1) or sell (−1) have still to be filled, all but order ``but``."""
    whole_, real, queue, count, own = book[0], book[1], book[2], book[4], int(book[5][at.NUMBER])
    parts[0] = 0.0
    for q in range(count[at.RESTING]):
        k = queue[q]
        if real[k, at.SIZE] * side > 0.0 and rests(whole_[k, at.STATUS]) and k != but and whole_[k, at.DESK] == own:
            add(parts, abs(real[k, at.REMAINING]))
    for k in range(count[at.CHECKED], count[at.ORDERS]):
        if real[k, at.SIZE] * side > 0.0 and k != but and whole_[k, at.DESK] == own:
            add(parts, abs(real[k, at.REMAINING]))
    return float(total(parts))


@njit_inline
def room(book: Book, desk: Desk, side: float, held: float, close: float, parts: Floats) -> float:
    """How much more may be bought (``side`` 1) or sold (−1) beside ``held``; no bounds where none are set."""
    numbers, sizing, value = desk[0], desk[3], desk[1][by.VALUE]
    if numbers[by.MOST] == 0.0:
        return np.inf
    most = numbers[by.MOST] * value / close if numbers[by.MOST_SHARED] != 0.0 else numbers[by.MOST]
    leaves = int(desk[1][by.EXIT]) if held != book[5][at.HELD] else -1  # behind it there is room for all of it
    working = _working(book, side, leaves, parts) if side * held >= 0.0 else 0.0
    return float(max(whole(max(most - working, 0.0), sizing[STEP], sizing[SCALE]) - side * held, 0.0))


@njit_internal
def stands_aside(book: Book, desk: Desk, reason: int, bar: int, close: float) -> bool:
    """Whether the session has lost too much by this bar; closes what is open then."""
    numbers, state, bits, held = desk[0], desk[1], desk[7], book[5][at.HELD]
    if (bits[bar] >> at.SESSION) & 1:
        state[by.FIRST_WORTH], state[by.HALTED] = state[by.WORTH], 0.0
    state[by.WORTH] = state[by.VALUE]
    limit = numbers[by.LOSS] * (state[by.FIRST_WORTH] if numbers[by.LOSS_SHARED] != 0.0 else 1.0)
    if state[by.FIRST_WORTH] - state[by.WORTH] >= limit:
        state[by.HALTED] = 1.0
    if state[by.HALTED] == 0.0:
        return False
    for q in range(book[4][at.RESTING]):
        k = book[2][q]
        if k != state[by.LEAVING]:
            cancel(book, k, told(desk, bar))
    withdraw(book, desk, bar)
    if held != 0.0 and not alive(book, state[by.LEAVING]):
        state[by.LEAVING] = float(send(book, bar, close, MARKET, -held, 0.0, 0.0, reason))
    return True


@njit_internal
def close_all(book: Book, bar: int, close: float) -> None:
    """What an account does that is worth nothing: cancel every order, close the position, and send nothing more."""
    whole_, queue, count, account = book[0], book[2], book[4], book[5]
    account[at.RUINED] = bar + 1
    for q in range(count[at.RESTING]):
        cancel(book, queue[q], bar)
    if account[at.HELD] != 0.0:
        k = send(book, bar, close, MARKET, -account[at.HELD], 0.0, 0.0, at.RUINOUS)
        whole_[k, at.STATUS], whole_[k, at.NEWS], whole_[k, at.HEARD] = at.SUBMITTED, bar, bar
