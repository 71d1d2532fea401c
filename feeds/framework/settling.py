"""Klines that contradict themselves, flagged, and given values that no engine can come to harm from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ...core.bars import Bars
from ...core.clock import iso
from ...core.errors import DataError
from ...core.schema import ALLOW_NEGATIVE, Quality
from .contradictions import ENOUGH, FLOWS, PRICES, SAYS, Mask, contradictions, is_usual, shown_in

_TAKERS = tuple(name for name in FLOWS if name.startswith(("taker_", "delta_")))
_MISREAD = 0.95
"""A share of all bars from which on it is not bars that are wrong but how they are read."""
_FAR = 0.4
"""Log distance from the close before that makes the prices, not the amounts, the odd ones."""


def settled(bars: Bars, *, may_miss_prices: bool = False, may_be_negative: bool = False) -> Bars:
    """The same bars, those that contradict themselves flagged ``CONTRADICTORY`` and without figures that cannot be.

    Prices that cannot be (0, negative, missing, out of each other's range) are all four the close of the bar before,
    so that nothing above ever sees a price that is none; bars before the first that has a price are left out. Taker
    amounts above what was traded are NaN; where another amount contradicts, all amounts are. Where quote volume over
    volume is no price of the bar, prices far from the close before while the mean is near it are taken for the wrong
    ones, else the amounts. Only bars before are looked at. Notes of the result say how many there are.

    Parameters
    ----------
    bars : Bars
        In time order.
    may_miss_prices, may_be_negative : bool
        As for `contradictions`.

    Raises
    ------
    DataError
        If no bar is left, or so many contradict themselves in the same way that their columns must be mistaken.

    Examples
    --------
    >>> bars = Bars.of(
    ...     open_time=[0, 1, 2], close_time=[1, 2, 3], open=[0.0, 9.0, 8.0], high=[0.0, 9.0, 8.0], low=[0.0, 9.0, 0.0],
    ...     close=[0.0, 9.0, 8.0], volume=[0.0, 2.0, 2.0],
    ... )
    >>> made = settled(bars)
    >>> made["open_time"].tolist(), made["close"].tolist(), made["low"].tolist(), made["quality"].tolist()
    ([1, 2], [9.0, 9.0], [9.0, 9.0], [0, 128])
    """
    bars = _unknown_where_all_are_0(bars)
    found = contradictions(bars, may_miss_prices=may_miss_prices, may_be_negative=may_be_negative)
    if is_usual(bars, found.get("mean", np.zeros(len(bars), bool))):
        del found["mean"]  # of another unit, which a remark of the feed tells
    if not found:
        return bars
    _check_misread(bars, found)
    wrong = np.logical_or.reduce(list(found.values()))
    none = np.zeros(len(bars), bool)
    unpriced = found.get("price", none) | found.get("range", none)
    unpriced = unpriced | _far_off(bars, unpriced, found.get("mean", none))
    amounts = found.get("negative", none) | found.get("trades", none) | (found.get("mean", none) & ~unpriced)
    columns = dict(bars.columns)
    source = np.maximum.accumulate(np.where(unpriced, -1, np.arange(len(bars))))
    before = columns["close"][source]
    for name in PRICES:
        if bars.carries(name):
            columns[name] = np.where(unpriced, before, columns[name])
    for names, which in ((FLOWS, amounts), (_TAKERS, found.get("takers", none))):
        for name in names:
            columns[name] = np.where(which, np.nan, columns[name])
    columns["quality"] = np.where(wrong, bars["quality"] | int(Quality.CONTRADICTORY), bars["quality"])
    first = int(np.argmax(source >= 0))
    if source[-1] < 0:
        raise DataError(f"{bars.source}: no bar has prices that can be: {_said(found)}.{_hint(bars, 'price')}")
    made = replace(bars, columns=columns, notes=(*bars.notes, _note(bars, found, wrong, first)))
    return made.slice(first, None)


def _unknown_where_all_are_0(bars: Bars) -> Bars:
    """Quote volume and trades are not known to a source that writes 0 for them whatever was traded."""
    if not (bars["volume"] > 0).any():
        return bars
    empty = [n for n in ("quote_volume", "trades") if bars.carries(n) and not (bars[n] != 0).any()]
    if not empty:
        return bars
    names = [*empty, *(("taker_buy_quote_volume", "taker_sell_quote_volume") if "quote_volume" in empty else ())]
    note = f"{' and '.join(empty)} are 0 in every bar, volume is not: taken for unknown"
    unknown = {name: np.full(len(bars), np.nan) for name in names}
    return replace(bars.assign(**unknown), notes=(*bars.notes, note))


def _far_off(bars: Bars, unpriced: Mask, mean_wrong: Mask) -> Mask:
    """Bars whose prices are far from the close before while what was paid over what was traded is near it."""
    made = np.zeros(len(bars), bool)
    rows = np.flatnonzero(mean_wrong & ~unpriced)
    if not len(rows):
        return made
    last = np.maximum.accumulate(np.where(unpriced, -1, np.arange(len(bars))))
    with np.errstate(all="ignore"):
        closes, means = np.log(bars["close"]), np.log(bars["quote_volume"] / bars["volume"])
    held: dict[int, float] = {}  # the close that stands for a bar whose prices are wrong
    for i in rows.tolist():
        at = int(last[i - 1]) if i else -1
        before = held.get(at, float(closes[at])) if at >= 0 else np.nan
        off = abs(float(closes[i]) - before)
        if off > _FAR and abs(float(means[i]) - before) < off / 2:
            made[i], held[i] = True, before
    return made


def _check_misread(bars: Bars, found: Mapping[str, Mask]) -> None:
    for kind, which in found.items():
        count = int(which.sum())
        if len(bars) >= ENOUGH and count >= _MISREAD * len(bars):
            first = int(np.argmax(which))
            raise DataError(
                f"{bars.source}: {count:,} of {len(bars):,} bars contradict themselves ({SAYS[kind]}), the first at "
                f"{iso(int(bars['open_time'][first]))}: {shown_in(bars, kind, first)}; "
                f"are columns mistaken for others?{_hint(bars, kind)}"
            )


def _hint(bars: Bars, kind: str) -> str:
    """What to do where prices below 0 may have been traded."""
    below = kind == "price" and any((bars[name] < 0).any() for name in PRICES)
    return f" Or {ALLOW_NEGATIVE}" if below else ""


def _said(found: Mapping[str, Any]) -> str:
    return "; ".join(f"{SAYS[kind]} in {int(which.sum()):,}" for kind, which in found.items())


def _note(bars: Bars, found: Mapping[str, Mask], wrong: Mask, left_out: int) -> str:
    first = iso(int(bars["open_time"][int(np.argmax(wrong))]))
    dropped = f"; {left_out:,} before the first price left out" if left_out else ""
    return (
        f"{int(wrong.sum()):,} of {len(bars):,} bars contradict themselves ({_said(found)}), the first at {first}: "
        f"prices that cannot be are the close before, amounts that cannot be unknown, nothing fills there{dropped}"
        f"{_hint(bars, 'price' if 'price' in found else '')}"
    )
