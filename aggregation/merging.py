"""Compiled merges: consecutive bars into longer ones, without having seen their trades.

Each kernel walks groups: bars ``starts[g]:starts[g + 1]`` become bar ``g``.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..core.kernels import compiled, njit_inline, njit_internal
from .blocks import SMALL
from .folding import add

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


DECIMALS = 1e8
"""Amounts that are whole multiples of its inverse are summed as such, as venues sum their decimals."""
_WHOLE = 2.0**53


@njit_inline
def _small_square(x: float) -> float:
    """A quarter of the squared logarithm of a quotient of two prices, from their difference over their sum.

    By its series, which for the small steps of a tape is exact where the quotient would have been rounded.
    """
    y = x * x
    return y * (1.0 + y * (2.0 / 3.0 + y * (23.0 / 45.0)))


@njit_internal
def squared_return(price: float, before: float) -> float:
    """A quarter of the squared logarithm of ``price / before``."""
    x = (price - before) / (price + before)
    if abs(x) > SMALL:
        r = math.log(price / before)
        return 0.25 * r * r
    return _small_square(x)


@compiled
def decimal_sum(values: Floats) -> float:
    """The double nearest to the sum of the decimals that ``values`` are; NaN where one has more than 8 digits.

    Examples
    --------
    >>> decimal_sum(np.array([0.1, 0.2])), sum([0.1, 0.2])
    (0.3, 0.30000000000000004)
    """
    total = 0.0
    for value in values:
        steps = np.rint(value * DECIMALS)
        total += steps
        if steps / DECIMALS != value or abs(total) >= _WHOLE:
            return float(np.nan)
    return total / DECIMALS


@compiled
def merge_sums(values: Floats, starts: Integers, out: Floats) -> None:
    """Sums over each group: those of the decimals where the parts are such, else of the doubles, to the nearest.

    Parameters
    ----------
    values : ndarray of float64
        One column a row, so that its parts are neighbours.
    starts : ndarray of int64
        Where each group begins; one more than there are groups.
    out : ndarray of float64
        Takes the sums, one column a row.
    """
    both = np.zeros(2)
    for column in range(len(values)):
        for g in range(len(starts) - 1):
            parts = values[column, starts[g] : starts[g + 1]]
            made = decimal_sum(parts)
            if math.isnan(made):
                both[:] = 0.0
                for value in parts:
                    add(both, 0, value)
                made = both[0] + both[1]
            out[column, g] = made


@compiled
def merge_delta(bought: Floats, sold: Floats, high: Floats, low: Floats, starts: Integers, out: Floats) -> None:
    """Extremes of the running delta: each part's own, on top of the delta of the parts before it.

    ``out`` takes the highest and the lowest; NaN where a part does not know its own.
    """
    both = np.zeros(2)
    for g in range(len(starts) - 1):
        both[:] = 0.0
        top = bottom = 0.0
        for k in range(starts[g], starts[g + 1]):
            before = both[0] + both[1]
            if math.isnan(top) or math.isnan(high[k]) or math.isnan(low[k]):
                top = bottom = np.nan
            else:
                top, bottom = max(top, before + high[k]), min(bottom, before + low[k])
            add(both, 0, bought[k])
            add(both, 0, -sold[k])
        out[g, 0], out[g, 1] = top, bottom


@compiled
def merge_time_means(
    opens: Integers,
    closes: Integers,
    first: Floats,
    last: Floats,
    mean: Floats,
    starts: Integers,
    edges: Integers,
    out: Floats,
) -> None:
    """Prices weighted by the time they held.

    Where parts are missing the price before them holds, or the first price of all where there is none.

    Parameters
    ----------
    opens, closes, first, last, mean : ndarray
        Interval, open, close and time-weighted mean of each part.
    starts : ndarray of int64
        The groups.
    edges : ndarray of int64, two a group
        Interval of each group.
    out : ndarray of float64
        Takes the means.
    """
    for g in range(len(starts) - 1):
        lo, since = starts[g], edges[g, 0]
        hold = last[lo - 1] if lo else first[lo]
        ref, held = hold, 0.0
        for k in range(lo, starts[g + 1]):
            held += (hold - ref) * (opens[k] - since) + (mean[k] - ref) * (closes[k] - opens[k])
            since, hold = closes[k], last[k]
        held += (hold - ref) * (edges[g, 1] - since)
        out[g] = ref + held / (edges[g, 1] - edges[g, 0])


@compiled
def merge_row_means(
    first: Floats, last: Floats, rows: Floats, mean: Floats, vol: Floats, starts: Integers, out: Floats
) -> None:
    """Mean price of the rows, and their realized volatility.

    The squared returns of a group are those inside its parts and those from the last row of a part to the first
    of the next that has one.

    Parameters
    ----------
    first, last, rows, mean, vol : ndarray of float64
        Open, close, number of rows, mean price of rows and realized volatility of each part; parts with 0 rows are
        left out, a part with NaN makes its group's NaN.
    starts : ndarray of int64
        The groups.
    out : ndarray of float64
        Takes mean and volatility; NaN where no part has rows.
    """
    for g in range(len(starts) - 1):
        n = above = squares = 0.0
        ref = before = np.nan
        for k in range(starts[g], starts[g + 1]):
            if rows[k] == 0.0:
                continue
            if math.isnan(before):
                ref = mean[k]
            else:
                squares += 4.0 * squared_return(first[k], before)
            squares += vol[k] * vol[k]
            n += rows[k]
            above += (mean[k] - ref) * rows[k]
            before = last[k]
        out[g, 0] = ref + above / n
        out[g, 1] = np.nan if math.isnan(before) else math.sqrt(squares)
