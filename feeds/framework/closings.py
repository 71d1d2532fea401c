"""Gaps that come again at the same time: a market that closes, where no trading hours say so."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.clock import DAY, MINUTE, WEEK

Integers = NDArray[np.int64]
_LEAST = 15 * MINUTE
_TIMES, _WEEKS = 3, 3
"""How often a gap comes at least, and in how many weeks at least once, to be no damage."""


def closings(begins: Integers, ends: Integers) -> NDArray[np.bool_]:
    """Which gaps between bars are closing hours: those of a quarter of an hour or more that come again and again.

    Gaps are alike that are as long and begin at the same time of the week, or of the day where they are shorter than
    one. They come again where there are three or more, in every third week or oftener from the first to the last.

    Parameters
    ----------
    begins, ends : ndarray of int64
        Of the gaps, epoch µs, in order.

    Examples
    --------
    >>> fridays = np.arange(4) * WEEK
    >>> closings(fridays, fridays + 2 * DAY).tolist(), closings(fridays[:2], fridays[:2] + 2 * DAY).tolist()
    ([True, True, True, True], [False, False])
    """
    if not len(begins):
        return np.zeros(0, bool)
    length = ends - begins
    phase = np.where(length < DAY, begins % DAY, begins % WEEK)
    kinds: Any
    _, kinds = np.unique(np.stack([length, phase]), axis=1, return_inverse=True)
    kinds = kinds.reshape(-1)
    often = np.bincount(kinds, minlength=1)
    first, last = np.full(len(often), np.iinfo(np.int64).max), np.zeros(len(often), np.int64)
    np.minimum.at(first, kinds, begins)
    np.maximum.at(last, kinds, begins)
    weeks = (last - first) // WEEK + 1
    made: NDArray[np.bool_] = ((often >= _TIMES) & (often * _WEEKS >= weeks))[kinds] & (length >= _LEAST)
    return made
