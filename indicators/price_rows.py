"""Price rows of a feed at the height an indicator asks for."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.bars import Levels
from ..core.errors import InputError
from ..core.kernels import compiled
from .value_area import NEAR


def joined_ticks(levels: Levels, row_size: float | None, kind: str, source: str = "") -> int:
    """Ticks of a row of height ``row_size``; None for the feed's own.

    Raises
    ------
    InputError
        If ``row_size`` is no whole multiple of the feed's rows.
    """
    if row_size is None:
        return levels.row_ticks
    times = row_size / levels.row_size
    if times < 1 - NEAR or abs(times - round(times)) > NEAR * times:
        own = f"the {levels.row_size:g} of {source or 'bars'}"
        raise InputError(f"{kind}: row_size {row_size:g} is no whole multiple of {own}")
    return levels.row_ticks * round(times)


@compiled
def dense(tick: Any, buy: Any, sell: Any, row_ticks: int) -> tuple[int, Any, Any]:
    """The lowest row of a bar that traded, and what was bought and sold in each row from there to the highest."""
    low = tick[0] // row_ticks
    rows = tick[len(tick) - 1] // row_ticks - low + 1
    bought, sold = np.zeros(rows), np.zeros(rows)
    for i in range(len(tick)):
        row = tick[i] // row_ticks - low
        bought[row] += buy[i]
        sold[row] += sell[i]
    return low, bought, sold
