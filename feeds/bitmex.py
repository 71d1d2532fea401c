"""BitMEX: the daily trade dumps of its public bucket, and the REST answer of trades."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .csv_reader.decode import DecodedRows
from .framework.table_tape import TableTape, trade_columns
from .table_reader.tables import Column, Table


class BitMEXTrades(TableTape):
    """BitMEX's trades: the daily dumps, which hold all its markets, and the JSON of ``GET /trade``.

    Base amount is ``homeNotional`` and notional ``foreignNotional``, as BitMEX gives them for every kind of its
    contracts; ``size``, in contracts, is not needed.

    Parameters
    ----------
    paths : path or sequence of paths
        Files, in any order; patterns are expanded.
    symbol : str or None, default=None
        The market, such as ``XBTUSD``; needed where a file holds several.
    infer_side : {"none", "tick", "bulk"}, default="none"
        What to do about rows without a side.
    bad_rows : {"error", "quarantine"}, default="error"
        What to do with lines that cannot be read.

    Raises
    ------
    DataError
        For a file that cannot be read, with its row, column and value; for one of several markets without ``symbol``.
    ParamError
        For a parameter out of bounds.

    Notes
    -----
    Times (``2019-01-01D00:00:01.123456789``) are cut to the µs. Ids are no numbers, so rows have none.

    References
    ----------
    BitMEX, Public data, https://public.bitmex.com/?prefix=data/trade/

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "20190101.csv"
    >>> head = "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional"
    >>> _ = file.write_text(f"{head}\\n2019-01-01D00:00:01.5,XBTUSD,Buy,100,3700,PlusTick,a,2702700,0.027027,100\\n")
    >>> (tape,) = BitMEXTrades(file, symbol="XBTUSD").tapes()
    >>> tape.quantity.tolist(), tape.notional.tolist(), tape.side.tolist()
    ([0.027027], [100.0], [1])
    """

    venue = "bitmex"
    table = Table(
        trade_columns(
            ("timestamp",),
            ("price",),
            ("homeNotional",),
            ("side",),
            (),
            Column("notional", "amount", ("foreignNotional",)),
            Column("symbol", "text", ("symbol",), optional=True),
        ),
        unit="iso",
    )
    dated = r"(\d{4})(\d{2})(\d{2})\.csv"

    def amounts(self, rows: DecodedRows) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """Base amount and notional as BitMEX gives them."""
        return rows["quantity"], rows["notional"]
