"""How sure a figure is: bootstrap-t intervals of the Sharpe ratio and of the mean trade, where they hold."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .bootstrap import DRAWS, LEVEL, blocks, mean_block

Array = NDArray[np.float64]

EACH = 5
"""Least values above zero, and below zero, of which anything is said: what has hardly been seen cannot be resampled."""
DAYS = 60
"""Daily returns below which the Sharpe ratio has no interval."""
TRADES = 30
"""Round trips below which their mean has no interval."""
_MOST_MEMORY = 0.97
"""Largest autocorrelation that is taken out of, or put back into, a series."""
_RETURNS, _TRADES = range(2)
"""Streams of random numbers, so that one figure does not move another's interval."""


class Interval(NamedTuple):
    """A bootstrap-t interval.

    Parameters
    ----------
    low, high : float
        Its ends.
    size : int
        Values that it was made of.
    block : float
        Mean length of the blocks that were resampled, in values.
    """

    low: float
    high: float
    size: int
    block: float


def long_run_variance(values: Array) -> float:
    """n times the variance of the mean of a series whose values depend on their neighbours.

    The quadratic-spectral estimate with Andrews' automatic bandwidth, of what a first-order autoregression leaves
    over, coloured again.

    Parameters
    ----------
    values : ndarray of float64
        With mean 0, in time order.

    Returns
    -------
    float
        NaN where the values do not vary.

    References
    ----------
    Andrews, Monahan (1992), An improved heteroskedasticity and autocorrelation consistent covariance matrix estimator,
    Econometrica 60, 953-966.

    Examples
    --------
    >>> alternating = np.array([1.0, -1.0] * 50)
    >>> bool(long_run_variance(alternating) < 0.5 < np.var(alternating))
    True
    """
    n = len(values)
    memory = _slope(values)
    if math.isnan(memory):
        return math.nan
    left = values[1:] - memory * values[:-1]
    left = left - left.mean()
    m = n - 1
    own = _slope(left)
    own = 0.0 if math.isnan(own) else own
    width = 1.3221 * (4.0 * own * own / (1.0 - own) ** 4 * m) ** 0.2
    found = float(left @ left) / m
    if width > 1e-6:
        lags = np.arange(1, min(m - 1, int(10.0 * width) + 1) + 1)
        x = 1.2 * math.pi * lags / width
        weights = 3.0 / (x * x) * (np.sin(x) / x - np.cos(x))
        found += 2.0 * math.fsum(w * float(left[:-k] @ left[k:]) / m for w, k in zip(weights, lags, strict=True))
    return max(found * n / (n - 2), 1e-300) / (1.0 - memory) ** 2


def _slope(values: Array) -> float:
    """Of each value on the one before, within bounds; NaN where nothing varies."""
    squares = float(values[:-1] @ values[:-1])
    return min(max(float(values[1:] @ values[:-1]) / squares, -_MOST_MEMORY), _MOST_MEMORY) if squares > 0 else math.nan


def sharpe_interval(made: Array, *, seed: int, level: float = LEVEL, draws: int = DRAWS) -> Interval | None:
    """The symmetric bootstrap-t interval of the Sharpe ratio of one period.

    Parameters
    ----------
    made : ndarray of float64
        Daily returns, in time order.
    seed : int
        The run's.
    level : float, default=0.95
        How often it should hold the truth.
    draws : int, default=999
        Resamples.

    Returns
    -------
    Interval or None
        None outside the domain in which its coverage was measured: at least 60 returns, of which at least 5 are gains
        and 5 losses.

    References
    ----------
    Ledoit, Wolf (2008), Robust performance hypothesis testing with the Sharpe ratio, Journal of Empirical Finance 15,
    850-859.
    """
    if not _known(made, DAYS):
        return None
    n, mean, deviation = len(made), float(made.mean()), float(made.std())
    ratio = mean / float(made.std(ddof=1))
    z = (made - mean) / deviation
    error = math.sqrt(long_run_variance(z - ratio / 2 * (z * z - 1.0)) / n)
    # Sums over blocks are differences of running sums, which keep their digits where the mean is taken out.
    sums, squares = _running(z), _running(z * z)
    block = mean_block(n)
    drawn = []
    for begins, lengths in blocks(n, block, draws, np.random.default_rng([seed, _RETURNS])):
        a, q = sums[begins + lengths] - sums[begins], squares[begins + lengths] - squares[begins]
        middle = a.sum(axis=1, keepdims=True) / n
        spread = np.maximum(q.sum(axis=1, keepdims=True) / n - middle * middle, 0.0)
        known = spread[:, 0] > 1e-12
        v = np.where(spread > 0, spread, 1.0)
        again = (middle + mean / deviation) / np.sqrt(v * (n / (n - 1)))
        psi = (a - middle * lengths) / np.sqrt(v) - again / 2 * (
            (q - 2 * middle * a + middle**2 * lengths) / v - lengths
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (again[:, 0] - ratio) / (np.sqrt((psi * psi).sum(axis=1)) / n)
        drawn.append(t[known & np.isfinite(t)])
    reach = float(np.quantile(np.abs(np.concatenate(drawn)), level)) * error
    return _checked(Interval(ratio - reach, ratio + reach, n, block))


def mean_interval(net: Array, *, seed: int, level: float = LEVEL, draws: int = DRAWS) -> Interval | None:
    """The equal-tailed bootstrap-t interval of a mean trade.

    Parameters
    ----------
    net : ndarray of float64
        Profit of each round trip after fees, in the order in which they ended.
    seed : int
        The run's.
    level : float, default=0.95
        How often it should hold the truth.
    draws : int, default=999
        Resamples.

    Returns
    -------
    Interval or None
        None outside the domain in which its coverage was measured: at least 30 round trips, of which at least 5 won
        and 5 lost.

    References
    ----------
    Götze, Künsch (1996), Second-order correctness of the blockwise bootstrap for stationary observations, Annals of
    Statistics 24, 1914-1933.
    """
    if not _known(net, TRADES):
        return None
    n, mean = len(net), float(net.mean())
    apart = net - mean
    error = math.sqrt(long_run_variance(apart) / n)
    sums = _running(apart)
    block = mean_block(n)
    drawn = []
    for begins, lengths in blocks(n, block, draws, np.random.default_rng([seed, _TRADES])):
        a = sums[begins + lengths] - sums[begins]
        middle = a.sum(axis=1, keepdims=True) / n
        psi = a - middle * lengths
        with np.errstate(divide="ignore", invalid="ignore"):
            t = middle[:, 0] / (np.sqrt((psi * psi).sum(axis=1)) / n)
        drawn.append(t[np.isfinite(t)])
    low, high = np.quantile(np.concatenate(drawn), [(1.0 - level) / 2, (1.0 + level) / 2])
    return _checked(Interval(mean - float(high) * error, mean - float(low) * error, n, block))


def _known(values: Array, least: int) -> bool:
    """Whether there is enough of every kind of value to resample."""
    enough = len(values) >= least and bool(np.isfinite(values).all())
    return bool(enough and min(np.count_nonzero(values > 0), np.count_nonzero(values < 0)) >= EACH)


def _running(values: Array) -> Array:
    """Sums of the first 0, 1, … values of a series that is followed by itself."""
    made: Array = np.concatenate([[0.0], np.cumsum(np.concatenate([values, values]))])
    return made


def _checked(found: Interval) -> Interval | None:
    return found if math.isfinite(found.low) and math.isfinite(found.high) else None
