"""Price rows guessed from klines, which know none: an approximation, and named as one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.bars import Bars, Levels
from ..core.errors import DataError
from ..core.kernels import compiled

METHODS = ("uniform", "close", "hlc3")
AUTO_SHARE = 5e-4
"""Height of an automatic row, as a share of the first close."""
_EDGE = 1e-9


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


def levels_of_klines(bars: Bars, method: str, row_size: float | None = None) -> Levels:
    """Each bar's volume laid on rows by its own prices.

    Parameters
    ----------
    bars : Bars
        Needs high, low, close, volume; the taker volumes where it has them, else sides are halves.
    method : {'uniform', 'close', 'hlc3'}
        Spread evenly from low to high; or all at the close, or at (high + low + close) / 3.
    row_size : float or None
        Height of a row; None: the bars' own, else `round_row_size` of the first close.

    Returns
    -------
    Levels
        With ``tick`` the row's height. A bar without volume has no row.
    """
    size = row_size or bars.row_size or round_row_size(float(bars["close"][0]))
    low, high = np.array(bars["low"]), np.array(bars["high"])
    if method != "uniform":
        low = high = (low + high + bars["close"]) / 3.0 if method == "hlc3" else np.array(bars["close"])
    volume = np.where(np.isnan(low + high), 0.0, np.nan_to_num(bars["volume"]))
    sided = bars.carries("taker_buy_volume") and bars.carries("taker_sell_volume")
    buy = np.nan_to_num(bars["taker_buy_volume"]) if sided else volume / 2.0
    sell = np.nan_to_num(bars["taker_sell_volume"]) if sided else volume / 2.0
    first, counts = _rows(low, high, volume, size)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    tick, share = _spread(low, high, first, offsets, size)
    return Levels(offsets, tick, share * np.repeat(buy, counts), share * np.repeat(sell, counts), size)


def _rows(
    low: NDArray[Any], high: NDArray[Any], volume: NDArray[Any], size: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First row and number of rows of each bar; a high on the edge of a row does not reach into it."""
    traded = volume > 0.0
    first = np.floor(np.where(traded, low, 0.0) / size + _EDGE)
    last = np.maximum(first, np.ceil(np.where(traded, high, 0.0) / size - _EDGE) - 1.0)
    return first.astype(np.int64), np.where(traded, last - first + 1.0, 0.0).astype(np.int64)


@compiled
def _spread(low: Any, high: Any, first: Any, offsets: Any, size: float) -> tuple[Any, Any]:
    tick = np.empty(offsets[-1], dtype=np.int64)
    share = np.empty(offsets[-1])
    for i in range(len(low)):
        a, b = offsets[i], offsets[i + 1]
        height = high[i] - low[i]
        for k in range(a, b):
            row = first[i] + k - a
            tick[k] = row
            inside = min(high[i], (row + 1) * size) - max(low[i], row * size)
            share[k] = 1.0 if b - a == 1 else max(inside, 0.0) / height
    return tick, share
