"""Bars in which nobody traded, or whose figures contradict each other: nothing can be filled there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .bars import Bars
from .schema import Quality

_FEW = 1_000
"""So many bars nearly always have some volume, so that the others need not be looked at."""


def knows_volume(bars: Bars) -> bool:
    """Whether the volume is known at all; where it is above 0 on no bar, a volume of 0 says nothing.

    Examples
    --------
    >>> times = dict(open_time=[0, 1, 2], close_time=[1, 2, 3])
    >>> knows_volume(Bars.of(volume=[0.0, 3.0, 0.0], **times)), knows_volume(Bars.of(volume=[0.0] * 3, **times))
    (True, False)
    """
    volume = bars["volume"]
    return bool((volume[:_FEW] > 0).any() or (volume[_FEW:] > 0).any())


def first_bar(close_time: NDArray[np.int64], since: int) -> int:
    """The first bar on which a run decides that trades from ``since`` on: one that closes then, or after.

    Examples
    --------
    >>> first_bar(np.array([60, 120, 180]), 120), first_bar(np.array([60, 120, 180]), 121)
    (1, 2)
    """
    return int(np.searchsorted(close_time, since, side="left"))


def contradictory(bars: Bars) -> NDArray[np.bool_]:
    """Which bars have figures that contradict each other."""
    return _flagged(bars, Quality.CONTRADICTORY)


def untraded(bars: Bars) -> NDArray[np.bool_]:
    """In which bars nobody traded, as their flags or their volume say, or is known to have traded.

    A volume that is unknown (NaN) is not 0.

    Examples
    --------
    >>> times = dict(open_time=[0, 1, 2], close_time=[1, 2, 3])
    >>> untraded(Bars.of(volume=[0.0, 3.0, float("nan")], **times)).tolist()
    [True, False, False]
    >>> untraded(Bars.of(volume=[0.0] * 3, quality=[0, Quality.FILLED, 0], **times)).tolist()
    [False, True, False]
    """
    made = _flagged(bars, Quality.FILLED | Quality.CONTRADICTORY)
    if knows_volume(bars):
        made |= bars["volume"] == 0
    return made


def shut(bars: Bars, empty_bars: str) -> NDArray[np.bool_]:
    """The bars in which orders wait, under ``fills: {empty_bars: wait | fill}``."""
    return untraded(bars) if empty_bars == "wait" else contradictory(bars)


def _flagged(bars: Bars, bits: Quality) -> NDArray[np.bool_]:
    flags = bars["quality"]
    return (flags & int(bits)) != 0 if flags.any() else np.zeros(len(flags), dtype=bool)
