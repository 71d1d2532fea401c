"""Ticks: from a row of a price grid to its price and back, as decimal numbers a person would write.

A tick such as 0.1 is no binary number, and ``row * tick`` lies one unit in the last place beside the decimal for a
third of its multiples. Taken as a fraction of two whole numbers, a price is one division, which is rounded correctly.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

DIGITS = 15
"""A decimal of so many digits survives as a float; more are the noise of a computation."""
NOISE = 1e-14
"""What a few sums of floats may be off, as a share."""


class Grid(NamedTuple):
    """A tick as a fraction of two whole numbers, as compiled code takes it.

    Parameters
    ----------
    num, den : float
        Numerator and denominator in lowest terms; 0 and 1 where no tick is known.

    Examples
    --------
    >>> grid_of(0.1), grid_of(0.25), grid_of(25)
    (Grid(num=1.0, den=10.0), Grid(num=1.0, den=4.0), Grid(num=25.0, den=1.0))
    >>> grid_of(0.1).price(1003), 1003 * 0.1, grid_of(0.1).row(100.3)
    (100.3, 100.30000000000001, 1003)
    """

    num: float
    den: float

    def price(self, row: float) -> float:
        """The price of ``row``: the float nearest to the decimal, where row × numerator is below 2⁵³."""
        return float(price_at(row, self.num, self.den))

    def row(self, price: float) -> int:
        """The row nearest to ``price``, which must be finite."""
        return int(row_near(price, self.num, self.den))

    def on(self, price: float) -> float:
        """The price of the row nearest to ``price``; ``price`` itself where no tick is known or it is not finite."""
        return float(on_grid(price, self.num, self.den))

    def settled(self, price: float) -> float:
        """``price`` without the rounding of a sum, where that leaves it on a row; else as it is."""
        return float(settled(price, self.num, self.den))


@lru_cache(maxsize=256)
def grid_of(tick: float | None) -> Grid:
    """The grid of a tick, which is taken for the decimal that it is written as.

    A tick that is no decimal of 15 digits, because it was computed, is taken for the nearest one that is.
    """
    if not tick:
        return Grid(0.0, 1.0)
    written = Decimal(repr(float(tick)))
    if len(written.as_tuple().digits) > DIGITS:
        written = Decimal(f"{float(tick):.{DIGITS}g}")
    made = Fraction(written)
    return Grid(float(made.numerator), float(made.denominator))


def price_at(row: Any, num: float, den: float) -> Any:
    """The price of a row, of numbers or arrays."""
    return row * num / den


def row_near(price: Any, num: float, den: float) -> Any:
    """The row nearest to a price, as a float; of two as near the even one.

    Beyond 2⁵¹ the first product may be a row off; what it then lacks of the price is added. A little less than
    all of it, so that the half row of a price between two moves nothing.
    """
    row = np.rint(price * den / num)
    return row + np.rint(0.999 * (price - row * num / den) * den / num)


def on_grid(price: float, num: float, den: float) -> float:
    """The price of the row nearest to ``price``; ``price`` itself where ``num`` is 0 or it is not finite."""
    if num == 0.0 or not abs(price) < np.inf:
        return price
    row = np.rint(price * den / num)
    row += np.rint(0.999 * (price - row * num / den) * den / num)
    return row * num / den  # type: ignore[no-any-return]


def settled(price: float, num: float, den: float) -> float:
    """``price`` moved onto a row where it is no further from it than the rounding of a few sums."""
    if num == 0.0 or not abs(price) < np.inf:
        return price
    row = np.rint(price * den / num)
    row += np.rint(0.999 * (price - row * num / den) * den / num)
    made = row * num / den
    return made if abs(made - price) <= NOISE * abs(price) else price


def row_under(price: float, num: float, den: float) -> float:
    """The row that holds ``price``, as a float: row ``k`` reaches from its own price to that of the next.

    A price that falls short of a row by the rounding of a sum is on it.
    """
    row = np.rint(price * den / num)
    row += np.rint(0.999 * (price - row * num / den) * den / num)
    edge = row * num / den
    return row if price >= edge - NOISE * abs(edge) else row - 1.0  # type: ignore[no-any-return]
