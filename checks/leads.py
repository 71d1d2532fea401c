"""Feeds that know of others what has not happened yet: bars stamped at their start, clocks that are early."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.bars import Bars
from ..core.clock import interval_text, iso
from ..core.schema import KNOWN_COLUMNS
from .findings import AS_IT_IS, Leak
from .run_trace import Difference

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

_MOST, _LEAST = 0.95, 0.5
_STRONG, _TIMES, _FEW = 0.5, 2.0, 30
"""A correlation with what comes that no market has, how many times that with what was, and from how many values on."""
_FAR = 10
"""Bars of the faster feed within which a clock is tried."""


def leads(bars: Mapping[str, Bars]) -> Iterator[Leak]:
    """Feeds, and columns of feeds, that know the prices that come after their stamps.

    Prices of a slow feed that a faster one has one bar later; changes of any column that go with those of another
    feed's price some time after, and far less at the time; columns beyond the known ones that go with the next bar.
    """
    told = set[str]()
    for leak in (*_copied(bars), *_early(bars), *_within(bars)):
        if leak.found.what not in told:
            told.add(leak.found.what)
            yield leak


def _copied(bars: Mapping[str, Bars]) -> Iterator[Leak]:
    """Feeds whose bars are stamped at their start: they hold the prices that a faster feed has one bar later."""
    for name, slow in bars.items():
        for fast in bars.values():
            if len(fast) <= len(slow) or len(slow) < 3:
                continue
            length = _length(slow)
            now, then = (price_at(fast, slow["close_time"] + ahead) == slow["close"] for ahead in (0, length))
            known = ~np.isnan(price_at(fast, slow["close_time"] + length))
            if known.sum() >= 3 and then[known].mean() > _MOST and now[known].mean() < _LEAST:
                i = int(np.flatnonzero(then & ~now)[0])
                time = int(slow["close_time"][i])
                said = f"its close is that of {iso(time + length)}: bars are stamped {interval_text(length)} early"
                yield Leak(Difference(f"feed {name}", i, time, "", said), AS_IT_IS, time)
                break


def _early(bars: Mapping[str, Bars]) -> Iterator[Leak]:
    """Feeds whose columns go with the price of another feed some time later."""
    for name, own in bars.items():
        for other, priced in bars.items():
            if other == name or len(own) < _FEW or not priced.carries("close") or len(priced) < len(own):
                continue
            step, length = _length(priced), _length(own)
            shifts = sorted({*(k * step for k in range(1, _FAR + 1)), length})
            for column in _columns(own):
                if (found := _ahead(own, column, priced, shifts)) is not None:
                    yield _told(name, column, own, other, *found)
                    break


def _ahead(own: Bars, column: str, priced: Bars, shifts: list[int]) -> tuple[int, float, float] | None:
    """By how much a column is early, and how it goes with the price then and now."""
    times = own["close_time"].astype(np.int64)
    values = own[column].astype(np.float64)
    for known in (np.diff(values), values[1:]):
        now = abs(_together(known, _moved(priced, times, 0)))
        found = max((abs(_together(known, _moved(priced, times, shift))), -shift) for shift in shifts)
        if found[0] >= _STRONG and found[0] >= _TIMES * now:
            return -found[1], found[0], now
    return None


def _told(name: str, column: str, own: Bars, other: str, shift: int, then: float, now: float) -> Leak:
    time = int(own["close_time"][1])
    what = f"feed {name}" if column == "close" else f"feed {name}, column {column}"
    said = (
        f"it goes with the price of {other} {interval_text(shift)} later (correlation {then:.2f}, at the time "
        f"{now:.2f}): it is stamped {interval_text(shift)} early"
    )
    return Leak(Difference(what, 1, time, "", said), AS_IT_IS, time)


def _within(bars: Mapping[str, Bars]) -> Iterator[Leak]:
    """Columns beyond the known ones that go with the next bar of their own feed."""
    for name, own in bars.items():
        if len(own) < _FEW or not own.carries("close"):
            continue
        with np.errstate(divide="ignore", invalid="ignore"):
            move = np.diff(np.log(own["close"]))
        for column in _columns(own):
            if column in KNOWN_COLUMNS:
                continue
            values = own[column].astype(np.float64)
            for known in (np.diff(values)[:-1], values[1:-1]):
                then, now = abs(_together(known, move[1:])), abs(_together(known, move[:-1]))
                if then >= _STRONG and then >= _TIMES * now:
                    time = int(own["close_time"][1])
                    said = f"it goes with the move of the next bar (correlation {then:.2f}, with its own {now:.2f})"
                    yield Leak(Difference(f"feed {name}, column {column}", 1, time, "", said), AS_IT_IS, time)
                    break


def _columns(bars: Bars) -> list[str]:
    """The close, and what a feed knows beyond the known columns."""
    own = [name for name in bars.columns if name not in KNOWN_COLUMNS and bars[name].dtype.kind == "f"]
    return [*(["close"] if bars.carries("close") else []), *own]


def _moved(priced: Bars, times: Times, shift: int) -> Floats:
    """How far a price moved from stamp to stamp, ``shift`` later; NaN outside the data."""
    at = price_at(priced, times + shift)
    with np.errstate(divide="ignore", invalid="ignore"):
        made: Floats = np.diff(np.log(at))
    return made


def _together(a: Floats, b: Floats) -> float:
    """The correlation of two series where both are known; 0 where that is nowhere to be told."""
    known = np.isfinite(a) & np.isfinite(b)
    if known.sum() < _FEW:
        return 0.0
    x, y = a[known] - a[known].mean(), b[known] - b[known].mean()
    size = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / size if size > 0 else 0.0


def price_at(bars: Bars, times: Times) -> Floats:
    """The last close at each of ``times``; NaN outside the data."""
    closes = bars["close_time"]
    at = np.searchsorted(closes, times, "right") - 1
    inside = (at >= 0) & (times <= closes[-1])
    made: Floats = np.where(inside, bars["close"][np.maximum(at, 0)], np.nan)
    return made


def _length(bars: Any) -> int:
    return int(np.median(bars["close_time"] - bars["open_time"]))
