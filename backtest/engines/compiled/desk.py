"""Where the compiled loop keeps what a strategy goes by: its settings, where its orders stand, the bars' bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .state import Floats, Integers

Bits = NDArray[np.uint8]
Desk = tuple[Floats, Floats, Integers, Floats, Floats, Floats, Integers, Bits, Floats, Floats]
"""Numbers, state, entries that count, sizing, round trips, what the bars say of protection (distances in average true
ranges, and prices), exits, the bars' bits, guards of each entry, and what else protects its position."""

NUM, DEN, COOLDOWN, PYRAMIDING, LOSS, LOSS_SHARED, MOST, MOST_SHARED, PAIRS, REVERSES, INSIDE, APART, MOVES = range(13)
"""Numbers: the tick as a fraction, bars after a position, most entries,
the loss of a session and the largest position (0 for none) and whether each is a share of the equity; whether round
trips are paired for the sizer, whether a bar may leave one side and enter the other; from when on protection works
(`broker.entry_bar`); whether orders that leave stand each for itself, and whether stops are moved at closes."""

STOP, TRAIL, FIRST_TARGET = range(3)
"""Rows of an entry's guards, in the order in which they are sent; behind come further targets."""
KIND, REACH, SHARE_OF, COLUMN = range(4)
"""Of a guard: the kind of its distance and how much it is, the share of the position that it closes, and which of what
the bars say it goes by."""
SHARE, AWAY, RANGES, LEVEL = 1.0, 2.0, 3.0, 4.0
"""Kinds of distances: a share of the price, quote currency, average true ranges, or a price rather than a distance; 0
for none."""
BARS, ALL, PARTS, BY, BY_COLUMN, AFTER_KIND, AFTER_VALUE, AFTER_COLUMN, TO_KIND, TO_VALUE = range(10)
"""What else protects a position: the time stop (0 for none), whether targets close all of it, and whether in parts;
what a trailing stop follows; after which distance the stop is moved to the price of the entry, and how far beyond."""
BY_CLOSES, BY_HIGHS, BY_LEVEL = range(3)
CLOSED, ORDER, END = range(3)
"""Of an exit: whether it has closed its part of the position, its limit order and when that is withdrawn."""

(
    SIDE, ENTERED, DUE, DUE_PRICE, GUARDS, FIRST_GUARD, GUARDED_AT, ENTRY, ENTRY_BAR, EXIT,
    PART_EXIT, BOUGHT_AT, BEFORE, LEFT, COUNT, WORTH, FIRST_WORTH, HALTED, LEAVING,
    VALUE, BEST, BEST_FROM, BEST_TO, REST_FIRST, REST_HIGH, REST_LOW,
    RULE, SENT, FILLED, EVEN_AT, EVEN_TO, IS_EVEN, KEPT,
) = range(33)  # fmt: skip
"""State: side held and since when; size to protect and the price it was had for; protective orders out there and what
they were reckoned from; the latest market orders to enter, to leave and to leave in part; price of the latest entry,
size before the news, when the position ended; how many entries count; the session's loss; what
the account is worth; the best close of the position that was entered on a bar, up to another; first price,
high and low of what was left of a bar when an entry filled; the entry that the position goes by, the bars on which it
was sent and filled; the price from which on its stop is moved, to where, and whether it was; how far a stop keeps from
what it follows."""


def new_state(cash: float) -> Floats:
    """State before the first bar."""
    made = np.zeros(KEPT + 1)
    made[[GUARDED_AT]] = np.nan
    made[BEST_FROM] = -1.0
    made[[ENTRY, EXIT, PART_EXIT, LEAVING]] = -1.0
    made[LEFT] = -(2.0**60)
    made[[WORTH, FIRST_WORTH]] = cash
    return made
