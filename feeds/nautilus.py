"""Nautilus: the trades and bars that its data catalog keeps as Parquet."""

from __future__ import annotations

from .framework.table_bars import PRICES, TableBars
from .framework.table_tape import SYMBOL, TableTape, trade_columns
from .table_reader.tables import Column, Table

_INSTRUMENT = Column("symbol", "text", ("instrument_id",), optional=True)


class NautilusTrades(TableTape):
    """Trades of Nautilus' data catalog (``data/trade_tick/INSTRUMENT/*.parquet``), in either of its precisions.

    Parameters
    ----------
    paths : path or sequence of paths
        Files, in any order; patterns are expanded.
    infer_side : {"none", "tick", "bulk"}, default="none"
        What to do about rows without an aggressor.
    symbol : str or None, default=None
        The instrument wanted of files of several, as in ``BTCUSDT.BINANCE``.
    bad_rows : {"error", "quarantine"}, default="error"
        What to do with rows that cannot be read.

    Raises
    ------
    DataError
        For a file that cannot be read, with its row, column and value.
    ParamError
        For a parameter out of bounds.

    Notes
    -----
    The time is ``ts_event``, the venue's. Sizes are in the instrument's own unit.

    References
    ----------
    NautilusTrader, Data catalog, https://nautilustrader.io/docs/latest/concepts/data

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import pyarrow as pa, pyarrow.parquet as pq
    >>> price = pa.array([(105 * 10**15).to_bytes(16, "little")], pa.binary(16))
    >>> table = pa.table(
    ...     {"price": price, "size": price, "aggressor_side": pa.array([2], pa.uint8()), "trade_id": ["7"],
    ...      "ts_event": pa.array([1704187800000000000], pa.uint64())}
    ... ).replace_schema_metadata({"instrument_id": "BTCUSDT.BINANCE", "price_precision": "2"})
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "part-0.parquet"
    >>> pq.write_table(table, file)
    >>> (tape,) = NautilusTrades(file).tapes()
    >>> tape.price.tolist(), tape.side.tolist(), tape.trade_id.tolist()
    ([10.5], [-1], [7])
    """

    table = Table(
        trade_columns(("ts_event",), ("price",), ("size",), ("aggressor_side",), ("trade_id",), _INSTRUMENT),
        unit="ns",
        words={"0": 0, "no_aggressor": 0, "1": 1, "buyer": 1, "2": -1, "seller": -1},
    )


class NautilusBars(TableBars):
    """Bars of Nautilus' data catalog (``data/bar/BAR_TYPE/*.parquet``), in either of its precisions.

    Parameters
    ----------
    paths : path or sequence of paths
        Files; patterns are expanded. Rows that two files share must be the same in both.
    label : {"start", "end"}, default="end"
        Whether ``ts_event`` is the start or the end of a bar; Nautilus' is the end unless it was told otherwise.
    interval : str or None, default=None
        Length of a bar; None takes the most frequent distance between two rows.
    infer_side : {"none", "bulk"}, default="none"
        ``bulk`` estimates taker volume from price moves.
    symbol : str or None, default=None
        The instrument wanted of files of several.
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
    Bars tell neither notional, nor trades, nor who took liquidity: those columns are NaN.

    References
    ----------
    NautilusTrader, Data catalog, https://nautilustrader.io/docs/latest/concepts/data

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import pyarrow as pa, pyarrow.parquet as pq
    >>> price = pa.array([(n * 10**9).to_bytes(8, "little") for n in (10, 11)], pa.binary(8))
    >>> times = pa.array([1704187860000000000, 1704187920000000000], pa.uint64())
    >>> table = pa.table(dict.fromkeys(("open", "high", "low", "close", "volume"), price) | {"ts_event": times})
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "part-0.parquet"
    >>> said = {"bar_type": "A.B-1-MINUTE-LAST-EXTERNAL", "price_precision": "0"}
    >>> pq.write_table(table.replace_schema_metadata(said), file)
    >>> bars = NautilusBars(file).bars()
    >>> bars["close"].tolist(), int(bars["open_time"][0])
    ([10.0, 11.0], 1704187800000000)
    """

    params = {"label": "end", "symbol": None}
    bounds = {"symbol": SYMBOL}
    table = Table(
        (Column("time", "time", ("ts_event",)), *PRICES, Column("volume", "amount", ("volume",)), _INSTRUMENT),
        unit="ns",
    )
