"""Cash, value and position at every bar, rebuilt from what changed them, bit for bit as the broker adds up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .history import Holding

Floats = NDArray[np.float64]

NOTHING = (0.0, 0.0)
"""Size and price of a position before there is one; worth nothing, it changes no sum."""


def rebuild(
    holdings: Sequence[Holding], closes: Mapping[Any, Floats], traded: Any, cash: float, start: int, end: int
) -> tuple[Floats, Floats, Floats]:
    """The account over bars ``start`` to ``end``.

    Parameters
    ----------
    holdings : sequence of Holding
        What changed it, in time order.
    closes : mapping of data to ndarray of float64
        Close of each feed at every bar of the run; finite.
    traded : data
        Whose position to give.
    cash : float
        Cash before the first change.
    start, end : int
        First bar and the one after the last.

    Returns
    -------
    value, cash, position : ndarray of float64, (end - start,)
    """
    holdings = [Holding(start, cash, ()), *holdings]
    spans = np.diff([min(max(held.bar, start), end) for held in holdings], append=end)
    total = np.zeros(end - start)
    sizes = {}
    for data, scheme in _schemes(holdings).items():
        held = [next((p[1:3] for p in each.positions if p[0] is data), NOTHING) for each in holdings]
        size, price = (np.repeat(column, spans) for column in np.array(held, dtype=np.float64).T)
        total = _add(total, size, price, closes[data][start:end], scheme)
        sizes[data] = size
    money = np.repeat(np.array([held.cash for held in holdings], dtype=np.float64), spans)
    return money + total, money, sizes.get(traded, np.zeros(end - start))


def _schemes(holdings: Sequence[Holding]) -> dict[Any, Any]:
    """What trading each feed costs, in the order in which the broker came to know the feeds."""
    last = holdings[-1].positions
    return {data: scheme for data, _, _, scheme in last}


def _add(total: Floats, size: Floats, price: Floats, close: Floats, scheme: Any) -> Floats:
    """Add a position's worth as the broker does: a long one's is what is its own of it, and its gain."""
    worth = size * close
    gain = size * (close - price) * scheme.p.mult
    own = np.where(worth > 0, (worth - gain) / scheme.p.leverage, worth)
    made: Floats = total + own
    return np.where(worth > 0, made + gain, made)
