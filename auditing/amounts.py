"""How a tape's quantities are usually spread: over sizes, and over how round they are on the grid of its lots."""

from __future__ import annotations

import math

import numpy as np

from ..core.kernels import compiled
from .chunk import Floats

OFF = -30.0
"""Log probability of a quantity that is no whole number of lots."""
NEAR = 1e-3
"""How far from a whole number of lots a quantity may be."""
PER_DECADE = 6
BELOW = 10 * PER_DECADE
BINS = BELOW + 16 * PER_DECADE
ROUND = 9
_FADE = 0.98
_VAGUE = 12.0
_KERNEL = np.array([0.1, 0.2, 0.4, 0.2, 0.1])
_FINEST = 10
_LARGEST = 2.0**43
_FLOAT = 3e-15
_SHARE = 0.995


@compiled
def bin_of(lots: float, logs: float) -> int:
    """Bin of a size.

    Parameters
    ----------
    lots : float
        The size.
    logs : float
        Its decimal logarithm, where the size is no whole number below 1,000; exact at powers of ten for the others.
    """
    exact = math.log10(lots) if lots < 1000.0 else logs
    return min(max(BELOW + math.floor(PER_DECADE * exact + 1e-9), 0), BINS - 1)


@compiled
def whole_lots(lots: float, slack: float) -> int:
    """The whole number that ``lots`` is, ``slack`` away at most; 0 where it is none."""
    near = math.floor(lots + 0.5)
    if near < 1.0 or near >= _LARGEST or abs(lots - near) > slack + _FLOAT * lots:
        return 0
    return int(near)


@compiled
def zeros_of(whole: int) -> int:
    """How many zeros end a whole number above 0, up to 15."""
    zeros = 0
    while whole % 10 == 0 and zeros < 15:
        whole //= 10
        zeros += 1
    return zeros


@compiled
def _count(quantity: Floats, lot: float, table: Floats) -> None:
    """Add the quantities that are whole lots to a table of bins and zeros."""
    for i in range(len(quantity)):
        lots = quantity[i] / lot
        whole = whole_lots(lots, NEAR)
        if whole:
            table[bin_of(lots, math.log10(lots)), min(zeros_of(whole), ROUND - 1)] += 1.0


@compiled
def _weigh(table: Floats, each: Floats, sizes: Floats, points: Floats) -> None:
    """Smooth a table to log probabilities: of sizes, and of each single quantity by size and roundness."""
    total, ends, all_sizes, all_ends = table.sum(), np.zeros(ROUND), 0.0, 0.0
    for b in range(BINS):
        near = 0.0
        for k in range(-2, 3):
            near += _KERNEL[k + 2] * table[min(max(b + k, 0), BINS - 1)].sum()
        sizes[b] = near + 1e-3 * (total + 1.0) / BINS
        all_sizes += sizes[b]
    for z in range(ROUND):
        ends[z] = table[:, z].sum() + 0.01 * total * 0.2**z + 1e-9
        all_ends += ends[z]
    for b in range(BINS):
        sizes[b] /= all_sizes
        for z in range(ROUND):
            joint = (table[b, z] + _VAGUE * sizes[b] * ends[z] / all_ends) / (total + _VAGUE)
            points[b, z] = math.log(joint) - each[b, z]
        sizes[b] = math.log(sizes[b])


def decimals_of(quantity: Floats) -> int | None:
    """Fewest decimals that 99.5 % of quantities need, negative where all end in zeros; None above 10.

    Examples
    --------
    >>> decimals_of(np.array([0.25, 1.5])), decimals_of(np.array([500.0, 1200.0])), decimals_of(np.array([1 / 3]))
    (2, -2, None)
    """
    for decimals in range(-6, _FINEST + 1):
        scaled = quantity * 10.0**decimals
        whole = np.rint(scaled)
        fits = (np.abs(scaled - whole) <= NEAR + _FLOAT * scaled) & (whole >= 1) & (whole < _LARGEST)
        if np.count_nonzero(fits) >= _SHARE * len(quantity):
            return decimals
    return None


class Amounts:
    """How likely each quantity is while the unit is the usual one, learned block by block and slowly forgotten.

    A quantity is put down as its size (six bins a decade) and how many zeros end it when it is counted in lots.

    Parameters
    ----------
    quantity : ndarray of float64
        The first rows.
    decimals : int
        Of a lot, as `decimals_of` gives them.

    Examples
    --------
    >>> usual = Amounts(np.array([0.001, 0.002, 0.01, 0.01]), 3)
    >>> usual.lot, bool(usual.sizes[bin_of(1.0, 0.0)] > usual.sizes[bin_of(500.0, math.log10(500))])
    (0.001, True)
    """

    def __init__(self, quantity: Floats, decimals: int) -> None:
        self.lot = 10.0**-decimals
        self.sizes: Floats = np.zeros(BINS)
        """Log probability of each bin."""
        self.points: Floats = np.zeros((BINS, ROUND))
        """Log probability of each single quantity of a bin and roundness."""
        self._table = np.zeros((BINS, ROUND))
        self.learn(quantity)

    def learn(self, quantity: Floats) -> None:
        """Take a block into what is usual; rows off the grid are left out."""
        self._table *= _FADE
        _count(quantity, self.lot, self._table)
        _weigh(self._table, _LOG_POINTS, self.sizes, self.points)


def _points() -> Floats:
    """Log of how many quantities a bin has of each roundness."""
    edges = 10.0 ** ((np.arange(BINS + 1) - BELOW) / PER_DECADE)
    width = np.diff(edges)[:, None] / 10.0 ** np.arange(ROUND)
    width[:, :-1] *= 0.9
    made: Floats = np.log(np.maximum(width, 1.0))
    return made


_LOG_POINTS = _points()
