"""Bars of a table in memory put into a feed's lines at once, where backtrader loads them one by one."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import numpy as np
from backtrader.feed import AbstractDataBase
from backtrader.feeds import PandasData
from numpy.typing import NDArray

from ....core.clock import day_numbers

Floats = NDArray[np.float64]
_CLOSEST = 20
"""µs between two bars below which days of a float run together, which backtrader's loading leaves as it is."""


def preload(data: Any, one_by_one: Callable[[], None]) -> None:
    """Load all bars of ``data``: at once where that gives the same, else ``one_by_one``, as it does itself.

    At once go tables of pandas whose times rise and hold no nanoseconds, without filters, ``tz`` of the input and
    loading of their own.
    """
    columns = _columns(data) if _is_plain(data) else None
    if columns is None:
        one_by_one()
        return
    count = len(columns["datetime"])
    for name, line in zip(data.getlinealiases(), data.lines.lines, strict=False):
        column = columns.get(name)
        values = np.full(count, np.nan) if column is None else column
        line.array = array("d", values.tobytes())
    data._idx = len(data.p.dataname)
    data.home()


def _is_plain(data: Any) -> bool:
    """Whether nothing but the table decides what the lines hold."""
    kind = type(data)
    if not isinstance(data, PandasData) or kind._load is not PandasData._load:
        return False
    if any(
        getattr(kind, name) is not getattr(AbstractDataBase, name) for name in ("load", "preload", "forward", "home")
    ):
        return False
    if data._filters or data._ffilters or data._tzinput or data._barstack or data._barstash:
        return False
    return not any(line.extension or line.bindings or len(line.array) for line in data.lines.lines)


def _columns(data: Any) -> dict[str, Floats] | None:
    """The lines by name, cut to ``fromdate`` and ``todate``; None where only one by one is sure to give the same."""
    table, where = data.p.dataname, data._colmapping
    if not hasattr(table, "iloc"):
        return None
    days = _days(table.index if where["datetime"] is None else table.iloc[:, where["datetime"]])
    if days is None:
        return None
    first, last = np.searchsorted(days, (data.fromdate, np.nextafter(data.todate, np.inf)))
    made = {"datetime": days[first:last]}
    for name in data.getlinealiases():
        if name == "datetime" or where.get(name) is None:
            continue
        column = table.iloc[first:last, where[name]]
        if getattr(column.dtype, "kind", "O") not in "fiub" or not isinstance(column.dtype, np.dtype):
            return None
        made[name] = column.to_numpy(np.float64)
    return made


def _days(times: Any) -> Floats | None:
    """Times as backtrader's days; None where they do not rise, or are finer than it can tell."""
    if not str(times.dtype).startswith("datetime64"):
        return None
    stamps = np.asarray(times, "datetime64[ns]")
    us = stamps.astype(np.int64) // 1000
    if np.isnat(stamps).any() or (stamps.astype(np.int64) != us * 1000).any():
        return None
    return day_numbers(us) if (np.diff(us) >= _CLOSEST).all() else None
