"""Price rows of a feed at the height an indicator asks for."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.bars import Bars, Levels
from ...core.clock import iso
from ...core.errors import InputError
from ...core.kernels import compiled
from ...core.ticks import grid_of
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


ROOM = 1 << 22
"""Rows that a profile or a bar may always reach over, 32 MB a column; beyond them the data itself has to be large."""
PER_ENTRY = 8
"""Rows that there may be for each one that traded."""


def check_reach(bars: Bars, levels: Levels, row_ticks: int, kind: str, window: int, copies: int = 1) -> None:
    """Refuse rows that a few prices far from all others spread over more memory than the data could ever fill.

    Parameters
    ----------
    bars, levels : Bars, Levels
        The feed, and the rows that the kind is shown.
    row_ticks : int
        Height of a row of the kind's own.
    kind : str
        For the error.
    window : int
        Bars that rows are kept of at a time; 0 for all.
    copies : int
        How often a row is kept.

    Raises
    ------
    InputError
        It names the price, and the bar that it stands in.
    """
    rows = levels.price_tick // row_ticks
    if not len(rows):
        return
    most = max(ROOM, PER_ENTRY * len(rows)) // copies
    if int(rows.max()) - int(rows.min()) < most:
        return
    widest, a, b = widest_rows(np.asarray(levels.offsets), rows, window or len(levels))
    if widest <= most:
        return
    far = a + int(np.argmax(np.abs(rows[a:b] - np.median(rows[a:b]))))
    bar = int(np.searchsorted(levels.offsets, far, "right")) - 1
    size, price = grid_of(levels.tick).price(row_ticks), float(levels.price[far])
    when = iso(int(bars["open_time"][bar]))
    raise InputError(
        f"{kind}: {bars.source or 'bars'}: price {price:.15g} in the bar of {when} makes {widest:,} rows of {size:g} "
        "from lowest to highest, which is more than memory is kept for; take the price out if it is wrong, or give a "
        "larger row_size"
    )


@compiled
def widest_rows(offsets: Any, rows: Any, window: int) -> tuple[int, int, int]:
    """Rows from lowest to highest of any ``window`` bars, and where they lie in ``rows``.

    They are taken over blocks of twice the length, and may be more.
    """
    n = len(offsets) - 1
    widest, first, last = 1, 0, 0
    for start in range(0, max(n, 1), max(window, 1)):
        a, b = offsets[start], offsets[min(start + 2 * window, n)]
        if b > a:
            reach = rows[a:b].max() - rows[a:b].min() + 1
            if reach > widest:
                widest, first, last = reach, a, b
    return widest, first, last


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
