"""Making orders: reference prices, trailing stops, groups and brackets as backtrader's order sets them up."""

from __future__ import annotations

import numpy as np

from ....core.kernels import njit_inline, njit_internal
from ....core.tick_kernels import on_grid
from ...broker import order_rules
from ...broker.order_rules import STOP_TRAIL_LIMIT, TRAILING
from . import state as at
from .state import Book, Floats

trailed = njit_inline(order_rules.trailed)


@njit_inline
def trail(real: Floats, k: int, with_limit: bool, price: float) -> None:
    """Let trailing stop ``k`` follow ``price``, never back, on its tick; its limit keeps its distance."""
    level = trailed(real[k, at.SIZE] > 0.0, real[k, at.PRICE], price, real[k, at.TRAIL], real[k, at.TRAIL_SHARE])
    level = on_grid(level, real[k, at.TRAIL_NUM], real[k, at.TRAIL_DEN])
    if level != real[k, at.PRICE]:
        real[k, at.PRICE] = level
        if with_limit:
            real[k, at.PRICE_LIMIT] = level - real[k, at.OFFSET]


@njit_internal
def send(book: Book, bar: int, close: float, kind: int, size: float, price: float, limit: float, reason: int) -> int:
    """Make an order that the broker looks at before the next bar.

    Parameters
    ----------
    book : Book
        With room for it.
    bar : int
        On whose close it is sent.
    close : float
        Reference price where none is given.
    kind : int
        One of `state.TYPES`.
    size : float
        Above zero to buy.
    price, limit : float
        Trigger or limit price, limit behind a trigger; 0 where not given.
    reason : int
        What for, as a number of the caller's.

    Returns
    -------
    int
        Its row.
    """
    whole, real, _, _, count, _, _ = book
    k = count[at.ORDERS]
    count[at.ORDERS] = k + 1
    if price == 0.0:
        price = limit if limit != 0.0 else close
    o, w = real[k], whole[k]
    o[at.SIZE], o[at.REMAINING], o[at.PRICE] = size, size, price
    o[at.PRICE_LIMIT] = limit if limit != 0.0 else price
    w[at.TYPE], w[at.STATUS], w[at.BAR], w[at.NEWS], w[at.REASON] = kind, at.CREATED, bar, bar + 1, reason
    w[at.PARENT], w[at.LEADER], w[at.GROUP_SIZE] = -1, k, 1
    w[at.DESK], w[at.HEARD] = int(book[5][at.NUMBER]), -1
    o[at.SHOWN] = o[at.PRICE]
    return int(k)


@njit_internal
def set_trail(book: Book, k: int, distance: float, share: float, num: float, den: float) -> None:
    """Make order ``k`` trail by a distance or, where that is 0, by a share of the price, on a tick of ``num / den``."""
    whole, real, _, _, _, _, _ = book
    o, kind = real[k], whole[k, at.TYPE]
    o[at.TRAIL], o[at.TRAIL_SHARE], o[at.TRAIL_NUM], o[at.TRAIL_DEN] = distance, share, num, den
    if kind in TRAILING:
        o[at.OFFSET] = o[at.PRICE] - o[at.PRICE_LIMIT]
        price = o[at.PRICE]
        o[at.PRICE] = np.inf if o[at.SIZE] > 0.0 else -np.inf
        trail(real, k, kind == STOP_TRAIL_LIMIT, price)
        o[at.SHOWN] = o[at.PRICE]


@njit_internal
def set_end(book: Book, k: int, valid: float, session_end: float) -> None:
    """The day numbers after which order ``k`` expires (0 for never) and at which its session ends."""
    real = book[1]
    real[k, at.VALID], real[k, at.SESSION_END] = valid, session_end


@njit_internal
def join(book: Book, k: int, other: int) -> None:
    """Put order ``k`` into the group of ``other``, of which one cancels the others."""
    whole = book[0]
    leader = whole[other, at.LEADER]
    whole[k, at.LEADER], whole[k, at.ROUND] = leader, whole[leader, at.GROUP_ROUND]
    whole[leader, at.GROUP_SIZE] += 1


@njit_internal
def adopt(book: Book, k: int, parent: int) -> None:
    """Make order ``k``, sent right behind ``parent`` and its other children, wait for its completion."""
    whole = book[0]
    whole[k, at.PARENT], whole[k, at.ACTIVE] = parent, at.NEVER
    whole[parent, at.CHILDREN] += 1
