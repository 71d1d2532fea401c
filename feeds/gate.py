"""Gate: the REST answer of spot trades."""

from __future__ import annotations

from .framework.table_tape import TableTape, trade_columns
from .table_reader.tables import Column, Table


class GateTrades(TableTape):
    """Gate's spot trades: the JSON of ``GET /spot/trades``, or a CSV with its keys as the header.

    Notes
    -----
    The side is the taker's. ``create_time_ms`` is read digit by digit and cut to the µs. Futures count contracts of
    each market's own size in signed numbers and are refused.

    References
    ----------
    Gate, API v4, Spot, Retrieve market trades.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "trades.json"
    >>> row = '"id":"1232893232","create_time":"1548000000","create_time_ms":"1548000000123.456","side":"buy",'
    >>> _ = file.write_text('[{' + row + '"currency_pair":"ETH_BTC","amount":"0.15","price":"0.03"}]')
    >>> (tape,) = GateTrades(file).tapes()
    >>> tape.time.tolist(), tape.side.tolist(), tape.trade_id.tolist()
    ([1548000000123456], [1], [1232893232])
    """

    table = Table(
        trade_columns(
            ("create_time_ms", "create_time"),
            ("price",),
            ("amount",),
            ("side",),
            ("id",),
            Column("symbol", "text", ("currency_pair",), optional=True),
        ),
        foreign={"contract": "it holds futures, whose signed sizes count contracts; GateTrades reads the spot market"},
    )
