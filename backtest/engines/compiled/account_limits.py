"""Limits of a whole account: what `strategies.framework.account_limits` does for the desks that share it, compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....core.kernels import njit_inline, njit_internal
from ...broker.order_rules import MARKET
from . import state as at
from .desk import Desk
from .oco_brackets import cancel
from .order_manager import alive, drop, told
from .orders import send
from .state import Book, Floats, Integers
from .timeline import Steps, present
from .views import arrays_at

Orders = tuple[Integers, Floats, Integers, Floats, Integers]
"""What the orders of all desks share: the first five parts of a `Book`."""
Desks = tuple[Floats, Floats, Integers, Any, Any, Any]
"""The position of each desk, with the cash put in whenever one of its orders is looked at; what trading it costs; a
table of its arrays (`views`); a `Desk`, `Rules` and prices, of whose types they are."""
Clock = tuple[Integers, Integers, Floats, NDArray[np.uint8], Integers, Integers]
"""Of each desk its bar, the step at which that closed, its close, the bits of a bar of which any brings something to
decide, the bar from which on there may be without, and the first on which rules are asked."""
BAR, FRESH, LAST, WAKE, DUE, FIRST = range(6)
Limits = tuple[Floats, Floats, Integers, NDArray[np.uint8]]
"""Numbers, state, the order that closes each desk by each limit, and at which steps a session begins."""
LOSS, LOSS_SHARED, FALL, FALL_SHARED = range(4)
"""Numbers: the loss of a session and the fall from the peak, 0 for none, and whether each is a share."""
WORTH, FIRST_WORTH, HALTED, PEAK, FALLEN = range(5)
"""State: worth at the last close, and at the last before the session; whether it has lost too much; the highest worth,
and whether the account has fallen too far from it."""


@njit_inline
def book_of(orders: Orders, desks: Desks, k: int) -> Book:
    """The orders, with the position and the costs of a desk."""
    return orders[0], orders[1], orders[2], orders[3], orders[4], desks[0][k], desks[1][k]


@njit_inline
def desk_at(desks: Desks, k: int) -> Desk:
    """What a desk goes by."""
    return arrays_at(desks[2], k, 0, desks[3])  # type: ignore[no-any-return]


@njit_internal
def heard_after(desks: Desks, clock: Clock, steps: Steps, count: int, k: int, step: int) -> int:
    """The bar on which a desk hears of what is done to its orders at the end of a step, or in one that passes it by."""
    bar = clock[BAR][k]
    if clock[FRESH][k] == step or len(steps[2]) == 0:
        return told(desk_at(desks, k), bar)
    for later in range(step + 1, count):
        a, b = present(steps, later)
        for e in range(a, b):
            if steps[1][e] == k:
                return int(bar + 1)
        if steps[2][later]:
            return int(bar)
    return int(bar + 1)


@njit_internal
def _close_all(
    orders: Orders, desks: Desks, clock: Clock, steps: Steps, count: int, leaving: Integers, reason: int, step: int
) -> None:
    """Cancel what works and close every position, but what closes one already."""
    whole, queue, counts, accounts = orders[0], orders[2], orders[4], desks[0]
    for q in range(counts[at.RESTING]):
        k = queue[q]
        own = whole[k, at.DESK]
        if k != leaving[own]:
            cancel(book_of(orders, desks, own), k, heard_after(desks, clock, steps, count, own, step))
    for own in range(len(leaving)):
        book, desk = book_of(orders, desks, own), desk_at(desks, own)
        heard = heard_after(desks, clock, steps, count, own, step)
        drop(book, desk, heard)
        held = accounts[own, at.HELD]
        if held != 0.0 and not alive(book, leaving[own]):
            bar = clock[BAR][own]
            leaving[own] = send(book, bar, clock[LAST][own], MARKET, -held, 0.0, 0.0, reason)
            whole[leaving[own], at.HEARD] = heard


@njit_internal
def stands_aside(
    orders: Orders, desks: Desks, clock: Clock, steps: Steps, count: int, limits: Limits, value: float, step: int
) -> bool:
    """Whether the account has lost too much by this step; closes what is open then."""
    numbers, state, leaving, sessions = limits
    if numbers[FALL] != 0.0:
        state[PEAK] = max(state[PEAK], value)
        if state[PEAK] - value >= numbers[FALL] * (state[PEAK] if numbers[FALL_SHARED] != 0.0 else 1.0):
            state[FALLEN] = 1.0
        if state[FALLEN] != 0.0:
            _close_all(orders, desks, clock, steps, count, leaving[1], at.FELL, step)
            return True
    if numbers[LOSS] == 0.0:
        return False
    if sessions[step]:
        state[FIRST_WORTH], state[HALTED] = state[WORTH], 0.0
    state[WORTH] = value
    if state[FIRST_WORTH] - value >= numbers[LOSS] * (state[FIRST_WORTH] if numbers[LOSS_SHARED] != 0.0 else 1.0):
        state[HALTED] = 1.0
    if state[HALTED] == 0.0:
        return False
    _close_all(orders, desks, clock, steps, count, leaving[0], at.LOST, step)
    return True


@njit_internal
def close_desks(orders: Orders, desks: Desks, clock: Clock) -> None:
    """What an account does that is worth nothing: cancel every order and close all positions."""
    whole, queue, counts, accounts = orders[0], orders[2], orders[4], desks[0]
    for q in range(counts[at.RESTING]):
        own = whole[queue[q], at.DESK]
        cancel(book_of(orders, desks, own), queue[q], clock[BAR][own])
    for own in range(len(accounts)):
        if accounts[own, at.HELD] != 0.0:
            bar, book = clock[BAR][own], book_of(orders, desks, own)
            k = send(book, bar, clock[LAST][own], MARKET, -accounts[own, at.HELD], 0.0, 0.0, at.RUINOUS)
            whole[k, at.STATUS], whole[k, at.NEWS], whole[k, at.HEARD] = at.SUBMITTED, bar, bar
