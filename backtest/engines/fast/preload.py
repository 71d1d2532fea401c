"""Bars of tables and files put into a feed's lines at once, where backtrader loads them one by one."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from backtrader.feed import AbstractDataBase, CSVDataBase
from backtrader.feeds import PandasData

from .preload_csv import columns_of_file
from .preload_pandas import columns_of_table

_OWN = ("load", "forward", "home")
"""What loads bars one by one; a feed with its own is left to it."""


def preload(data: Any, one_by_one: Callable[[], None]) -> None:
    """Load all bars of ``data``: at once where that gives the same, else ``one_by_one``, as it does itself.

    At once go tables of pandas whose times rise and hold no nanoseconds, and files that backtrader's own CSV feeds
    read line by line, without filters, ``tz`` of the input and loading of their own.
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
    data.home()


def _columns(data: Any) -> Mapping[str, Any] | None:
    kind = type(data)
    if isinstance(data, PandasData) and kind._load is PandasData._load and kind.preload is AbstractDataBase.preload:
        made = columns_of_table(data)
        if made is not None:
            data._idx = len(data.p.dataname)
        return made
    if isinstance(data, CSVDataBase) and kind._load is CSVDataBase._load and kind.preload is CSVDataBase.preload:
        return columns_of_file(data)
    return None


def _is_plain(data: Any) -> bool:
    """Whether nothing but what it reads decides what the lines hold."""
    if any(getattr(type(data), name) is not getattr(AbstractDataBase, name) for name in _OWN):
        return False
    if data._filters or data._ffilters or data._tzinput or data._barstack or data._barstash:
        return False
    return not any(line.extension or line.bindings or len(line.array) for line in data.lines.lines)
