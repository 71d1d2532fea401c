"""Lots: sizes in whole steps, as decimal numbers a person would write."""

from __future__ import annotations

import math

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
    lots = math.floor(size / step * (1 + 1e-12) + 1e-9)
    digits = max(0, -math.floor(math.log10(step)) + 2)
    return round(float(lots * step), digits)
