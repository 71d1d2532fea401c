"""Price rows guessed from klines, which know none: an approximation, and named as one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.bars import Bars, Levels
from ...core.clock import iso
from ...core.errors import DataError
from ...core.kernels import compiled
from ...core.tick_kernels import price_at, row_under
from ...core.ticks import NOISE, grid_of
from .price_rows import PER_ENTRY, ROOM

METHODS = ("uniform", "close", "hlc3")
AUTO_SHARE = 5e-4
"""Height of an automatic row, as a share of the first close."""
MOST_ROWS = 2.0**53
"""Rows up to a price, at most: beyond, two of them are one float."""


def round_row_size(price: float) -> float:
    """The number of the form 1, 2 or 5 × 10^k nearest, by ratio, to 5 basis points of ``price``.

    Raises
    ------
    DataError
        If ``price`` is not above 0.

    Examples
    --------
    >>> round_row_size(20_000.0), round_row_size(0.62)
    (10.0, 0.0002)
    """
    if not price > 0 or not math.isfinite(price):
        raise DataError(f"no row size follows from a first close of {price:g}; give row_size")
    wanted = price * AUTO_SHARE
    power = math.floor(math.log10(wanted))
    near = [float(f"{digit}e{k}") for k in (power - 1, power, power + 1) for digit in (1, 2, 5)]
    return min(near, key=lambda size: abs(math.log(size / wanted)))


def levels_of_klines(bars: Bars, method: str, row_size: float | None = None, *, ceil: bool = False) -> Levels:
    """Each bar's volume laid on rows by its own prices.

    Parameters
    ----------
    bars : Bars
        Needs high, low, close, volume; the taker volumes where it has them, else sides are halves.
    method : {'uniform', 'close', 'hlc3'}
        Spread evenly from low to high; or all at the close, or at (high + low + close) / 3.
    row_size : float or None
        Height of a row; None: the bars' own, else `round_row_size` of the first close.
    ceil : bool
        Whether a row is named by its upper edge and reaches down, so that prices are rounded up.

    Returns
    -------
    Levels
        With ``tick`` the row's height. A bar without volume has no row.
    """
    size = row_size or bars.row_size or round_row_size(float(bars["close"][0]))
    grid = grid_of(size)
    low, high = np.array(bars["low"]), np.array(bars["high"])
    if method != "uniform":
        low = high = (low + high + bars["close"]) / 3.0 if method == "hlc3" else np.array(bars["close"])
    volume = np.where(np.isnan(low + high), 0.0, np.nan_to_num(bars["volume"]))
    sided = bars.carries("taker_buy_volume") and bars.carries("taker_sell_volume")
    buy = np.nan_to_num(bars["taker_buy_volume"]) if sided else volume / 2.0
    sell = np.nan_to_num(bars["taker_sell_volume"]) if sided else volume / 2.0
    first, counts = np.zeros(len(low), np.int64), np.zeros(len(low), np.int64)
    _check_prices(bars, np.where(volume > 0.0, np.maximum(abs(low), abs(high)), 0.0), size)
    _rows(low, high, volume, *grid, ceil, first, counts)
    _check_counts(bars, counts, size)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    tick, share = _spread(low, high, first, offsets, *grid, ceil)
    sides = share * np.repeat(buy, counts), share * np.repeat(sell, counts)
    return Levels(offsets, tick, *sides, size, tick_known=False, exact=False)


def _check_prices(bars: Bars, price: NDArray[np.float64], size: float) -> None:
    """Refuse a price that is of more rows than can be counted one by one."""
    if len(price) and not price.max() / size < MOST_ROWS:
        bar = int(np.argmax(price))
        raise DataError(
            f"{bars.source or 'bars'}: the bar of {iso(int(bars['open_time'][bar]))} has a price of {price[bar]:g}, "
            f"which is of too many rows of {size:g}; take it out if it is wrong, or give a larger row_size"
        )


def _check_counts(bars: Bars, counts: NDArray[np.int64], size: float) -> None:
    """Refuse a bar that reaches so far beyond all others that its rows alone would fill the memory."""
    usual = float(np.median(counts[counts > 0])) if counts.any() else 1.0
    most = max(ROOM, int(PER_ENTRY * usual * np.count_nonzero(counts)))
    if counts.sum(dtype=np.float64) > most:
        bar = int(np.argmax(counts))
        raise DataError(
            f"{bars.source or 'bars'}: the bar of {iso(int(bars['open_time'][bar]))} reaches from {bars['low'][bar]:g} "
            f"to {bars['high'][bar]:g}, over {counts[bar]:,} rows of {size:g}, which is more than memory is kept for; "
            "take it out if a price is wrong, or give a larger row_size"
        )


@compiled
def _rows(low: Any, high: Any, volume: Any, num: float, den: float, ceil: bool, first: Any, counts: Any) -> None:
    """First row and number of rows of each bar; with ``ceil`` rows reach down from their names.

    A high on the edge of a row does not reach into the row above, nor, with ``ceil``, a low into the one below.
    """
    for i in range(len(low)):
        if volume[i] > 0.0:
            lowest, highest = row_under(low[i], num, den), row_under(high[i], num, den)
            on_high = _on_row(high[i], highest, num, den)
            if ceil:
                highest += 0.0 if on_high else 1.0
                lowest = min(lowest + 1.0, highest)
            else:
                highest = max(highest - 1.0 if on_high else highest, lowest)
            first[i], counts[i] = int(lowest), int(highest - lowest) + 1


@compiled
def _on_row(price: float, row: float, num: float, den: float) -> bool:
    """Whether ``price`` is that of the row itself."""
    edge = price_at(row, num, den)
    return bool(abs(price - edge) <= NOISE * abs(edge))


@compiled
def _spread(low: Any, high: Any, first: Any, offsets: Any, num: float, den: float, ceil: bool) -> tuple[Any, Any]:
    """The rows of all bars, and the share of its bar's volume that each gets."""
    tick = np.empty(offsets[-1], dtype=np.int64)
    share = np.empty(offsets[-1])
    for i in range(len(low)):
        a, b = offsets[i], offsets[i + 1]
        height = high[i] - low[i]
        for k in range(a, b):
            row = tick[k] = first[i] + k - a
            bottom = row - 1 if ceil else row
            inside = min(high[i], price_at(bottom + 1, num, den)) - max(low[i], price_at(bottom, num, den))
            share[k] = 1.0 if b - a == 1 else max(inside, 0.0) / height
    return tick, share
