"""How the round trips are spread, and what price did after their entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..backtest.results.calendars import DAYS
from ..core.counting import counted
from .excursions_view import excursions
from .folder import microseconds
from .html import NOTHING, Markup, is_number, number, section, table, tag
from .svg import Plot, decimals_for, marks_between, plot_around_0

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
    parts += [_by_hour(trades), _by_weekday(trades), *excursions(trades)]
    note = (
        "MAE and MFE count the bars held whole, and of the bar of the exit the fill alone."
        if "mae_pct" in trades
        else ""
    )
    return section("distribution", "Distribution of trades", tag("div", *parts, class_="plots"), note=note)


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
    names = [f"{hour:02}:00" for hour in range(24)]
    marks = [(float(h), f"{h:02}") for h in (0, 6, 12, 18, 24)]
    return _grouped(trades, _entered(trades).hour, names, marks, "Mean return by hour of entry (UTC), %")


def _by_weekday(trades: pd.DataFrame) -> Markup:
    """Mean return by the weekday of entry."""
    marks = [(i + 0.5, day) for i, day in enumerate(DAYS)]
    return _grouped(trades, _entered(trades).day_of_week, DAYS, marks, "Mean return by weekday of entry (UTC), %")


def _entered(trades: pd.DataFrame) -> pd.DatetimeIndex:
    """When trades were entered: within the bar of the fill, whose close is what is known."""
    moments = microseconds(trades["entry_time"]) - 1
    return pd.DatetimeIndex(moments.astype("datetime64[us]"))


def _grouped(
    trades: pd.DataFrame, group: Any, names: Sequence[str], marks: Sequence[tuple[float, str]], title: str
) -> Markup:
    """Mean return of each group of trades, as bars side by side."""
    by = trades["return_pct"].groupby(np.asarray(group)).agg(["mean", "count"]).dropna()
    if by.empty:
        return Markup("")
    plot = plot_around_0((0.0, float(len(names))), by["mean"].to_numpy(np.float64), title)
    for at, mean, count in by.itertuples():
        says = f"{names[at]}: {number(mean, 3, ' %', signed=True)}, {_trades(count)}"
        plot.bar(at, at + 1.0, float(mean), "gain-bar" if mean > 0 else "loss-bar", says)
    plot.below(marks)
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
