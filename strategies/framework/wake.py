"""When a strategy wants to be asked: bars known ahead, so that an engine need not visit the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NEVER = 1 << 62
"""A bar that no data reaches."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class SkipHint:
    """The bars on which a strategy's ``next`` may do anything at all, by what it holds.

    It is asked on further bars too: wherever there is news of an order, and from the bar on which a time
    stop is due. On a bar that is not marked ``next`` must do nothing, or results would depend on who asks.

    Parameters
    ----------
    flat : ndarray of bool, (bars,)
        While the position in the first feed is zero.
    long, short : ndarray of bool, (bars,)
        While it is above or below zero.

    Examples
    --------
    >>> enter, leave = np.array([True, False, True]), np.array([False, True, False])
    >>> SkipHint(flat=enter, long=leave, short=leave).long.tolist()
    [False, True, False]
    """

    flat: Mask
    long: Mask
    short: Mask
