"""How much of an entry the money allows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...core.lots import DEFAULT_LOT, in_proportion, just_below, whole_lots

SIZED = "sized"
"""What an order is told whose size came from a sizer and may be cut; a size that an author gave is never changed."""
TRIES = 64
"""After so many there is no size: a least fee as large as the money leaves none."""


def is_sized(order: Any) -> bool:
    """Whether a sizer gave ``order`` its size, so that it may be cut to what the money allows."""
    return SIZED in order.info


def afforded(size: float, money: float, lot: float | None, left: Callable[[float], float]) -> float:
    """The largest size in whole lots, at most ``size``, that leaves nothing owed; 0 where there is none.

    Parameters
    ----------
    size : float
        Above 0; given back as it is where the money covers it.
    money : float
        What there is.
    lot : float or None
        Smallest step of a size; 1e-8 when None.
    left : callable
        The money left after so much, fees paid.

    Examples
    --------
    >>> afforded(10.0, 1000.0, 0.01, lambda size: 1000.0 - size * 101.0 * 1.001)
    9.89
    """
    if not money > 0.0:
        return 0.0
    for _ in range(TRIES):
        after = left(size)
        if after >= 0.0:
            return size
        fewer = whole_lots(in_proportion(size, money, after), lot)
        if fewer >= size:
            fewer = whole_lots(just_below(size, lot or DEFAULT_LOT), lot)
        size = fewer
        if not size > 0.0:
            return 0.0
    return 0.0
