"""What is done to a market after an instant, so that whoever looks ahead gives himself away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..core.bars import Bars, Levels
from ..core.schema import BAR_COLUMNS, BARS
from ..core.ticks import grid_of
from .synthetic_markets import mirrored, replaced_after, scaled, shuffled_after

Attack = Callable[[Bars, int, int], Bars]
SIZES = 7.0
"""By how much a replaced future trades more."""
_PRICES = tuple(c.name for c in BARS if (c.price, c.size) == (1, 0))
_NOTIONALS = {
    "quote_volume": "volume",
    "taker_buy_quote_volume": "taker_buy_volume",
    "taker_sell_quote_volume": "taker_sell_volume",
}


def known(bars: Bars, instant: int) -> int:
    """How many of ``bars`` have closed at ``instant``, in epoch µs.

    Examples
    --------
    >>> bars = Bars.of(open_time=[0, 10], close_time=[10, 20])
    >>> known(bars, 9), known(bars, 10), known(bars, 25)
    (0, 1, 2)
    """
    return int(np.searchsorted(bars["close_time"], instant, "right"))


def cut(bars: Bars, instant: int, seed: int) -> Bars:
    """The bars that have closed at ``instant`` and nothing else."""
    return bars.slice(0, known(bars, instant))


def shuffled(bars: Bars, instant: int, seed: int) -> Bars:
    """The bars after ``instant`` in another order; times stay in order."""
    return shuffled_after(bars, known(bars, instant) - 1, seed)


def replaced(bars: Bars, instant: int, seed: int) -> Bars:
    """The bars after ``instant`` upside down: rises are falls, buys are sales, and more is traded.

    Prices are reflected at the last close, so that the future joins on without a jump. Where that would give
    a price at or below 0, or there are no prices, the future of a made-up market takes its place.
    """
    at = known(bars, instant)
    if at in (0, len(bars)):
        return bars
    future = bars.slice(at, None)
    pivot = 2.0 * float(bars["close"][at - 1])
    highest = np.nanmax(future["high"]) if not np.isnan(future["high"]).all() else np.nan
    if not pivot > highest:
        return replaced_after(bars, at - 1, seed)
    other = scaled(mirrored(_reflected(future, pivot)), 1.0, SIZES)
    columns = {k: np.concatenate([v[:at], other[k]]) for k, v in bars.columns.items()}
    return replace(bars, columns=columns, levels=_joined_levels(bars.levels, other.levels, at))


ATTACKS: dict[str, Attack] = {"cut off": cut, "shuffled": shuffled, "replaced": replaced}
"""What may become of the future, by what reports call it."""


def _reflected(bars: Bars, pivot: float) -> Bars:
    made = {name: pivot - bars[name] for name in _PRICES}
    made["high"], made["low"] = made["low"], made["high"]
    made |= {quote: pivot * bars[base] - bars[quote] for quote, base in _NOTIONALS.items()}
    made |= {name: values[::-1] * 3.0 for name, values in bars.columns.items() if name not in BAR_COLUMNS}
    levels = bars.levels
    return replace(bars.assign(**made), levels=None if levels is None else _reflected_levels(levels, pivot))


def _reflected_levels(levels: Levels, pivot: float) -> Levels:
    """Rows at their mirrored places, on the same grid and ascending within each bar."""
    counts = np.diff(levels.offsets)
    bar = np.repeat(np.arange(len(counts)), counts)
    order: NDArray[np.intp] = levels.offsets[bar] + levels.offsets[bar + 1] - 1 - np.arange(len(bar))
    top = (grid_of(levels.row_size).row(pivot) - 1) * levels.row_ticks
    return replace(
        levels,
        price_tick=top - levels.price_tick[order],
        buy_volume=levels.buy_volume[order],
        sell_volume=levels.sell_volume[order],
    )


def _joined_levels(past: Levels | None, future: Levels | None, at: int) -> Levels | None:
    """The rows of the first ``at`` bars of one, then all of the other."""
    if past is None or future is None:
        return past
    head = past[slice(0, at)]
    return replace(
        past,
        offsets=np.concatenate([head.offsets, future.offsets[1:] + head.offsets[-1]]),
        price_tick=np.concatenate([head.price_tick, future.price_tick]),
        buy_volume=np.concatenate([head.buy_volume, future.buy_volume]),
        sell_volume=np.concatenate([head.sell_volume, future.sell_volume]),
    )
