"""How far price went against and for each round trip while it was held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ...core.bars import Bars
from ..recording.round_trips import RoundTrip

Array = NDArray[np.float64]


def excursions(trips: Sequence[RoundTrip], bars: Mapping[str, Bars]) -> tuple[Array, Array]:
    """Maximum adverse and maximum favourable excursion (MAE, MFE) of each round trip, in percent of its entry price.

    The bars from that of the first fill up to, not including, that of the last count whole, and of the last its fill
    alone: what of it came after the exit, bars do not tell. An entry within a bar, at a limit or a stop, so takes
    in what of that bar came before it.

    Parameters
    ----------
    trips : sequence of RoundTrip
        Finished ones.
    bars : mapping of str to Bars
        By the name of the feed.

    Returns
    -------
    mae_pct, mfe_pct : ndarray of float64
        At most 0, and at least 0; NaN where the entry price is not above 0.

    References
    ----------
    Sweeney, J. (1997), Maximum Adverse Excursion, Wiley.
    """
    low, high = np.full(len(trips), np.nan), np.full(len(trips), np.nan)
    for i, trip in enumerate(trips):
        if not trip.entry_price > 0:
            continue
        held = slice(trip.first_bar, trip.first_bar + trip.bars)
        lows, highs = bars[trip.data]["low"][held], bars[trip.data]["high"][held]
        seen = trip.entry_price, trip.exit_price
        least = min(*seen, float(np.nanmin(lows, initial=np.inf)))
        most = max(*seen, float(np.nanmax(highs, initial=-np.inf)))
        low[i], high[i] = 100.0 * (least / trip.entry_price - 1.0), 100.0 * (most / trip.entry_price - 1.0)
    long = np.array([trip.direction == "long" for trip in trips], dtype=np.bool_)
    return np.where(long, low, -high), np.where(long, high, -low)
