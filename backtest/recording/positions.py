"""Positions over time, from the fills that made them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .recorder import Fill


class Held(NamedTuple):
    """The position in one feed, where it changed.

    Parameters
    ----------
    time : ndarray of int64
        Closes of the bars of its fills, epoch µs.
    size : ndarray of float64
        Signed size from then on.
    """

    time: NDArray[np.int64]
    size: NDArray[np.float64]

    def at(self, times: NDArray[Any]) -> NDArray[np.float64]:
        """The size held at each of ``times``, epoch µs."""
        place = np.searchsorted(self.time, times, side="right")
        return np.concatenate(([0.0], self.size))[place]


def held_by(fills: Iterable[Fill]) -> dict[str, Held]:
    """The position in each feed that was traded, in the order of their first fills.

    Parameters
    ----------
    fills : iterable of Fill
        Of each feed in time order.

    Examples
    --------
    >>> def fill(time, opened, closed=0.0):
    ...     return Fill(1, "btc", 0, time, 10.0, opened, closed, 0.0, 0.0, 0.0, "")
    >>> held_by([fill(5, 2.0), fill(7, -1.0, -2.0)])["btc"].at(np.array([4, 5, 6, 7])).tolist()
    [0.0, 2.0, 2.0, -1.0]
    """
    rows: dict[str, list[tuple[int, float]]] = {}
    for fill in fills:
        mine = rows.setdefault(fill.data, [])
        before = mine[-1][1] if mine else 0.0
        # What goes through zero is what it opened, to the last bit, as backtrader has it.
        mine.append((fill.time, fill.opened if fill.opened and fill.closed else before + (fill.opened + fill.closed)))
    return {
        name: Held(np.array([time for time, _ in mine], np.int64), np.array([size for _, size in mine], np.float64))
        for name, mine in rows.items()
    }
