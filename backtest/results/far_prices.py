"""Bars that reach far from all prices around them and come back: one wild trade fills orders and triggers stops."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...auditing.wicks import reach
from ...core.bars import Bars
from ...core.clock import iso
from ...core.counting import counted
from ...core.schema import Quality
from ..inputs.read import Source

Floats = NDArray[np.float64]
_PRICES = ("open_time", "close_time", "open", "high", "low", "close")
_LEAST = 5
"""Bars with trades below which nothing tells what is usual."""
_FEW, _SELDOM = 3, 0.01
"""Bars, and share of all, above which it is what this market does, and no wild trade."""
FAR = 2.0
"""How many times the prices around it, or which part of them, a bar must reach to be told of."""


def far_prices(sources: Mapping[str, Source], fills: Iterable[Any]) -> Iterator[str]:
    """What is said of each feed with such bars, and of the orders that were filled in them.

    An exchange may have traded there, so that nothing is called damaged.

    Parameters
    ----------
    sources : mapping of str to Source
        The feeds of a run.
    fills : iterable of Fill
        Its fills.
    """
    for name, source in sources.items():
        rows, price, factor = far_bars(source.bars)
        if not len(rows):
            continue
        closes = {int(time) for time in source.bars["close_time"][rows]}
        hit = sum(fill.data == name and fill.time in closes for fill in fills)
        there = f"{counted(hit, 'fill lies', 'fills lie')} there; " if hit else ""
        yield (
            f"{name}: {counted(len(rows), 'bar')} with a price far from all around, the first at "
            f"{iso(int(source.bars['open_time'][rows[0]]))}: {price[0]:,.10g}, {factor[0]:,.3g} times off; {there}"
            "where nobody traded at it, take the row out of the file (`tapeflow audit` names it)"
        )


def far_bars(bars: Bars) -> tuple[NDArray[np.intp], Floats, Floats]:
    """Rows of the bars whose high or low is more than `FAR` times off all opens and closes around them.

    They come back: at the bars behind, prices are what they were. A market that falls by half and stays is none.
    Bars in which nobody traded are passed over.

    Returns
    -------
    rows : ndarray of int
        Of ``bars``.
    price, factor : ndarray of float64
        The farther one of high and low of each, and how many times off it is.

    Examples
    --------
    >>> flat = dict(open_time=range(6), close_time=range(1, 7), open=[10.0] * 6, low=[10.0] * 6, close=[10.0] * 6)
    >>> [found.round(6).tolist() for found in far_bars(Bars.of(high=[10.0, 100.0, *[10.0] * 4], **flat))]
    [[1], [100.0], [10.0]]
    """
    rows: NDArray[np.intp] = np.flatnonzero(bars["quality"] & int(Quality.FILLED) == 0)
    if len(rows) < len(bars):
        bars = Bars({name: bars[name][rows] for name in _PRICES}, None, bars.spec)
    if len(rows) < _LEAST or not _may_be(bars):
        return np.zeros(0, np.intp), np.zeros(0), np.zeros(0)
    far, least, price = reach(bars)
    with np.errstate(invalid="ignore"):
        found = far > np.fmax(least, math.log(FAR))
    found &= np.count_nonzero(found) <= max(_FEW, _SELDOM * len(rows))
    return rows[found], price[found], np.exp(far[found])


def _may_be(bars: Bars) -> bool:
    """Whether any bar is so far from the one beside it, which costs two comparisons of each."""
    high, low, close, opened = (bars[name] for name in ("high", "low", "close", "open"))
    up = (high[1:] > FAR * close[:-1]).any() or high[0] > FAR * opened[1]
    return bool(up or (FAR * low[1:] < close[:-1]).any() or FAR * low[0] < opened[1])
