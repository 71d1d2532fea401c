"""Named rules in one compiled loop: what `strategies.rule_plan` does, under any costs, sizer and limits."""

from __future__ import annotations

import numpy as np

from ...core.kernels import inner, lean, woven
from ...core.tick_kernels import on_grid
from ..order_rules import LIMIT, MARKET
from .broker import admit, hold, trade
from .carrying import carry_over, carry_to, lacks_room
from .costly import Costly
from .desk import (
    BARS,
    BOUGHT_AT,
    COOLDOWN,
    COUNT,
    DEN,
    DUE,
    DUE_PRICE,
    ENTERED,
    ENTRY,
    ENTRY_BAR,
    LEFT,
    LOSS,
    NAMED,
    NUM,
    PAIRS,
    PART_EXIT,
    PYRAMIDING,
    SIDE,
    STOP_KIND,
    TRAIL_KIND,
    VALUE,
    Bits,
    Desk,
    alive,
    distance,
    hear,
    leave,
    protect,
    room,
    stands_aside,
    told,
    withdraw,
)
from .exact import PARTS
from .groups import cancel
from .layout import (
    CASH,
    CHECKED,
    CUTS,
    FILL_SIZE,
    FILLS,
    FLOOR,
    HELD,
    ORDERS,
    RESTING,
    RUINED,
    SIZE,
    Book,
    Floats,
    Integers,
    grown,
    is_full,
)
from .lots import FIXED, SCALE, SMALLEST, STEP, whole
from .margined import Margin, force_at_close, force_at_open, note_free, value_of
from .orders import send
from .rules import FOREIGN, REASONS, ROOM, SHUT, TIME_STOP, close_all
from .sizes import pair, sized

Rules = tuple[Bits, Bits, Floats, Floats, Integers, Floats, Floats]
"""Bits of each entry and each exit, by rule and bar; sizes and limits of entries; what entries have; shares of exits;
shares of the equity that the bars ask for."""

SIZED, LIMITED, VALID = range(3)
"""What an entry has: a size of its own, a limit, and bars for which that rests."""
LONG, SHORT = 1, 2
"""Bits of a rule that is true for a side."""
LOST = len(REASONS)
FORCED = LOST + 1
FIRST_RULE = LOST + 2
"""Reasons behind those of `rules`: a session's loss, a forced close, then every entry and every exit."""


@inner
def _expire(book: Book, desk: Desk, bar: int) -> None:
    """Cancel limit entries that have rested long enough."""
    slots = desk[2]
    for i in range(int(desk[1][COUNT])):
        if 0 <= slots[1, i] <= bar + 1 and alive(book, slots[0, i]):
            cancel(book, slots[0, i], told(desk, bar))
            slots[1, i] = -1


@inner
def _close(book: Book, desk: Desk, reason: int, bar: int, close: float) -> None:
    """Close the position, and cancel entries that still rest."""
    slots = desk[2]
    for i in range(int(desk[1][COUNT])):
        if slots[1, i] >= 0 and alive(book, slots[0, i]):
            cancel(book, slots[0, i], told(desk, bar))
    desk[1][PART_EXIT] = float(leave(book, desk, reason, bar, close))


@inner
def _leave(book: Book, desk: Desk, rules: Rules, rule: int, bar: int, close: float) -> None:
    """Close the position, or the rule's share of it in whole lots."""
    state, sizing, done, held = desk[1], desk[3], desk[6], book[5][HELD]
    share, reason = rules[5][rule], FIRST_RULE + len(rules[0]) + rule
    part = whole(abs(held) * share, sizing[STEP], sizing[SCALE])
    if share >= 1.0 or part >= abs(held):
        _close(book, desk, reason, bar, close)
        return
    done[rule] = 1
    if part > 0.0:
        side = np.sign(held)
        state[PART_EXIT] = float(send(book, bar, close, MARKET, -side * part, 0.0, 0.0, reason))
        withdraw(book, desk, bar)
        state[DUE], state[DUE_PRICE] = side * (abs(held) - part), state[BOUGHT_AT]


@inner
def _size(book: Book, desk: Desk, rules: Rules, rule: int, side: float, bar: int, close: float, parts: Floats) -> float:
    """Size of an entry, without sign; 0 for none."""
    numbers, sizing = desk[0], desk[3]
    stop = STOP_KIND if numbers[STOP_KIND] != 0.0 else TRAIL_KIND
    wanted = rules[6][bar] if len(rules[6]) > 0 else -1.0
    made = sized(sizing, desk[4], wanted, desk[1][VALUE], close, distance(desk, stop, close, bar))
    if rules[4][rule, SIZED] != 0:
        made = whole(rules[2][rule, bar] * made, sizing[STEP], sizing[SCALE])
        made = made if made * close >= sizing[SMALLEST] else 0.0
    return float(min(made, room(book, desk, side, close, parts)))


@inner
def _send(book: Book, desk: Desk, rules: Rules, rule: int, side: float, bar: int, close: float, parts: Floats) -> None:
    """Send an entry; a market order only where none of an earlier bar is still being filled."""
    state, slots, limited = desk[1], desk[2], rules[4][rule, LIMITED] != 0
    if not limited and alive(book, state[ENTRY]) and state[ENTRY_BAR] < bar:
        return
    size, k = _size(book, desk, rules, rule, side, bar, close, parts), -1
    if size > 0.0:
        price = on_grid(rules[3][rule, bar], desk[0][NUM], desk[0][DEN]) if limited else 0.0
        k = send(book, bar, close, LIMIT if limited else MARKET, side * size, price, 0.0, FIRST_RULE + rule)
        book[0][k, CUTS] = desk[3][FIXED] == 0.0
    if not limited:
        state[ENTRY], state[ENTRY_BAR] = float(k), float(bar)
    if k >= 0 and desk[0][NAMED] != 0.0:
        i = int(state[COUNT])
        slots[0, i], slots[1, i] = k, bar + 1 + rules[4][rule, VALID] if limited else -1
        state[COUNT] += 1.0


@inner
def _sides(book: Book, desk: Desk, sides: int) -> int:
    """Sides on which there may be one more entry, having left out entries that are over; 0 where there are enough."""
    numbers, state, slots, held, left = desk[0], desk[1], desk[2], book[5][HELD] != 0.0, 0
    resting = -1
    for i in range(int(state[COUNT])):
        k = slots[0, i]
        lives = alive(book, k)
        if lives or (held and book[1][k, FILL_SIZE] != 0.0):
            slots[0, left], slots[1, left] = k, slots[1, i]
            left += 1
        if lives and resting < 0:
            resting = k
    state[COUNT] = left
    if left >= numbers[PYRAMIDING]:
        return 0
    if resting >= 0:
        sides &= LONG if book[1][resting, SIZE] > 0.0 else SHORT
    return sides


@inner
def _enter(book: Book, desk: Desk, rules: Rules, sides: int, bar: int, close: float, parts: Floats) -> None:
    """Send the first entry whose rule is true, unless rules of both sides are, or there are enough."""
    if desk[0][NAMED] != 0.0:
        sides = _sides(book, desk, sides)
    fired, first = 0, -1
    for rule in range(len(rules[0])):
        now = rules[0][rule, bar] & sides
        if now != 0 and first < 0:
            first = rule
        fired |= now
    if fired in (LONG, SHORT):
        _send(book, desk, rules, first, 1.0 if fired == LONG else -1.0, bar, close, parts)


@inner
def _act(book: Book, desk: Desk, rules: Rules, bar: int, close: float, parts: Floats) -> None:
    """Leave, wholly or in part, or enter, as the rules say on this bar."""
    numbers, state, held = desk[0], desk[1], book[5][HELD]
    _expire(book, desk, bar)
    if held == 0.0:
        if bar + 1 - state[LEFT] >= numbers[COOLDOWN]:
            _enter(book, desk, rules, LONG | SHORT, bar, close, parts)
        return
    if numbers[NAMED] != 0.0 and alive(book, state[PART_EXIT]):
        return
    side = LONG if held > 0.0 else SHORT
    for rule in range(len(rules[1])):
        if rules[1][rule, bar] & side and not desk[6][rule]:
            _leave(book, desk, rules, rule, bar, close)
            return
    if numbers[BARS] != 0.0 and state[SIDE] != 0.0 and bar - state[ENTERED] >= numbers[BARS]:
        _close(book, desk, TIME_STOP, bar, close)
    elif numbers[NAMED] != 0.0:
        _enter(book, desk, rules, side, bar, close, parts)


@inner
def _trade(book: Book, costly: Costly | None, margin: Margin | None, desk: Desk, bars: Floats, bar: int) -> None:
    """What happens in the market and to the account on a bar."""
    count, close = book[4], bars[3, bar]
    works, news = count[RESTING] > 0 or count[CHECKED] < count[ORDERS], count[FILLS]
    shut = (desk[7][bar] >> SHUT) & 1 != 0
    if works and desk[7][bar] >> FOREIGN:
        admit(book, costly, margin, bar - 1)
    if costly is not None:
        carry_to(book, costly, margin, bar, bars[3, bar - 1] if bar > 0 else close)
    if margin is not None and not shut:
        force_at_open(book, costly, margin, bars[0, bar], bar)
    if works:
        prices = (bars[0, bar], bars[1, bar], bars[2, bar], close, bars[4, bar])
        if shut:
            hold(book, costly, margin, prices, bar)
        else:
            trade(book, costly, margin, prices, bar)
    if margin is not None and not shut:
        force_at_close(book, costly, margin, bars[1, bar], bars[2, bar], bar)
    if costly is not None:
        carry_over(book, costly, margin, bar, close)
    if count[FILLS] > news:
        hear(book, desk, news, bar)
        if desk[0][PAIRS] != 0.0:
            pair(book, desk[4])
    desk[1][VALUE] = value_of(book, margin, close)
    if desk[1][VALUE] <= book[5][FLOOR] and book[5][RUINED] == 0.0 and not (shut and book[5][HELD] != 0.0):
        close_all(book, bar, close)
    if margin is not None:
        note_free(book, margin, close)


@woven
def _lacks_room(book: Book, costly: Costly | None, bar: int) -> bool:
    """Whether there is no room for what bar ``bar`` may bring."""
    if is_full(book, ROOM):
        return True
    if costly is None:
        return False
    return lacks_room(costly, bar)


@woven
def _idle(desk: Desk, held: float, bits: int) -> bool:
    """Whether there is nothing to decide."""
    return desk[0][LOSS] == 0.0 and held == 0.0 and desk[1][COUNT] == 0.0 and not bits & (LONG | SHORT)


@lean
def _span(
    book: Book,
    costly: Costly | None,
    margin: Margin | None,
    desk: Desk,
    rules: Rules,
    bars: Floats,
    span: tuple[int, int],
    account: Floats,
    parts: Floats,
) -> int:
    """Follow rules from bar ``span[0]`` on, asking them from ``span[1]`` on; the bar it had no room for, or the end."""
    count, money, bits, numbers, n = book[4], book[5], desk[7], desk[0], bars.shape[1]
    for bar in range(span[0], n):
        if _lacks_room(book, costly, bar):
            return bar
        _trade(book, costly, margin, desk, bars, bar)
        close, held = bars[3, bar], money[HELD]
        if account.shape[1] > 0:
            account[0, bar], account[1, bar], account[2, bar] = desk[1][VALUE], money[CASH], held
        if bar < span[1] or money[RUINED] != 0.0 or _idle(desk, held, bits[bar]):
            continue
        if numbers[LOSS] != 0.0 and stands_aside(book, desk, LOST, bar, close):
            continue
        _act(book, desk, rules, bar, close, parts)
        if desk[1][DUE] != 0.0:
            protect(book, desk, bar, close)
    if bits[n] >> FOREIGN and count[CHECKED] < count[ORDERS]:
        admit(book, costly, margin, n - 1)
    return int(n)


def follow_book(
    book: Book,
    costly: Costly | None,
    margin: Margin | None,
    desk: Desk,
    rules: Rules,
    bars: Floats,
    first: int,
    account: Floats,
) -> tuple[Book, Costly | None]:
    """Follow named rules over all bars.

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
    bars : ndarray of float64, (5, n)
        Open, high, low, close and day number.
    first : int
        First bar the rules are looked at.
    account : ndarray of float64, (3, n) or (3, 0)
        Takes value, cash and position at every close.

    Returns
    -------
    book : Book
        With every order and fill.
    costly : Costly or None
        With what was booked.
    """
    bar, parts = 0, np.zeros(PARTS + 2)
    while (bar := _span(book, costly, margin, desk, rules, bars, (bar, first), account, parts)) < bars.shape[1]:
        book = grown(book)
        costly = (
            None if costly is None else (*costly[:5], np.concatenate((costly[5], np.zeros((len(costly[5]) + 64, 6)))))
        )
    return book, costly
