"""What the best of many is worth: how high chance alone takes the best Sharpe ratio of so many points."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...backtest.results.bootstrap import DRAWS, LEVEL, counts, mean_block
from ...backtest.results.statistics import YEAR_DAYS
from .daily import ENOUGH, Daily

Floats = NDArray[np.float32]
_AT_ONCE = 512
"""Points whose resamples are in memory at a time."""
_LEAST_BLOCKS = 10
"""Blocks in the days below which there is nothing to put in another order."""


class Luck(NamedTuple):
    """What is known of the best of many.

    Parameters
    ----------
    days : int
        Daily returns that all points have.
    block : float
        Mean length of the blocks that were resampled, in days.
    points : int
        How many points had returns that vary.
    excess : bool
        Whether those of some were measured over what holding their mean position made.
    best : float
        The highest Sharpe ratio, a year.
    p : float
        How often chance alone takes the highest of them as high.
    floor : float
        What is left of the best after it was picked, a year: the lower end of its one-sided 95 % interval.
    stand_out : tuple
        Points whose ratio is higher than chance takes the highest in 95 %.
    """

    days: int
    block: float
    points: int
    excess: bool
    best: float
    p: float
    floor: float
    stand_out: tuple[Hashable, ...]


def common_days(series: Mapping[Hashable, Daily]) -> tuple[list[Hashable], Floats]:
    """Numbers of the points, and their daily returns on the days that all of them have, as (days, points)."""
    first = max(one.first for one in series.values())
    last = min(one.first + len(one.made) for one in series.values())
    if last <= first:
        return [*series], np.zeros((0, len(series)), dtype=np.float32)
    made = np.column_stack([one.made[first - one.first : last - one.first] for one in series.values()])
    return [*series], made[~np.isnan(made).any(axis=1)]


def luck(series: Mapping[Hashable, Daily], held: float, seed: int = 0, per_year: float = YEAR_DAYS) -> Luck | None:
    """Compare the best of many with the best of the same points when none has an edge.

    The days are resampled in blocks, the same days for all points, so that points that do the same stay together. In
    each resample every ratio is taken anew and compared with the point's own; the largest gain of any point is what
    chance adds to the best.

    Parameters
    ----------
    series : mapping of Daily
        Daily returns by point.
    held : float
        Days that a position is held.
    seed : int
        Of the resamples.
    per_year : float
        Daily returns in a year.

    Returns
    -------
    Luck or None
        None below 250 common days, where positions are held for more than a tenth of them, and where no point's
        returns vary: there the method was not seen to hold.

    References
    ----------
    White (2000), A reality check for data snooping, Econometrica 68, 1097-1126.
    Romano, Wolf (2005), Stepwise multiple testing as formalized data snooping, Econometrica 73, 1237-1282.
    """
    if not series:
        return None
    numbers, made = common_days(series)
    days = len(made)
    block = max(2.0 * mean_block(days), held) if days else math.nan
    spread = made.std(axis=0, ddof=1, dtype=np.float64) if days > 1 else np.zeros(made.shape[1])
    vary = spread > 1e-12
    if days < ENOUGH or _LEAST_BLOCKS * block > days or not vary.any():
        return None
    mean = made.mean(axis=0, dtype=np.float64)[vary]
    ratios = mean / spread[vary]
    apart = ((made[:, vary] - mean) / spread[vary]).astype(np.float32)
    drawn = counts(days, block, DRAWS, np.random.default_rng(seed))
    gained = np.full(DRAWS, -np.inf)
    for part, own in _parts(apart, ratios):
        np.maximum(gained, _gains(drawn, part, own).max(axis=1), out=gained)
    year, top = math.sqrt(per_year), float(ratios.max())
    height = float(np.quantile(gained, LEVEL))
    varying = [number for number, varies in zip(numbers, vary, strict=True) if varies]
    out = tuple(number for number, ratio in zip(varying, ratios, strict=True) if ratio > height)
    p = (1 + int(np.count_nonzero(gained >= top))) / (1 + DRAWS)
    excess = any(one.excess for one in series.values())
    return Luck(days, block, len(ratios), excess, year * top, p, year * (top - height), out)


def _parts(apart: Floats, ratios: NDArray[np.float64]) -> Iterator[tuple[Floats, NDArray[np.float64]]]:
    for at in range(0, len(ratios), _AT_ONCE):
        yield apart[:, at : at + _AT_ONCE], ratios[at : at + _AT_ONCE]


def _gains(drawn: Floats, apart: Floats, ratios: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each point's ratio in each resample less its own, from returns of mean 0 and deviation 1."""
    days = np.float32(len(apart))
    mean, squares = drawn @ apart / days, drawn @ (apart * apart) / days
    variance = (squares - mean * mean) * (days / (days - 1))
    # A resample in which a point did nothing says nothing of it.
    known = variance > 1e-6
    gains: NDArray[np.float64] = np.where(known, (ratios + mean) / np.sqrt(np.where(known, variance, 1.0)), -np.inf)
    return gains - ratios
