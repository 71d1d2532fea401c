"""Binance's ``metrics`` dumps: open interest, and how accounts are positioned."""

from __future__ import annotations

from .framework.metric_feed import MetricFeed
from .table_reader.tables import Column, Table

_NAMES = {
    "open_interest": ("sum_open_interest", "sumOpenInterest"),
    "open_interest_value": ("sum_open_interest_value", "sumOpenInterestValue"),
    "top_account_long_short_ratio": ("count_toptrader_long_short_ratio",),
    "top_position_long_short_ratio": ("sum_toptrader_long_short_ratio",),
    "long_short_ratio": ("count_long_short_ratio",),
    "taker_buy_sell_ratio": ("sum_taker_long_short_vol_ratio",),
}


class BinanceMetrics(MetricFeed):
    """Open interest and long-short ratios of a Binance perpetual, every five minutes.

    Reads the ``metrics`` dumps of USD-M and COIN-M, and the JSON of ``GET /futures/data/openInterestHist``.

    Gives ``open_interest`` (base on USD-M, contracts on COIN-M), ``open_interest_value`` (quote on USD-M, base on
    COIN-M), ``top_account_long_short_ratio`` and ``top_position_long_short_ratio`` (of the largest accounts, by number
    and by size of positions), ``long_short_ratio`` (of all accounts) and ``taker_buy_sell_ratio``, all as Binance
    has them; NaN where a cell is empty.

    Parameters
    ----------
    paths : path or sequence of paths
        Files, in any order; patterns are expanded.
    delay : str, default="5m"
        How long after ``create_time`` a row is known. Binance does not say whether that is the beginning or the end
        of the five minutes that the taker ratio sums up; 5m is safe for the former.
    max_age : str, default="1h"
        How long a value stands when none follows, as in the dumps' holes; then NaN.
    bad_rows : {"error", "quarantine"}, default="error"
        What to do with rows that cannot be read.

    Raises
    ------
    DataError
        For a file that cannot be read, with its row, column and value; for rows of one time that differ.
    ParamError
        For a parameter out of bounds.

    Notes
    -----
    Rows of a dump are not in order throughout, and whole days are missing from the archive.

    References
    ----------
    Binance, Public data, https://github.com/binance/binance-public-data; Open Interest Statistics.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "BTCUSD_PERP-metrics-2023-06-25.csv"
    >>> head = "create_time,symbol,sum_open_interest,sum_open_interest_value,count_toptrader_long_short_ratio,"
    >>> head += "sum_toptrader_long_short_ratio,count_long_short_ratio,sum_taker_long_short_vol_ratio"
    >>> row = '2023-06-25 00:0%d:00,BTCUSD_PERP,557%d,18.25,"","","",1.5'
    >>> _ = file.write_text("\\n".join([head, row % (0, 8), row % (5, 7)]))
    >>> bars = BinanceMetrics(file).bars()
    >>> bars["open_interest"].tolist(), bars.frame().index[0].isoformat()
    ([5578.0, 5577.0], '2023-06-25T00:05:00+00:00')
    """

    params = {"delay": "5m"}
    named_as = r"([A-Z0-9_]+)-(metrics)-.*"
    values = tuple(_NAMES)
    table = Table(
        (
            Column("time", "time", ("create_time", "timestamp")),
            Column("symbol", "text", ("symbol",), optional=True),
            *(Column(name, "number", theirs, optional=True) for name, theirs in _NAMES.items()),
        ),
        positions=(("create_time", "symbol", *(theirs[0] for theirs in _NAMES.values())),),
    )
