"""Where the compiled broker keeps its things: one row an order, one row a fill, the account, the costs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....core.kernels import njit_inline
from ....core.lots import DEFAULT_LOT
from ....core.ticks import grid_of
from ....strategies.framework.account_limits import DRAWDOWN, LOSS
from ...broker.base import DUST, RUIN
from ...broker.liquidation import LIQUIDATION

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Book = tuple[Integers, Floats, Integers, Floats, Integers, Floats, Floats]
"""Whole numbers of orders, their floats, the queue of resting orders, fills, counters, account, costs."""

TYPES = ("market", "close", "limit", "stop", "stop_limit", "stop_trail", "stop_trail_limit")
"""By the numbers of `order_rules`."""
CREATED, SUBMITTED, ACCEPTED, PARTIAL, COMPLETED, CANCELED, EXPIRED, MARGIN, REJECTED = range(9)
STATUSES = ("created", "submitted", "accepted", "partial", "completed", "canceled", "expired", "margin", "rejected")

(
    TYPE,
    STATUS,
    BAR,
    NEWS,
    FILLED,
    BEFORE,
    ACTIVE,
    TRIGGERED,
    RESTED,
    PARENT,
    CHILDREN,
    GONE,
    LEADER,
    ROUND,
    GROUP_ROUND,
    GROUP_SIZE,
    REASON,
    WAITED,
    CUTS,
    DESK,
    HEARD,
    CONDITIONS,
) = range(22)
"""Whole numbers of an order. `NEWS` is the bar on which the strategy hears of its latest status, `BEFORE` the status
it knew until then; an order is `ACTIVE` from that bar on. The group of orders that cancel each other is known by its
`LEADER`, and begins anew (`GROUP_ROUND`) whenever one of it has filled or died. `WAITED` counts bars without trades,
and what is `CUTS` may be cut to what the account can pay. `DESK` is the number of the desk that sent it, `HEARD` the
bar on which that has its first news of it, −1 where it is the one after, as `FOREIGN` says.
`CONDITIONS` are bits of what was said when it was sent."""
REDUCE_ONLY, AT_ONCE, POST_ONLY = 1, 2, 4
"""It closes no more than there is; what does not trade on arrival is withdrawn; it is never filled on arrival."""

(
    SIZE,
    PRICE,
    PRICE_LIMIT,
    SHOWN,
    VALID,
    SESSION_END,
    ANNOTATED,
    TRAIL,
    TRAIL_SHARE,
    TRAIL_NUM,
    TRAIL_DEN,
    OFFSET,
    REMAINING,
    FILL_SIZE,
    FILL_PRICE,
    FILL_FEE,
    FILL_PNL,
) = range(17)
"""Floats of an order; sizes have a sign. `SHOWN` is `PRICE` as the strategy last heard of it, and `TRAIL_NUM` over
`TRAIL_DEN` the tick that its trigger trails on, 0 for none."""

WHO, WHEN, AT, OPENED, CLOSED, OPENED_FEE, CLOSED_FEE, PNL = range(8)
"""Columns of a fill."""
ORDERS, CHECKED, RESTING, FILLS, TAKEN, SLEPT, UNKNOWN = range(7)
"""Counters: orders made, orders the broker has looked at, orders in the queue, fills, tickets taken, bars passed over
on which nothing could happen, entries of which it is not known whether the rest of their bar reached protection."""
CASH, HELD, ENTRY, TRIED = range(4)
FLOOR, RUINED, NUMBER = 6, 7, 8
"""The account: money, signed size of the position, its mean price; from `TRIED` on the same as orders are tried; what
it is worth when it is worth nothing, and the bar after the one at which it was, 0 before; the number of the desk whose
position it is."""
MAKER, TAKER, SLIP_SHARE, SLIP_FIXED, NUM, DEN, LOT, LOT_SCALE, LEAST = range(9)
"""What trading costs, and the tick as a fraction (0 for none), on which a price stays that slips by a distance; the
lot, ten to the decimals of a size, least notional of an order."""
LOTS = (DEFAULT_LOT, 1e10, 0.0)
"""The last three where nothing is said."""

Margin = Floats
"""How a position is margined: whether it is paid for in full, leverage, fee of a forced close, whether collateral is
isolated, what is posted, the reason that forced orders are given, the free margin at the last close, and the largest
notional; from `BRACKETS` on a rate of maintenance and its deduction for each bracket."""
PAID_FOR, LEVERAGE, FORCED_FEE, ISOLATED, POSTED, FORCED_REASON, FREE, MOST_NOTIONAL, BRACKETS = range(9)

LONG, SHORT = 1, 2
"""Bits of a bar or a rule: that it is true for a side."""
EXITS, SHUT, SESSION, FOREIGN = 2, 5, 6, 7
"""Where a bar's bits of exits begin, behind those of entries; the bits that say that orders wait in the bar
(`core.trading.shut`), that a session begins with it, and that bars of other feeds alone come before it, in which the
broker looks at new orders."""
REASONS = ("time_stop", "stop_loss", "trailing_stop", "take_profit", RUIN, LOSS, LIQUIDATION, DRAWDOWN)
TIME_STOP, STOP_LOSS, TRAILING_STOP, TAKE_PROFIT, RUINOUS, LOST, FORCED, FELL, FIRST_RULE = range(9)
"""What an order is for; from `FIRST_RULE` on every entry, then every exit."""

NEVER = np.iinfo(np.int64).max


def new_book(cash: float, costs: Floats, room: int = 1024) -> Book:
    """An empty book with room for so many orders before it has to grow.

    Parameters
    ----------
    cash : float
        Money at the start.
    costs : ndarray of float64
        Maker's fee, taker's fee, slippage as a share and as a price distance; the tick (0 for none), if more are given;
        the lot, its scale and the least notional, where entries may be cut to other than 1e-8.
    room : int, default=1024
        Orders.
    """
    grid = grid_of(costs[NUM] if len(costs) > NUM else None)
    return (
        np.zeros((room, CONDITIONS + 1), np.int64),
        np.zeros((room, FILL_PNL + 1)),
        np.zeros(room, np.int64),
        np.zeros((room, PNL + 1)),
        np.zeros(UNKNOWN + 1, np.int64),
        np.array([cash, 0.0, 0.0, 0.0, 0.0, 0.0, DUST * cash, 0.0, 0.0]),
        np.array((*costs[:NUM], *grid, *(costs[DEN:] if len(costs) > DEN else LOTS))),
    )


@njit_inline
def is_full(book: Book, more: int, each: int) -> bool:
    """Whether ``book`` lacks room for ``more`` orders, or for what one bar can bring: ``each`` order, and so many."""
    whole, _, _, fills, count, _, _ = book
    waiting = each * (count[RESTING] + count[ORDERS] - count[CHECKED])  # a fill may bring protection, which may fill
    return bool(count[ORDERS] + waiting + more > len(whole) or count[FILLS] + waiting + more > len(fills))


def grown(book: Book) -> Book:
    """``book`` with twice the room."""
    whole, real, queue, fills, count, account, costs = book
    return _twice(whole), _twice(real), _twice(queue), _twice(fills), count, account, costs


def _twice(table: Any) -> Any:
    made = np.zeros((2 * len(table), *table.shape[1:]), table.dtype)
    made[: len(table)] = table
    return made
