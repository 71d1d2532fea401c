"""Columns of a table of pandas as the lines of a feed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....core.clock import day_numbers

Floats = NDArray[np.float64]
_CLOSEST = 20
"""µs between two bars below which days of a float run together, which backtrader's loading leaves as it is."""


def columns_of_table(data: Any) -> dict[str, Floats] | None:
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
