"""Resamples that keep neighbours together: the stationary bootstrap, by sums over its blocks."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

LEVEL = 0.95
"""How often an interval should hold the truth."""
DRAWS = 999
"""Resamples; one less than a round number, so that its shares are whole ranks."""
_BLOCKS = 2_000
"""Most blocks in one resample; more would only cost time."""
_AT_ONCE = 200_000
"""Blocks held in memory at a time."""


def mean_block(count: int) -> float:
    """Mean length of a block for ``count`` values: their cube root.

    Examples
    --------
    >>> mean_block(1000), mean_block(1)
    (10.0, 1.0)
    """
    return float(max(round(count ** (1 / 3), 9), count / _BLOCKS, 1.0))


def blocks(n: int, block: float, draws: int, rng: np.random.Generator) -> Iterator[tuple[Ints, Ints]]:
    """Begins and lengths of blocks, one row a resample; lengths of a row add up to ``n``.

    A block begins anywhere, runs on around the end, and its length is geometric.

    Parameters
    ----------
    n : int
        How many values there are.
    block : float
        Mean length of a block, at least 1.
    draws : int
        How many resamples.
    rng : Generator
        Where chance comes from.

    Yields
    ------
    begins, lengths : ndarray of int64, shape (some of the draws, most blocks)
        A length of 0 is no block.

    References
    ----------
    Politis, Romano (1994), The stationary bootstrap, Journal of the American Statistical Association 89, 1303-1313.

    Examples
    --------
    >>> [lengths.sum(axis=1).tolist() for _, lengths in blocks(50, 5.0, 3, np.random.default_rng(0))]
    [[50, 50, 50]]
    """
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


def counts(n: int, block: float, draws: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """How often each value is in each resample, shape (draws, n).

    Examples
    --------
    >>> counts(50, 5.0, 3, np.random.default_rng(0)).sum(axis=1).tolist()
    [50.0, 50.0, 50.0]
    """
    parts = []
    for begins, lengths in blocks(n, block, draws, rng):
        rows = np.repeat(np.arange(len(begins)), begins.shape[1])
        # One more from where a block begins, one less behind its end, on a line that goes around the end twice.
        steps = np.zeros((len(begins), 2 * n + 1), dtype=np.float32)
        np.add.at(steps, (rows, begins.ravel()), 1.0)
        np.add.at(steps, (rows, (begins + lengths).ravel()), -1.0)
        here = np.cumsum(steps, axis=1)[:, : 2 * n]
        parts.append(here[:, :n] + here[:, n:])
    return np.concatenate(parts)
