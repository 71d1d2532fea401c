"""The loop over the steps of several desks that share an account: what `loop` does for one, in the order of
`strategies.framework.portfolio`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np

from ....core.kernels import njit_inline, njit_internal, njit_no_refcount
from ...broker.base import DUST
from . import account_limits as of
from . import desk as by
from . import state as at
from .account import trial
from .account_limits import Clock, Desks, Limits, Orders, book_of, close_desks, desk_at, heard_after, stands_aside
from .broker import attempt, expired, tidy
from .ceilings import CUTS, NOTED, SENT, Ceilings
from .desk import Desk
from .exact import PARTS
from .guards import move, protect
from .loop import ROOM
from .matching import waits
from .oco_brackets import accept, cancel_others, end, rests
from .order_manager import alive, hear_one, wakes
from .rulebook import decide, enter
from .sizes import pair
from .state import Book, Floats, Integers, grown, is_full, new_book
from .timeline import Steps, Timeline, present
from .views import arrays_at, table_of

Purse = Floats
"""What the desks share: cash, what the account is worth when it is worth nothing, and the step after that at which it
was, 0 before."""
CASH, FLOOR, RUINED = range(3)
Wishes = tuple[Integers, Integers, Floats]
"""Desks that would enter at a step, which entry, and what they come in order of."""


@njit_internal
def _rouse(orders: Orders, desks: Desks, clock: Clock, k: int) -> None:
    """Note which bars a desk is to be asked on."""
    desk, wake, due = desk_at(desks, k), clock[of.WAKE], clock[of.DUE]
    wake[k], due[k] = 0, 0
    if not _rests(book_of(orders, desks, k), desk):
        wake[k], due[k] = wakes(desk, desks[0][k, at.HELD])


@njit_internal
def _rests(book: Book, desk: Desk) -> bool:
    """Whether an entry of the desk rests, which ends some day."""
    slots, found = desk[2], False
    for i in range(int(desk[1][by.COUNT])):
        found |= slots[1, i] >= 0 and alive(book, slots[0, i])
    return found


@njit_inline
def _is_awake(desks: Desks, clock: Clock, k: int) -> bool:
    """Whether there may be something to decide on a desk's bar."""
    bar = clock[of.BAR][k]
    bits = desk_at(desks, k)[7]
    return bool(bar >= clock[of.DUE][k] or bits[bar] & clock[of.WAKE][k] != 0)


@njit_inline
def _prices(desks: Desks, clock: Clock, k: int) -> tuple[float, float, float, float, float]:
    market, bar = arrays_at(desks[2], k, len(desks[3]) + len(desks[4]), desks[5]), clock[of.BAR][k]
    return market[0][bar], market[1][bar], market[2][bar], market[3][bar], float(bar)


@njit_inline
def _move_on(desks: Desks, clock: Clock, steps: Steps, step: int) -> None:
    """Every feed with a bar at this step goes on to it."""
    a, b = present(steps, step)
    for e in range(a, b):
        k = steps[1][e]
        clock[of.BAR][k] += 1
        clock[of.FRESH][k] = step
        market = arrays_at(desks[2], k, len(desks[3]) + len(desks[4]), desks[5])
        clock[of.LAST][k] = market[3][clock[of.BAR][k]]


@njit_internal
def _admit(orders: Orders, desks: Desks, clock: Clock, steps: Steps, purse: Purse, step: int, last: int) -> None:
    """Let new orders into the market that cash would pay for, tried one after the other on one account."""
    whole, count = orders[0], orders[4]
    for k in range(count[at.CHECKED], count[at.ORDERS]):
        account = desks[0][whole[k, at.DESK]]
        account[at.TRIED + at.HELD], account[at.TRIED + at.ENTRY] = account[at.HELD], account[at.ENTRY]
    cash = purse[CASH]
    while count[at.CHECKED] < count[at.ORDERS]:
        k = count[at.CHECKED]
        count[at.CHECKED] = k + 1
        own = whole[k, at.DESK]
        book, bar = book_of(orders, desks, own), clock[of.BAR][own]
        heard = bar
        if clock[of.FRESH][own] != step and not (len(steps[2]) > 0 and steps[2][step]):
            heard = heard_after(desks, clock, steps, last, own, step)
        book[5][at.TRIED + at.CASH] = cash
        taken = whole[k, at.CONDITIONS] & at.REDUCE_ONLY != 0 or trial(book, None, k, bar) >= 0.0
        cash = book[5][at.TRIED + at.CASH]
        if taken:
            accept(book, k, heard)
        else:
            end(whole, k, at.MARGIN, heard)
            cancel_others(book, k, heard)


@njit_internal
def _trade(orders: Orders, desks: Desks, clock: Clock, purse: Purse, step: int) -> None:
    """Try what works, in the order in which it came, on feeds that have a new bar."""
    whole, real, queue, _, count = orders
    last, q = count[at.RESTING], -1
    while q + 1 < last:
        q += 1
        k = queue[q]
        own = whole[k, at.DESK]
        if clock[of.FRESH][own] != step or not rests(whole[k, at.STATUS]):
            continue
        bar, desk, prices = clock[of.BAR][own], desk_at(desks, own), _prices(desks, clock, own)
        if bar < whole[k, at.ACTIVE] or expired(book_of(orders, desks, own), k, prices[4], bar):
            continue
        if (desk[7][bar] >> at.SHUT) & 1:
            whole[k, at.WAITED] += waits(whole, real, k, prices)
            continue
        book = book_of(orders, desks, own)
        book[5][at.CASH] = purse[CASH]
        last += attempt(book, None, None, desk, q, prices, bar)
        purse[CASH] = book[5][at.CASH]
    tidy(whole, queue, count)


@njit_internal
def _hear(orders: Orders, desks: Desks, clock: Clock, news: int, span: tuple[int, int]) -> None:
    """Let desks from ``span[0]`` to before ``span[1]`` learn of their fills from ``news`` on."""
    whole, fills, count = orders[0], orders[3], orders[4]
    for f in range(news, count[at.FILLS]):
        k = int(fills[f, at.WHO])
        own = whole[k, at.DESK]
        if span[0] <= own < span[1]:
            desk, book = desk_at(desks, own), book_of(orders, desks, own)
            hear_one(book, desk, k, clock[of.BAR][own])
            if desk[0][by.PAIRS] != 0.0:
                pair(book, desk[4])
            _rouse(orders, desks, clock, own)


@njit_inline
def _worth(desks: Desks, clock: Clock, cash: float) -> float:
    """Cash and all positions at their last closes, added up in the order of the desks."""
    accounts, closes, made = desks[0], clock[of.LAST], 0.0
    for k in range(len(accounts)):
        held = accounts[k, at.HELD]
        if held != 0.0:
            value, gain = held * closes[k], held * (closes[k] - accounts[k, at.ENTRY])
            if value > 0.0:
                made += value - gain
                made += gain
            else:
                made += value
    return float(cash + made)


@njit_internal
def _is_shut(desks: Desks, clock: Clock) -> bool:
    """Whether nobody traded in the bar of a position."""
    for k in range(len(desks[0])):
        if desks[0][k, at.HELD] != 0.0 and (desk_at(desks, k)[7][clock[of.BAR][k]] >> at.SHUT) & 1:
            return True
    return False


@njit_internal
def _first_asked(clock: Clock, steps: Steps, step: int) -> int:
    """The first desk that is asked at a step; how many there are for none."""
    every = len(clock[of.BAR])
    if len(steps[2]) > 0 and steps[2][step]:
        for k in range(every):
            if clock[of.BAR][k] >= clock[of.FIRST][k]:
                return k
    a, b = present(steps, step)
    for e in range(a, b):
        if clock[of.BAR][steps[1][e]] >= clock[of.FIRST][steps[1][e]]:
            return int(steps[1][e])
    return every


@njit_internal
def _place(wishes: Wishes, count: int, rank: float) -> int:
    """Where a wish stands behind ``count`` others: before those of lower rank, and behind all of none."""
    i = count
    while i > 0 and wishes[2][i - 1] > rank:
        wishes[0][i], wishes[1][i], wishes[2][i] = wishes[0][i - 1], wishes[1][i - 1], wishes[2][i - 1]
        i -= 1
    return i


@njit_internal
def _ask(
    orders: Orders, desks: Desks, clock: Clock, steps: Steps, wishes: Wishes, ceilings: Ceilings, value: float,
    parts: Floats, step: int,
) -> None:  # fmt: skip
    """Have the desks decide that have a bar: all that leave, then entries by rank, then protection."""
    a, b = present(steps, step)
    count, asked = 0, False
    ranked = len(desks[3]) + len(desks[4]) + len(desks[5])
    for e in range(a, b):
        k = steps[1][e]
        bar = clock[of.BAR][k]
        if bar < clock[of.FIRST][k] or not _is_awake(desks, clock, k):
            continue
        desk, rules = desk_at(desks, k), arrays_at(desks[2], k, len(desks[3]), desks[4])
        asked, desk[1][by.VALUE] = True, value
        wish = decide(book_of(orders, desks, k), desk, rules, bar, clock[of.LAST][k])
        if wish != 0:
            ranks = arrays_at(desks[2], k, ranked, desks[5][:1])[0]
            rank = ranks[bar] if len(ranks) > 0 else 0.0
            i = _place(wishes, count, rank)
            wishes[0][i], wishes[1][i], wishes[2][i] = k, wish, rank
            count += 1
    ceilings[1][NOTED] = -1  # orders may have been filled or cancelled since
    for i in range(count):
        k = wishes[0][i]
        desk, rules = desk_at(desks, k), arrays_at(desks[2], k, len(desks[3]), desks[4])
        book, close = book_of(orders, desks, k), clock[of.LAST][k]
        enter(book, desk, rules, ceilings, wishes[1][i], clock[of.BAR][k], close, parts)
    if asked:
        _settle(orders, desks, clock, a, b, steps)


@njit_internal
def _forget(orders: Orders, desks: Desks, clock: Clock) -> None:
    """Send no protection that is due, where all positions are being closed."""
    for k in range(len(desks[0])):
        desk_at(desks, k)[1][by.DUE] = 0.0
        _rouse(orders, desks, clock, k)


@njit_internal
def _settle(orders: Orders, desks: Desks, clock: Clock, a: int, b: int, steps: Steps) -> None:
    """Send the protection that is due of desks that were asked."""
    for e in range(a, b):
        k = steps[1][e]
        bar = clock[of.BAR][k]
        if bar >= clock[of.FIRST][k] and _is_awake(desks, clock, k):
            desk = desk_at(desks, k)
            if desk[1][by.DUE] != 0.0:
                protect(book_of(orders, desks, k), desk, bar, clock[of.LAST][k])
            if desk[0][by.MOVES] != 0.0 and desk[1][by.GUARDS] != 0.0:
                _, high, low, close, _ = _prices(desks, clock, k)
                move(book_of(orders, desks, k), desk, high, low, close, bar)
            _rouse(orders, desks, clock, k)


@njit_no_refcount
def _span(
    orders: Orders, desks: Desks, clock: Clock, steps: Steps, purse: Purse, limits: Limits, ceilings: Ceilings,
    wishes: Wishes, account: Floats, parts: Floats, span: tuple[int, int, int],
) -> tuple[int, int]:  # fmt: skip
    """Follow rules from step ``span[0]`` and row ``span[1]`` of the account on, until there is no room or no step."""
    count, every = orders[4], len(desks[0])
    step, row, last = span
    watched, guards = len(limits[0]) > 0, desk_at(desks, 0)[8].shape[1]
    while step < last:
        if is_full(book_of(orders, desks, 0), (ROOM + guards) * every, 2 + guards) or ceilings[1][CUTS] + every > len(
            ceilings[5]
        ):
            return step, row
        _move_on(desks, clock, steps, step)
        news = count[at.FILLS]
        if count[at.CHECKED] < count[at.ORDERS]:
            _admit(orders, desks, clock, steps, purse, step, last)
        if count[at.RESTING] > 0:
            _trade(orders, desks, clock, purse, step)
        a, b = present(steps, step)
        value = _worth(desks, clock, purse[CASH])
        if a < b:
            account[0, row], account[1, row], account[2, row] = value, purse[CASH], desks[0][0, at.HELD]
            row += 1
        if value <= purse[FLOOR] and purse[RUINED] == 0.0 and not _is_shut(desks, clock):
            purse[RUINED] = row
            close_desks(orders, desks, clock)
        aside, first = False, every
        if watched:
            first = _first_asked(clock, steps, step)
        if count[at.FILLS] > news:
            _hear(orders, desks, clock, news, (0, min(first + 1, every)))
        if first < every and purse[RUINED] == 0.0:
            aside = stands_aside(orders, desks, clock, steps, last, limits, value, step)
            if count[at.FILLS] > news:
                _hear(orders, desks, clock, news, (first + 1, every))
            if aside:
                _forget(orders, desks, clock)
        if not aside and purse[RUINED] == 0.0 and a < b:
            _ask(orders, desks, clock, steps, wishes, ceilings, value, parts, step)
        step += 1
    return step, row


@njit_no_refcount
def _judged(
    table: Integers,
    like: Any,
    steps: Steps,
    last: int,
    first: Integers,
    bars: Integers,
    made: Integers,
    opened: Integers,
) -> int:
    """Note the steps at which a desk is asked, and the latest open of the bars of all; how many there are."""
    count = 0
    for step in range(last):
        a, b = present(steps, step)
        idle, asked, latest = len(steps[2]) > 0 and steps[2][step] != 0, False, np.iinfo(np.int64).min
        for e in range(a, b):
            bars[steps[1][e]] += 1
            asked |= bars[steps[1][e]] >= first[steps[1][e]]
        for k in range(len(bars)):
            asked |= idle and bars[k] >= first[k]
            if bars[k] >= 0:
                latest = max(latest, arrays_at(table, k, 0, like)[0][bars[k]])
        if asked:
            made[count], opened[count] = step, latest
            count += 1
    return count


def judged_at(line: Timeline, first: Integers, opens: Sequence[Integers]) -> tuple[Integers, Integers]:
    """The steps at which a desk is asked, so that a session's loss is judged, and the latest open of all bars then."""
    table, kept = table_of([(own,) for own in opens])
    made, opened = np.zeros((2, line.length), np.int64)
    bars = np.full(len(opens), -1)
    count = _judged(table, (kept[0][0],), line.steps, line.length, first, bars, made, opened)
    return made[:count], opened[:count]


def follow_desks(
    cash: float,
    costs: Floats,
    arrays: Sequence[tuple[tuple[Any, ...], ...]],
    first: Integers,
    line: Timeline,
    limits: Limits,
    ceilings: Floats,
) -> tuple[Orders, Floats, int, Floats]:
    """Follow the rules of several desks over all steps.

    Parameters
    ----------
    cash : float
        What they share.
    costs : ndarray of float64, (desks, 4 or more)
        As `state.new_book` takes them.
    arrays : sequence of tuple
        Of each its `Desk`, its `Rules`, its prices, and what its entries come in order of.
    first : ndarray of int64
        First bar on which the rules of each are asked.
    line : Timeline
        The steps.
    limits : Limits
        Of the account; without numbers for none.
    ceilings : ndarray of float64
        Limits of positions, NaN for none of one of them; empty for none at all.

    Returns
    -------
    orders : Orders
        Every order and fill.
    account : ndarray of float64, (3, n)
        Value, cash and position of the first desk where a desk has a bar.
    ruined : int
        The row of it, from 1, at which the account was worth nothing; 0 for none.
    cuts : ndarray of float64, (m, 6)
        The orders that limits of positions have cut.
    """
    every = len(arrays)
    table, kept = table_of([[array for part in one for array in part] for one in arrays])
    books = [new_book(cash, own, 1) for own in costs]
    accounts = np.array([book[5] for book in books])
    accounts[:, at.NUMBER] = np.arange(every)
    parts_of, like = iter(kept[0]), arrays[0][:3]
    desks: Any = (
        accounts,
        np.array([book[6] for book in books]),
        table,
        *(tuple(islice(parts_of, len(part))) for part in like),
    )
    clock: Any = (
        np.full(every, -1), np.full(every, -1), np.zeros(every), np.full(every, at.LONG | at.SHORT, np.uint8),
        np.full(every, at.NEVER), np.asarray(first, np.int64),
    )  # fmt: skip
    purse = np.array([cash, DUST * cash, 0.0])
    wishes = (np.zeros(every, np.int64), np.zeros(every, np.int64), np.zeros(every))
    book, parts, account = new_book(cash, costs[0], 4096), np.zeros(PARTS + 2), np.empty((3, len(line.times)))
    most: Ceilings = (
        ceilings, np.zeros(CUTS + 1, np.int64), accounts, clock[of.LAST], np.zeros(every), np.zeros((64, SENT + 1))
    )  # fmt: skip
    step, row = 0, 0
    while True:
        step, row = _span(
            book[:5], desks, clock, line.steps, purse, limits, most, wishes, account, parts, (step, row, line.length)
        )
        if step == line.length:
            del kept
            return book[:5], account, int(purse[RUINED]), most[5][: most[1][CUTS]]
        if most[1][CUTS] + every > len(most[5]):
            most = (*most[:5], np.concatenate((most[5], np.zeros((len(most[5]) + every, SENT + 1)))))
        else:
            book = grown(book)
