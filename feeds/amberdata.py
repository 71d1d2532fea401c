"""Amberdata: its VWAP and TWAP series as bars."""

from __future__ import annotations

from .framework.table_bars import TableBars
from .table_reader.tables import Column, Table


class AmberdataVWAP(TableBars):
    """Amberdata's spot VWAP and TWAP: the JSON of ``GET /markets/spot/analytics/trade/vwap``.

    Gives ``vwap`` and ``twap`` as extra columns and ``totalVolumeUSD`` as ``quote_volume``.

    Parameters
    ----------
    paths : path or sequence of paths
        Answers, newest first as they come, in any order; patterns are expanded. All of one exchange and pair.
    label : {"start", "end"}, default="start"
        Whether ``timestamp`` is the start or the end of the interval; the page does not say, other series of the
        provider begin at their stamp.
    interval : str or None, default=None
        Length of a bar, as ``timeInterval`` asked for; None takes the most frequent distance between two rows.
    infer_side : {"none", "bulk"}, default="none"
        Of no use here: there are no closes.
    bad_rows : {"error", "quarantine"}, default="error"
        What to do with rows that cannot be read.

    Raises
    ------
    DataError
        For a file that cannot be read, with its row, column and value; for several exchanges or pairs.
    ParamError
        For a parameter out of bounds.

    Notes
    -----
    Every ``timeFormat`` is understood: milliseconds, ISO 8601, and human-readable, which is UTC. The series holds no
    prices and no base volume, so the feed goes beside one that is traded. ``twap`` is the mean of the closes of
    1-minute candles: neither ``twap_time`` nor ``twap_trade``. Answers asked for with a size filter look the same.

    References
    ----------
    Amberdata, Spot: Trades VWAP/TWAP.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "vwap.json"
    >>> row = '{"exchange":"gdax","pair":"btc_usd","timestamp":"2025-06-08 2%d:00:00 000","totalVolumeUSD":9,"vwap":%d}'
    >>> _ = file.write_text('{"payload":{"data":[' + row % (3, 105) + "," + row % (2, 106) + "]}}")
    >>> bars = AmberdataVWAP(file).bars()
    >>> bars.spec, bars["vwap"].tolist(), bars["quote_volume"].tolist()
    ('1h', [106.0, 105.0], [9.0, 9.0])
    """

    extra = ("vwap", "twap")
    table = Table(
        (
            Column("time", "time", ("timestamp",)),
            Column("vwap", "number", ("vwap",)),
            Column("twap", "number", ("twap",), optional=True),
            Column("quote_volume", "number", ("totalVolumeUSD",), optional=True),
            Column("symbol", "text", ("pair",), optional=True),
            Column("exchange", "text", ("exchange",), optional=True),
        ),
        rows="payload.data",
    )
