"""From rules to orders: what `strategies.framework.plan` does, compiled."""

from __future__ import annotations

import numpy as np

from ....core.kernels import njit_inline, njit_internal
from ....core.names import STATE
from ....core.tick_kernels import on_grid
from ....strategies.framework.programs import evaluate, note_state
from ...broker.order_rules import LIMIT, MARKET, STOP, STOP_LIMIT
from . import desk as by
from .ceilings import Ceilings, allowed
from .desk import Bits, Desk
from .guards import stop_distance
from .lots import FIXED, SCALE, SMALLEST, STEP, whole
from .oco_brackets import cancel
from .order_manager import alive, leave, room, told, withdraw
from .orders import send, set_end
from .sizes import sized
from .state import (
    CONDITIONS,
    CUTS,
    ENTRY,
    FILL_SIZE,
    FIRST_RULE,
    HELD,
    LONG,
    REDUCE_ONLY,
    SHORT,
    SIZE,
    TIME_STOP,
    Book,
    Floats,
    Integers,
)

Rules = tuple[
    Bits, Bits, Floats, Floats, Integers, Floats, Floats, Integers, Floats, Floats, Integers, Floats, Floats, Floats,
    Floats, Integers, Floats,
]  # fmt: skip
"""Bits of each entry and each exit, by rule and bar; sizes and limits of entries; what entries have; shares of exits;
shares of the equity that the bars ask for; code, constants and columns of programs, and where those of each rule begin
and end (`framework.programs`); the closes; the position's state, and behind it room to reckon in; stops of entries;
limits of exits, and for how many bars they rest, 0 for market orders; the last bar of the day of an order, by the bar
on which it is sent."""

IF_LONG, IF_SHORT, OF_SIZE, OF_LIMIT, OF_STOP = range(5)
"""Programs of a rule."""
WORDS = len(STATE)
SIZED, LIMITED, VALID, STOPPED, CONDITION, OF_DAY = range(6)
"""What an entry has: a size of its own, a limit, bars for which it rests, a stop, `state.CONDITIONS`, and whether it
ends with the day."""


@njit_internal
def _program(rules: Rules, row: int, what: int, bar: int) -> float:
    """What a program of a rule comes to."""
    span, state = rules[10][row, what], rules[12]
    return evaluate(rules[7], rules[8], rules[9], (span[0], span[1]), bar, state[:WORDS], state[WORDS:])


@njit_inline
def _has(rules: Rules, row: int, what: int) -> bool:
    """Whether a part of a rule goes by the state of the position."""
    return bool(rules[10][row, what, 1] > rules[10][row, what, 0])


@njit_internal
def _holds(rules: Rules, row: int, sides: int, bar: int) -> int:
    """Of ``sides`` those for which what a rule asks of the position is so."""
    for side, what in ((LONG, IF_LONG), (SHORT, IF_SHORT)):
        if sides & side and _has(rules, row, what):
            told = _program(rules, row, what, bar)
            if told != told or told == 0.0:
                sides &= ~side
    for what in (OF_SIZE, OF_LIMIT, OF_STOP):
        if sides != 0 and _has(rules, row, what) and not _program(rules, row, what, bar) > 0.0:
            return 0
    return sides


@njit_internal
def _look(book: Book, desk: Desk, rules: Rules, bar: int) -> None:
    """Note the state of the position at a close."""
    state, closes, held = desk[1], rules[11], book[5][HELD]
    best = np.nan
    if held != 0.0:
        entered = state[by.ENTERED]
        if entered != state[by.BEST_FROM]:
            state[by.BEST_FROM], state[by.BEST_TO] = entered, entered - 1.0
            state[by.BEST] = -np.inf if held > 0.0 else np.inf
        for i in range(int(state[by.BEST_TO]) + 1, bar + 1):
            state[by.BEST] = max(state[by.BEST], closes[i]) if held > 0.0 else min(state[by.BEST], closes[i])
        state[by.BEST_TO], best = float(bar), state[by.BEST]
    note_state(rules[12], held, book[5][ENTRY], closes[bar], bar - state[by.ENTERED], best)


@njit_inline
def _expire(book: Book, desk: Desk, bar: int) -> None:
    """Cancel what has rested long enough."""
    slots, exits = desk[2], desk[6]
    for i in range(int(desk[1][by.COUNT])):
        if 0 <= slots[1, i] <= bar + 1 and alive(book, slots[0, i]):
            cancel(book, slots[0, i], told(desk, bar))
            slots[1, i] = -1
    for i in range(exits.shape[1]):
        if exits[by.END, i] <= bar + 1 and alive(book, exits[by.ORDER, i]):
            cancel(book, exits[by.ORDER, i], told(desk, bar))


@njit_internal
def _close(book: Book, desk: Desk, reason: int, bar: int, close: float) -> None:
    """Close the position, and cancel what else still rests."""
    slots, exits = desk[2], desk[6]
    for i in range(int(desk[1][by.COUNT])):
        if slots[1, i] >= 0 and alive(book, slots[0, i]):
            cancel(book, slots[0, i], told(desk, bar))
    for i in range(exits.shape[1]):
        if alive(book, exits[by.ORDER, i]):
            cancel(book, exits[by.ORDER, i], told(desk, bar))
    desk[1][by.PART_EXIT] = float(leave(book, desk, reason, bar, close))


@njit_inline
def _leave(book: Book, desk: Desk, rules: Rules, rule: int, bar: int, close: float) -> bool:
    """Close the position, or the rule's share of it in whole lots; whether that is all of it."""
    state, sizing, exits, held = desk[1], desk[3], desk[6], book[5][HELD]
    share, reason = rules[5][rule], FIRST_RULE + len(rules[0]) + rule
    part = whole(abs(held) * share, sizing[STEP], sizing[SCALE])
    side = np.sign(held)
    if rules[15][rule] > 0:
        part = abs(held) if share >= 1.0 else part
        if part > 0.0:
            price = _price(rules, len(rules[0]) + rule, OF_LIMIT, rules[14], rule, desk, bar)
            k = send(book, bar, close, LIMIT, -side * part, price, 0.0, reason)
            book[0][k, CONDITIONS] = REDUCE_ONLY
            exits[by.ORDER, rule], exits[by.END, rule] = k, bar + 1 + rules[15][rule]
        return False
    if share >= 1.0 or part >= abs(held):
        _close(book, desk, reason, bar, close)
        return True
    exits[by.CLOSED, rule] = 1
    if part > 0.0:
        k = send(book, bar, close, MARKET, -side * part, 0.0, 0.0, reason)
        book[0][k, CONDITIONS], state[by.PART_EXIT] = REDUCE_ONLY, float(k)
    if part > 0.0 and desk[0][by.APART] == 0.0:
        withdraw(book, desk, bar)
        state[by.DUE], state[by.DUE_PRICE] = side * (abs(held) - part), state[by.BOUGHT_AT]
    return False


@njit_inline
def _size(
    book: Book, desk: Desk, rules: Rules, ceilings: Ceilings | None, rule: int, side: float, held: float, bar: int,
    close: float, parts: Floats,
) -> float:  # fmt: skip
    """Size of an entry beside ``held``, without sign; 0 for none."""
    sizing = desk[3]
    wanted = rules[6][bar] if len(rules[6]) > 0 else -1.0
    made = sized(sizing, desk[4], wanted, desk[1][by.VALUE], close, stop_distance(desk, rule, side, close, bar))
    if rules[4][rule, SIZED] != 0:
        times = _program(rules, rule, OF_SIZE, bar) if _has(rules, rule, OF_SIZE) else rules[2][rule, bar]
        made = whole(times * made, sizing[STEP], sizing[SCALE])
        made = made if made * close >= sizing[SMALLEST] else 0.0
    made = allowed(book, desk, ceilings, side, made, bar, close, parts)
    return float(min(made, room(book, desk, side, held, close, parts)))


@njit_inline
def _price(rules: Rules, row: int, what: int, prices: Floats, rule: int, desk: Desk, bar: int) -> float:
    """A price that an order of a rule waits for, on the tick."""
    price = _program(rules, row, what, bar) if _has(rules, row, what) else prices[rule, bar]
    return float(on_grid(price, desk[0][by.NUM], desk[0][by.DEN]))


@njit_inline
def _send(
    book: Book, desk: Desk, rules: Rules, ceilings: Ceilings | None, rule: int, side: float, held: float, bar: int,
    close: float, parts: Floats,
) -> None:  # fmt: skip
    """Send an entry; a market order only where none of an earlier bar is still being filled."""
    state, slots = desk[1], desk[2]
    limited, stopped = rules[4][rule, LIMITED] != 0, rules[4][rule, STOPPED] != 0
    rests = limited or stopped
    if not rests and alive(book, state[by.ENTRY]) and state[by.ENTRY_BAR] < bar:
        return
    size, k = _size(book, desk, rules, ceilings, rule, side, held, bar, close, parts), -1
    if size > 0.0:
        limit = _price(rules, rule, OF_LIMIT, rules[3], rule, desk, bar) if limited else 0.0
        stop = _price(rules, rule, OF_STOP, rules[13], rule, desk, bar) if stopped else 0.0
        kind = STOP_LIMIT if limited and stopped else STOP if stopped else LIMIT if limited else MARKET
        first, then = (stop, limit) if stopped else (limit, 0.0)
        k = send(book, bar, close, kind, side * size, first, then, FIRST_RULE + rule)
        book[0][k, CUTS], book[0][k, CONDITIONS] = desk[3][FIXED] == 0.0, rules[4][rule, CONDITION]
        if rules[4][rule, OF_DAY] != 0:
            set_end(book, k, rules[16][bar], 0.0)
    if not rests:
        state[by.ENTRY], state[by.ENTRY_BAR] = float(k), float(bar)
    if k >= 0:
        i = int(state[by.COUNT])
        slots[0, i], slots[1, i] = k, bar + 1 + rules[4][rule, VALID] if rests else -1
        state[by.COUNT] += 1.0


@njit_inline
def _sides(book: Book, desk: Desk, sides: int, held: float) -> int:
    """Sides on which there may be one more entry beside ``held``, having left out entries that are over; 0 for none."""
    numbers, state, slots, left = desk[0], desk[1], desk[2], 0
    resting = -1
    for i in range(int(state[by.COUNT])):
        k = slots[0, i]
        lives = alive(book, k)
        if lives or (held != 0.0 and book[1][k, FILL_SIZE] != 0.0):
            slots[0, left], slots[1, left] = k, slots[1, i]
            left += 1
        if lives and resting < 0:
            resting = k
    state[by.COUNT] = left
    if left >= numbers[by.PYRAMIDING]:
        return 0
    if resting >= 0:
        sides &= LONG if book[1][resting, SIZE] > 0.0 else SHORT
    return sides


@njit_inline
def _first_true(book: Book, desk: Desk, rules: Rules, looked: int, wanted: int, bar: int) -> int:
    """The first entry whose rule is true, unless rules of both sides looked at are, or it is of no wanted one."""
    fired, first = 0, -1
    for rule in range(len(rules[0])):
        now = int(rules[0][rule, bar] & looked)
        if now != 0 and len(rules[7]) > 0:
            now = _holds(rules, rule, now, bar)
        if now != 0 and first < 0:
            first = rule
        fired |= now
    if fired in (LONG, SHORT) and fired & wanted:
        return first + 1 if fired == LONG else -first - 1
    return 0


@njit_inline
def _stays(book: Book, desk: Desk, rules: Rules, side: int, bar: int, close: float) -> int:
    """Leave a position, wholly or in part, as the rules say; the sides of which an entry may follow."""
    numbers, state = desk[0], desk[1]
    if alive(book, state[by.PART_EXIT]):
        return 0
    other = 0 if numbers[by.REVERSES] == 0.0 else SHORT if side == LONG else LONG
    for rule in range(len(rules[1])):
        if not rules[1][rule, bar] & side or desk[6][by.CLOSED, rule] or alive(book, desk[6][by.ORDER, rule]):
            continue
        if len(rules[7]) == 0 or _holds(rules, len(rules[0]) + rule, side, bar) != 0:
            return other if _leave(book, desk, rules, rule, bar, close) else 0
    bars = desk[9][int(state[by.RULE]), by.BARS]
    if bars != 0.0 and state[by.SIDE] != 0.0 and bar - state[by.ENTERED] >= bars:
        _close(book, desk, TIME_STOP, bar, close)
        return other
    return side if numbers[by.PYRAMIDING] > 1.0 else 0


@njit_inline
def enter(
    book: Book, desk: Desk, rules: Rules, ceilings: Ceilings | None, wish: int, bar: int, close: float, parts: Floats
) -> None:
    """Send the entry that `decide` wished for, cut to what the limits of its account allow."""
    side, held = 1.0 if wish > 0 else -1.0, book[5][HELD]
    _send(book, desk, rules, ceilings, abs(wish) - 1, side, 0.0 if held * side < 0.0 else held, bar, close, parts)


@njit_inline
def decide(book: Book, desk: Desk, rules: Rules, bar: int, close: float) -> int:
    """Leave, wholly or in part, as the rules say on this bar; the number of the entry to send, from 1, below 0 for a
    short one, 0 for none.
    """
    numbers, held = desk[0], book[5][HELD]
    _expire(book, desk, bar)
    if len(rules[7]) > 0:
        _look(book, desk, rules, bar)
    if held == 0.0:
        wanted = LONG | SHORT if bar + 1 - desk[1][by.LEFT] >= numbers[by.COOLDOWN] else 0
        turns = False
    else:
        side = LONG if held > 0.0 else SHORT
        wanted = _stays(book, desk, rules, side, bar, close)
        turns = wanted != 0 and wanted != side
    if wanted != 0:
        held = 0.0 if turns else held
        looked = _sides(book, desk, wanted, held)
        if looked != 0:
            return _first_true(book, desk, rules, LONG | SHORT if turns else looked, looked, bar)
    return 0


@njit_inline
def act(book: Book, desk: Desk, rules: Rules, bar: int, close: float, parts: Floats) -> None:
    """Leave, wholly or in part, or enter, as the rules say on this bar; or both, one side behind the other."""
    wish = decide(book, desk, rules, bar, close)
    if wish != 0:
        enter(book, desk, rules, None, wish, bar, close, parts)
