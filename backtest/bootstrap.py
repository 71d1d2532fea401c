"""How sure a figure is: the stationary bootstrap of returns and of round trips."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Interval = tuple[float, float]

LEVEL = 0.95
"""Share of the resampled figures that an interval holds."""
DRAWS = 1000
ENOUGH = 10
"""Returns or round trips below which nothing is resampled: an interval from so few would be a guess."""
_BLOCKS = 300
"""Most blocks in one resample; more would only cost time."""
_AT_ONCE = 200_000
"""Blocks held in memory at a time."""
_RETURNS, _TRIPS, _PATHS = range(3)
"""Streams of random numbers, so that one figure does not move another's interval."""


def mean_block(count: int, least: float = 1.0) -> float:
    """Mean length of a block: the cube root of ``count``, no shorter than ``least`` and no longer than ``count``.

    Examples
    --------
    >>> mean_block(1000), mean_block(1000, 60.0)
    (10.0, 60.0)
    """
    return float(min(max(round(count ** (1 / 3), 9), least, count / _BLOCKS, 1.0), count))


def resampled_sums(values: Array, block: float, draws: int, rng: np.random.Generator) -> Array:
    """Sums of each column over stationary-bootstrap resamples, without making the resamples.

    A resample is as long as ``values``, of blocks that begin anywhere, run on around the end and have geometric lengths
    of mean ``block``. A sum over a block is a difference of running sums, so that a resample costs its blocks and not
    its rows.

    Parameters
    ----------
    values : ndarray of float64, shape (n, k)
        What is summed, in time order.
    block : float
        Mean length of a block, at least 1.
    draws : int
        How many resamples.
    rng : Generator
        Where chance comes from.

    Returns
    -------
    ndarray of float64, shape (draws, k)

    References
    ----------
    Politis, Romano (1994), The stationary bootstrap, Journal of the American Statistical Association 89, 1303-1313.

    Examples
    --------
    >>> ones = np.ones((50, 1))
    >>> resampled_sums(ones, 5.0, 3, np.random.default_rng(0)).tolist()
    [[50.0], [50.0], [50.0]]
    """
    n = len(values)
    running = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(np.concatenate([values, values]), axis=0)])
    parts = []
    for starts, lengths in _blocks(n, block, draws, rng):
        parts.append((running[starts + lengths] - running[starts]).sum(axis=1))
    return np.concatenate(parts)


def _blocks(n: int, block: float, draws: int, rng: np.random.Generator) -> Iterator[tuple[Ints, Ints]]:
    """Begins and lengths of blocks, one row a resample; lengths of a row add up to ``n``."""
    mean = n / block
    # Six standard deviations more than are needed on average; a row that still falls short has a longer last block.
    count = min(n, int(mean + 6.0 * math.sqrt(mean) + 8))
    rows = max(1, _AT_ONCE // count)
    for first in range(0, draws, rows):
        shape = (min(rows, draws - first), count)
        ends = np.minimum(np.cumsum(_geometric(block, shape, rng), axis=1), n)
        ends[:, -1] = n
        yield rng.integers(0, n, shape), np.diff(ends, axis=1, prepend=0)


def _geometric(mean: float, shape: tuple[int, int], rng: np.random.Generator) -> Ints:
    """Geometric numbers from 1 on, as exponential ones rounded up; three times as fast as the generator's own."""
    if mean <= 1.0:
        return np.ones(shape, dtype=np.int64)
    made: Ints = np.ceil(rng.standard_exponential(shape) / -math.log1p(-1.0 / mean)).astype(np.int64)
    return np.maximum(made, 1)


def resampled_paths(values: Array, block: float, draws: int, rng: np.random.Generator) -> Array:
    """Running sums of stationary-bootstrap resamples, shape (draws, n); for a few hundred values."""
    n = len(values)
    at = rng.integers(0, n, (draws, n))
    fresh = rng.random((draws, n)) < 1.0 / block
    fresh[:, 0] = True
    # The latest begin of a block at or before each place, and how far the place lies behind it.
    begin = np.maximum.accumulate(np.where(fresh, np.arange(n), 0), axis=1)
    index = (np.take_along_axis(at, begin, axis=1) + np.arange(n) - begin) % n
    made: Array = np.cumsum(values[index], axis=1)
    return made


def interval(figures: Array, level: float = LEVEL) -> Interval:
    """The middle ``level`` of resampled figures; an end that is infinite is NaN, for it is open.

    Examples
    --------
    >>> interval(np.arange(1001.0))
    (25.0, 975.0)
    >>> interval(np.array([1.0, 2.0, np.inf, np.nan]))
    (1.0, nan)
    """
    known = np.sort(figures[~np.isnan(figures)])
    if not len(known):
        return math.nan, math.nan
    tail = (1.0 - level) / 2
    low, high = (float(known[round(q * (len(known) - 1))]) for q in (tail, 1.0 - tail))
    return (low if math.isfinite(low) else math.nan), (high if math.isfinite(high) else math.nan)


def return_intervals(made: Array, per_year: float, *, seed: int, block: float) -> dict[str, Interval]:
    """Intervals of the Sharpe ratio and of the whole return in percent; empty with too few returns.

    Parameters
    ----------
    made : ndarray of float64
        Simple returns, as `statistics.returns` gives them.
    per_year : float
        How many of them fit in a year.
    seed : int
        The run's.
    block : float
        Mean length of a block, in returns.
    """
    n = len(made)
    if n < ENOUGH or not np.all(made > -1.0) or not np.any(made):
        return {}
    columns = np.column_stack([made, made * made, np.log1p(made)])
    total, squares, log = resampled_sums(columns, block, DRAWS, np.random.default_rng([seed, _RETURNS])).T
    with np.errstate(divide="ignore", invalid="ignore"):
        deviation = np.sqrt(np.maximum(squares - total * total / n, 0.0) / (n - 1))
        ratio = np.where(deviation > 1e-12 * np.max(np.abs(made)), total / n / deviation, np.nan)
    return {
        "return_pct": interval(100.0 * np.expm1(log)),
        "sharpe": interval(ratio * math.sqrt(per_year)),
    }


def trip_intervals(net: Array, *, seed: int) -> dict[str, Interval]:
    """Intervals of what depends on round trips alone; empty with too few of them.

    Parameters
    ----------
    net : ndarray of float64
        Profit of each round trip after fees, in the order in which they ended.
    seed : int
        The run's.
    """
    if len(net) < ENOUGH:
        return {}
    columns = np.column_stack([net, net > 0, np.maximum(net, 0.0), np.maximum(-net, 0.0)]).astype(np.float64)
    rng = np.random.default_rng([seed, _TRIPS])
    total, wins, won, lost = resampled_sums(columns, mean_block(len(net)), DRAWS, rng).T
    # A difference of running sums leaves rounding where nothing was lost.
    lost = np.where(lost > 1e-12 * np.sum(np.abs(net)), lost, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = won / lost
    return {
        "win_rate": interval(np.rint(wins) / len(net)),
        "profit_factor": interval(factor),
        "mean_trade": interval(total / len(net)),
    }


def equity_band(
    value: Array, start: float, *, seed: int, hold: float = 1.0, points: int = 400
) -> tuple[Ints, Array, Array, Interval]:
    """Where equity might have been had chance dealt the same returns otherwise.

    The run is cut into at most ``points`` spans; their log returns are resampled, and at each end the middle
    `LEVEL` of all paths is the band. It widens with time, as chance does.

    Parameters
    ----------
    value : ndarray of float64
        Equity at every bar.
    start : float
        Equity before the first.
    seed : int
        The run's.
    hold : float, default=1.0
        Mean bars of a round trip: no mean block is shorter.
    points : int, default=400
        Spans at most.

    Returns
    -------
    bars : ndarray of int64
        The last bar of each span.
    low, high : ndarray of float64
        The band there. All three are empty when there is too little to resample.
    drawdown_pct : (float, float)
        The interval of the largest drawdown of a path, told from the ends of spans.
    """
    nothing = (np.zeros(0, np.int64), np.zeros(0), np.zeros(0), (math.nan, math.nan))
    count = min(points, len(value))
    if count < ENOUGH or not np.all(value > 0) or start <= 0 or np.all(value == start):
        return nothing
    ends = np.linspace(0, len(value), count + 1).astype(np.int64)[1:] - 1
    steps = np.diff(np.log(np.concatenate([[start], value[ends]])))
    block = mean_block(count, hold * count / len(value))
    paths = np.exp(resampled_paths(steps, block, DRAWS, np.random.default_rng([seed, _PATHS]))) * start
    tail = (1.0 - LEVEL) / 2
    low, high = np.quantile(paths, [tail, 1.0 - tail], axis=0)
    peaks = np.maximum(np.maximum.accumulate(paths, axis=1), start)
    deepest = np.max(1.0 - paths / peaks, axis=1)
    return ends, low, high, interval(100.0 * deepest)
