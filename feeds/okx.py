"""OKX: historical trade dumps and the REST answers of trades."""

from __future__ import annotations

from .reading.table_tape import ContractTape, trade_columns
from .reading.tables import Column, Table

_SYMBOL = Column("symbol", "text", ("instrument_name", "instId", "symbol"), optional=True)


class OKXTrades(ContractTape):
    """OKX's trades: its historical dumps, with an English header or one in GBK, and the JSON of ``GET /market/trades``.

    Parameters
    ----------
    paths : path or sequence of paths
        Files, in any order; patterns are expanded.
    contracts : {"none", "linear", "inverse", "auto"}, default="auto"
        What sizes count: base currency as on spot, or contracts as on swaps and futures; ``auto`` goes by the symbol.
    contract_size : float or None, default=None
        Base currency (linear) or quote currency (inverse) in one contract, OKX's ``ctVal``: 0.01 for BTC-USDT-SWAP, 100
        for BTC-USD-SWAP; refused with ``none``. With ``auto`` coin-margined contracts have 100 for BTC and 10 for all
        others, and linear ones, whose size is each market's own, are refused.
    infer_side : {"none", "tick", "bulk"}, default="none"
        What to do about rows without a side.
    symbol : str or None, default=None
        The market wanted of files that hold several.
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
    The side is the taker's. Rows of a dump are not in time order throughout and their ids not without holes, so late
    rows are put in place and flagged, and missing ids are not looked for. A dump's day is not one in UTC.

    References
    ----------
    OKX, Historical market data, https://www.okx.com/historical-data; API v5, Get trades.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "trades.csv"
    >>> _ = file.write_text("trade_id,side,size,price,created_time\\n450372093,buy,0.5,35910.6,1700239042832\\n")
    >>> (tape,) = OKXTrades(file, contracts="inverse", contract_size=100).tapes()
    >>> tape.notional.tolist(), tape.side.tolist()
    ([50.0], [1])
    """

    venue = "okx"
    table = Table(
        trade_columns(
            ("created_time", "ts"), ("price", "px"), ("size", "sz"), ("side",), ("trade_id", "tradeId"), _SYMBOL
        ),
        rows="data",
    )
