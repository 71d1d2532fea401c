"""Databento: trade records of many venues as CSV, JSON or parquet."""

from __future__ import annotations

import re
from dataclasses import replace

from ..core.params import Choice
from ..store.names import MONTHS
from .csv_reader.decode import DecodedRows
from .framework.table_tape import TIMESTAMP, ContractTape, by_arrival, trade_columns
from .table_reader.sheet import Reading
from .table_reader.tables import Column, Table

_FUTURE = re.compile(rf"[A-Z0-9]{{1,3}}[{MONTHS}]\d{{1,2}}")


def _of_future(symbol: str) -> str:
    """What to say of a future whose contract size nobody gave."""
    if not _FUTURE.fullmatch(symbol):
        return ""
    return (
        f"{symbol} is a future: sizes are taken as contracts of 1; contracts: linear and contract_size (50 for ES) "
        "make volume and notional of them"
    )


class DatabentoTrades(ContractTape):
    """Databento's ``trades`` schema, prices and times in either of its notations.

    Side ``A`` means that the seller was the aggressor, ``B`` the buyer, ``N`` that nobody says. Whole numbers in the
    price column count billionths; with a point they are plain. Records of another action than ``T`` (trade), as
    other schemas hold, are passed over.

    Parameters
    ----------
    paths : path or sequence of paths
        Files, in any order; patterns are expanded.
    clock : {"event", "recv"}, default="event"
        The time of a trade: the venue's matching engine, or the arrival at the recorder.
    timestamp : {"exchange", "true", True}, default="exchange"
        The same in the words of Aperiodic: ``true`` is the time of arrival, and wins.
    contracts : {"none", "linear", "inverse", "auto"}, default="auto"
        What sizes count: shares or base currency, or contracts; ``auto`` is ``none``, and says so of a future.
    contract_size : float or None, default=None
        Base (linear) or quote currency (inverse) in one contract, such as 50 for ES; refused with ``none``.
    infer_side : {"none", "tick", "bulk"}, default="none"
        What to do about rows of side ``N``.
    symbol : str or None, default=None
        The symbol, or where files have none the instrument id, wanted of files that hold several.
    bad_rows : {"error", "quarantine"}, default="error"
        What to do with lines that cannot be read.

    Raises
    ------
    DataError
        For a file that cannot be read, with its row, column and value.
    ParamError
        For a parameter out of bounds.

    Notes
    -----
    Records carry no id of the trade: ``sequence`` may stand on several. A record without a price is dropped.

    References
    ----------
    Databento, Schemas: trades, https://databento.com/docs/schemas/trades

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "trades.csv"
    >>> head = "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,depth,price,size,flags"
    >>> row = "1695988800527428009,1695988800527194909,0,19,7051,T,A,0,16950000000,5,130"
    >>> _ = file.write_text(f"{head}\\n{row}\\n")
    >>> (tape,) = DatabentoTrades(file).tapes()
    >>> tape.price.tolist(), tape.side.tolist(), tape.time.tolist()
    ([16.95], [-1], [1695988800527194])
    """

    params = {"clock": "event", "timestamp": "exchange"}
    bounds = {"clock": Choice("event", "recv"), "timestamp": TIMESTAMP}
    table = Table(
        (
            *trade_columns(("ts_event", "hd.ts_event"), ("price",), ("size",), ("side",)),
            Column("symbol", "text", ("symbol", "instrument_id", "hd.instrument_id"), optional=True),
            Column("action", "text", ("action",), optional=True),
        ),
        words={"a": -1, "b": 1, "n": 0},
        only={"action": ("T",)},
    )

    def _believe(self, rows: DecodedRows) -> None:
        super()._believe(rows)
        if len(rows) and "symbol" in rows.columns and self._terms.given == "auto":
            self._terms.remark = _of_future(str(rows["symbol"][0]))

    def how(self) -> tuple[Table, Reading]:
        """What stands where, and how to read it."""
        table, how = super().how()
        time, price, *others = table.columns
        if by_arrival(self.p):
            time = replace(time, names=("ts_recv",))
        return replace(table, columns=(time, replace(price, kind="fixed"), *others)), how
