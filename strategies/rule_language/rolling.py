"""Statistics of the last bars, for expressions: each by its plain definition over exactly the bars it names.

Every result depends on its own window alone, summed from the oldest bar to the newest, so a longer history before it
changes no bit. A window that is not full yet, or that holds a NaN, gives NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...core.kernels import compiled
from ...indicators.kernels.sorted_windows import sorted_at, sorted_push, sorted_size
from ...indicators.kernels.windows import FLAT
from .operators import NAN, Array, divide, is_true, quiet

_BLOCK = 4096
"""Windows summed at once: as many as stay in the processor's cache."""


def shifted(x: Any, n: int) -> Any:
    """``x`` ``n`` bars ago; a constant stays what it is."""
    if n == 0 or np.ndim(x) == 0:
        return x
    made = np.full_like(x, NAN)
    made[n:] = x[: max(len(x) - n, 0)]
    return made


def change(x: Array, n: int = 1) -> Array:
    """``x`` less ``x`` ``n`` bars ago.

    Examples
    --------
    >>> change(np.array([1.0, 4.0, 2.0])).tolist()
    [nan, 3.0, -2.0]
    """
    made: Array = x - shifted(x, n)
    return made


def total(x: Array, n: int) -> Array:
    """Sum of the last ``n`` bars, the oldest first.

    Examples
    --------
    >>> total(np.array([1.0, 4.0, 2.0, 0.5]), 3).tolist()
    [nan, nan, 7.0, 6.5]
    """
    made = np.full(len(x), NAN)
    with np.errstate(all="ignore"):
        for low in range(0, len(x) - n + 1, _BLOCK):
            high = min(low + _BLOCK, len(x) - n + 1)
            held = x[low:high].copy()
            for k in range(1, n):
                held += x[low + k : high + k]
            made[low + n - 1 : high + n - 1] = held
    return made


def mean(x: Array, n: int) -> Array:
    """Mean of the last ``n`` bars."""
    made: Array = total(x, n) / n
    return made


def deviation(x: Array, n: int) -> Array:
    """Sample standard deviation of the last ``n`` bars; exactly 0 where it is rounding noise.

    Examples
    --------
    >>> deviation(np.array([1.0, 3.0, 5.0]), 3).tolist()
    [nan, nan, 2.0]
    """
    made: Array = np.sqrt(variance(x, n))
    return made


def variance(x: Array, n: int) -> Array:
    """Sample variance of the last ``n`` bars; exactly 0 where it is rounding noise."""
    middle = mean(x, n)
    made = _moment(x, x, middle, middle, n)
    return np.where(np.sqrt(made) <= FLAT * np.abs(middle), 0.0, made)


def covariance(x: Array, y: Array, n: int) -> Array:
    """Sample covariance of ``x`` and ``y`` over the last ``n`` bars.

    Examples
    --------
    >>> covariance(np.array([1.0, 3.0, 5.0]), np.array([0.0, 1.0, 5.0]), 3).tolist()
    [nan, nan, 5.0]
    """
    return _moment(x, y, mean(x, n), mean(y, n), n)


def _moment(x: Array, y: Array, middle: Array, other: Array, n: int) -> Array:
    """Sample mean of the products of how far ``x`` and ``y`` lie from their means."""
    made = np.full(len(x), NAN)
    with np.errstate(all="ignore"):
        for low in range(0, len(x) - n + 1, _BLOCK):
            high = min(low + _BLOCK, len(x) - n + 1)
            one, two = middle[low + n - 1 : high + n - 1], other[low + n - 1 : high + n - 1]
            held = np.zeros(high - low)
            for k in range(n):
                held += (x[low + k : high + k] - one) * (y[low + k : high + k] - two)
            made[low + n - 1 : high + n - 1] = held / (n - 1)
    return made


def zscore(x: Array, n: int) -> Array:
    """Sample deviations that this bar's value lies above the mean of the last ``n``; NaN where nothing moved."""
    made: Array = divide(x - mean(x, n), deviation(x, n))
    return made


def highest(x: Array, n: int) -> Array:
    """Highest of the last ``n`` bars.

    Examples
    --------
    >>> highest(np.array([1.0, 4.0, 2.0, 0.5]), 2).tolist()
    [nan, 4.0, 4.0, 2.0]
    """
    return _extreme(np.maximum, x, n)


def lowest(x: Array, n: int) -> Array:
    """Lowest of the last ``n`` bars."""
    return _extreme(np.minimum, x, n)


def _extreme(most: Any, x: Array, n: int) -> Array:
    """Running extremes from both ends of blocks of ``n``: a window is the end of one and the start of the next."""
    made = np.full(len(x), NAN)
    if len(x) < n:
        return made
    blocks = np.full((-(-len(x) // n), n), NAN)
    blocks.reshape(-1)[: len(x)] = x
    with np.errstate(invalid="ignore"):
        ahead = most.accumulate(blocks, axis=1).reshape(-1)
        back = most.accumulate(blocks[:, ::-1], axis=1)[:, ::-1].reshape(-1)
        made[n - 1 :] = most(back[: len(x) - n + 1], ahead[n - 1 : len(x)])
    return made


@compiled
def _ranked(x: Array, n: int, at: float, state: Array, made: Array) -> None:
    """The value at place ``at`` of each window in ascending order, between two places in proportion."""
    low, run = math.floor(at), 0
    share = at - low
    for i in range(len(x)):
        if math.isnan(x[i]):
            state[:] = 0.0
            run = 0
            continue
        sorted_push(state, 0, n, x[i])
        run += 1
        if run >= n:
            value = sorted_at(state, 0, n, low)
            if share > 0.0:
                value += (sorted_at(state, 0, n, low + 1) - value) * share
            made[i] = value


def percentile(x: Array, n: int, q: float) -> Array:
    """The ``q``-th percentile of the last ``n`` bars, linear between two values.

    Examples
    --------
    >>> percentile(np.array([1.0, 4.0, 2.0, 8.0]), 4, 50).tolist()
    [nan, nan, nan, 3.0]
    """
    made = np.full(len(x), NAN)
    _ranked(np.ascontiguousarray(x, dtype=np.float64), n, (n - 1) * q / 100, np.zeros(sorted_size(n)), made)
    return made


def median(x: Array, n: int) -> Array:
    """Median of the last ``n`` bars."""
    return percentile(x, n, 50.0)


def count(x: Any, n: int) -> Array:
    """On how many of the last ``n`` bars ``x`` was true; unknown where it was on one of them."""
    return total(np.where(np.isnan(x), NAN, is_true(x)), n)


def since(x: Array) -> Array:
    """Bars since ``x`` was last true: 0 on such a bar, NaN before the first.

    Examples
    --------
    >>> since(np.array([0.0, 1.0, 0.0, 0.0])).tolist()
    [nan, 0.0, 1.0, 2.0]
    """
    here, last = np.arange(len(x)), _last(x)
    return np.where(last < 0, NAN, here - last)


def when(x: Any, condition: Array) -> Array:
    """``x`` as it was when ``condition`` was last true; NaN before the first.

    Examples
    --------
    >>> when(np.array([5.0, 6.0, 7.0, 8.0]), np.array([0.0, 1.0, 0.0, 1.0])).tolist()
    [nan, 6.0, 6.0, 8.0]
    """
    last = _last(condition)
    return np.where(last < 0, NAN, np.broadcast_to(x, condition.shape)[np.maximum(last, 0)])


def _last(x: Array) -> Any:
    """The bar on which ``x`` was last true; -1 before the first."""
    return np.maximum.accumulate(np.where(is_true(x), np.arange(len(x)), -1)) if len(x) else np.empty(0, np.int64)


def crossover(a: Any, b: Any) -> Any:
    """Whether ``a`` is above ``b`` now and was not one bar ago.

    Examples
    --------
    >>> crossover(np.array([1.0, 2.0, 3.0]), 2.0).tolist()
    [nan, 0.0, 1.0]
    """
    gap = _difference(a, b)
    before = shifted(gap, 1)
    return np.where(np.isnan(gap) | np.isnan(before), NAN, (gap > 0) & (before <= 0))


def crossunder(a: Any, b: Any) -> Any:
    """Whether ``a`` is below ``b`` now and was not one bar ago."""
    return crossover(b, a)


def cross(a: Any, b: Any) -> Any:
    """Whether ``a`` went through ``b``, either way, on this bar."""
    up, down = crossover(a, b), crossunder(a, b)
    return np.where(np.isnan(up), NAN, np.maximum(up, down))


_difference: Callable[[Any, Any], Any] = quiet(np.subtract)
