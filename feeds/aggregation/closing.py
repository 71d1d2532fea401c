"""Closed bars: the columns that the sums of the fold come to, many bars at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.schema import Quality
from .folding import BUCKETS, FLOWS, PRICES, SUMS

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Columns = dict[str, NDArray[Any]]

_MANY = 4096
"""Bars that are worth the overhead of as many calls as make their columns."""
_SELL, _UNKNOWN, _BUY = (slice(lo, lo + 3) for lo in (0, 3, 6))
_SIDES = (("buy", _BUY), ("sell", _SELL))


class ClosedBars:
    """The bars of one kind that have closed, column by column."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Integers, Integers, Floats, Integers]] = []
        self._bars = 0
        self._parts: dict[str, list[NDArray[Any]]] = {}
        self.rows = self.unknown = 0.0
        """Rows of the tape in them, and how many have no side."""

    def add(self, opens: Integers, closes: Integers, sums: Floats, flags: Integers) -> None:
        """Take some more: their intervals, their sums as `folding.fold` writes them, and the flags of their rows."""
        if not len(flags):
            return
        self._waiting.append((opens, closes, sums, flags))
        self._bars += len(flags)
        if self._bars >= _MANY:
            self._settle()

    def columns(self) -> Columns:
        """All of them by column; they are gone then, so that there is one copy at a time."""
        self._settle()
        return {name: np.concatenate(self._parts.pop(name)) for name in tuple(self._parts)}

    def _settle(self) -> None:
        if self._parts and not self._waiting:
            return
        nothing = (
            np.zeros(0, np.int64),
            np.zeros(0, np.int64),
            np.zeros((0, len(SUMS) + 3 * BUCKETS)),
            np.zeros(0, np.int64),
        )
        opens, closes, sums, flags = (np.concatenate(part) for part in zip(*(self._waiting or [nothing]), strict=True))
        self._waiting, self._bars = [], 0
        made: Columns = {"open_time": opens, "close_time": closes}
        made |= settled(sums, closes - opens)
        rows, unknown = made.pop("rows"), made.pop("unknown_rows")
        self.rows, self.unknown = self.rows + float(rows.sum()), self.unknown + float(unknown.sum())
        flags = flags | np.where(rows == 0, int(Quality.FILLED), 0)
        made["quality"] = flags | np.where(unknown > 0, int(Quality.INFERRED_SIDE), 0)
        for name, values in made.items():  # a part of a table would keep all of it
            self._parts.setdefault(name, []).append(values if values.flags.owndata else values.copy())


def settled(sums: Floats, spans: Integers) -> dict[str, Floats]:
    """Columns of closed bars, `folding.PRICES` and `folding.FLOWS`.

    Parameters
    ----------
    sums : ndarray of float64, one row a bar
        As `folding.fold` writes them.
    spans : ndarray of int64
        How long each bar is, in µs.
    """
    columns = np.ascontiguousarray(sums.T)
    s = dict(zip(SUMS, columns, strict=False))
    buckets = columns[len(SUMS) :].reshape(BUCKETS, 3, len(spans))
    return {**_prices(s, spans), **_flows(s, buckets)}


def _prices(s: dict[str, Floats], spans: Integers) -> dict[str, Floats]:
    """Without rows, the price that holds stands for all."""
    rows, hold = s["rows"], s["hold"]
    with np.errstate(divide="ignore", invalid="ignore"):
        over_time = np.where(spans > 0, s["ref"] + s["weighted"] / spans, hold)
        over_rows = np.where(rows > 0, s["first"] + s["above"] / rows, np.nan)
    made = [np.where(rows > 0, s[name], hold) for name in ("first", "high", "low")]
    volatility = np.where(rows > 0, 2.0 * np.sqrt(s["squares"]), np.nan)
    return dict(zip(PRICES, (*made, hold, over_time, over_rows, volatility), strict=True))


def _flows(s: dict[str, Floats], buckets: Floats) -> dict[str, Floats]:
    notional, counts = buckets[:, :2], buckets[:, 2]
    made = {"volume": s["volume"] + s["volume_error"], "quote_volume": _total(notional.reshape(2 * BUCKETS, -1))}
    for sign, (side, own) in zip((1.0, -1.0), _SIDES, strict=True):
        made[f"taker_{side}_volume"] = _taken(s, sign)
        made[f"taker_{side}_quote_volume"] = _total(notional[own].reshape(6, -1))
        made[f"taker_{side}_count"] = counts[own].sum(axis=0)
        for size, bucket, rows in zip(("small", "medium", "large"), notional[own], counts[own], strict=True):
            made[f"taker_{side}_{size}_order_volume"] = bucket[0] + bucket[1]
            made[f"taker_{side}_{size}_order_count"] = rows
    made |= {name: s[name] for name in ("delta_high", "delta_low", "trades")}
    made["unknown_rows"] = counts[_UNKNOWN].sum(axis=0)
    made["rows"] = counts.sum(axis=0)
    return {name: made[name] for name in FLOWS}


def _taken(s: dict[str, Floats], sign: float) -> Floats:
    """Volume that buyers (``sign`` 1) or sellers (−1) took: half of volume less unknown volume plus signed delta."""
    parts = [(s["volume" + part], -s["unknown" + part], sign * s["delta" + part]) for part in ("", "_error")]
    return 0.5 * _total([values for three in parts for values in three])


def _total(parts: Sequence[Floats] | Floats) -> Floats:
    """Sums of several columns with the rounding errors of summing added."""
    total, error = np.zeros_like(parts[0]), np.zeros_like(parts[0])
    for values in parts:
        x = total + values
        z = x - total
        error += (total - (x - z)) + (values - z)
        total = x
    return total + error
