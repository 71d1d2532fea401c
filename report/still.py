"""What the page shows where its chart will be, before any script has run: price and equity as one still drawing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .folder import Folder, microseconds
from .html import Markup, joined, number, tag
from .money import Money

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WIDE, HIGH = 1200, 420
_SPLIT, _GAP, _EDGE = 0.62, 34, 6
"""Share of the height that price takes; what lies between price and equity and at the rims, in units of the drawing."""
_COLUMNS = 600
"""Columns of the drawing; each holds the lowest and highest value of its bars."""


def still(folder: Folder, money: Money) -> Markup:
    """Closes and equity over the run's time, drawn without a script; nothing for a run without bars."""
    bars = folder.bars_of(folder.feeds[0]) if folder.feeds else folder.bars
    value = folder.equity["value"].to_numpy(np.float64)
    close = bars["close"].to_numpy(np.float64)
    if not np.isfinite(close).any() or not np.isfinite(value).any():
        return Markup("")
    times = microseconds(bars["close_time"]), microseconds(folder.equity["time"])
    span = int(min(t[0] for t in times)), int(max(t[-1] for t in times))
    middle = _SPLIT * HIGH
    price = _curve(times[0], close, span, (_EDGE, middle - _GAP / 2), "still-price")
    equity = _curve(times[1], value, span, (middle + _GAP / 2, HIGH - _EDGE), "still-equity")
    says = f"{folder.feeds[0]}: close {_ends(close)}. {money.titled('Equity')}: {_ends(value, money)}."
    drawing = tag(
        "svg",
        joined((price, equity)),
        viewBox=f"0 0 {WIDE} {HIGH}",
        preserveAspectRatio="none",
        role="img",
        aria_label=says,
    )
    return tag("figure", drawing, tag("figcaption", says), id="still")


def _ends(values: Floats, money: Money | None = None) -> str:
    """The first and the last value that is known."""
    known = values[np.isfinite(values)]
    if money is not None:
        return f"{money.plain(float(known[0]))} to {money.plain(float(known[-1]))}"
    return f"{number(float(known[0]))} to {number(float(known[-1]))}"


def _curve(times: Ints, values: Floats, span: tuple[int, int], place: tuple[float, float], class_: str) -> Markup:
    """A line between ``place``, top and bottom; within a column it goes from the lowest to the highest value."""
    known = np.isfinite(values)
    times, values = times[known], values[known]
    column = np.minimum((times - span[0]) * _COLUMNS // max(1, span[1] - span[0]), _COLUMNS - 1)
    starts = np.flatnonzero(np.diff(column, prepend=-1))
    low, high = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
    first, last = values[starts], values[np.r_[starts[1:], len(values)] - 1]
    rises = last >= first
    ends = np.column_stack([np.where(rises, low, high), np.where(rises, high, low)])
    across = (column[starts] + 0.5) * WIDE / _COLUMNS
    bottom, reach = float(values.min()), float(np.ptp(values)) or 1.0
    down = place[1] - (place[1] - place[0]) * (ends - bottom) / reach
    points = " ".join(f"{x:.0f},{y[0]:.1f} {x:.0f},{y[1]:.1f}" for x, y in zip(across, down, strict=True))
    return tag("polyline", points=points, class_=class_, vector_effect="non-scaling-stroke")
