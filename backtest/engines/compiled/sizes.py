"""Sizers in compiled code, equal to `backtest.broker.sizers` to the last bit."""

from __future__ import annotations

import numpy as np

from ....core.kernels import njit_inline, njit_internal
from ...broker import order_sizes
from ...recording import round_trips
from .exact import PARTS, add, total
from .lots import SCALE, SMALLEST, STEP, order_size, whole
from .state import AT as PAID
from .state import CLOSED, CLOSED_FEE, DESK, FILLS, NUMBER, OPENED, OPENED_FEE, PNL, WHO, Book, Floats

exposure, kelly_share = njit_inline(order_sizes.exposure), njit_inline(order_sizes.kelly_share)
share_at_risk = njit_inline(order_sizes.share_at_risk)
mean_price, percent_won = njit_inline(round_trips.mean_price), njit_inline(round_trips.percent_won)

KELLY, START, TRADES, RISK, MOST = range(5, 10)
"""Numbers of a sizer behind those of `lots.sizing`: fraction of the Kelly bet (0 for none), share of the equity until
it is reckoned and the round trips that takes, share of the equity at risk (0 for none), largest share of the equity."""

LIVE, SIZE, PUT_IN, MEAN, GAINED, FEES, SEEN, WON, LOST = range(9)
"""State of the round trips: whether there is one, its signed size, what it opened in all and at which mean price, its
profit and fees; fills seen; round trips that won, and that did not. Behind come the two sums of what they returned."""
WINS = 9
LOSSES = WINS + PARTS + 2


def new_trips() -> Floats:
    """State before the first round trip."""
    return np.zeros(LOSSES + PARTS + 2)


@njit_internal
def _end_trip(trips: Floats) -> None:
    """Take in what the round trip returned, as a share of what was put in."""
    made = percent_won(trips[GAINED], trips[FEES], trips[PUT_IN] * trips[MEAN]) / 100.0
    if made > 0.0:
        trips[WON] += 1.0
        add(trips[WINS:], made)
    else:
        trips[LOST] += 1.0
        add(trips[LOSSES:], -made)
    trips[LIVE] = 0.0


@njit_internal
def pair(book: Book, trips: Floats) -> None:
    """Pair the desk's fills since the last time into round trips."""
    fills, own = book[3], int(book[5][NUMBER])
    for f in range(int(trips[SEEN]), book[4][FILLS]):
        if book[0][int(fills[f, WHO]), DESK] != own:
            continue
        if fills[f, CLOSED] != 0.0:
            trips[GAINED] += fills[f, PNL]
            trips[FEES] += fills[f, CLOSED_FEE]
            trips[SIZE] += fills[f, CLOSED]
            if trips[SIZE] == 0.0:
                _end_trip(trips)
        amount = abs(fills[f, OPENED])
        if amount != 0.0:
            if trips[LIVE] == 0.0:
                trips[LIVE], trips[PUT_IN], trips[MEAN], trips[GAINED], trips[FEES] = 1.0, 0.0, 0.0, 0.0, 0.0
            trips[SIZE] += fills[f, OPENED]
            trips[MEAN] = mean_price(trips[MEAN], trips[PUT_IN], fills[f, PAID], amount)
            trips[PUT_IN] += amount
            trips[FEES] += fills[f, OPENED_FEE]
    trips[SEEN] = float(book[4][FILLS])


@njit_internal
def _kelly(numbers: Floats, trips: Floats) -> float:
    """The share of the equity that a fraction of the Kelly bet is, by the round trips so far."""
    won, lost = trips[WON], trips[LOST]
    if won + lost < numbers[TRADES]:
        return float(numbers[START])
    if won == 0.0:
        return 0.0
    win, loss = total(trips[WINS:]) / won, total(trips[LOSSES:]) / lost if lost > 0.0 else 0.0
    return float(numbers[KELLY] * kelly_share(won, lost, win, loss))


@njit_inline
def sized(numbers: Floats, trips: Floats, wanted: float, equity: float, price: float, distance: float) -> float:
    """What the run's sizer gives, in whole lots; 0 for no order.

    Parameters
    ----------
    numbers : ndarray of float64
        Of the sizer.
    trips : ndarray of float64
        Round trips so far.
    wanted : float
        Share of the equity that the bars ask for; below 0 where they have no say, NaN for none.
    equity, price : float
        Now.
    distance : float
        Of the stop of a position entered now.
    """
    if numbers[MOST] == 0.0:
        return order_size(numbers, equity, price)
    if numbers[KELLY] != 0.0:
        wanted = _kelly(numbers, trips)
    elif numbers[RISK] != 0.0:
        wanted = share_at_risk(numbers[RISK], price, distance)
    value = exposure(equity, wanted, numbers[MOST])
    if value == 0.0:
        return 0.0
    size = whole(value / price, numbers[STEP], numbers[SCALE])
    return float(size if size * price >= numbers[SMALLEST] else 0.0)
