"""Prices and sizes in an audit: values far off, and the price step."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..core.kernels import compiled
from .chunk import Chunk, Floats, Integers
from .findings import Log, Spot

_BACK = 16
_NEAR = 64
_LEAST_MOVE = 0.01
_REACH = 4.0
_FAR_OFF = 0.02
_MOST = 100_000
_LEVEL, _PENDING = range(2)
_BINS = 2048
_UNIT = 1e-10
_ROOM = 15
"""Digits that prices have before them that are counted in one unit."""
_BLOCK = 4096
_DISTINCT = 30
_KEPT = 64


class Histogram:
    """How often values above 0 came, in steps of an eighth of an octave; in bounded memory.

    Examples
    --------
    >>> seen = Histogram()
    >>> seen.push(np.array([0.0, 1.0, 1.0, 64.0]))
    >>> seen.quantile(0.5), 60 < seen.quantile(1.0) < 72
    (1.0, True)
    """

    def __init__(self) -> None:
        self._counts = np.zeros(_BINS, np.int64)
        self.total = 0

    def push(self, values: Floats | Integers) -> None:
        """Take values; those not above 0 only count."""
        above = values[values > 0]
        bins = np.clip(np.rint(np.log2(above) * 8).astype(np.int64) + _BINS // 2, 1, _BINS - 1)
        self._counts += np.bincount(bins, minlength=_BINS)
        self._counts[0] += len(values) - len(above)
        self.total += len(values)

    def quantile(self, share: float) -> float:
        """The value that ``share`` of all do not exceed; 0 while there are none."""
        if not self.total:
            return 0.0
        at = int(np.searchsorted(np.cumsum(self._counts), share * self.total, "left"))
        return 0.0 if at == 0 else float(2.0 ** ((at - _BINS // 2) / 8))


@compiled
def spikes(logs: Floats, limit: float, s: Floats, out: Integers) -> int:
    """Rows whose price is more than ``limit`` off the level and back within 16 rows.

    Parameters
    ----------
    logs : ndarray of float64
        Log prices.
    limit : float
        Move that is too far.
    s : ndarray of float64
        The level, and how many rows have been off it. Changed in place.
    out : ndarray of int64, two columns
        Takes the row that was back, and how many rows before it were off.

    Returns
    -------
    int
        Spikes written.
    """
    n = 0
    for i in range(len(logs)):
        if abs(logs[i] - s[_LEVEL]) <= limit:
            if s[_PENDING] > 0:
                out[n, 0], out[n, 1] = i, np.int64(s[_PENDING])
                n += 1
            s[_PENDING] = 0
            s[_LEVEL] = logs[i]
        else:
            s[_PENDING] += 1
            if s[_PENDING] > _BACK:
                s[_PENDING] = 0
                s[_LEVEL] = logs[i]
    return n


def _logs(prices: Floats) -> Floats:
    """Logs of prices; of those not above 0 the last before that was, or the first there is, else of 1."""
    if prices.min() > 0:
        return np.log(prices)
    known = np.flatnonzero(prices > 0)
    if not len(known):
        return np.zeros(len(prices))
    at = np.maximum(np.searchsorted(known, np.arange(len(prices)), "right") - 1, 0)
    return np.log(prices[known[at]])


class Spikes:
    """Prices far off that came back at once.

    Far is ten times the move between neighbouring rows that one in a hundred exceeds, four times the range of the
    rows around, and at least 1 %. Where the bar of such a row is equal to the exchange's own kline, the price was
    traded, however far off it is.

    Parameters
    ----------
    log : Log
        Takes ``price_spike``, or ``price_wick`` where a kline confirms it, an occurrence a row.
    """

    def __init__(self, log: Log) -> None:
        self._log, self._moves = log, Histogram()
        self._s: Floats | None = None
        self._last = 0.0
        self._tail: list[tuple[Spot, float]] = []
        self._before: Floats = np.empty(0)
        self._found: list[Spot] = []

    def push(self, chunk: Chunk) -> None:
        """Take new rows."""
        if not len(chunk):
            return
        logs = _logs(chunk.price)
        if self._s is None:
            self._s = np.array([float(np.median(logs[:_BACK])), 0.0])
            self._last = float(logs[0])
        self._moves.push(np.abs(np.diff(logs, prepend=self._last)))
        limit = max(10 * self._moves.quantile(0.99), _LEAST_MOVE)
        out = np.zeros((len(logs), 2), np.int64)
        found = spikes(logs, limit, self._s, out)
        around = np.concatenate([self._before, logs])
        for back, rows in out[:found].tolist():
            reach = _around(around, back + len(self._before), rows)
            for i in range(back - rows, back):
                self._report(chunk, i, float(logs[back]), reach)
        self._last, self._before = float(logs[-1]), around[-_NEAR:]
        last = range(max(0, len(chunk) - _BACK), len(chunk))
        self._tail = [*self._tail, *((chunk.spot(i), float(chunk.price[i])) for i in last)][-_BACK:]

    def _report(self, chunk: Chunk, i: int, level: float, reach: float) -> None:
        spot, price = (chunk.spot(i), float(chunk.price[i])) if i >= 0 else self._tail[i]
        if abs(math.log(price) - level) > _REACH * reach:
            self._tell(spot.saying(f"price {price:g}, around it {math.exp(level):g}"))

    def _tell(self, spot: Spot) -> None:
        if len(self._found) < _MOST:
            self._found.append(spot)
        else:
            self._log.add("price_spike", spot)

    def finish(self, confirmed: Callable[[int], bool]) -> None:
        """Tell them, given whether the exchange's klines confirm the bar around a time."""
        for spot in self._found:
            self._log.add("price_wick" if confirmed(spot.time) else "price_spike", spot)


def _around(logs: Floats, back: int, rows: int) -> float:
    """Range of log prices before and behind ``rows`` rows that end at ``back``."""
    near = np.concatenate([logs[max(0, back - rows - _NEAR) : max(0, back - rows)], logs[back : back + _BACK]])
    near = near[np.abs(near - np.median(near)) <= _FAR_OFF]
    return float(np.ptp(near)) if len(near) else 0.0


class Sizes:
    """Quantities more than a hundred times what one row in a thousand exceeds.

    Parameters
    ----------
    log : Log
        Takes ``size_outlier``.
    """

    def __init__(self, log: Log) -> None:
        self._log, self._seen = log, Histogram()
        self._largest: list[tuple[float, int, Spot]] = []

    def push(self, chunk: Chunk) -> None:
        """Take new rows."""
        self._seen.push(chunk.quantity)
        least = self._largest[0][0] if len(self._largest) >= _KEPT else 0.0
        some = np.argsort(chunk.quantity)[-_KEPT:] if len(chunk) else np.empty(0, np.intp)
        for i in some[chunk.quantity[some] > least].tolist():
            entry = (float(chunk.quantity[i]), self._seen.total + i, chunk.spot(i))
            (heapq.heappush if len(self._largest) < _KEPT else heapq.heapreplace)(self._largest, entry)

    def finish(self) -> None:
        """Judge the largest by all."""
        limit = 100 * self._seen.quantile(0.999)
        if self._seen.total < 1000:
            return
        for quantity, _, spot in sorted(self._largest, key=lambda entry: entry[1]):
            if quantity > limit:
                self._log.add(
                    "size_outlier", spot.saying(f"quantity {quantity:g}; one in 1000 exceeds {limit / 100:g}")
                )


def price_step(ticks: Integers) -> int:
    """The largest of 1, 2, 2.5 and 5 times a power of ten that 99.5 % of ``ticks`` are multiples of.

    Parameters
    ----------
    ticks : ndarray of int64
        Prices in units of 1e-10.

    Examples
    --------
    >>> price_step(np.array([100_000, 150_000, 200_000]))
    50000
    """
    best = 1
    for power in range(18):
        fits = [step for step in _steps(power) if np.count_nonzero(ticks % step == 0) >= 0.995 * len(ticks)]
        if not fits:
            break
        best = max(fits)
    return best


def _steps(power: int) -> tuple[int, ...]:
    ten = int(10**power)
    return (ten, 2 * ten, 5 * ten, *((ten // 4 * 10,) if power >= 2 else ()))


class Ticks:
    """The price step of block after block.

    A change is believed when the next block shows it too and both hold 30 prices or more.

    Parameters
    ----------
    log : Log
        Takes ``tick_change`` and ``off_tick``.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._parts: list[Chunk] = []
        self._rows = 0
        self.step = 0
        """In units; 0 while unknown."""
        self.unit = 0.0
        """1e-10, or more where prices are so large that whole numbers would not hold them; 0 while unknown."""
        self._other: tuple[int, Spot] | None = None

    def push(self, chunk: Chunk) -> None:
        """Take new rows."""
        self._parts.append(chunk)
        self._rows += len(chunk)
        if self._rows >= _BLOCK:
            self._look()

    def finish(self) -> None:
        """Look at what is left; a change that no second block confirmed is not told."""
        if self._rows:
            self._look()

    def _look(self) -> None:
        parts, self._parts, self._rows = self._parts, [], 0
        for chunk in parts:
            for a in range(0, len(chunk), _BLOCK):
                self._block(chunk, slice(a, min(a + _BLOCK, len(chunk))))

    def _block(self, chunk: Chunk, rows: slice) -> None:
        ticks = self._in_units(chunk.price[rows])
        if len(np.unique(ticks)) < _DISTINCT:
            return
        step = price_step(ticks)
        spot = chunk.spot(rows.start + self._first_off(ticks, step))
        if self.step == 0:
            self.step = step
        elif step == self.step:
            self._other = None
        elif self._other is not None and self._other[0] == step:
            text = f"the price step goes from {self._price(self.step)} to {self._price(step)}"
            self._log.add("tick_change", self._other[1].saying(text))
            self.step, self._other = step, None
        else:
            self._other = (step, spot)
            return
        self._off(chunk, rows, ticks)

    def _in_units(self, price: Floats) -> Integers:
        """Prices in units; one that is far too large, and told as such elsewhere, is 0, which is on every step."""
        if not self.unit:
            self.unit = max(_UNIT, 10.0 ** (math.ceil(math.log10(max(float(np.median(abs(price))), 1e-300))) - _ROOM))
        units = np.rint(np.where(abs(price) < 2.0**62 * self.unit, price, 0.0) / self.unit)
        return units.astype(np.int64)

    def _price(self, step: int) -> str:
        return f"{step * self.unit:.10f}".rstrip("0").rstrip(".")

    def _first_off(self, ticks: Integers, step: int) -> int:
        """The first row that the step known so far does not allow."""
        off = np.flatnonzero(ticks % self.step) if self.step > step else np.empty(0, np.int64)
        return int(off[0]) if len(off) else 0

    def _off(self, chunk: Chunk, rows: slice, ticks: Integers) -> None:
        off: NDArray[np.intp] = np.flatnonzero(ticks % self.step)
        text = f", the price step is {self._price(self.step)}"
        self._log.many("off_tick", off, lambda i: chunk.spot(rows.start + i, f"price {chunk.price[rows][i]:g}{text}"))
