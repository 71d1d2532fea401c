"""Hyperliquid: the answers of recent trades, and recorded messages of its stream."""

from __future__ import annotations

from .framework.table_tape import TableTape, trade_columns
from .table_reader.tables import Column, Table


class HyperliquidTrades(TableTape):
    """Hyperliquid's trades: the JSON of ``recentTrades``, and recorded ``trades`` messages, one a line.

    Notes
    -----
    ``B`` is a buyer's aggression and ``A`` a seller's; sizes are base currency. Ids are hashes, so that missing rows
    cannot be noticed.

    References
    ----------
    Hyperliquid, API, Info endpoint and WebSocket subscriptions.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "trades.json"
    >>> _ = file.write_text('[{"coin":"BTC","side":"A","px":"104320.0","sz":"0.015","hash":"0x03","time":1769916002000,'
    ... '"tid":300003}]')
    >>> (tape,) = HyperliquidTrades(file).tapes()
    >>> tape.time.tolist(), tape.side.tolist(), tape.quantity.tolist()
    ([1769916002000000], [-1], [0.015])
    """

    table = Table(
        trade_columns(
            ("time",),
            ("px",),
            ("sz",),
            ("side",),
            ("tid",),
            Column("symbol", "text", ("coin",), optional=True),
        ),
        rows="data",
        words={"b": 1, "a": -1},
    )
