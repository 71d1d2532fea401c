"""Adjusted prices: bars of a stock as signals read them, without the drops of its ex-days."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .levels import Levels
from .schema import ADJUSTMENT, Column

PREFIX = "adjusted_"
"""Before the name of a column, where a feed of backtrader holds what is traded and what signals read."""


def is_adjusted(known: Mapping[str, Any] | Iterable[str]) -> bool:
    """Whether bars with these columns are of a stock that paid dividends."""
    return ADJUSTMENT in known


def adjusted_columns(columns: Mapping[str, NDArray[Any]], schema: Iterable[Column]) -> dict[str, NDArray[Any]]:
    """The columns that signals read otherwise than they are traded: those with a price in their dimension.

    Each is what was traded times the bar's ``adjustment``, which only dividends up to that bar have a part in.

    Examples
    --------
    >>> from tapeflow.core.bars import Bars
    >>> bars = Bars.of(open_time=[0, 1], close_time=[1, 2], close=[100.0, 98.0], adjustment=[1.0, 100 / 98])
    >>> made = adjusted_columns(bars.columns, bars.schema)
    >>> made["close"].tolist(), "volume" in made
    ([100.0, 100.0], False)
    """
    if not is_adjusted(columns):
        return {}
    factor = columns[ADJUSTMENT]
    return {c.name: columns[c.name] * factor**c.price for c in schema if c.price}


def adjusted_levels(levels: Levels, factor: NDArray[np.float64]) -> Levels:
    """Price rows moved by the factor of their bar, to the nearest row.

    A factor is 1 or more, so that no two rows of a bar fall together.
    """
    own = np.repeat(factor, np.diff(levels.offsets))
    moved = np.rint(levels.price_tick / levels.row_ticks * own).astype(np.int64) * levels.row_ticks
    classes = levels.classes
    return replace(
        levels,
        price_tick=moved,
        exact=False,
        classes=None if classes is None else {span: adjusted_levels(rows, factor) for span, rows in classes.items()},
    )


def signal_line(name: str, known: Iterable[str]) -> str:
    """What signals read for ``name`` of a feed with lines ``known``.

    >>> signal_line("close", ("close", "adjusted_close")), signal_line("volume", ("volume", "adjusted_close"))
    ('adjusted_close', 'volume')
    """
    adjusted_name = f"{PREFIX}{name}"
    return adjusted_name if adjusted_name in known else name
