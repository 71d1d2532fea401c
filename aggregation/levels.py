"""Levels: price rows joined into higher ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..core.bars import Levels


def regrouped(levels: Levels, times: int) -> Levels:
    """The same levels with ``times`` rows joined into one; rows stay aligned to zero.

    Examples
    --------
    >>> fine = Levels(np.array([0, 3]), np.array([10, 11, 12]), np.array([1.0, 2.0, 4.0]), np.zeros(3), 0.5)
    >>> coarse = regrouped(fine, 2)
    >>> coarse.price_tick.tolist(), coarse.buy_volume.tolist(), coarse.row_size
    ([10, 12], [3.0, 4.0], 1.0)
    """
    height = levels.row_ticks * times
    ticks = levels.price_tick // height * height
    bar = np.repeat(np.arange(len(levels)), np.diff(levels.offsets))
    begins = np.flatnonzero((np.diff(ticks, prepend=-1) != 0) | (np.diff(bar, prepend=-1) != 0))
    if not len(begins):
        return replace(levels, row_ticks=height)
    rows = np.bincount(bar[begins], minlength=len(levels))
    return replace(
        levels,
        offsets=np.concatenate([[0], np.cumsum(rows)]).astype(np.int64),
        price_tick=ticks[begins],
        buy_volume=np.add.reduceat(levels.buy_volume, begins),
        sell_volume=np.add.reduceat(levels.sell_volume, begins),
        row_ticks=height,
        classes=None if levels.classes is None else {s: regrouped(own, times) for s, own in levels.classes.items()},
    )
