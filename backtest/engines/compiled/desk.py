"""Where the compiled loop keeps what a strategy goes by: its settings, where its orders stand, the bars' bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .state import Floats, Integers

Bits = NDArray[np.uint8]
Desk = tuple[Floats, Floats, Integers, Floats, Floats, Floats, Bits, Bits]
"""Numbers, state, entries that count, sizing, round trips, distances of protection in average true ranges, exits that
have closed their part of the position, the bars' bits."""

STOP_KIND, TRAIL_KIND, TARGET_KIND, STOP_VALUE, TRAIL_VALUE, TARGET_VALUE = range(6)
NUM, DEN, BARS, COOLDOWN, PYRAMIDING, LOSS, LOSS_SHARED, MOST, MOST_SHARED, PAIRS, REVERSES, INSIDE = range(6, 18)
"""Numbers: each distance's kind and value; the tick as a fraction, the time stop, bars after a position, most entries,
the loss of a session and the largest position (0 for none) and whether each is a share of the equity; whether round
trips are paired for the sizer, whether a bar may leave one side and enter the other; from when on protection works
(`broker.entry_bar`)."""

SHARE, AWAY, RANGES = 1.0, 2.0, 3.0
"""Kinds of distances: a share of the price, quote currency, average true ranges; 0 for none."""

(
    SIDE, ENTERED, DUE, DUE_PRICE, GUARDS, FIRST_GUARD, GUARDED_AT, ENTRY, ENTRY_BAR, EXIT,
    PART_EXIT, BOUGHT_AT, BEFORE, LEFT, COUNT, WORTH, FIRST_WORTH, HALTED, LEAVING,
    VALUE, BEST, BEST_FROM, BEST_TO, REST_FIRST, REST_HIGH, REST_LOW,
) = range(26)  # fmt: skip
"""State: side held and since when; size to protect and the price it was had for; protective orders out there and what
they were reckoned from; the latest market orders to enter, to leave and to leave in part; price of the latest entry,
size before the news, when the position ended; how many entries count; the session's loss; what
the account is worth; the best close of the position that was entered on a bar, up to another; first price,
high and low of what was left of a bar when an entry filled."""


def new_state(cash: float) -> Floats:
    """State before the first bar."""
    made = np.zeros(26)
    made[[GUARDED_AT]] = np.nan
    made[BEST_FROM] = -1.0
    made[[ENTRY, EXIT, PART_EXIT, LEAVING]] = -1.0
    made[LEFT] = -(2.0**60)
    made[[WORTH, FIRST_WORTH]] = cash
    return made
