"""Bars from a table whose columns the user names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...core.errors import ParamError
from ..table_reader.sheet import Reading
from ..table_reader.table_params import ColumnMap
from ..table_reader.tables import Column, Table, of_symbol
from .mapped_columns import (
    BAR_COLUMNS,
    DIVISOR,
    TIME_BOUNDS,
    TIME_PARAMS,
    clash,
    counted,
    described,
    reading,
    there,
    wanted,
)
from .table_bars import TableBars
from .table_tape import SYMBOL


class MappedBars(TableBars):
    """Bars from a table whose columns the user names."""

    abstract = True
    may_have_classes = True
    of_units = "say which column is which, or leave the amount out, as in columns: {quote_volume: null}"
    params = {"columns": {}, **TIME_PARAMS, "price_divisor": 1.0, "symbol": None}
    bounds = {"columns": ColumnMap(), **TIME_BOUNDS, "price_divisor": DIVISOR, "symbol": SYMBOL}

    @classmethod
    def complaint(cls, params: Mapping[str, Any], paths: Sequence[Path] = ()) -> str:
        """What is wrong that no data need be read for; empty where nothing is."""
        own = {c.name for c in BAR_COLUMNS}
        for name in params["columns"]:
            if name not in own and (not name.isidentifier() or name in ("open_time", "close_time", "quality")):
                return f"{cls.__name__}: columns: '{name}' cannot be a column; stamps are called time"
        return clash(params) or counted(BAR_COLUMNS, params["columns"]) or super().complaint(params, paths)

    @classmethod
    def extra_columns(cls, params: Mapping[str, Any]) -> tuple[str, ...]:
        """The columns beyond the canonical ones that bars have under ``params``."""
        own = {c.name for c in BAR_COLUMNS}
        return tuple(name for name in there(params.get("columns", {})) if name not in own)

    def how(self) -> tuple[Table, Reading]:
        """What stands where, and how to read it."""
        if wrong := self.complaint(self.p):
            raise ParamError(wrong)
        extra = tuple(Column(name, "number", ()) for name in self.extra_columns(self.p))
        columns, cells = wanted((*BAR_COLUMNS, *extra), self.p["columns"])
        table = Table(columns, cells, counted=bool(cells), classes=True)
        return of_symbol(described(table, self.p, strictly=True), self.p["symbol"]), reading(self.p)
