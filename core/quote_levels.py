"""Price rows in quote currency: what the volume of each came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .levels import Levels
from .schema import USD_RATE
from .sizes import SizeClass

Floats = NDArray[np.float64]
QUOTE_SIDES = ("taker_buy_quote_volume", "taker_sell_quote_volume")
LEVEL_UNITS: dict[str, tuple[str, ...]] = {"base": (), "quote": QUOTE_SIDES, "usd": (*QUOTE_SIDES, USD_RATE)}
"""What price rows may count, and the columns of bars that each needs besides."""


def in_unit(unit: str, levels: Levels, columns: Mapping[str, NDArray[Any]], parts: Sequence[SizeClass] = ()) -> Levels:
    """Price rows in a unit of `LEVEL_UNITS`, those of some classes of size scaled to what these paid.

    Examples
    --------
    >>> rows = Levels(np.array([0, 1]), np.array([100]), np.array([2.0]), np.zeros(1), 1.0)
    >>> columns = dict(zip(LEVEL_UNITS["usd"], np.array([[200.0], [0.0], [0.5]]), strict=True))
    >>> [in_unit(unit, rows, columns).buy_volume.tolist() for unit in LEVEL_UNITS]
    [[2.0], [200.0], [100.0]]
    """
    if unit == "base":
        return levels
    names = ([part.column(name) for part in parts] or [name] for name in QUOTE_SIDES)
    bought, sold = (np.sum([columns[name] for name in own], axis=0) for own in names)
    return in_quote(levels, bought, sold, columns[USD_RATE] if unit == "usd" else 1.0)


def in_quote(levels: Levels, bought: Floats, sold: Floats, worth: Floats | float = 1.0) -> Levels:
    """Price rows whose volumes are quote currency, or another one that it is ``worth`` so much of.

    A row of ticks came to volume × price. In higher rows the middle stands for the price, and the rows of a side are
    scaled to what that side paid in the bar, which is known exactly. Classes of trade size are left out.

    Parameters
    ----------
    levels : Levels
        Volumes in base.
    bought, sold : ndarray of float64
        Quote currency that buyers and sellers took in each bar; NaN where unknown, and its rows are not scaled.
    worth : ndarray of float64 or float
        By bar, units for one of the quote currency.

    Examples
    --------
    >>> rows = Levels(np.array([0, 2]), np.array([100, 110]), np.array([1.0, 2.0]), np.zeros(2), 1.0, row_ticks=10)
    >>> in_quote(rows, np.array([340.0]), np.zeros(1)).buy_volume.round(3).tolist()
    [106.567, 233.433]
    """
    bar = np.repeat(np.arange(len(levels)), np.diff(levels.offsets))
    middle = levels.price + (0.0 if levels.exact and levels.row_ticks == 1 else 0.5 * levels.row_size)
    made = []
    for volume, paid in ((levels.buy_volume, bought), (levels.sell_volume, sold)):
        rough = volume * middle
        total = np.bincount(bar, rough, len(levels))
        known = (total != 0) & np.isfinite(paid)
        scale = np.divide(paid, total, out=np.ones(len(levels)), where=known)
        made.append(rough * (scale * worth)[bar])
    return replace(levels, buy_volume=made[0], sell_volume=made[1], classes=None)
