"""Freqtrade: the candles it keeps on disk."""

from __future__ import annotations

from .reading.table_bars import PRICES, TableBars
from .reading.tables import Column, Table


class FreqtradeBars(TableBars):
    """Freqtrade's candles: JSON lists of ``[ms, open, high, low, close, volume]``, or feather and parquet files.

    Parameters
    ----------
    paths : path or sequence of paths
        Files; patterns are expanded. Rows that two files share must be the same in both.
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
