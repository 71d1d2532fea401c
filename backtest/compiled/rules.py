"""Entry and exit rules in one compiled loop: what `strategies.Rules` and its protection do, bar by bar."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.kernels import inner, lean, woven
from ...core.tick_kernels import on_grid
from ..broker import RUIN
from ..order_rules import LIMIT, MARKET, STOP, STOP_TRAIL
from .account import worth
from .broker import admit, trade
from .groups import cancel
from .layout import (
    CASH,
    CHECKED,
    CUTS,
    FILL_PRICE,
    FILL_SIZE,
    FILLS,
    FLOOR,
    HELD,
    NEWS,
    ORDERS,
    RESTING,
    RUINED,
    STATUS,
    SUBMITTED,
    WHO,
    Book,
    Floats,
    grown,
    is_full,
)
from .lots import FIXED, order_size
from .orders import join, send, set_trail

Bits = NDArray[np.uint8]

REASONS = (
    "long.enter",
    "short.enter",
    "long.exit",
    "short.exit",
    "time_stop",
    "stop_loss",
    "trailing_stop",
    "take_profit",
    RUIN,
)
LONG_ENTER, SHORT_ENTER, LONG_EXIT, SHORT_EXIT, TIME_STOP, STOP_LOSS, TRAILING_STOP, TAKE_PROFIT, RUINOUS = range(9)
"""What an order is for; the first four are also the bits of a bar's signals."""
SHUT, FOREIGN = 5, 7
"""The bits that say that orders wait in this bar (`core.trading.shut`), and that bars of other feeds alone come before
this one; the broker looks at new orders there."""

STOP_SHARE, STOP_AWAY, TRAIL_SHARE, TRAIL_AWAY, TARGET_SHARE, TARGET_AWAY, NUM, DEN, BARS = range(9)
"""Protection: each distance as a share of the price or in quote currency (0 for none), the tick as a fraction (0 for
none), the time stop."""

ENTERED, SIDE, DUE, DUE_PRICE, GUARDS, FIRST_GUARD = range(6)
"""State: bar of the entry, side held, size to protect and price it was had for, protective orders out there."""

ROOM = 8
"""More orders than one bar can bring."""


@inner
def _withdraw(book: Book, state: Floats, bar: int) -> None:
    """Cancel what protection still rests, and send none that was due."""
    state[DUE] = 0.0
    first, guards = int(state[FIRST_GUARD]), int(state[GUARDS])
    state[GUARDS] = 0.0
    for k in range(first, first + guards):
        cancel(book, k, bar + 1)


@inner
def _hear(book: Book, state: Floats, news: int, bar: int) -> None:
    """Learn of the fills from ``news`` on: a new position is to be protected, one that is gone no longer."""
    _, real, _, fills, count, account, _ = book
    for f in range(news, count[FILLS]):
        k, held = int(fills[f, WHO]), account[HELD]
        side = np.sign(held)
        if side != state[SIDE]:
            state[SIDE], state[ENTERED] = side, bar
        if side == 0.0:
            _withdraw(book, state, bar)
        elif real[k, FILL_SIZE] * side > 0.0:
            _withdraw(book, state, bar)
            state[DUE], state[DUE_PRICE] = held, real[k, FILL_PRICE]


@inner
def _level(price: float, side: float, share: float, away: float, num: float, den: float) -> float:
    """A price so far from ``price``, on a whole tick."""
    return on_grid(price + side * (share * price if share != 0.0 else away), num, den)


@inner
def _protect(book: Book, state: Floats, guards: Floats, bar: int, close: float) -> None:
    """Send the protection that is due, each order in the group of the first; the stop first, so that it wins a tie."""
    price, side, num, den, count = state[DUE_PRICE], np.sign(state[DUE]), guards[NUM], guards[DEN], 0
    for reason in (STOP_LOSS, TRAILING_STOP, TAKE_PROFIT):
        share, away = guards[2 * (reason - STOP_LOSS)], guards[2 * (reason - STOP_LOSS) + 1]
        if share == 0.0 and away == 0.0:
            continue
        trails, rests = reason == TRAILING_STOP, reason == TAKE_PROFIT
        level = 0.0 if trails else _level(price, side if rests else -side, share, away, num, den)
        k = send(book, bar, close, STOP_TRAIL if trails else LIMIT if rests else STOP, -state[DUE], level, 0.0, reason)
        if trails:
            set_trail(book, k, away, share)
        if count == 0:
            state[FIRST_GUARD] = float(k)
        else:
            join(book, k, int(state[FIRST_GUARD]))
        count += 1
    state[GUARDS], state[DUE] = float(count), 0.0


@inner
def close_all(book: Book, bar: int, close: float) -> None:
    """What an account does that is worth nothing: cancel every order, close the position, and send nothing more."""
    whole, _, queue, _, count, account, _ = book
    account[RUINED] = bar + 1
    for q in range(count[RESTING]):
        cancel(book, queue[q], bar)
    if account[HELD] != 0.0:
        k = send(book, bar, close, MARKET, -account[HELD], 0.0, 0.0, RUINOUS)
        whole[k, STATUS], whole[k, NEWS] = SUBMITTED, bar


@woven
def _why_leave(held: float, side: float, age: float, bars: float, signals: int) -> int:
    """Why the position is to be closed: its exit is said, or its time is over; −1 where it is not."""
    rule = LONG_EXIT if held > 0.0 else SHORT_EXIT
    if (signals >> rule) & 1:
        return rule
    if bars != 0.0 and side != 0.0 and age >= bars:
        return TIME_STOP
    return -1


@woven
def _decide(
    book: Book, state: Floats, sizing: Floats, bars: float, signals: int, bar: int, close: float
) -> tuple[float, int]:
    """Size of the market order that is to be sent on a bar, 0 for none, and what for: to leave, or to enter."""
    held = book[5][HELD]
    if held != 0.0:
        reason = _why_leave(held, state[SIDE], bar - state[ENTERED], bars, signals)
        return (-held if reason >= 0 else 0.0), reason
    long, short = signals & 1, (signals >> 1) & 1
    if long == short:
        return 0.0, LONG_ENTER
    size = order_size(sizing, worth(book[5], close), close)
    return (size, LONG_ENTER) if long else (-size, SHORT_ENTER)


@lean
def _span(
    book: Book,
    state: Floats,
    bars: Floats,
    signals: Bits,
    span: tuple[int, int],
    sizing: Floats,
    guards: Floats,
    account: Floats,
) -> int:
    """Follow rules from bar ``span[0]`` on, asking them from ``span[1]`` on; the bar it had no room for, or the end."""
    _, _, _, _, count, money, _ = book
    n, wanted = bars.shape[1], account.shape[1] > 0
    for bar in range(span[0], n):
        close = bars[3, bar]
        if is_full(book, ROOM):
            return bar
        if count[RESTING] > 0 or count[CHECKED] < count[ORDERS]:
            if signals[bar] >> FOREIGN:
                admit(book, None, None, bar - 1)
            news = count[FILLS]
            trade(book, None, None, (bars[0, bar], bars[1, bar], bars[2, bar], close, bars[4, bar]), bar)
            if count[FILLS] > news:
                _hear(book, state, news, bar)
        held = money[HELD]
        value = worth(money, close)
        if wanted:
            account[0, bar], account[1, bar], account[2, bar] = value, money[CASH], held
        if value <= money[FLOOR] and money[RUINED] == 0.0:
            close_all(book, bar, close)
        if bar < span[1] or money[RUINED] != 0.0:
            continue
        if held == 0.0 and not signals[bar] & 3:
            continue
        size, reason = _decide(book, state, sizing, guards[BARS], signals[bar], bar, close)
        if size != 0.0:
            _withdraw(book, state, bar)
            k = send(book, bar, close, MARKET, size, 0.0, 0.0, reason)
            book[0][k, CUTS] = held == 0.0 and sizing[FIXED] == 0.0
        if state[DUE] != 0.0:
            _protect(book, state, guards, bar, close)
    if signals[n] >> FOREIGN:
        admit(book, None, None, n - 1)
    return int(n)


def follow(
    book: Book, bars: Floats, signals: Bits, first: int, sizing: Floats, guards: Floats, account: Floats
) -> Book:
    """Follow rules over all bars, in each of which somebody traded.

    Parameters
    ----------
    book : Book
        Empty.
    bars : ndarray of float64, (5, n)
        Open, high, low, close and day number.
    signals : ndarray of uint8, (n + 1,)
        Bits of each bar: long and short entry, long and short exit, `FOREIGN`; the last entry stands for what
        comes after the last bar.
    first : int
        First bar the rules are looked at.
    sizing, guards : ndarray of float64
        Of `lots.sizing`, and the protection.
    account : ndarray of float64, (3, n) or (3, 0)
        Takes value, cash and position at every close.

    Returns
    -------
    Book
        With every order and fill.
    """
    state, bar = np.zeros(6), 0
    while (bar := _span(book, state, bars, signals, (bar, first), sizing, guards, account)) < bars.shape[1]:
        book = grown(book)
    return book
