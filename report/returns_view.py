"""Returns by month and by day, read off the equity."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .folder import Folder, microseconds
from .html import Markup, number, section, table, tag

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DEPTHS = 4
"""Shades of a gain and of a loss."""


def returns(folder: Folder) -> Markup:
    """The table of months (when the run has more than one) and the table of days."""
    value = equity_series(folder)
    if value.empty:
        return Markup("")
    start = folder.result.get("initial_cash")
    base = float(start) if isinstance(start, int | float) and start else float(value.iloc[0])
    daily = period_returns(value, "D", base)
    monthly = period_returns(value, "M", base)
    parts = [_months(monthly)] if len(monthly) > 1 else []
    note = "Change of the account's value in percent, days and months in UTC; a day ends with its last bar."
    return section("returns", "Returns", *parts, _days(daily), note=note)


def equity_series(folder: Folder) -> pd.Series[float]:
    """The value of the account by close time in UTC."""
    # A bar that closes at midnight belongs to the day it ends.
    moments = pd.to_datetime(microseconds(folder.equity["time"]) - 1, unit="us")
    return pd.Series(folder.equity["value"].to_numpy(np.float64), index=moments).dropna()


def period_returns(value: pd.Series[float], period: str, base: float) -> pd.Series[float]:
    """Return of each calendar period, as a fraction; the first is measured from ``base``.

    >>> days = pd.to_datetime(["2024-01-01 10:00", "2024-01-01 20:00", "2024-01-02 10:00"])
    >>> period_returns(pd.Series([100.0, 110.0, 99.0], index=days), "D", 100.0).round(3).tolist()
    [0.1, -0.1]
    """
    last = value.groupby(pd.DatetimeIndex(value.index).to_period(period)).last()
    before = last.shift(1, fill_value=base)
    made: pd.Series[float] = last / before - 1
    return made.replace([np.inf, -np.inf], np.nan)


def _months(monthly: pd.Series[float]) -> Markup:
    scale = _scale(monthly)
    by = {(p.year, p.month): float(r) for p, r in monthly.items()}  # type: ignore[attr-defined]
    rows = []
    for year in sorted({y for y, _ in by}):
        own = [by.get((year, m)) for m in range(1, 13)]
        whole = float(np.prod([1 + r for r in own if r is not None]) - 1)
        rows.append((str(year), *(_heat(r, scale, 2) for r in own), tag("td", _percent(whole, 2), class_="sum")))
    return table(("Months", *MONTHS, "year"), rows, class_="heat")


def _days(daily: pd.Series[float]) -> Markup:
    scale = _scale(daily)
    by = {(p.year, p.month, p.day): float(r) for p, r in daily.items()}  # type: ignore[attr-defined]
    months = sorted({(y, m) for y, m, _ in by})
    rows = [
        (f"{MONTHS[m - 1]} {y}", *(_heat(by.get((y, m, d)), scale, 1, f"{y}-{m:02}-{d:02}") for d in range(1, 32)))
        for y, m in months
    ]
    return table(("Days", *range(1, 32)), rows, class_="heat days")


def _scale(values: pd.Series[float]) -> float:
    return float(values.abs().quantile(0.95)) or 1.0


def _percent(value: float, decimals: int) -> str:
    return number(100 * value, decimals)


def _heat(value: float | None, scale: float, decimals: int, day: str = "") -> Markup:
    if value is None or not np.isfinite(value):
        return tag("td")
    depth = min(_DEPTHS, int(np.ceil(_DEPTHS * abs(value) / scale)))
    shade = f"{'up' if value > 0 else 'down'}{depth}" if depth else ""
    title = f"{day}: {number(100 * value, 3, ' %', signed=True)}" if day else None
    return tag("td", _percent(value, decimals), class_=shade, title=title)
