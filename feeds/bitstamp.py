"""Bitstamp: the REST answer of transactions."""

from __future__ import annotations

from .framework.table_tape import TableTape, trade_columns
from .table_reader.tables import Column, Table


class BitstampTrades(TableTape):
    """Bitstamp's trades: the JSON of ``GET /api/v2/transactions/{pair}/``, or a CSV with its keys as the header.

    Notes
    -----
    ``type`` is 0 for a buyer's aggression and 1 for a seller's. Times are whole seconds, so trades of one second keep
    the order of the file. Ids are of all pairs together, so that missing rows cannot be noticed.

    References
    ----------
    Bitstamp, HTTP API, Transactions.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "trades.json"
    >>> _ = file.write_text('[{"date":"1637845199","tid":"209895701","price":"4451.25","type":"1","amount":"0.005"}]')
    >>> (tape,) = BitstampTrades(file).tapes()
    >>> tape.time.tolist(), tape.side.tolist(), tape.quantity.tolist()
    ([1637845199000000], [-1], [0.005])
    """

    table = Table(
        trade_columns(
            ("date", "timestamp"),
            ("price",),
            ("amount",),
            ("type",),
            ("tid", "id"),
            Column("symbol", "text", ("pair",), optional=True),
        ),
        words={"0": 1, "1": -1},
    )
