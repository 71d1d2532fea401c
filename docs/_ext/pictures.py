"""A picture of every indicator: its lines under the prices of the synthetic tape."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.dates as mdates
import matplotlib.pyplot as plt

from tapeflow.core.bars import Bars
from tapeflow.core.plugins.registry import INDICATORS
from tapeflow.feeds.load import open_feed

from .plugins import own

SHOWN = slice("2024-01-02 22:15", "2024-01-03 02:15")
"""The hours around a midnight UTC, where sessions begin anew."""
MOST = 6
"""Lines in a pane, the first ones."""
PARAMS: dict[str, dict[str, Any]] = {
    "VWAP": {"bands": [1.0, 2.0]},
    "VPIN": {"bucket": 20.0},
    "VolumeProfile": {"session": "1d"},
}
"""Where the defaults show little on a tape of three days."""
UP, DOWN, LINES = "#2a9d8f", "#d1495b", ("#2f6fb3", "#e08e2b", "#7b52ab", "#4f8a10", "#b0413e", "#5c6b73")


def tape_bars() -> Bars:
    """Three days of one-minute bars with price rows."""
    return open_feed("SyntheticTape", seed=3).bars("1m", row_size=5, sequence=True)


def draw_all(folder: Path) -> set[str]:
    """Draw every indicator that a tape suffices for; the names of those drawn."""
    folder.mkdir(parents=True, exist_ok=True)
    bars, made = tape_bars(), set()
    for name, cls in own(INDICATORS):
        figure = draw(cls, bars, PARAMS.get(name, {}))
        figure.savefig(folder / f"{name}.png", dpi=110)
        plt.close(figure)
        made.add(name)
    return made


def draw(cls: Any, bars: Bars, params: Mapping[str, Any]) -> Any:
    """Prices with the lines that are prices, and a pane below for each other unit."""
    frame = cls.over(bars, **params)
    measures = cls.line_measures(**params)
    table, frame = bars.frame().loc[SHOWN], frame.loc[SHOWN]
    over = [name for name in frame if measures[name].overlay]
    units = list(dict.fromkeys(measures[n].unit for n in frame if n not in over))[:3]
    heights = [3, *[1.4] * len(units)]
    figure, axes = plt.subplots(
        len(heights), 1, sharex=True, figsize=(8.6, 1.1 * sum(heights)), height_ratios=heights, layout="constrained"
    )
    panes = list(np.atleast_1d(axes))
    _candles(panes[0], frame.index, table)
    _lines(panes[0], frame[over])
    for pane, unit in zip(panes[1:], units, strict=True):
        _lines(pane, frame[[n for n in frame if n not in over and measures[n].unit == unit]])
        pane.set_ylabel(unit, fontsize=8)
    panes[0].set_ylabel("price", fontsize=8)
    panes[-1].xaxis.set_major_formatter(mdates.DateFormatter("%H:%M"))
    for pane in panes:
        pane.tick_params(labelsize=7)
        pane.grid(alpha=0.25, linewidth=0.5)
        pane.spines[["top", "right"]].set_visible(False)
    return figure


def _candles(pane: Any, times: Any, table: Any) -> None:
    colours = np.where(table["close"] >= table["open"], UP, DOWN)
    pane.vlines(times, table["low"], table["high"], color=colours, linewidth=0.6)
    body = table[["open", "close"]]
    pane.vlines(times, body.min(axis=1), body.max(axis=1), color=colours, linewidth=1.8)


def _lines(pane: Any, frame: Any) -> None:
    for colour, name in zip(LINES, list(frame)[:MOST], strict=False):
        holey = frame[name].isna().mean() > 0.1
        style = {"linestyle": "", "marker": ".", "markersize": 3} if holey else {"linewidth": 1.0}
        pane.plot(frame.index, frame[name], color=colour, label=name, **style)
    if len(frame.columns):
        more = f", {len(frame.columns) - MOST} more" if len(frame.columns) > MOST else ""
        pane.legend(fontsize=7, loc="upper left", ncols=3, framealpha=0.6, title=more.lstrip(", "), title_fontsize=7)
