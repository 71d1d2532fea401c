"""Bybit: public trade dumps of its derivatives and spot markets, and the REST answer of recent trades."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..core.errors import DataError
from .csv_reader.decode import DecodedRows, Quarantine
from .csv_reader.files import FileReader
from .framework.contract_rules import terms_of
from .framework.table_tape import ContractTape, trade_columns
from .table_reader.tables import Column, Table

_WANTS = "inverse contracts want contracts: inverse, contract_size: 1"
_HOME = Column("home", "number", ("homenotional",), optional=True)
_SYMBOL = Column("symbol", "text", ("symbol",), optional=True)


class BybitTrades(ContractTape):
    """Bybit's trades: the dumps of public.bybit.com and the JSON of ``GET /v5/market/recent-trade``.

    Reads derivatives (``timestamp`` in seconds with a fraction, ``size``, ``side`` of the taker, …) and spot (``id``,
    ``timestamp`` in ms, ``price``, ``volume``, ``side``), told apart by their headers.

    Parameters
    ----------
    paths : path or sequence of paths
        Files, in any order; patterns are expanded.
    contracts : {"none", "linear", "inverse", "auto"}, default="auto"
        What sizes count: base currency as on spot and linear contracts, or contracts. Inverse contracts (BTCUSD) are
        ``inverse`` with ``contract_size`` 1, one US dollar; with ``auto`` they are refused.
    contract_size : float or None, default=None
        Quote currency (inverse) or base currency (linear) in one contract; refused with ``none``.
    infer_side : {"none", "tick", "bulk"}, default="none"
        What to do about rows without a side.
    symbol : str or None, default=None
        The market wanted of files that hold several.
    bad_rows : {"error", "quarantine"}, default="error"
        What to do with lines that cannot be read.

    Raises
    ------
    DataError
        For a file that cannot be read, with its row, column and value; for inverse contracts read as base currency.
    ParamError
        For a parameter out of bounds.

    Notes
    -----
    Ids of derivatives are no numbers, so rows have none and missing rows cannot be noticed.

    References
    ----------
    Bybit, Public trading history, https://public.bybit.com; V5 API, Get Public Recent Trading History.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "BTCUSDT2023-10-10.csv"
    >>> head = "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional"
    >>> row = "1696982287.4922,BTCUSDT,Sell,0.86,5.239,ZeroMinusTick,f7496ecb,4.5e+08,0.86,4.5"
    >>> _ = file.write_text(f"{head}\\n{row}\\n")
    >>> (tape,) = BybitTrades(file).tapes()
    >>> tape.time.tolist(), tape.side.tolist(), tape.quantity.tolist()
    ([1696982287492200], [-1], [0.86])
    """

    table = Table(
        trade_columns(
            ("timestamp", "time"), ("price",), ("size", "volume"), ("side",), ("id", "execId"), _HOME, _SYMBOL
        ),
        rows="result.list",
    )
    dated = r"(\d{4})-(\d{2})-(\d{2})\.csv"

    def _decoded(self, source: FileReader, quarantine: Quarantine) -> Iterator[tuple[DecodedRows, NDArray[np.int64]]]:
        for rows, time in super()._decoded(source, quarantine):
            if self.p["contracts"] == "none":
                _check_base(rows)
            yield rows, time

    def _believe(self, rows: DecodedRows) -> None:
        if self._terms.given == "auto" and "symbol" in rows.columns:
            for symbol in map(str, rows["symbol"][:1]):
                if (terms := terms_of("bybit", symbol)) and terms.contracts == "inverse":
                    raise DataError(f"{rows.path}: {symbol}: {_WANTS}")
        super()._believe(rows)


def _check_base(rows: DecodedRows) -> None:
    """Refuse sizes that are not the base amounts beside them."""
    if "home" not in rows.columns:
        return
    other = np.flatnonzero(np.abs(rows["home"] - rows["quantity"]) > 1e-6 * rows["quantity"])
    if len(other):
        i = int(other[0])
        raise DataError(
            f"{rows.path}: row {rows.line[i]}, size {rows['quantity'][i]:g} is not the homeNotional "
            f"{rows['home'][i]:g}: {_WANTS}"
        )
