"""Markouts: how far price moved in the direction of a trade after it was entered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.bars import Bars
from ..recording.round_trips import RoundTrip

Array = NDArray[np.float64]

HORIZONS = (1, 5, 15, 60, 240)
"""Bars after an entry, the bar of the fill counted as the first."""


def markouts(trips: Sequence[RoundTrip], bars: Mapping[str, Bars]) -> list[dict[str, float]]:
    """The mean signed move of price after entries, at each of `HORIZONS`.

        move(h) = direction · (close of the h-th bar / price of the first fill - 1) · 10,000

    The bar of the first fill is the first, so that ``h = 1`` is its close. Fills that add to the position later do not
    count: what was bought after the price had fallen would make every entry look good. Before fees. Entries at prices
    not above 0 are left out: a share of such a price has no meaning.

    Parameters
    ----------
    trips : sequence of RoundTrip
        Finished ones; each counts once.
    bars : mapping of str to Bars
        Of each feed by its name.

    Returns
    -------
    list of dict
        ``bars``, ``mean_bp``, and ``entries``, those after which there were so many bars. Horizons without entries are
        left out.

    Notes
    -----
    There is no interval: entries come in bursts and their windows overlap, so that resampling them one by one, or in
    order, finds an edge in pure chance far more often than it says.

    Examples
    --------
    >>> bars = Bars.of(open_time=[0, 1, 2], close_time=[1, 2, 3], close=[10.0, 10.1, 10.2])
    >>> trip = RoundTrip("btc", "long", 1.0, 2, 10.0, 3, 10.2, 1, 0.2, 0.0, "", "")
    >>> [(m["bars"], round(m["mean_bp"], 9)) for m in markouts([trip], {"btc": bars})]
    [(1, 100.0)]
    """
    made = []
    for horizon in HORIZONS:
        moves = _moves(trips, bars, horizon)
        if not len(moves):
            continue
        made.append({"bars": horizon, "mean_bp": float(np.mean(moves)), "entries": len(moves)})
    return made


def round_trip_cost(trips: Sequence[RoundTrip]) -> float:
    """Fees of both ways over the entry's notional, the mean in basis points; NaN without round trips."""
    costs = [t.commission / t.notional for t in trips if t.notional > 0]
    return 1e4 * float(np.mean(costs)) if costs else float("nan")


def _moves(trips: Sequence[RoundTrip], bars: Mapping[str, Bars], horizon: int) -> Array:
    made: list[Array] = []
    for name, own in bars.items():
        mine = [t for t in trips if t.data == name and t.first_price > 0]
        first = np.searchsorted(own["close_time"], [t.entry_time for t in mine], "left")
        at = first + horizon - 1
        there = at < len(own)
        sign = np.array([1.0 if t.direction == "long" else -1.0 for t in mine])[there]
        first_price = np.array([t.first_price for t in mine], dtype=np.float64)[there]
        made.append(1e4 * sign * (own["close"][at[there].astype(np.int64)] / first_price - 1.0))
    moves: Array = np.concatenate(made) if made else np.zeros(0)
    return moves[np.isfinite(moves)]


def as_json(trips: Sequence[RoundTrip], bars: Mapping[str, Bars]) -> dict[str, Any]:
    """The block ``markouts`` of ``result.json``."""
    return {"cost_bp": round_trip_cost(trips), "horizons": markouts(trips, bars)}
