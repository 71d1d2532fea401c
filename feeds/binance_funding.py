"""Binance's ``fundingRate`` dumps as a metric that rules can read."""

from __future__ import annotations

from .framework.metric_feed import MetricFeed
from .table_reader.tables import Column, Table


class BinanceFunding(MetricFeed):
    """Funding rates of a Binance perpetual as they were settled.

    Reads the ``fundingRate`` dumps of USD-M and COIN-M, and the JSON of ``GET /fundingRate``. Gives ``funding_rate``
    (share of the notional; above 0 longs paid shorts), ``funding_interval_hours`` and ``mark_price`` (quote; NaN in
    dumps). What a position pays is booked by ``broker.funding`` from the same files; this is for decisions.

    Parameters
    ----------
    paths : path or sequence of paths
        Files, in any order; patterns are expanded.
    delay : str, default="0s"
        How long after ``calc_time`` a rate is known. Stamps are some ms after the hour, so that a bar that closes on
        the hour does not know it yet.
    max_age : str, default="1d"
        How long a rate stands when none follows; then NaN.
    bad_rows : {"error", "quarantine"}, default="error"
        What to do with rows that cannot be read.

    Raises
    ------
    DataError
        For a file that cannot be read, with its row, column and value; for rows of one time that differ.
    ParamError
        For a parameter out of bounds.

    References
    ----------
    Binance, Public data, https://github.com/binance/binance-public-data; Get Funding Rate History.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "BTCUSDT-fundingRate-2024-01.csv"
    >>> rows = ["1704067200003,8,-0.0001", "1704096000000,8,0.0002"]
    >>> _ = file.write_text("calc_time,funding_interval_hours,last_funding_rate\\n" + "\\n".join(rows))
    >>> BinanceFunding(file).bars()["funding_rate"].tolist()
    [-0.0001, 0.0002]
    """

    params = {"max_age": "1d"}
    named_as = r"([A-Z0-9_]+)-(fundingRate)-.*"
    values = ("funding_rate", "funding_interval_hours", "mark_price")
    table = Table(
        (
            Column("time", "time", ("calc_time", "fundingTime")),
            Column("symbol", "text", ("symbol",), optional=True),
            Column("funding_rate", "number", ("last_funding_rate", "fundingRate")),
            Column("funding_interval_hours", "number", optional=True),
            Column("mark_price", "number", ("markPrice",), optional=True),
        ),
        positions=(("calc_time", "funding_interval_hours", "last_funding_rate"),),
    )
