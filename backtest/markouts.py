"""Markouts: how far price moved in the direction of a trade after it was entered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.bars import Bars
from .bootstrap import DRAWS, ENOUGH, interval, mean_block, resampled_sums
from .round_trips import RoundTrip

Array = NDArray[np.float64]

HORIZONS = (1, 5, 15, 60, 240)
"""Bars after an entry, the bar of the fill counted as the first."""
_STREAM = 3


def markouts(trips: Sequence[RoundTrip], bars: Mapping[str, Bars], seed: int) -> list[dict[str, float]]:
    """The mean signed move of price after entries, at each of `HORIZONS`.

        move(h) = direction · (close of the h-th bar / entry price - 1) · 10,000

    The bar in which the entry filled is the first, so that ``h = 1`` is its close. Before costs.

    Parameters
    ----------
    trips : sequence of RoundTrip
        Finished ones; an entry of several fills counts once, from its first, at its mean price.
    bars : mapping of str to Bars
        Of each feed by its name.
    seed : int
        The run's.

    Returns
    -------
    list of dict
        ``bars``, ``mean_bp``, ``low_bp`` and ``high_bp`` (95 % stationary-bootstrap interval over entries; NaN below
        10 of them), and ``entries``, those after which there were so many bars. Horizons without entries are left out.

    Examples
    --------
    >>> bars = Bars.of(open_time=[0, 1, 2], close_time=[1, 2, 3], close=[10.0, 10.1, 10.2])
    >>> trip = RoundTrip("btc", "long", 1.0, 2, 10.0, 3, 10.2, 1, 0.2, 0.0, "", "")
    >>> [(m["bars"], round(m["mean_bp"], 9)) for m in markouts([trip], {"btc": bars}, 0)]
    [(1, 100.0)]
    """
    made = []
    for horizon in HORIZONS:
        moves = _moves(trips, bars, horizon)
        if not len(moves):
            continue
        low, high = _interval(moves, seed)
        figures = {"bars": horizon, "mean_bp": float(np.mean(moves)), "low_bp": low, "high_bp": high}
        made.append({**figures, "entries": len(moves)})
    return made


def round_trip_cost(trips: Sequence[RoundTrip]) -> float:
    """Fees of both ways over the entry's notional, the mean in basis points; NaN without round trips."""
    costs = [t.commission / t.notional for t in trips if t.notional]
    return 1e4 * float(np.mean(costs)) if costs else float("nan")


def _moves(trips: Sequence[RoundTrip], bars: Mapping[str, Bars], horizon: int) -> Array:
    made: list[Array] = []
    for name, own in bars.items():
        mine = [t for t in trips if t.data == name]
        first = np.searchsorted(own["close_time"], [t.entry_time for t in mine], "left")
        at = first + horizon - 1
        there = at < len(own)
        sign = np.array([1.0 if t.direction == "long" else -1.0 for t in mine])[there]
        entry = np.array([t.entry_price for t in mine], dtype=np.float64)[there]
        made.append(1e4 * sign * (own["close"][at[there].astype(np.int64)] / entry - 1.0))
    moves: Array = np.concatenate(made) if made else np.zeros(0)
    return moves[np.isfinite(moves)]


def _interval(moves: Array, seed: int) -> tuple[float, float]:
    if len(moves) < ENOUGH:
        return float("nan"), float("nan")
    rng = np.random.default_rng([seed, _STREAM])
    sums = resampled_sums(moves[:, None], mean_block(len(moves)), DRAWS, rng)[:, 0]
    return interval(sums / len(moves))


def as_json(trips: Sequence[RoundTrip], bars: Mapping[str, Bars], seed: int) -> dict[str, Any]:
    """The block ``markouts`` of ``result.json``."""
    return {"cost_bp": round_trip_cost(trips), "horizons": markouts(trips, bars, seed)}
