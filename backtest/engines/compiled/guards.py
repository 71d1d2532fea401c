"""What protects a position, compiled: where `strategies.framework.protection` puts it, and to where it moves stops."""

from __future__ import annotations

import numpy as np

from ....core.kernels import njit_inline, njit_internal
from ....core.tick_kernels import on_grid
from ...broker.order_rules import LIMIT, STOP, STOP_TRAIL
from . import desk as by
from . import state as at
from .desk import Desk
from .lots import SCALE, STEP, rounded, whole
from .orders import join, send, set_trail
from .state import Book, Floats


@njit_inline
def away(desk: Desk, kind: float, value: float, column: float, price: float, bar: int) -> float:
    """How far a distance of this kind lies from ``price``; NaN for none."""
    if kind == by.SHARE:
        return float(value * price)
    if kind == by.AWAY:
        return float(value)
    return float(desk[5][int(column), bar] if kind == by.RANGES else np.nan)


@njit_inline
def _far(desk: Desk, guard: Floats, price: float, bar: int) -> float:
    """How far from ``price`` a guard lies."""
    return float(away(desk, guard[by.KIND], guard[by.REACH], guard[by.COLUMN], price, bar))


@njit_internal
def stop_distance(desk: Desk, rule: int, side: float, close: float, bar: int) -> float:
    """How far from ``close`` the stop of a position of an entry would lie; NaN where none is asked for."""
    stop, trail, more = desk[8][rule, by.STOP], desk[8][rule, by.TRAIL], desk[9][rule]
    if stop[by.KIND] == by.LEVEL:
        return float(side * (close - desk[5][int(stop[by.COLUMN]), bar]))
    if stop[by.KIND] != 0.0:
        return float(_far(desk, stop, close, bar))
    if trail[by.KIND] == 0.0:
        return np.nan
    start = desk[5][int(more[by.BY_COLUMN]), bar] if more[by.BY] == by.BY_LEVEL else close
    return float(side * (close - start) + _far(desk, trail, start, bar))


@njit_internal
def protect(book: Book, desk: Desk, bar: int, close: float) -> None:
    """Send the protection that is due."""
    state = desk[1]
    guard_by(book, desk, state[by.DUE], state[by.DUE_PRICE], 0.0, bar, bar, close)


@njit_inline
def _part(desk: Desk, rule: int, g: int, size: float, left: float) -> float:
    """What a target takes of ``size``, of which ``left`` is left by those before it."""
    sizing, more, guards = desk[3], desk[9][rule], desk[8][rule]
    if more[by.PARTS] == 0.0:
        return size
    last = g + 1 == len(guards) or guards[g + 1, by.KIND] == 0.0
    if last and more[by.ALL] != 0.0:
        return float(rounded(max(left, 0.0), sizing[SCALE]))
    return float(whole(size * guards[g, by.SHARE_OF], sizing[STEP], sizing[SCALE]))


@njit_internal
def _send_trail(book: Book, desk: Desk, size: float, price: float, start: float, bar: int, known: int, c: float) -> int:
    """Send a stop that follows the market, from ``start`` on, or from close ``c`` where that is 0; its row."""
    numbers, state = desk[0], desk[1]
    rule = int(state[by.RULE])
    trail, more, num, den = desk[8][rule, by.TRAIL], desk[9][rule], numbers[by.NUM], numbers[by.DEN]
    if more[by.BY] == by.BY_CLOSES:
        k = send(book, bar, c, STOP_TRAIL, -size, start, 0.0, at.TRAILING_STOP)
        shared = trail[by.KIND] == by.SHARE
        distance = 0.0 if shared else _far(desk, trail, price, known)
        set_trail(book, k, distance, trail[by.REACH] if shared else 0.0, num, den)
        return int(k)
    begin = desk[5][int(more[by.BY_COLUMN]), int(state[by.SENT])] if more[by.BY] == by.BY_LEVEL else price
    state[by.KEPT] = _far(desk, trail, begin, known)
    level = on_grid(begin - np.sign(size) * state[by.KEPT], num, den)
    return int(send(book, bar, c, STOP, -size, level, 0.0, at.TRAILING_STOP))


@njit_internal
def guard_by(
    book: Book, desk: Desk, size: float, price: float, start: float, bar: int, known: int, close: float
) -> None:
    """Protect ``size`` had for ``price``, each order in the group of the first; the stop first, so that it wins a tie.

    What trails does so from ``start`` on, from the close where that is 0; average true ranges are of bar ``known``.
    """
    numbers, state = desk[0], desk[1]
    rule = int(state[by.RULE])
    guards, more, left, count = desk[8][rule], desk[9][rule], abs(size), 0
    side, num, den, state[by.GUARDED_AT] = np.sign(size), numbers[by.NUM], numbers[by.DEN], price
    for g in range(len(guards)):
        if guards[g, by.KIND] == 0.0:
            continue
        part, targets = abs(size), g >= by.FIRST_TARGET
        if targets:
            part = _part(desk, rule, g, abs(size), left)
            left -= part
            if part <= 0.0:
                continue
        if g == by.TRAIL:
            k = _send_trail(book, desk, size, price, start, bar, known, close)
        else:
            far = _far(desk, guards[g], price, known)
            level = price + side * far if targets else price - side * far
            if guards[g, by.KIND] == by.LEVEL:
                level = desk[5][int(guards[g, by.COLUMN]), int(state[by.SENT])]
            reason = at.TAKE_PROFIT if targets else at.STOP_LOSS
            kind = LIMIT if targets else STOP
            k = send(book, bar, close, kind, -side * part, on_grid(level, num, den), 0.0, reason)
        if count == 0:
            state[by.FIRST_GUARD] = float(k)
        book[0][k, at.CONDITIONS] = at.REDUCE_ONLY
        if numbers[by.APART] == 0.0 and count != 0:
            join(book, k, int(state[by.FIRST_GUARD]))
        count += 1
    state[by.GUARDS], state[by.DUE] = float(count), 0.0
    if more[by.AFTER_KIND] != 0.0:
        far = away(desk, more[by.AFTER_KIND], more[by.AFTER_VALUE], more[by.AFTER_COLUMN], price, known)
        to = more[by.TO_VALUE] * price if more[by.TO_KIND] == by.SHARE else more[by.TO_VALUE]
        state[by.EVEN_AT], state[by.EVEN_TO] = price + side * far, on_grid(price + side * to, num, den)


@njit_internal
def _pull(book: Book, desk: Desk, reason: int, level: float, bar: int) -> None:
    """Move the stop of this name to ``level``, if that is nearer to the market than where it lies."""
    whole_, real, state = book[0], book[1], desk[1]
    first = int(state[by.FIRST_GUARD])
    for k in range(first, first + int(state[by.GUARDS])):
        alive = whole_[k, at.STATUS] <= at.PARTIAL and whole_[k, at.REASON] == reason
        if alive and state[by.SIDE] * (level - real[k, at.PRICE]) > 0.0:
            real[k, at.PRICE] = level
            if whole_[k, at.STATUS] == at.CREATED:  # what it is told of first is where it lies now
                real[k, at.SHOWN] = level


@njit_internal
def move(book: Book, desk: Desk, high: float, low: float, close: float, bar: int) -> None:
    """Move stops to where a bar says; never back."""
    numbers, state = desk[0], desk[1]
    rule, side = int(state[by.RULE]), state[by.SIDE]
    trail, more = desk[8][rule, by.TRAIL], desk[9][rule]
    best = high if side > 0.0 else low
    if bar == int(state[by.FILLED]):
        best = close  # the bar's extreme may have come before the entry
    if more[by.AFTER_KIND] != 0.0:
        if side * (best - state[by.EVEN_AT]) >= 0.0:
            state[by.IS_EVEN] = 1.0
        if state[by.IS_EVEN] != 0.0:
            _pull(book, desk, at.STOP_LOSS, state[by.EVEN_TO], bar)
    if trail[by.KIND] != 0.0 and more[by.BY] != by.BY_CLOSES:
        followed = desk[5][int(more[by.BY_COLUMN]), bar] if more[by.BY] == by.BY_LEVEL else best
        kept = trail[by.REACH] * followed if trail[by.KIND] == by.SHARE else state[by.KEPT]
        if followed == followed:
            level = on_grid(followed - side * kept, numbers[by.NUM], numbers[by.DEN])
            _pull(book, desk, at.TRAILING_STOP, level, bar)
