"""Costs that depend on the bar, the size and the account's past: fee schedules, impact, a part of a bar's volume.

What `backtest.broker.costly` and `backtest.broker.fees` do, operation by operation. Functions that are given None
for their costs do without, and are compiled without.
"""

from __future__ import annotations

import numpy as np

from ....core.kernels import njit_inline, njit_internal
from ...broker.fees import WINDOW
from . import state as at
from .lots import whole
from .state import Book, Floats

Costly = tuple[Floats, Floats, Floats, Floats, Floats, Floats]
"""Numbers, rows of the bars, tiers of fees, state, payments of funding, flows of money booked."""

CARRIES, PER_CONTRACT, MINIMUM, CONTRACT, RANGE, IMPACT, PARTICIPATION, STEP, SCALE, BORROW = range(10)
"""Numbers: whether holding a position costs anything; fees by the contract, least fee and size of
a contract; slippage as a share of the range; coefficient of impact and most of a bar's volume (0 for neither); the
lot and ten to the decimals of a size; annual rate of borrowing."""

CLOSE_TIME, OPEN_TIME, VOLUME, SIGMA, MEAN_VOLUME, PAYS, ROLLS, ROLLS_FROM, ROLLS_TO = range(9)
"""Rows of the bars: times in epoch µs, volume; volatility and mean volume of the bars before; dividend for a unit;
whether the contract changes, from which price and to which."""

VOLUME_BEFORE, OLDEST, TAKEN_BAR, TAKEN_VOLUME, PAID, FLOWS = range(6)
"""State: volume that fees go by and the oldest fill in it; the bar whose volume was taken and how much; payments of
funding done, flows booked."""

FROM, TIER_MAKER, TIER_TAKER = range(3)
"""Columns of a tier."""

Terms = tuple[float, float, bool, float, float, float, float, float, float]
"""Slippage as a share of the price and as a distance; whether there is more: a distance by the bar's range, impact of
a size that is the whole volume, the size and the volume; the tick as a fraction."""


@njit_internal
def _forget(book: Book, costly: Costly, bar: int) -> None:
    """Leave out of the volume that fees go by what was filled too long ago."""
    fills, count = book[3], book[4]
    bars, state = costly[1], costly[3]
    before = bars[CLOSE_TIME, bar] - WINDOW
    oldest = int(state[OLDEST])
    while oldest < count[at.FILLS] and bars[CLOSE_TIME, int(fills[oldest, at.WHEN])] <= before:
        state[VOLUME_BEFORE] -= abs(fills[oldest, at.OPENED] + fills[oldest, at.CLOSED]) * fills[oldest, at.AT]
        oldest += 1
    if oldest == count[at.FILLS]:
        state[VOLUME_BEFORE] = 0.0
    state[OLDEST] = float(oldest)


@njit_internal
def _rate(book: Book, costly: Costly, resting: bool, bar: int) -> float:
    """The maker's or taker's share by the volume so far."""
    costs, tiers, state = book[6], costly[2], costly[3]
    made = costs[at.MAKER] if resting else costs[at.TAKER]
    if len(tiers) > 0:
        _forget(book, costly, bar)
        for i in range(len(tiers)):
            if state[VOLUME_BEFORE] >= tiers[i, FROM]:
                made = tiers[i, TIER_MAKER] if resting else tiers[i, TIER_TAKER]
    return float(made)


@njit_internal
def _scheduled(book: Book, costly: Costly, size: float, price: float, resting: bool, bar: int) -> float:
    """A fee as venues write it."""
    numbers = costly[0]
    fee = abs(size) * price * _rate(book, costly, resting, bar)
    fee += numbers[PER_CONTRACT] * (abs(size) / numbers[CONTRACT])
    return float(max(fee, numbers[MINIMUM]) if fee >= 0.0 else fee)


@njit_inline
def fee_of(book: Book, costly: Costly | None, size: float, price: float, resting: bool, bar: int) -> float:
    """What a fill of ``size`` on bar ``bar`` costs."""
    costs = book[6]
    rate = costs[at.MAKER] if resting else costs[at.TAKER]
    if costly is None:
        return float(abs(size) * rate * price)
    return float(_scheduled(book, costly, size, price, resting, bar))


@njit_internal
def _portion(book: Book, costly: Costly, k: int, bar: int) -> float:
    """How much of what is left of order ``k`` the bar's volume allows."""
    numbers, bars, _, state, _, _ = costly
    left = abs(book[1][k, at.REMAINING])
    taken = state[TAKEN_VOLUME] if state[TAKEN_BAR] == bar else 0.0
    volume = bars[VOLUME, bar] * numbers[PARTICIPATION] - taken
    if not volume > 0.0:
        return 0.0
    return float(left if left <= volume else whole(volume, numbers[STEP], numbers[SCALE]))


@njit_inline
def size_now(book: Book, costly: Costly | None, k: int, bar: int) -> float:
    """How much of order ``k`` may fill on a bar, with its sign."""
    left = book[1][k, at.REMAINING]
    if costly is None:
        return float(left)
    if costly[0][PARTICIPATION] == 0.0:
        return float(left)
    made = _portion(book, costly, k, bar)
    return float(made if left > 0.0 else -made)


@njit_inline
def note_fill(costly: Costly | None, size: float, price: float, bar: int) -> None:
    """Count a fill towards the volume that fees go by, and towards what was taken of the bar's."""
    if costly is None:
        return
    numbers, _, tiers, state, _, _ = costly
    if len(tiers) > 0:
        state[VOLUME_BEFORE] += abs(size) * price
    if numbers[PARTICIPATION] != 0.0:
        taken = state[TAKEN_VOLUME] if state[TAKEN_BAR] == bar else 0.0
        state[TAKEN_BAR], state[TAKEN_VOLUME] = float(bar), abs(size) + taken


@njit_inline
def terms_of(book: Book, costly: Costly | None, k: int, reach: float, costs: Floats, bar: int) -> Terms:
    """What slippage order ``k`` meets on a bar whose range is ``reach``."""
    share, fixed, num, den = costs[at.SLIP_SHARE], costs[at.SLIP_FIXED], costs[at.NUM], costs[at.DEN]
    if costly is None:
        return share, fixed, False, 0.0, 0.0, 0.0, 1.0, num, den
    numbers, bars, _, _, _, _ = costly
    scale, volume = 0.0, 1.0
    if numbers[IMPACT] != 0.0 and bar >= 3:
        scale, volume = numbers[IMPACT] * bars[SIGMA, bar], bars[MEAN_VOLUME, bar]
    return share, fixed, True, numbers[RANGE] * reach, scale, abs(size_now(book, costly, k, bar)), volume, num, den


@njit_inline
def away(terms: Terms, price: float) -> float:
    """How much worse than ``price`` the bar's range and the order's own size make it."""
    _, _, _, span, scale, size, volume, _, _ = terms
    return float(span + price * (scale * np.sqrt(size / volume)) if volume > 0.0 else np.nan)


@njit_inline
def priced(price: float) -> float:
    """``price``, or NaN, which fills nothing, where it is none."""
    return float(price if 0.0 < price < np.inf else np.nan)
