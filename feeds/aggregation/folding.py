"""Compiled folds: the rows of a batch into bars, with the open bar carried from batch to batch.

Each kernel walks the same segments: rows ``ends[k - 1]:ends[k]`` belong to bar ``k``. Bar 0 is the bar
left open by the batch before (it may get no more rows), the last one stays open. What is open lives in
the state arrays, so that a tape gives the same bytes however it is cut into batches.

Sums carry their rounding error along (two-sum), so that they are the nearest double of the sum of the rows.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.kernels import compiled, inner, lean, woven
from .lanes import first, four, larger, minus, plus, put, smaller, with_first

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

PRICES = ("open", "high", "low", "close", "twap_time", "twap_trade", "realized_vol")
"""Columns of prices."""
_CLASSES = tuple(
    f"taker_{side}_{size}_order_{what}"
    for what in ("volume", "count")
    for side in ("buy", "sell")
    for size in ("small", "medium", "large")
)
FLOWS = (
    "volume",
    "quote_volume",
    "taker_buy_volume",
    "taker_sell_volume",
    "taker_buy_quote_volume",
    "taker_sell_quote_volume",
    "taker_buy_count",
    "taker_sell_count",
    *_CLASSES,
    "delta_high",
    "delta_low",
    "trades",
    "rows",
    "unknown_rows",
)
"""Columns of amounts and counts; the last two are for the quality flags."""

ONE, TWO, THREE, FOUR = (np.uint64(k) for k in range(1, 5))
"""Unsigned, so that an index made with them is not looked at for being negative."""
_SMALL = 1e-3
"""Difference over sum of two prices up to which the series of `_small_square` is exact."""
AMOUNTS = ("bucket", "volume", "delta", "unknown")
"""What is added up side by side, each with its rounding error; the first of them is kept in a bucket."""
HELD = ("weighted", "squares", "above")
"""The same of prices: price × µs above that at the open, a quarter of the squared returns, prices above the first."""
SUMS = (
    *AMOUNTS,
    *(f"{name}_error" for name in AMOUNTS),
    *(f"{name}_high" for name in AMOUNTS),
    *(f"{name}_low" for name in AMOUNTS),
    *(*HELD, ""),
    *("first", "high", "low", "rows", "hold", "since", "ref", "trades"),
)
"""What the open bar is made of, in order: sums of `AMOUNTS`, the errors of summing them, their highest and lowest on
the way, sums of `HELD`; first, highest and lowest price, rows, the price that holds and since when, the price at the
open, raw trades. The buckets come behind them."""
BUCKETS = 9
"""Sell, unknown and buy, each small, medium and large; a bucket is notional, its error, rows."""
HOLD = SUMS.index("hold")
_GROUP = 256
"""Rows worked on at once: what is made of them stays in the nearest cache."""


@lean
def goes_back(time: Integers, before: int) -> bool:
    """Whether a row is earlier than the one ahead of it, ``before`` for the first: whether any step is negative."""
    steps = time[0] - before
    for i in range(ONE, np.uint64(len(time))):
        steps |= time[i] - time[i - ONE]
    return bool(steps < 0)


@woven
def _small_square(x: float) -> float:
    """A quarter of the squared logarithm of a quotient of two prices, from their difference over their sum.

    By its series, which for the small steps of a tape is exact where the quotient would have been rounded.
    """
    y = x * x
    return y * (1.0 + y * (2.0 / 3.0 + y * (23.0 / 45.0)))


@inner
def squared_return(price: float, before: float) -> float:
    """A quarter of the squared logarithm of ``price / before``."""
    x = (price - before) / (price + before)
    if abs(x) > _SMALL:
        r = math.log(price / before)
        return 0.25 * r * r
    return _small_square(x)


@compiled
def add(sums: Floats, k: int, value: float) -> None:
    """Add to the sum at ``k``, and the rounding error of doing so to the one behind it."""
    a = sums[k]
    x = a + value
    z = x - a
    sums[k] = x
    sums[k + 1] += (a - (x - z)) + (value - z)


@inner
def _spread(
    time: Integers,
    price: Floats,
    quantity: Floats,
    notional: Floats,
    side: NDArray[np.int8],
    edges: Floats,
    row: np.int64,
    rows: int,
    prices: tuple[float, np.int64, float, float],
    amounts: Floats,
    held: Floats,
    buckets: Integers,
) -> None:
    """What each of some rows adds: loops that the processor does in vectors.

    Parameters
    ----------
    time, price, quantity, notional, side, edges
        As for `fold`.
    row, rows : int
        The first row and how many.
    prices : tuple
        The price before and since when, the price at the bar's open, and the bar's first.
    amounts, held : ndarray of float64
        Take `AMOUNTS` and `HELD`, four values a row.
    buckets : ndarray of int64
        Takes where the bucket of each row begins.
    """
    hold, since, ref, begin = prices
    given, small, medium, large = len(notional) > 0, edges[0], edges[1], False
    lo, hi = np.uint64(row), np.uint64(row + rows)
    held[0], held[1], held[2] = (hold - ref) * (time[row] - since), squared_return(price[row], hold), price[row] - begin
    for i in range(lo + ONE, hi):
        p, before, to = price[i], price[i - ONE], (i - lo) * FOUR
        x = (p - before) / (p + before)
        large |= abs(x) > _SMALL
        held[to], held[to + ONE] = (before - ref) * (time[i] - time[i - ONE]), _small_square(x)
        held[to + TWO], held[to + THREE] = p - begin, 0.0
    if large:
        for i in range(lo + ONE, hi):
            held[(i - lo) * FOUR + ONE] = squared_return(price[i], price[i - ONE])
    for i in range(lo, hi):
        q, way, to = quantity[i], side[i], (i - lo) * FOUR
        v = notional[i] if given else price[i] * q
        amounts[to], amounts[to + ONE] = v, q
        amounts[to + TWO], amounts[to + THREE] = way * q, q if way == 0 else 0.0
        buckets[i - lo] = ((np.int64(way) + 1) * 3 + np.int64(v >= small) + np.int64(v >= medium)) * 3


@lean
def fold(
    time: Integers,
    price: Floats,
    quantity: Floats,
    notional: Floats,
    side: NDArray[np.int8],
    trades: Integers,
    edges: Floats,
    ends: Integers,
    opens: Integers,
    closes: Integers,
    s: Floats,
    amounts: Floats,
    held: Floats,
    at: Integers,
    out: Floats,
) -> None:
    """Fold the rows of a batch into the open bar, and write down the sums of every bar that closes.

    Parameters
    ----------
    time, price, quantity, notional, side, trades : ndarray
        Columns of the batch; an empty ``notional`` stands for price × quantity.
    edges : ndarray of float64
        The two notional edges between small, medium and large.
    ends, opens, closes : ndarray of int64
        The segments, and the interval of each in µs.
    s : ndarray of float64
        State: `SUMS`, and the buckets one behind the other. Changed in place.
    amounts, held, at : ndarray
        Scratch for `_spread`, of `_GROUP` rows.
    out : ndarray of float64
        Takes the same of each closed bar, one behind the other.
    """
    to, buckets, row = 0, s[28:], np.int64(0)  # a plain 0 is a type of its own, for which all is compiled twice
    for bar in range(len(ends)):
        totals, errors, tops, bottoms, sums = four(s, 0), four(s, 4), four(s, 8), four(s, 12), four(s, 16)
        begin, high, low, hold, since, ref, raw = s[20], s[21], s[22], s[24], np.int64(s[25]), s[26], np.int64(s[27])
        end = ends[bar]
        if s[23] == 0.0:
            since, ref = opens[bar], hold
            if row < end:
                begin = high = low = price[row]
                ref = begin if hold != hold else hold
                since, hold = time[row], begin
        s[23] += end - row
        while row < end:
            rows = end - row if end - row < len(at) else len(at)
            before = hold, since, ref, begin
            _spread(time, price, quantity, notional, side, edges, row, rows, before, amounts, held, at)
            for j in range(np.uint64(rows)):
                p, k, new = price[np.uint64(row) + j], np.uint64(at[j]), four(amounts, j * FOUR)
                high = p if p > high else high
                low = p if p < low else low
                sums = plus(sums, four(held, j * FOUR))
                old = with_first(totals, buckets[k])
                totals = plus(old, new)
                part = minus(totals, old)
                error = plus(minus(old, minus(totals, part)), minus(new, part))
                errors = plus(errors, error)
                buckets[k] = first(totals)
                buckets[k + ONE] += first(error)
                buckets[k + TWO] += 1.0
                now = plus(totals, errors)
                tops, bottoms = larger(now, tops), smaller(now, bottoms)
            for i in range(np.uint64(row), np.uint64(row + rows)):
                raw += trades[i]
            row += rows
            hold, since = price[row - 1], time[row - 1]
        put(s, 0, totals), put(s, 4, errors), put(s, 8, tops), put(s, 12, bottoms), put(s, 16, sums)
        s[20], s[21], s[22], s[24], s[25], s[26], s[27] = begin, high, low, hold, since, ref, raw
        if bar < len(ends) - 1:
            s[16] += (hold - ref) * (closes[bar] - since)
            for j in range(len(s)):
                out[to + j], s[j] = s[j], 0.0
            s[24], to = hold, to + len(s)


@lean
def fold_flags(flags: Integers, ends: Integers, s: Integers, out: Integers) -> None:
    """Fold the flags that rows lend to their bar; an empty ``flags`` stands for none."""
    given = len(flags) > 0
    row, last = 0, len(ends) - 1
    for bar in range(len(ends)):
        if given:
            for i in range(row, ends[bar]):
                s[0] |= flags[i]
        row = ends[bar]
        if bar < last:
            out[bar] = s[0]
            s[0] = 0


class Fold:
    """The open bar of one bar kind, and the sums of those that it has closed.

    Parameters
    ----------
    edges : ndarray of float64
        The two notional edges between small, medium and large rows; read at every batch.
    """

    def __init__(self, edges: Floats) -> None:
        self._edges = edges
        self._sums = np.zeros(len(SUMS) + 3 * BUCKETS)
        self._sums[HOLD] = np.nan
        self._flags = np.zeros(1, np.int64)
        self._scratch = np.zeros(4 * _GROUP), np.zeros(4 * _GROUP), np.zeros(_GROUP, np.int64)

    def push(self, tape: Any, opens: Integers, closes: Integers, ends: Integers) -> tuple[Floats, Integers]:
        """Take a batch; returns sums, `SUMS` and buckets, and flags of the bars that it closed.

        Parameters
        ----------
        tape : Tape
            The batch.
        opens, closes, ends : ndarray of int64
            The segments: interval and end row of every bar that the batch touches.
        """
        closed = len(ends) - 1
        sums, flags = np.empty((closed, len(self._sums))), np.zeros(closed, np.int64)
        notional = _NONE if tape.notional is None else tape.notional
        amounts = tape.time, tape.price, tape.quantity, notional, tape.side, tape.trades
        fold(*amounts, self._edges, ends, opens, closes, self._sums, *self._scratch, sums.reshape(-1))
        if tape.flags is not None or self._flags[0]:
            marks = np.empty(0, np.int64) if tape.flags is None else tape.flags
            fold_flags(marks, ends, self._flags, flags)
        return sums, flags


_NONE = np.empty(0)
