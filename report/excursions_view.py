"""How far trades went against and for themselves, beside what they came to."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..core.counting import counted
from .html import Markup, number
from .svg import Plot, marks_between

Floats = NDArray[np.float64]
_DOTS = 250
"""Trades up to which each is a dot; more are counted in cells."""
_CELLS = (36, 18)
_SHADES = 4


def excursions(trades: pd.DataFrame) -> list[Markup]:
    """MAE and MFE of each trade against its return, in percent of the entry; nothing for runs that left none."""
    if not {"mae_pct", "mfe_pct"} <= set(trades.columns):
        return []
    made = []
    for column, name in (("mae_pct", "Worst price while held (MAE)"), ("mfe_pct", "Best price while held (MFE)")):
        x, y = trades[column].to_numpy(np.float64), trades["return_pct"].to_numpy(np.float64)
        known = np.isfinite(x) & np.isfinite(y)
        if known.any():
            made.append(_scatter(x[known], y[known], trades.index.to_numpy()[known], f"{name}, and return, %"))
    return made


def _scatter(x: Floats, y: Floats, numbers: NDArray[np.int64], title: str) -> Markup:
    plot = Plot(_reach(x), _reach(y), title)
    plot.beside(marks_between(*_reach(y), 5))
    if len(x) > _DOTS:
        _density(plot, x, y)
    else:
        for a, b, i in zip(x, y, numbers, strict=True):
            says = f"trade {int(i) + 1}: {number(float(a), 3, signed=True)} %, {number(float(b), 3, signed=True)} %"
            plot.dot(float(a), float(b), "gain-dot" if b > 0 else "loss-dot", says)
    marks = marks_between(*_reach(x))
    plot.below([(m, number(m, 1)) for m in marks])
    return plot.drawn()


def _reach(values: Floats) -> tuple[float, float]:
    low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
    room = 0.05 * (high - low) or 1.0
    return low - room, high + room


def _density(plot: Plot, x: Floats, y: Floats) -> None:
    """Counts of trades by cell, the more the darker; every trade is in one."""
    counts, across, up = np.histogram2d(x, y, bins=_CELLS, range=[_reach(x), _reach(y)])
    most = counts.max()
    for i, j in np.argwhere(counts > 0).tolist():
        shade = int(np.ceil(_SHADES * np.sqrt(counts[i, j] / most)))
        ends = float(across[i]), float(across[i + 1]), float(up[j]), float(up[j + 1])
        plot.cell(ends, f"cell{shade}", counted(int(counts[i, j]), "trade"))
