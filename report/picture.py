"""A still picture of a run: price with fills, flow, equity with its band, drawdown, funding. Needs matplotlib."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..core.errors import PluginError
from ..core.files.writing import replacing
from .flows_view import cumulated
from .folder import Folder, microseconds, read_folder
from .html import number
from .lines import bar_delta, line_table
from .money import money_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

UP, DOWN, BUY, SELL, EQUITY, GREY = "#0f9a80", "#d9591c", "#1d5fd6", "#a21caf", "#1d5fd6", "#5c6672"
_LINES = ("#7c3aed", "#c2780a", "#0e7490", "#be185d", "#4d7c0f", "#4338ca")
_KINDS = ("png", "svg", "pdf")
_DPI = 110
_CANDLES = 260
"""Candles in the picture; each stands for as many bars as it takes."""
_FAR = 16
"""Bars in a candle, from which on lines are drawn fainter."""
CROWD, _COLUMNS = 200, 240
"""Fills up to which each has a mark, and columns in which more of them are counted."""


def write_picture(folder: Path, target: Path | None = None) -> Path:
    """Write a picture of the run in ``folder``; the file appears whole or not at all.

    Parameters
    ----------
    folder : Path
        The result folder of a run.
    target : Path, optional
        A ``.png``, ``.svg`` or ``.pdf`` file; ``report.png`` in the folder when left out.

    Raises
    ------
    DataError
        If a file of the folder is missing or cannot be read.
    PluginError
        If matplotlib is not installed, or cannot write that kind of file.
    """
    path = Path(target) if target is not None else Path(folder) / "report.png"
    kind = path.suffix[1:].lower()
    if kind not in _KINDS:
        raise PluginError(f"{path}: ending '{path.suffix}' is no kind of picture; use .png, .svg or .pdf")
    made = figure(read_folder(Path(folder)))
    with replacing(path) as temporary:
        made.savefig(temporary, format=kind, dpi=_DPI, metadata={"Software": None} if kind == "png" else None)
    return path


def figure(folder: Folder) -> Figure:
    """The picture as a matplotlib figure that belongs to no window; funding and borrow where the run had them.

    Raises
    ------
    PluginError
        If matplotlib is not installed.
    """
    carried = cumulated(folder)
    heights = (5, 1.3, 2, 1.3, 1.3) if carried else (5, 1.3, 2, 1.3)
    made = _figure_class()(figsize=(12, 9.3 if carried else 8.2), layout="constrained", facecolor="white")
    grid = made.add_gridspec(len(heights), 1, height_ratios=heights)
    price = made.add_subplot(grid[0])
    axes = [price, *(made.add_subplot(grid[k], sharex=price) for k in range(1, len(heights)))]
    name = folder.feeds[0]
    bars = folder.bars_of(name)
    candles = grouped(bars, _CANDLES)
    _draw_candles(price, candles)
    _draw_lines(price, folder, name, afar=len(bars) > _FAR * len(candles))
    _draw_fills(price, folder, name)
    _draw_flow(axes[1], candles)
    _draw_equity(axes[2], axes[3], folder)
    if carried:
        _draw_carry(axes[4], folder, carried)
    _dress(axes, folder)
    return made


@cache
def _figure_class() -> type[Figure]:
    """A figure that a notebook shows whether or not it has imported pyplot."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise PluginError("a picture needs matplotlib: pip install 'tapeflow[plot]'") from None

    class Drawing(Figure):
        def _repr_png_(self) -> bytes:
            made = BytesIO()
            self.savefig(made, format="png", dpi=_DPI)
            return made.getvalue()

    return Drawing


def grouped(bars: pd.DataFrame, most: int) -> pd.DataFrame:
    """Bars joined so that no more than ``most`` are left: open, high, low, close, volume, delta by close time."""
    size = max(1, -(-len(bars) // most))
    group = np.arange(len(bars)) // size
    flow = bar_delta(bars)
    delta = flow if flow is not None else np.full(len(bars), np.nan)
    by = bars.assign(delta=delta).groupby(group)
    made = by.agg({"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"})
    made["delta"] = by["delta"].sum(min_count=1)
    made.index = _moments(by["close_time"].last())
    return made


def _moments(times: Any) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(pd.to_datetime(microseconds(times), unit="us"))


def _width(index: pd.DatetimeIndex) -> float:
    """Days between neighbouring candles."""
    return float(np.median(np.diff(index.to_numpy()).astype("timedelta64[us]").astype(float))) / 864e8 or 1e-4


def _draw_candles(axis: Axes, candles: pd.DataFrame) -> None:
    rising = (candles["close"] >= candles["open"]).to_numpy()
    wide = 0.72 * _width(pd.DatetimeIndex(candles.index)) if len(candles) > 1 else 1e-3
    for chosen, color in ((rising, UP), (~rising, DOWN)):
        part = candles[chosen]
        axis.vlines(part.index, part["low"], part["high"], color=color, linewidth=0.7)
        body = (part["close"] - part["open"]).abs()
        axis.bar(part.index, body, wide, part[["open", "close"]].min(axis=1), color=color, linewidth=0)


def _draw_lines(axis: Axes, folder: Folder, name: str, *, afar: bool) -> None:
    """Lines of the run over the candles of a feed, no more than a legend holds; from afar they must not bury them."""
    if folder.indicators.empty:
        return
    overlays = [line for line in line_table(folder) if line["overlay"] and line["feed"] == name][:8]
    indicators = list(dict.fromkeys(line["indicator"] for line in overlays))
    index = _moments(folder.indicators["time"])
    limits = axis.get_ylim()
    seen: set[str] = set()
    for line in overlays:
        first = line["indicator"] not in seen
        seen.add(line["indicator"])
        color = _LINES[indicators.index(line["indicator"]) % len(_LINES)]
        label = line["name"] if first else None
        look: dict[str, Any] = {"lw": 1.1 if first and not afar else 0.6, "alpha": 0.85}
        if afar:
            look["alpha"] = 0.6 if first else 0.3
        axis.plot(index, folder.indicators[line["name"]], color=color, label=label, **look)
    axis.set_ylim(limits)


def _draw_fills(axis: Axes, folder: Folder, name: str) -> None:
    orders = folder.orders
    if orders.empty:
        return
    done = orders[orders["executed_time"].notna() & (orders["data"].astype(str) == name)]
    if len(done) > CROWD:
        _count_fills(axis, done)
        return
    for side, mark, color in (("buy", "^", BUY), ("sell", "v", SELL)):
        part = done[done["side"] == side]
        if len(part):
            style: dict[str, Any] = dict(
                marker=mark, color=color, s=26, edgecolors="white", linewidths=0.5, zorder=5, label=side
            )
            axis.scatter(_moments(part["executed_time"]), part["executed_price"], **style)


def _count_fills(axis: Axes, done: pd.DataFrame) -> None:
    """Too many to mark one by one: how many were bought, upwards, and sold, downwards, at the foot of the prices."""
    from matplotlib.dates import date2num
    from matplotlib.transforms import blended_transform_factory

    (low, high), (bottom, top) = axis.get_xlim(), axis.get_ylim()
    axis.set_ylim(bottom - 0.1 * (top - bottom), top)
    edges = np.linspace(low, high, _COLUMNS + 1)
    counts = {
        side: np.histogram(date2num(_moments(done.loc[done["side"] == side, "executed_time"]).to_numpy()), edges)[0]
        for side in ("buy", "sell")
    }
    most = max(1, *(int(each.max()) for each in counts.values()))
    foot = blended_transform_factory(axis.transData, axis.transAxes)
    for side, way, color in (("buy", 1.0, BUY), ("sell", -1.0, SELL)):
        label = f"{side}: {counts[side].sum():,} fills, at most {counts[side].max():,} a column"
        tall = way * 0.04 * counts[side] / most
        wide = 0.8 * (edges[1] - edges[0])
        axis.bar(
            edges[:-1], tall, wide, bottom=0.05, align="edge", color=color, transform=foot, label=label, linewidth=0
        )
    axis.set_xlim(low, high)


def _draw_flow(axis: Axes, candles: pd.DataFrame) -> None:
    wide = _width(pd.DatetimeIndex(candles.index)) if len(candles) > 1 else 1e-3
    axis.bar(candles.index, candles["volume"], wide, color="#c9d0d9", linewidth=0)
    if candles["delta"].notna().any():
        colors = np.where(candles["delta"].to_numpy() < 0, DOWN, UP)
        axis.bar(candles.index, candles["delta"], wide, color=colors, linewidth=0)
    axis.set_ylabel("volume, delta")


def _draw_equity(equity: Axes, depth: Axes, folder: Folder) -> None:
    table = folder.equity
    index, value = _moments(table["time"]), table["value"].to_numpy(np.float64)
    if {"value_low", "value_high"} <= set(table.columns):
        ends = (table["value_low"], table["value_high"])
        equity.fill_between(index, *ends, color=EQUITY, alpha=0.28, linewidth=0, label="other fills")
    equity.plot(index, value, color=EQUITY, lw=1.4, label="equity")
    equity.set_ylabel(money_of(folder.result, folder.lock).titled("equity"))
    shortfall = -100 * table["drawdown"].to_numpy(np.float64) if "drawdown" in table else np.zeros(len(table))
    depth.fill_between(index, shortfall, 0.0, color=DOWN, alpha=0.3, linewidth=0)
    depth.plot(index, shortfall, color=DOWN, lw=0.8)
    depth.set_ylabel("drawdown, %")


def _draw_carry(axis: Axes, folder: Folder, carried: dict[str, Floats]) -> None:
    index = _moments(folder.equity["time"])
    for (kind, sums), color in zip(carried.items(), (EQUITY, *_LINES[1:]), strict=False):
        axis.plot(index, sums, color=color, lw=1.1, drawstyle="steps-post", label=kind)
    axis.ticklabel_format(axis="y", style="plain", useOffset=False)
    axis.set_ylabel(money_of(folder.result, folder.lock).titled("carry"))


def _dress(axes: list[Axes], folder: Folder) -> None:
    import matplotlib.dates as dates

    for axis in axes:
        axis.grid(color="#eef0f3", linewidth=0.8)
        axis.set_axisbelow(True)
        axis.spines[["top", "left"]].set_visible(False)
        axis.spines[["bottom", "right"]].set_color("#dfe3e8")
        axis.yaxis.tick_right()
        axis.yaxis.set_label_position("left")
        axis.yaxis.label.set_color(GREY)
        axis.tick_params(colors=GREY, labelsize=8, length=0, labelbottom=axis is axes[-1])
        if axis.get_legend_handles_labels()[0]:
            axis.legend(loc="upper left", fontsize=8, frameon=False, ncols=6, labelcolor=GREY)
    locator = dates.AutoDateLocator()
    axes[-1].xaxis.set_major_locator(locator)
    axes[-1].xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
    axes[0].set_title(_headline(folder), loc="left", fontsize=11, color="#12161c")
    axes[0].margins(x=0.01)


def _headline(folder: Folder) -> str:
    """Name and key figures in one line."""
    result, money = folder.result, money_of(folder.result, folder.lock)
    shown = (
        ("return", "return_pct", 2, " %", True),
        ("max drawdown", "max_drawdown_pct", 2, " %", False),
        ("Sharpe", "sharpe", 2, "", False),
        ("profit factor", "profit_factor", 2, "", False),
        ("trades", "trades", 0, "", False),
        ("fees", "fees_paid", money.decimals, f" {money.unit}" if money.unit else "", False),
    )
    told = [f"{label} {number(result.get(key), places, unit, signed)}" for label, key, places, unit, signed in shown]
    return "   ·   ".join([str(result.get("name") or folder.path.name), *told])
