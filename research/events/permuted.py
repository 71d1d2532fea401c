"""Whether price moved after events as it does at the same time of other sessions."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .session_test import DRAWS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Excess(NamedTuple):
    """A mean over that of other sessions.

    Parameters
    ----------
    bp : float
        Mean move after events less the mean move at the same bars of all sessions.
    p : float
        How often it is as many of its errors away from 0 when each session is given the events of another.
    """

    bp: float
    p: float


class Sessions:
    """Sessions beside each other, bar by bar, and the orders that they are shuffled into.

    Parameters
    ----------
    sessions : ndarray of int64, (bars,)
        The session of each bar, ascending.
    seed : int
        Of the orders.
    """

    def __init__(self, sessions: Ints, seed: int) -> None:
        begins = np.flatnonzero(np.diff(sessions, prepend=sessions[:1] - 1))
        self._row = np.cumsum(np.diff(sessions, prepend=sessions[:1] - 1) != 0) - 1
        self._place = np.arange(len(sessions)) - begins[self._row]
        self.count, rng = len(begins), np.random.default_rng([seed, 23])
        self._orders = rng.permuted(np.tile(np.arange(self.count), (DRAWS, 1)), axis=1)

    def excess(self, events: Ints, moves: Floats) -> Excess:
        """The studentised permutation test of one horizon.

        A session's events stay together, and so do its moves; which belong to which is shuffled. Each shuffle has its
        own clustered error.

        Parameters
        ----------
        events : ndarray of int64
            Bars of the events.
        moves : ndarray of float64, (bars,)
            After each bar; NaN for none.
        """
        if self.count < 2 or not len(events):
            return Excess(math.nan, math.nan)
        places, column = np.unique(self._place[events], return_inverse=True)
        happened = np.zeros((self.count, len(places)))
        happened[self._row[events], column] = 1.0
        there = np.full((self.count, len(places)), np.nan)
        at = np.searchsorted(places, self._place)
        inside = (at < len(places)) & (places[np.minimum(at, len(places) - 1)] == self._place)
        there[self._row[inside], at[inside]] = moves[inside]
        known = np.isfinite(there)
        sums, counts = happened @ np.where(known, there, 0.0).T, happened @ known.T.astype(np.float64)
        usual = float(sums.sum()) / float(counts.sum()) if counts.any() else math.nan
        rows = np.arange(self.count)
        own = _t(sums[rows, rows][None], counts[rows, rows][None], usual)
        drawn = _t(sums[rows, self._orders], counts[rows, self._orders], usual)
        if not np.isfinite(own[0][0]):
            return Excess(float(own[1][0]), math.nan)
        large = np.abs(drawn[0]) >= abs(own[0][0]) * (1.0 - 1e-12)
        return Excess(float(own[1][0]), (1.0 + float(np.count_nonzero(large))) / (1.0 + DRAWS))


def _t(sums: Floats, counts: Floats, usual: float) -> tuple[Floats, Floats]:
    """Excess over the usual move in its clustered errors, and by itself; a row a shuffle."""
    n, groups = counts.sum(axis=1), np.count_nonzero(counts, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = sums.sum(axis=1) / n
        spread = ((sums - counts * mean[:, None]) ** 2).sum(axis=1)
        error = np.sqrt(groups / (groups - 1) * spread) / n
        return (mean - usual) / error, mean - usual
