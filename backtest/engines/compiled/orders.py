"""Making orders: reference prices, trailing stops, groups and brackets as backtrader's order sets them up."""

from __future__ import annotations

import numpy as np

from ....core.kernels import njit_inline, njit_internal
from ...broker import order_rules
from ...broker.order_rules import STOP_TRAIL_LIMIT, TRAILING
from .state import (
    ACTIVE,
    BAR,
    CHILDREN,
    CREATED,
    GROUP_ROUND,
    GROUP_SIZE,
    LEADER,
    NEVER,
    NEWS,
    OFFSET,
    ORDERS,
    PARENT,
    PRICE,
    PRICE_LIMIT,
    REASON,
    REMAINING,
    ROUND,
    SESSION_END,
    SHOWN,
    SIZE,
    STATUS,
    TRAIL,
    TRAIL_SHARE,
    TYPE,
    VALID,
    Book,
    Floats,
)

trailed = njit_inline(order_rules.trailed)


@njit_inline
def trail(real: Floats, k: int, with_limit: bool, price: float) -> None:
    """Let trailing stop ``k`` follow ``price``, never back; its limit keeps its distance."""
    level = trailed(real[k, SIZE] > 0.0, real[k, PRICE], price, real[k, TRAIL], real[k, TRAIL_SHARE])
    if level != real[k, PRICE]:
        real[k, PRICE] = level
        if with_limit:
            real[k, PRICE_LIMIT] = level - real[k, OFFSET]


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
    k = count[ORDERS]
    count[ORDERS] = k + 1
    if price == 0.0:
        price = limit if limit != 0.0 else close
    o, w = real[k], whole[k]
    o[SIZE], o[REMAINING], o[PRICE] = size, size, price
    o[PRICE_LIMIT] = limit if limit != 0.0 else price
    w[TYPE], w[STATUS], w[BAR], w[NEWS], w[REASON] = kind, CREATED, bar, bar + 1, reason
    w[PARENT], w[LEADER], w[GROUP_SIZE] = -1, k, 1
    o[SHOWN] = o[PRICE]
    return int(k)


@njit_internal
def set_trail(book: Book, k: int, distance: float, share: float) -> None:
    """Make order ``k`` trail by a distance or, where that is 0, by a share of the price."""
    whole, real, _, _, _, _, _ = book
    o, kind = real[k], whole[k, TYPE]
    o[TRAIL], o[TRAIL_SHARE] = distance, share
    if kind in TRAILING:
        o[OFFSET] = o[PRICE] - o[PRICE_LIMIT]
        price = o[PRICE]
        o[PRICE] = np.inf if o[SIZE] > 0.0 else -np.inf
        trail(real, k, kind == STOP_TRAIL_LIMIT, price)
        o[SHOWN] = o[PRICE]


@njit_internal
def set_end(book: Book, k: int, valid: float, session_end: float) -> None:
    """The day numbers after which order ``k`` expires (0 for never) and at which its session ends."""
    real = book[1]
    real[k, VALID], real[k, SESSION_END] = valid, session_end


@njit_internal
def join(book: Book, k: int, other: int) -> None:
    """Put order ``k`` into the group of ``other``, of which one cancels the others."""
    whole = book[0]
    leader = whole[other, LEADER]
    whole[k, LEADER], whole[k, ROUND] = leader, whole[leader, GROUP_ROUND]
    whole[leader, GROUP_SIZE] += 1


@njit_internal
def adopt(book: Book, k: int, parent: int) -> None:
    """Make order ``k``, sent right behind ``parent`` and its other children, wait for its completion."""
    whole = book[0]
    whole[k, PARENT], whole[k, ACTIVE] = parent, NEVER
    whole[parent, CHILDREN] += 1
