"""The footprint of one bar as an object, in the words of Pine's ``request.footprint()``."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .errors import InputError, ParamError
from .levels import Levels
from .ticks import grid_of
from .volume_row import VolumeRow

_NEAR = 1e-9
_OVER = 0.01
"""Amount by which a row may carry the value area over its share, as TradingView lets it."""


class Footprint:
    """The price rows of one bar; `core.bars.Bars.footprint` and a feed's ``footprint()`` make it.

    Its methods are those that TradingView's Pine v6 has for a ``footprint``, and count as it does: the point of
    control is the row with the most volume, of equal ones the nearest to the middle, then the lower; the value area
    grows from it by the larger neighbour, of equal ones the nearer to it, then the upper, and ends before the row
    that would carry it more than 0.01 over its share. What a bar's volume is made of differs: here it is the side of
    each trade, there a guess from the prices of shorter bars.

    Attributes
    ----------
    row_size : float
        Height of a row in quote currency.

    References
    ----------
    TradingView, Pine Script v6 reference, ``footprint`` and ``volume_row``; ties and the end of the value area as
    the bars show that public re-implementations recorded from it.
    """

    def __init__(
        self, first: int, bought: list[float], sold: list[float], num: float, den: float, share: float, ratio: float
    ) -> None:
        self.row_size = num / den
        self._first = first
        self._num, self._den = num, den
        last = len(bought) - 1
        self._rows = [
            VolumeRow(
                (first + i) * num / den,
                (first + i + 1) * num / den,
                bought[i],
                sold[i],
                i > 0 and _overwhelms(bought[i], sold[i - 1], ratio),
                i < last and _overwhelms(sold[i], bought[i + 1], ratio),
            )
            for i in range(len(bought))
        ]
        self._buy, self._sell = math.fsum(bought), math.fsum(sold)
        totals = [row.total_volume() for row in self._rows]
        self._poc = _point_of_control(totals)
        self._val, self._vah = _value_area(totals, self._poc, share * math.fsum(totals) + _OVER)

    def __repr__(self) -> str:
        low, high = self._rows[0].down_price(), self._rows[-1].up_price()
        return f"Footprint({len(self._rows)} rows of {self.row_size:g}, {low:g} to {high:g}, delta {self.delta():g})"

    def rows(self) -> list[VolumeRow]:
        """All rows from the bar's low to its high, lowest first, those without trades included."""
        return list(self._rows)

    def get_row_by_price(self, price: float) -> VolumeRow | None:
        """The row that holds ``price``; None outside the bar."""
        if not math.isfinite(price):
            return None
        row = round(price * self._den / self._num)
        if price < row * self._num / self._den * (1.0 - _NEAR * math.copysign(1.0, row)):
            row -= 1
        at = row - self._first
        return self._rows[at] if 0 <= at < len(self._rows) else None

    def poc(self) -> VolumeRow:
        """Point of control: the row with the most volume."""
        return self._rows[self._poc]

    def vah(self) -> VolumeRow:
        """The highest row of the value area."""
        return self._rows[self._vah]

    def val(self) -> VolumeRow:
        """The lowest row of the value area."""
        return self._rows[self._val]

    def buy_volume(self) -> float:
        """Base amount that buyers took in the bar."""
        return self._buy

    def sell_volume(self) -> float:
        """Base amount that sellers took in the bar."""
        return self._sell

    def total_volume(self) -> float:
        """Base amount in all."""
        return self._buy + self._sell

    def delta(self) -> float:
        """Bought less sold, base."""
        return self._buy - self._sell


def footprint_of(
    levels: Levels | None,
    of: str,
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    i: int,
    ticks_per_row: int | None = None,
    va_percent: float = 70.0,
    imbalance_percent: float = 300.0,
    row_size: float | None = None,
) -> Footprint | None:
    """The footprint of bar ``i`` of all that a source ``of`` a name gave; see `core.bars.Bars.footprint`."""
    if levels is None:
        raise InputError(f"footprint reads 'levels', which {of} does not carry: set row_size on a feed of trades")
    if not -len(low) <= i < len(low):
        raise InputError(f"footprint: no bar {i}; {of} has {len(low)}")
    if not 0 < va_percent <= 100:
        raise ParamError(f"footprint: va_percent must be above 0 to 100 (got {va_percent})")
    if not imbalance_percent >= 0:
        raise ParamError(f"footprint: imbalance_percent must be at least 0 (got {imbalance_percent})")
    height = _height(of, levels, ticks_per_row, row_size)
    i %= len(low)
    a, b = int(levels.offsets[i]), int(levels.offsets[i + 1])
    rows = (levels.price_tick[a:b] // height).tolist()
    if not rows:
        return None
    num, den = grid_of(levels.tick)
    num *= height
    first, last = _reach(rows, float(low[i]), float(high[i]), num, den)
    bought, sold = [0.0] * (last - first + 1), [0.0] * (last - first + 1)
    for row, buy, sell in zip(rows, levels.buy_volume[a:b].tolist(), levels.sell_volume[a:b].tolist(), strict=True):
        bought[row - first] += buy
        sold[row - first] += sell
    return Footprint(first, bought, sold, num, den, va_percent / 100, max(imbalance_percent / 100, 1.0))


def _height(of: str, levels: Levels, ticks_per_row: int | None, row_size: float | None) -> int:
    """Height of a row in ticks of the levels."""
    if ticks_per_row is not None and row_size is not None:
        raise ParamError("footprint: give ticks_per_row or row_size, not both")
    if ticks_per_row is not None and not levels.tick_known:
        raise ParamError(
            f"footprint: ticks_per_row needs the tick, which {of} does not know; set tick on the feed, or give row_size"
        )
    if ticks_per_row is None and row_size is None:
        return levels.row_ticks
    wanted = float(ticks_per_row) if ticks_per_row is not None else float(row_size or 0) / levels.tick
    times = wanted / levels.row_ticks
    if not times > 1 - _NEAR or abs(times - round(times)) > _NEAR * times:
        given = f"ticks_per_row {ticks_per_row}" if ticks_per_row is not None else f"row_size {row_size:g}"
        own = f"{levels.row_size:g}" + (f", {levels.row_ticks} ticks" if levels.tick_known else "")
        raise InputError(f"footprint: {given} is no whole multiple of the rows of {of} ({own})")
    return levels.row_ticks * round(times)


def _reach(rows: list[int], low: float, high: float, num: float, den: float) -> tuple[int, int]:
    """The first and the last row: all that traded, and those that the bar's low and high lie in.

    A high on the edge of a row does not reach into it.
    """
    first, last = rows[0], rows[-1]
    if low <= high:
        first = min(first, math.floor(low * den / num + _NEAR))
        last = max(last, math.ceil(high * den / num - _NEAR) - 1)
    return first, last


def _overwhelms(volume: float, other: float, ratio: float) -> bool:
    return volume > 0.0 and volume >= ratio * other * (1.0 - _NEAR)


def _point_of_control(totals: list[float]) -> int:
    least = max(totals) * (1.0 - _NEAR)
    middle = (len(totals) - 1) / 2
    return min((i for i, total in enumerate(totals) if total >= least), key=lambda i: abs(i - middle))


def _value_area(totals: list[float], poc: int, limit: float) -> tuple[int, int]:
    low = high = poc
    held = totals[poc]
    while low > 0 or high < len(totals) - 1:
        above = totals[high + 1] if high < len(totals) - 1 else -1.0
        below = totals[low - 1] if low > 0 else -1.0
        rises = above > below
        if abs(above - below) <= _NEAR * max(above, below):
            rises = high - poc <= poc - low
        held += above if rises else below
        if held > limit:
            break
        low, high = (low, high + 1) if rises else (low - 1, high)
    return low, high
