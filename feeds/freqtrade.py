"""Freqtrade: the candles it keeps on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..core.errors import ParamError
from .framework.table_bars import PRICES, TableBars
from .table_reader.sheet import Reading
from .table_reader.table_params import ColumnMap, by_cells, mapped
from .table_reader.tables import Column, Table


class FreqtradeBars(TableBars):
    """Freqtrade's candles: JSON lists of ``[ms, open, high, low, close, volume]``, or feather and parquet files.

    Parameters
    ----------
    paths : path or sequence of paths
        Files; patterns are expanded. Rows that two files share must be the same in both.
    columns : dict, default={}
        What the file calls ``time`` and the canonical columns where that is not freqtrade's name, or the numbers of
        their cells, counted from 1; any other name makes an extra column, as of an indicator that was kept.
    label : {"start", "end"}, default="start"
        Whether rows are stamped with the start or the end of their interval; freqtrade's with the start.
    interval : str or None, default=None
        Length of a bar; None takes the most frequent distance between two rows.
    infer_side : {"none", "bulk"}, default="none"
        ``bulk`` estimates taker volume from price moves.
    bad_rows : {"error", "quarantine"}, default="error"
        What to do with rows that cannot be read.

    Raises
    ------
    DataError
        For a file that cannot be read, with its row, column and value; for rows off the grid.
    ParamError
        For a parameter out of bounds.

    Notes
    -----
    Candles tell neither notional, nor trades, nor who took liquidity: those columns are NaN.

    References
    ----------
    Freqtrade, Data downloading: data format.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "BTC_USDT-1m.json"
    >>> _ = file.write_text("[[1618951320000,10,12,9,11,5.5],[1618951380000,11,11,11,11,0]]")
    >>> FreqtradeBars(file).bars()["volume"].tolist()
    [5.5, 0.0]
    """

    table = Table(
        (Column("time", "time", ("date", "time")), *PRICES, Column("volume", "amount", ("volume",))),
        positions=(("time", "open", "high", "low", "close", "volume"),),
    )
    params = {"columns": {}}
    bounds = {"columns": ColumnMap()}

    @classmethod
    def complaint(cls, params: Mapping[str, Any], paths: Sequence[Path] = ()) -> str:
        """What is wrong that no data need be read for; empty where nothing is."""
        for name, cell in params["columns"].items():
            if cell is None or not name.isidentifier() or name in ("open_time", "close_time", "quality"):
                return f"{cls.__name__}: columns: '{name}: {cell}' cannot be; stamps are called time"
        try:
            by_cells(params["columns"])
        except ParamError as err:
            return str(err)
        return super().complaint(params, paths)

    @classmethod
    def extra_columns(cls, params: Mapping[str, Any]) -> tuple[str, ...]:
        """The columns beyond the canonical ones that bars have under ``params``."""
        own = {column.name for column in cls.table.columns}
        return tuple(name for name in params.get("columns", {}) if name not in own)

    def how(self) -> tuple[Table, Reading]:
        """What stands where, and how to read it."""
        if wrong := self.complaint(self.p):
            raise ParamError(wrong)
        table, how = super().how()
        given = self.p["columns"]
        extra = tuple(Column(name, "number", ()) for name in self.extra_columns(self.p))
        columns, cells = mapped((*table.columns, *extra), given), by_cells(given)
        if not cells:
            return replace(table, columns=columns), how
        columns = tuple(c for c in columns if c.name in given or not c.optional)
        return replace(table, columns=columns, positions=cells, counted=True), how
