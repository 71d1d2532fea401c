"""The run beside its benchmark, its worst drawdowns, and how its risk and return went over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..backtest.results.benchmark import DAYS, held
from .folder import Folder, microseconds
from .html import NOTHING, Markup, is_number, number, section, table, tag
from .returns_view import equity_series, period_returns
from .svg import curves_over_time

Floats = NDArray[np.float64]


def performance(folder: Folder) -> Markup:
    """Growth beside the benchmark, rolling Sharpe ratio and volatility, and the worst drawdowns."""
    parts = [*_curves(folder)]
    plots = [tag("div", *parts, class_="plots")] if parts else []
    found = [*plots, _drawdowns(folder.result.get("drawdowns") or [])]
    return section("performance", "Performance", *found, note=_note(folder)) if any(found) else Markup("")


def _note(folder: Folder) -> str:
    days = len(_daily(folder))
    rolling = f"Rolling figures are of the last {DAYS} daily returns"
    few = f"; the run has {days}, too few" if days < 2 * DAYS else ", and none has an interval"
    return (
        f"Growth of 100, before tax; the benchmark is bought at its first open and held, without costs. {rolling}{few}."
    )


def _curves(folder: Folder) -> list[Markup]:
    value = folder.equity["value"].to_numpy(np.float64)
    cash = folder.result.get("initial_cash")
    start = float(cash) if isinstance(cash, int | float) and cash else float(value[0]) if len(value) else 0.0
    if len(value) < 2 or not start > 0:
        return []
    time = microseconds(folder.equity["time"])
    name = str((folder.result.get("benchmark") or {}).get("data") or "")
    other = _benchmark(folder, name, time, start)
    curves = [("run", "equity-line", 100.0 * value / start)]
    if other is not None:
        curves.append((f"buy and hold {name}", "other-line", 100.0 * other / start))
    made = [_lines("Growth of 100" if other is None else f"Growth of 100: the run, and {name} held", time, curves)]
    daily = _daily(folder)
    if len(daily) >= 2 * DAYS:
        made += _rolling(daily, float(folder.result.get("periods_per_year") or 365.0))
    return made


def _daily(folder: Folder) -> pd.Series[float]:
    cash = folder.result.get("initial_cash")
    value = equity_series(folder)
    base = float(cash) if isinstance(cash, int | float) and cash else float(value.iloc[0]) if len(value) else 1.0
    return period_returns(value, "D", base).dropna()


def _benchmark(folder: Folder, name: str, time: NDArray[np.int64], start: float) -> Floats | None:
    """What the benchmark was worth, read off the bars of the folder; None where there is none."""
    bars = folder.bars_of(name)
    if bars.empty or not is_number((folder.result.get("benchmark") or {}).get("return_pct")):
        return None
    columns: Any = {key: bars[key].to_numpy() for key in ("open", "close", "close_time")}
    return held(time, columns, start)


def _rolling(daily: pd.Series[float], per_year: float) -> list[Markup]:
    mean, deviation = daily.rolling(DAYS).mean(), daily.rolling(DAYS).std(ddof=1)
    index: Any = daily.index
    moments = index.to_timestamp(how="end").as_unit("us").asi8
    sharpe = (mean / deviation.where(deviation > 0) * per_year**0.5).to_numpy(np.float64)
    spread = (100.0 * deviation * per_year**0.5).to_numpy(np.float64)
    return [
        _lines(f"Sharpe ratio of the last {DAYS} days", moments, [("Sharpe ratio", "equity-line", sharpe)]),
        _lines(f"Volatility of the last {DAYS} days, % a year", moments, [("volatility", "equity-line", spread)]),
    ]


def _lines(title: str, time: NDArray[np.int64], curves: list[tuple[str, str, Floats]]) -> Markup:
    moments = time.astype(np.float64)
    return curves_over_time(title, [(name, class_, moments, values) for name, class_, values in curves])


def _drawdowns(found: list[Mapping[str, Any]]) -> Markup:
    rows = [
        (
            str(i),
            tag("td", number(one.get("depth_pct"), 2, " %"), class_="num"),
            *(_moment(one.get(key)) for key in ("peak", "trough")),
            _moment(one.get("recovered")) if one.get("recovered") else "not by the end",
            tag("td", number(one.get("days"), 1), class_="num"),
        )
        for i, one in enumerate(found, 1)
    ]
    head = ("Worst drawdowns", "depth", "peak", "trough", "recovered", "days")
    return table(head, rows, class_="plain narrow") if rows else Markup("")


def _moment(text: object) -> str:
    return str(text or NOTHING).replace("T", " ").removesuffix("Z").removesuffix("+00:00")[:16]
