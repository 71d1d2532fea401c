"""How the round trips are spread, and what price did after their entries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..core.counting import counted
from .html import NOTHING, Markup, is_number, number, section, table, tag
from .svg import Plot, decimals_for, marks_between

Floats = NDArray[np.float64]
_BINS = 28


def distribution(trades: pd.DataFrame) -> Markup:
    """Histograms of what round trips returned and how long they took, and a dot for each over time."""
    if trades.empty:
        return Markup("")
    returned = trades["return_pct"].to_numpy(np.float64)
    parts = [_histogram(returned[np.isfinite(returned)], "Return of a trade after fees, %", signed=True)]
    if "bars" in trades:
        parts.append(_histogram(trades["bars"].to_numpy(np.float64), "Bars held", signed=False))
    parts.append(_by_hour(trades))
    return section("distribution", "Distribution of trades", tag("div", *parts, class_="plots"))


def _histogram(values: Floats, title: str, *, signed: bool) -> Markup:
    """Counts by value; a bar lies wholly on one side of 0."""
    if not len(values):
        return Markup("")
    edges = _edges(values)
    counts = np.histogram(values, edges)[0]
    plot = Plot((float(edges[0]), float(edges[-1])), (0.0, float(counts.max()) * 1.05), title)
    plot.beside([m for m in marks_between(0.0, float(counts.max()), 4) if m == round(m)])
    places = decimals_for(edges.tolist())
    for left, right, count in zip(edges[:-1], edges[1:], counts, strict=True):
        if count:
            side = "plain-bar" if not signed else "gain-bar" if left >= 0 else "loss-bar"
            says = f"{number(left, places)} to {number(right, places)}: {_trades(count)}"
            plot.bar(float(left), float(right), float(count), side, says)
    marks = marks_between(float(edges[0]), float(edges[-1]))
    plot.below([(m, number(m, decimals_for(marks))) for m in marks])
    mean = float(np.mean(values))
    plot.line((mean, 0.0, mean, float(counts.max()) * 1.05), "mean", f"mean {number(mean, places + 1)}")
    return plot.drawn()


def _edges(values: Floats) -> Floats:
    """Edges of bins, 0 among them when it lies within; the outermost 1 % may widen the last bins."""
    low, high = float(values.min()), float(values.max())
    if low == high:
        half = abs(low) / 2 or 0.5
        return np.array([low - half, low + half])
    steps = marks_between(low, high, min(_BINS, max(6, 2 * round(len(values) ** 0.5))))
    step = steps[1] - steps[0] if len(steps) > 1 else high - low
    first, last = np.floor(low / step + 1e-9), np.floor(high / step + 1e-9) + 1
    return np.asarray(step * np.arange(first, last + 1))


def _trades(count: int) -> str:
    return counted(count, "trade")


def _by_hour(trades: pd.DataFrame) -> Markup:
    """Mean return by the hour of entry."""
    hours = pd.to_datetime(trades["entry_time"], utc=True).dt.hour
    by = trades["return_pct"].groupby(hours).agg(["mean", "count"]).dropna()
    if by.empty:
        return Markup("")
    low, high = min(0.0, float(by["mean"].min())), max(0.0, float(by["mean"].max()))
    room = 0.08 * (high - low) or 1.0
    plot = Plot((0.0, 24.0), (low - room, high + room), "Mean return by hour of entry (UTC), %")
    plot.beside(marks_between(low - room, high + room, 5))
    for hour, mean, count in by.itertuples():
        says = f"{hour:02}:00: {number(mean, 3, ' %', signed=True)}, {_trades(count)}"
        plot.bar(hour, hour + 1.0, float(mean), "gain-bar" if mean > 0 else "loss-bar", says)
    plot.below([(h, f"{h:02}") for h in (0, 6, 12, 18, 24)])
    return plot.drawn()


def markouts(result: Mapping[str, Any]) -> Markup:
    """How far price moved in the trade's direction after entries, with what trading costs; no interval holds there."""
    block = result.get("markouts") or {}
    found = [m for m in block.get("horizons") or () if is_number(m.get("mean_bp"))]
    if not found:
        return Markup("")
    cost = block.get("cost_bp")
    rows = [
        (
            f"{m['bars']:,}",
            tag("td", number(m["mean_bp"], 2, signed=True), class_="gain" if m["mean_bp"] > 0 else "loss"),
            number(m.get("entries"), 0),
        )
        for m in found
    ]
    note = (
        "Mean move of price in the direction of the trade, from the price of its first fill to the close "
        "of the n-th bar, in basis points, before fees; the bar of that fill is the first."
    )
    if is_number(cost):
        note += f" Fees of a round trip are {number(cost, 1)} bp on average: an entry must move further than that."
    figures = table(("bars", "mean, bp", "entries"), rows, class_="numbers")
    return section("markouts", "Markouts", tag("div", _moves(found, cost), figures, class_="plots"), note=note)


def between(low: object, high: object, decimals: int, *, signed: bool = False, unit: str = "") -> str:
    """An interval in words; a dash where there is none.

    >>> between(1, 2.5, 1), between(None, 3, 0), between(None, None, 0)
    ('1.0 to 2.5', 'up to 3', '–')
    """
    if is_number(low) and is_number(high):
        return f"{number(low, decimals, signed=signed)} to {number(high, decimals, unit, signed=signed)}"
    if is_number(high):
        return f"up to {number(high, decimals, unit, signed=signed)}"
    return f"{number(low, decimals, unit, signed=signed)} or more" if is_number(low) else NOTHING


def _moves(found: list[dict[str, Any]], cost: object) -> Markup:
    ends = [m["mean_bp"] for m in found]
    level = [float(cost)] if is_number(cost) else []  # type: ignore[arg-type]
    low, high = min(0.0, *ends), max([0.0, *ends, *level])
    room = 0.08 * (high - low) or 1.0
    plot = Plot((-0.5, len(found) - 0.5), (low - room, high + room), "Move after entry, bp, by bars")
    plot.beside(marks_between(low - room, high + room, 5))
    for y in level:
        plot.line((-0.5, y, len(found) - 0.5, y), "cost", f"fees of a round trip: {number(y, 1)} bp")
        plot.words(-0.45, y + 0.02 * (high - low + 2 * room), "fees", "tick")
    for i, m in enumerate(found):
        says = f"{m['bars']} bars: {number(m['mean_bp'], 2, ' bp', signed=True)}"
        plot.dot(i, m["mean_bp"], "gain-bar" if m["mean_bp"] > 0 else "loss-bar", says)
    plot.below([(i, f"{m['bars']:,}") for i, m in enumerate(found)])
    return plot.drawn()
