"""Order sizes in compiled code, equal to `backtest.broker.sizers` to the last bit."""

from __future__ import annotations

import math

import numpy as np

from ....core import lots
from ....core.kernels import njit_inline, njit_internal, njit_no_refcount
from .state import Floats

lots_in = njit_inline(lots.lots_in)
in_proportion, just_below = njit_inline(lots.in_proportion), njit_inline(lots.just_below)

PERCENT, FIXED, STEP, SCALE, SMALLEST = range(5)
"""Share of the equity (NaN where the size is fixed), fixed size, lot, ten to the decimals of a size, least notional."""

_SPLIT = 134_217_729.0
"""2**27 + 1: splits a double into two halves whose products are exact."""
_WHOLE = 2.0**53
"""From here on doubles are whole numbers."""
MOST_DECIMALS = 22
"""Powers of ten up to this one are doubles."""


def sizing(percent: float | None, fixed: float | None, lot: float | None, min_notional: float) -> Floats:
    """The numbers `order_size` works with.

    Parameters
    ----------
    percent, fixed : float or None
        Percent of the equity, or base currency; one of them.
    lot : float or None
        Smallest step of a size; 1e-8 when None.
    min_notional : float
        Smallest order in quote currency.
    """
    step = lot or lots.DEFAULT_LOT
    share = math.nan if fixed is not None or percent is None else float(percent)
    return np.array([share, float(fixed or 0.0), step, float(10 ** lots.decimals(step)), min_notional])


@njit_internal
def _half(value: float) -> float:
    """The upper half of a double's digits."""
    wide = _SPLIT * value
    return wide - (wide - value)


@njit_no_refcount
def rounded(value: float, scale: float) -> float:
    """``round(value, d)`` as Python gives it, for ``scale`` ten to the ``d`` and ``value`` at least 0.

    The decision is taken on the exact product: its double and what that double left out.
    """
    product = value * scale
    if product >= _WHOLE:
        return value
    a, b = _half(value), _half(scale)
    a_low, b_low = value - a, scale - b
    rest = ((a * b - product) + a * b_low + a_low * b) + a_low * b_low
    whole = np.floor(product)
    part = product - whole
    odd = whole % 2.0 == 1.0
    if part > 0.5 or (part == 0.5 and (rest > 0.0 or (rest == 0.0 and odd))):
        whole += 1.0
    elif part == 0.0 and rest == -0.5 and odd:
        whole -= 1.0
    elif part == 0.0 and rest == 0.5 and odd:
        whole += 1.0
    return float(whole / scale)


@njit_internal
def whole(size: float, step: float, scale: float) -> float:
    """`core.lots.whole_lots`: ``size`` rounded down to whole lots."""
    return rounded(lots_in(size, step), scale)


@njit_internal
def fewer(size: float, money: float, left: float, step: float, scale: float) -> float:
    """The size to try after one that would leave ``left``, below 0, of ``money``."""
    made = whole(in_proportion(size, money, left), step, scale)
    if made >= size:
        made = whole(just_below(size, step), step, scale)
    return float(made)


@njit_inline
def order_size(numbers: Floats, equity: float, price: float) -> float:
    """Size of an order at ``price`` in whole lots; 0 where it would be too small."""
    share, step = numbers[PERCENT], numbers[STEP]
    wish = numbers[FIXED] if share != share else equity * share / 100.0 / price
    if wish <= 0.0:
        return 0.0
    size = whole(wish, step, numbers[SCALE])
    return size if size * price >= numbers[SMALLEST] else 0.0
