"""Entry and exit rules in one compiled loop: what `strategies.Rules` and its protection do, bar by bar."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.kernels import compiled, inlined
from .account import worth
from .broker import trade
from .groups import cancel
from .layout import (
    CASH,
    CHECKED,
    FILL_PRICE,
    FILL_SIZE,
    FILLS,
    HELD,
    LIMIT,
    MARKET,
    ORDERS,
    RESTING,
    STOP,
    STOP_TRAIL,
    WHO,
    Book,
    Floats,
    grown,
    is_full,
)
from .lots import order_size
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
)
LONG_ENTER, SHORT_ENTER, LONG_EXIT, SHORT_EXIT, TIME_STOP, STOP_LOSS, TRAILING_STOP, TAKE_PROFIT = range(8)
"""What an order is for; the first four are also the bits of a bar's signals."""

STOP_SHARE, STOP_AWAY, TRAIL_SHARE, TRAIL_AWAY, TARGET_SHARE, TARGET_AWAY, TICK, BARS = range(8)
"""Protection: each distance as a share of the price or in quote currency (0 for none), the tick, the time stop."""

ENTERED, SIDE, DUE, DUE_PRICE, GUARDS, FIRST_GUARD = range(6)
"""State: bar of the entry, side held, size to protect and price it was had for, protective orders out there."""

ROOM = 8
"""More orders than one bar can bring."""


@compiled
def _withdraw(book: Book, state: Floats, bar: int) -> None:
    """Cancel what protection still rests, and send none that was due."""
    state[DUE] = 0.0
    first, guards = int(state[FIRST_GUARD]), int(state[GUARDS])
    state[GUARDS] = 0.0
    for k in range(first, first + guards):
        cancel(book, k, bar)


@compiled
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


@compiled
def _guard(book: Book, state: Floats, bar: int, close: float, kind: int, level: float, reason: int) -> int:
    """Send a protective order into the group of the others."""
    k = send(book, bar, close, kind, -state[DUE], level, 0.0, reason)
    if state[GUARDS] == 0.0:
        state[FIRST_GUARD] = float(k)
    else:
        join(book, k, int(state[FIRST_GUARD]))
    state[GUARDS] += 1.0
    return k


@compiled
def _level(price: float, side: float, share: float, away: float, tick: float) -> float:
    """A price so far from ``price``, on a whole tick."""
    made = price + side * (share * price if share != 0.0 else away)
    return float(np.rint(made / tick) * tick) if tick != 0.0 else made


@compiled
def _protect(book: Book, state: Floats, guards: Floats, bar: int, close: float) -> None:
    """Send the protection that is due; the stop first, so that it wins a tie."""
    price, side, tick = state[DUE_PRICE], np.sign(state[DUE]), guards[TICK]
    if guards[STOP_SHARE] != 0.0 or guards[STOP_AWAY] != 0.0:
        level = _level(price, -side, guards[STOP_SHARE], guards[STOP_AWAY], tick)
        _guard(book, state, bar, close, STOP, level, STOP_LOSS)
    if guards[TRAIL_SHARE] != 0.0 or guards[TRAIL_AWAY] != 0.0:
        k = _guard(book, state, bar, close, STOP_TRAIL, 0.0, TRAILING_STOP)
        set_trail(book, k, guards[TRAIL_AWAY], guards[TRAIL_SHARE])
    if guards[TARGET_SHARE] != 0.0 or guards[TARGET_AWAY] != 0.0:
        level = _level(price, side, guards[TARGET_SHARE], guards[TARGET_AWAY], tick)
        _guard(book, state, bar, close, LIMIT, level, TAKE_PROFIT)
    state[DUE] = 0.0


@inlined
def _why_leave(held: float, side: float, age: float, bars: float, signals: int) -> int:
    """Why the position is to be closed: its exit rule is true, or its time is over; −1 where it is not."""
    rule = LONG_EXIT if held > 0.0 else SHORT_EXIT
    if (signals >> rule) & 1:
        return rule
    if bars != 0.0 and side != 0.0 and age >= bars:
        return TIME_STOP
    return -1


@compiled
def _leave(book: Book, state: Floats, reason: int, bar: int, close: float) -> None:
    """Close the position, and take its protection away."""
    _withdraw(book, state, bar)
    send(book, bar, close, MARKET, -book[5][HELD], 0.0, 0.0, reason)


@compiled
def _enter(book: Book, sizing: Floats, signals: int, bar: int, close: float) -> None:
    """Open a position where one side's entry is true and the other's is not."""
    long, short = signals & 1, (signals >> 1) & 1
    if long == short:
        return
    size = order_size(sizing, worth(book[5], close), close)
    if size != 0.0:
        send(book, bar, close, MARKET, size if long else -size, 0.0, 0.0, LONG_ENTER if long else SHORT_ENTER)


@compiled
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
            news = count[FILLS]
            trade(book, (bars[0, bar], bars[1, bar], bars[2, bar], close, bars[4, bar]), bar)
            if count[FILLS] > news:
                _hear(book, state, news, bar)
        held = money[HELD]
        if wanted:
            account[0, bar], account[1, bar], account[2, bar] = worth(money, close), money[CASH], held
        if bar < span[1]:
            continue
        if held != 0.0:
            reason = _why_leave(held, state[SIDE], bar - state[ENTERED], guards[BARS], signals[bar])
            if reason >= 0:
                _leave(book, state, reason, bar, close)
            if state[DUE] != 0.0:
                _protect(book, state, guards, bar, close)
        elif signals[bar] & 3:
            _enter(book, sizing, signals[bar], bar, close)
    return int(n)


def follow(
    book: Book, bars: Floats, signals: Bits, first: int, sizing: Floats, guards: Floats, account: Floats
) -> Book:
    """Follow rules over all bars.

    Parameters
    ----------
    book : Book
        Empty.
    bars : ndarray of float64, (5, n)
        Open, high, low, close and day number.
    signals : ndarray of uint8, (n,)
        Rules that are true, as bits: long and short entry, long and short exit.
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
