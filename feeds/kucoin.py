"""KuCoin: the REST answer of trade histories."""

from __future__ import annotations

from .framework.table_tape import TableTape, trade_columns
from .table_reader.tables import Column, Table


class KucoinTrades(TableTape):
    """KuCoin's spot trades: the JSON of ``GET /api/v1/market/histories``, or a CSV with its keys as the header.

    Notes
    -----
    The side is the taker's. Times are in ns and cut to the µs. Numbers of sequence are not known to be without holes,
    so that missing rows are not looked for. Futures count contracts of each market's own size and are refused.

    References
    ----------
    KuCoin, REST API, Spot Trading, Get Trade History.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "trades.json"
    >>> row = '{"sequence":"1545896668571","price":"0.07","size":"2","side":"buy","time":1545904567062140823}'
    >>> _ = file.write_text('{"code":"200000","data":[' + row + "]}")
    >>> (tape,) = KucoinTrades(file).tapes()
    >>> tape.time.tolist(), tape.side.tolist(), tape.trade_id.tolist()
    ([1545904567062140], [1], [1545896668571])
    """

    table = Table(
        trade_columns(
            ("time",),
            ("price",),
            ("size",),
            ("side",),
            ("sequence",),
            Column("symbol", "text", ("symbol",), optional=True),
        ),
        rows="data",
        foreign={"contractId": "it holds futures, whose sizes count contracts; KucoinTrades reads the spot market"},
    )
