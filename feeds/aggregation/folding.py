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

from ...core.kernels import compiled, inlined

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

PRICES = ("open", "high", "low", "close", "twap_time", "twap_trade", "realized_vol")
"""Columns of `fold_prices`, in order."""
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
"""Columns of `fold_flow`, in order; the last two are for the quality flags."""

ONE, TWO = np.uint64(1), np.uint64(2)
"""Unsigned, so that an index made with them is not looked at for being negative."""
_SMALL = 1e-3
"""Difference over sum of two prices up to which the series of `_small_square` is exact."""
N_PRICE_STATE = 10
N_FLOW_STATE = 9
N_BUCKETS = 9
"""Sell, unknown and buy, each small, medium and large; a bucket is notional, its error, rows."""


def price_state() -> Floats:
    """State of `fold_prices` before the first row."""
    state = np.zeros(N_PRICE_STATE)
    state[4] = np.nan
    return state


@compiled
def first_back(time: Integers, before: int) -> int:
    """The first row that is earlier than the one ahead of it (``before`` for row 0), or −1."""
    back = len(time) > 0 and time[0] < before
    for i in range(1, len(time)):
        back |= time[i] < time[i - 1]
    if not back:
        return -1
    for i in range(len(time)):
        if time[i] < before:
            return i
        before = time[i]
    return -1


@inlined
def _small_square(x: float) -> float:
    """A quarter of the squared logarithm of a quotient of two prices, from their difference over their sum.

    By its series, which for the small steps of a tape is exact where the quotient would have been rounded.
    """
    y = x * x
    return y * (1.0 + y * (2.0 / 3.0 + y * (23.0 / 45.0)))


@compiled
def squared_return(price: float, before: float) -> float:
    """A quarter of the squared logarithm of ``price / before``."""
    x = (price - before) / (price + before)
    if abs(x) > _SMALL:
        r = math.log(price / before)
        return 0.25 * r * r
    return _small_square(x)


@compiled
def _squared_returns(price: Floats, row: int, end: int, hold: float, total: float) -> float:
    """``total`` and the squared returns of some rows, large ones among them."""
    for i in range(row, end):
        total += squared_return(price[i], hold)
        hold = price[i]
    return total


@compiled
def _close_prices(s: Floats, n: int, span: float, out: Floats) -> None:
    """Write one bar of `fold_prices`; without rows, the price that holds stands for all."""
    first, high, low, _, hold, _, ref, held, above, squares = s
    out[3] = hold
    out[4] = ref + held / span if span > 0.0 else hold
    if n == 0:
        out[0] = out[1] = out[2] = hold
        out[5] = out[6] = np.nan
    else:
        out[0], out[1], out[2] = first, high, low
        out[5] = first + above / n
        out[6] = 2.0 * math.sqrt(squares)


@compiled
def fold_prices(
    time: Integers, price: Floats, ends: Integers, opens: Integers, closes: Integers, s: Floats, out: Floats
) -> None:
    """Fold open, high, low, close, both time-weighted means and the realized volatility.

    Parameters
    ----------
    time, price : ndarray
        Columns of the batch.
    ends, opens, closes : ndarray of int64
        The segments, and the interval of each in µs.
    s : ndarray of float64
        State: first, high, low, rows, price that holds, since when, price at the open, price × µs held
        above it, sum of prices above the first, a quarter of the sum of squared returns. Changed in place.
    out : ndarray of float64, one row per closed bar
        Takes `PRICES`.
    """
    first, high, low, n, hold = s[0], s[1], s[2], int(s[3]), s[4]
    since, ref, held, above, squares = int(s[5]), s[6], s[7], s[8], s[9]
    row, last = 0, len(ends) - 1
    for bar in range(len(ends)):
        end = ends[bar]
        if n == 0:
            since, ref, held, above, squares = opens[bar], hold, 0.0, 0.0, 0.0
            if row < end:
                first = high = low = price[row]
                ref = first if math.isnan(hold) else hold
                since, hold = time[row], first
        before, sure, large = hold, squares, False
        for i in range(np.uint64(row), np.uint64(end)):
            p, t = price[i], time[i]
            held += (hold - ref) * (t - since)
            x = (p - hold) / (p + hold)
            large |= abs(x) > _SMALL
            squares += _small_square(x)
            above += p - first
            high = p if p > high else high
            low = p if p < low else low
            since, hold = t, p
        if large:  # rare, and the logarithm is kept out of the loop: a call would turn everything out of the registers
            squares = _squared_returns(price, row, end, before, sure)
        n += end - row
        row = end
        if bar < last:
            s[0], s[1], s[2], s[4], s[6], s[8], s[9] = first, high, low, hold, ref, above, squares
            s[7] = held + (hold - ref) * (closes[bar] - since)
            _close_prices(s, n, float(closes[bar] - opens[bar]), out[bar])
            n = 0
    s[0], s[1], s[2], s[3], s[4] = first, high, low, n, hold
    s[5], s[6], s[7], s[8], s[9] = since, ref, held, above, squares


@compiled
def add(sums: Floats, k: int, value: float) -> None:
    """Add to the sum at ``k``, and the rounding error of doing so to the one behind it."""
    a = sums[k]
    x = a + value
    z = x - a
    sums[k] = x
    sums[k + 1] += (a - (x - z)) + (value - z)


@compiled
def _notional(buckets: Floats, lo: int, hi: int, total: Floats) -> float:
    """Notional of buckets ``lo`` up to ``hi``; ``total`` is scratch."""
    total[:] = 0.0
    for k in range(lo, hi):
        add(total, 0, buckets[k * 3])
        add(total, 0, buckets[k * 3 + 1])
    return float(total[0] + total[1])


@compiled
def _taken(s: Floats, sign: float, total: Floats) -> float:
    """Volume that buyers (``sign`` 1) or sellers (−1) took: half of volume less unknown volume plus signed delta."""
    total[:] = 0.0
    for part in range(2):
        add(total, 0, s[5 + part])
        add(total, 0, -s[7 + part])
        add(total, 0, sign * s[part])
    return float(0.5 * (total[0] + total[1]))


@compiled
def _close_flow(buckets: Floats, s: Floats, out: Floats, total: Floats) -> None:
    """Write one bar of `fold_flow` and empty its state."""
    out[0], out[1] = s[5] + s[6], _notional(buckets, 0, 9, total)
    out[2], out[3] = _taken(s, 1.0, total), _taken(s, -1.0, total)
    for way in range(2):
        lo = 6 - 6 * way
        out[4 + way] = _notional(buckets, lo, lo + 3, total)
        out[6 + way] = 0.0
        for size in range(3):
            k = (lo + size) * 3
            out[8 + 3 * way + size] = buckets[k] + buckets[k + 1]
            out[14 + 3 * way + size] = buckets[k + 2]
            out[6 + way] += buckets[k + 2]
    out[24] = buckets[11] + buckets[14] + buckets[17]
    out[20], out[21], out[22], out[23] = s[2], s[3], s[4], out[6] + out[7] + out[24]
    buckets[:] = 0.0
    s[:] = 0.0


@compiled
def fold_flow(
    price: Floats,
    quantity: Floats,
    notional: Floats,
    side: NDArray[np.int8],
    trades: Integers,
    edges: Floats,
    ends: Integers,
    buckets: Floats,
    s: Floats,
    out: Floats,
) -> None:
    """Fold volumes, notional, counts, size classes and the extremes of the running delta.

    Parameters
    ----------
    price, quantity, notional, side, trades : ndarray
        Columns of the batch; an empty ``notional`` stands for price × quantity.
    edges : ndarray of float64
        The two notional edges between small, medium and large.
    ends : ndarray of int64
        The segments.
    buckets, s : ndarray of float64
        State: notional, its error and rows by side and class; delta, its error, its highest, its lowest, raw
        trades, volume, its error, volume of unknown side, its error. Changed in place.
    out : ndarray of float64, one row per closed bar
        Takes `FLOWS`.
    """
    given, total = len(notional) > 0, np.zeros(2)
    small, medium = edges[0], edges[1]
    row, last = 0, len(ends) - 1
    for bar in range(len(ends)):
        delta, error, top, bottom, raw, volume, lost = s[0], s[1], s[2], s[3], int(s[4]), s[5], s[6]
        for i in range(np.uint64(row), np.uint64(ends[bar])):
            q = quantity[i]
            v = notional[i] if given else price[i] * q
            k = np.uint64(((side[i] + 1) * 3 + np.int64(v >= small) + np.int64(v >= medium)) * 3)
            a = buckets[k]
            x = a + v
            z = x - a
            buckets[k] = x
            buckets[k + ONE] += (a - (x - z)) + (v - z)
            buckets[k + TWO] += 1.0
            x = volume + q
            z = x - volume
            lost += (volume - (x - z)) + (q - z)
            volume = x
            d = side[i] * q
            x = delta + d
            z = x - delta
            error += (delta - (x - z)) + (d - z)
            delta = x
            x += error
            top = x if x > top else top
            bottom = x if x < bottom else bottom
            raw += trades[i]
            if side[i] == 0:
                add(s, 7, q)
        row = ends[bar]
        s[0], s[1], s[2], s[3], s[4], s[5], s[6] = delta, error, top, bottom, raw, volume, lost
        if bar < last:
            _close_flow(buckets, s, out[bar], total)


@compiled
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
    """The open bar of one bar kind, and the arrays that the kernels work on.

    Parameters
    ----------
    edges : tuple of float
        The two notional edges between small, medium and large rows.
    """

    def __init__(self, edges: tuple[float, float]) -> None:
        self._edges = np.array(edges, dtype=np.float64)
        self._prices = price_state()
        self._buckets = np.zeros(N_BUCKETS * 3)
        self._flow = np.zeros(N_FLOW_STATE)
        self._flags = np.zeros(1, np.int64)

    def push(self, tape: Any, opens: Integers, closes: Integers, ends: Integers) -> tuple[Floats, Floats, Integers]:
        """Take a batch; returns `PRICES`, `FLOWS` and flags of the bars that it closed.

        Parameters
        ----------
        tape : Tape
            The batch.
        opens, closes, ends : ndarray of int64
            The segments: interval and end row of every bar that the batch touches.
        """
        closed = len(ends) - 1
        prices, flows = np.empty((closed, len(PRICES))), np.empty((closed, len(FLOWS)))
        flags = np.zeros(closed, np.int64)
        notional = np.empty(0) if tape.notional is None else tape.notional
        fold_prices(tape.time, tape.price, ends, opens, closes, self._prices, prices)
        fold_flow(
            tape.price,
            tape.quantity,
            notional,
            tape.side,
            tape.trades,
            self._edges,
            ends,
            self._buckets,
            self._flow,
            flows,
        )
        if tape.flags is not None or self._flags[0]:
            marks = np.empty(0, np.int64) if tape.flags is None else tape.flags
            fold_flags(marks, ends, self._flags, flags)
        return prices, flows, flags
