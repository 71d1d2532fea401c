"""Lots: sizes in whole steps, as decimal numbers a person would write."""

from __future__ import annotations

import math

import numpy as np

DEFAULT_LOT = 1e-8


def whole_lots(size: float, lot: float | None) -> float:
    """``size`` rounded down to whole lots, as the decimal number a person would write.

    Parameters
    ----------
    size : float
        In base currency, at least 0.
    lot : float or None
        Smallest step; 1e-8 when None.

    Examples
    --------
    >>> whole_lots(0.12345, 0.001), whole_lots(0.3, 0.1), whole_lots(7.9, 1)
    (0.123, 0.3, 7.0)
    """
    step = lot or DEFAULT_LOT
    return round(float(lots_in(size, step)), decimals(step))


def lots_in(size: float, step: float) -> float:
    """``size`` rounded down to whole steps, as binary numbers have it; compiled code takes it in as it is."""
    return np.floor(size / step * (1 + 1e-12) + 1e-9) * step  # type: ignore[no-any-return]


def decimals(step: float) -> int:
    """How many decimals a size in whole steps is written with.

    >>> decimals(0.001), decimals(1), decimals(1e-8)
    (5, 2, 10)
    """
    return max(0, -math.floor(math.log10(step)) + 2)


def in_proportion(size: float, money: float, left: float) -> float:
    """What to try of ``size`` where all of it would leave ``left``, below 0, of ``money``."""
    return size * (money / (money - left))


def just_below(size: float, step: float) -> float:
    """The largest size that has fewer steps, where the proportion gives as many."""
    return max(size * (1.0 - 2e-12) - step / 2, 0.0)
