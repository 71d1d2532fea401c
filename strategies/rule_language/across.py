"""What instruments that are traded together come to beside each other, one of them seen from its own bars."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .operators import NAN, Array, divide


def rank(own: Array, every: Iterable[Any]) -> Array:
    """The place of ``own`` among ``every``: 1 for the highest, equal ones share the better place.

    Examples
    --------
    >>> nan, btc, eth = float("nan"), np.array([1.0, 5.0, 2.0]), np.array([2.0, 5.0, 9.0])
    >>> rank(eth, [btc, eth]).tolist(), rank(np.array([nan, 1.0, 3.0]), [btc, eth]).tolist()
    ([1.0, 1.0, 1.0], [nan, 3.0, 2.0])
    """
    higher = np.zeros(np.shape(own))
    for other in every:
        higher += np.greater(other, own)
    return np.where(np.isnan(own), NAN, 1.0 + higher)


def mean_of(every: Iterable[Any]) -> Array:
    """The mean of those of ``every`` that are known; NaN where none is.

    Examples
    --------
    >>> mean_of([np.array([1.0, float("nan")]), np.array([4.0, 2.0])]).tolist()
    [2.5, 2.0]
    """
    total: Any = 0.0
    count: Any = 0
    for one in every:
        known = ~np.isnan(one)
        total, count = total + np.where(known, one, 0.0), count + known
    return np.asarray(divide(total, count))
