"""Limits of the positions that share an account: what `strategies.framework.portfolio_limits` does, compiled."""

from __future__ import annotations

import numpy as np

from ....core.kernels import njit_inline, njit_internal
from ...broker.order_rules import CLOSE, MARKET
from . import desk as by
from . import state as at
from .desk import Desk
from .exact import add, total
from .lots import SCALE, SMALLEST, STEP, whole
from .oco_brackets import rests
from .state import Book, Floats, Integers

Ceilings = tuple[Floats, Integers, Floats, Floats, Floats, Floats]
"""Limits; counts; accounts of the desks, their closes, and room for the sizes they come to; orders that were cut."""

NOTED, POSITIONS, CUTS = range(3)
"""Counts: how many orders there were when sizes were last reckoned, how many desks had one, orders that were cut."""
WHOSE, WHEN, SIDE, WHY, ASKED, SENT = range(6)
"""Columns of those: desk, bar, 1 to buy or −1, the limit by its number, sizes."""
LIMITS = ("each", "gross", "max_positions", "net")
"""In the order in which, of several that allow the same, one counts."""
EACH, GROSS, MAX_POSITIONS, NET = range(4)


@njit_internal
def _note_aims(book: Book, ceilings: Ceilings) -> None:
    """Note the size that each desk comes to with the orders that work, protection aside."""
    whole_, real, queue, count, accounts, aims = book[0], book[1], book[2], book[4], ceilings[2], ceilings[4]
    for desk in range(len(aims)):
        aims[desk] = accounts[desk, at.HELD]
    resting = count[at.RESTING]
    for i in range(resting + count[at.ORDERS] - count[at.CHECKED]):
        k = queue[i] if i < resting else count[at.CHECKED] + i - resting
        desk, kind = whole_[k, at.DESK], whole_[k, at.TYPE]
        if i < resting and not rests(whole_[k, at.STATUS]):
            continue
        if kind in (MARKET, CLOSE) or real[k, at.SIZE] * accounts[desk, at.HELD] >= 0.0:
            aims[desk] += real[k, at.REMAINING]
    made = 0
    for desk in range(len(aims)):
        made += aims[desk] != 0.0
    ceilings[1][NOTED], ceilings[1][POSITIONS] = count[at.ORDERS], made


@njit_internal
def _worth(ceilings: Ceilings, own: int, signed: bool, parts: Floats) -> float:
    """What the sizes are worth that all desks but ``own`` come to, with their signs or without."""
    closes, aims = ceilings[3], ceilings[4]
    parts[0] = 0.0
    for k in range(len(aims)):
        if k != own and aims[k] != 0.0:
            worth = abs(aims[k]) * closes[k]
            add(parts, -worth if signed and aims[k] < 0.0 else worth)
    return float(total(parts))


@njit_internal
def _most(ceilings: Ceilings, limit: int, own: int, side: float, value: float, parts: Floats) -> float:
    """The size that a desk may come to on a side by one limit."""
    asked, closes, aims = ceilings[0][limit], ceilings[3], ceilings[4]
    if limit == MAX_POSITIONS:
        return np.inf if aims[own] != 0.0 or ceilings[1][POSITIONS] < asked else 0.0
    worth = asked * value
    if limit == GROSS:
        worth -= _worth(ceilings, own, False, parts)
    elif limit == NET:
        worth -= side * _worth(ceilings, own, True, parts)
    return float(max(worth, 0.0) / closes[own])


@njit_internal
def _allowed(
    book: Book, desk: Desk, ceilings: Ceilings, side: float, asked: float, bar: int, close: float, parts: Floats
) -> float:
    """How much of ``asked`` may be sent, in whole lots; nothing below the smallest notional."""
    limits, counts, sizing, own = ceilings[0], ceilings[1], desk[3], int(book[5][at.NUMBER])
    if counts[NOTED] != book[4][at.ORDERS]:
        _note_aims(book, ceilings)
    most, why = np.inf, -1
    for limit in range(len(limits)):
        if limits[limit] == limits[limit]:
            made = _most(ceilings, limit, own, side, desk[1][by.VALUE], parts)
            if why < 0 or made < most:
                most, why = made, limit
    most -= side * ceilings[4][own]
    if asked <= most:
        return asked
    size = whole(max(most, 0.0), sizing[STEP], sizing[SCALE])
    size = size if size * close >= sizing[SMALLEST] else 0.0
    row = ceilings[5][counts[CUTS]]
    row[WHOSE], row[WHEN], row[SIDE], row[WHY], row[ASKED], row[SENT] = own, bar, side, why, asked, size
    counts[CUTS] += 1
    return float(size)


@njit_inline
def allowed(
    book: Book, desk: Desk, ceilings: Ceilings | None, side: float, asked: float, bar: int, close: float, parts: Floats
) -> float:
    """How much of an entry of ``asked`` the limits of its account allow; all of it where there are none."""
    if ceilings is None:
        return asked
    if asked == 0.0 or len(ceilings[0]) == 0:
        return asked
    return float(_allowed(book, desk, ceilings, side, asked, bar, close, parts))
