"""Bitfinex: the REST answer of trades."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .csv_reader.decode import DecodedRows, Quarantine
from .csv_reader.files import FileReader
from .framework.table_tape import TableTape
from .table_reader.tables import Column, Table


class BitfinexTrades(TableTape):
    """Bitfinex's trades: the JSON of ``GET /v2/trades/{symbol}/hist``, or lines of id, ms, amount and price.

    Notes
    -----
    An amount above 0 is a buyer's aggression, one below 0 a seller's. Ids are of all pairs together, so that missing
    rows cannot be noticed. Funding trades, which have a fifth number, are refused.

    References
    ----------
    Bitfinex, API v2, Trades.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "trades.json"
    >>> _ = file.write_text("[[401597394,1574694475039,-0.25,7244.9],[401597393,1574694475039,0.005,7244.8]]")
    >>> (tape,) = BitfinexTrades(file).tapes()
    >>> tape.side.tolist(), tape.quantity.tolist(), tape.trade_id.tolist()
    ([1, -1], [0.005, 0.25], [401597393, 401597394])
    """

    table = Table(
        (
            Column("time", "time", ("mts", "timestamp")),
            Column("price", "amount", ("price",)),
            Column("amount", "number", ("amount",)),
            Column("trade_id", "integer", ("id",), optional=True),
        ),
        positions=(("id", "mts", "amount", "price"),),
    )

    def _decoded(self, source: FileReader, quarantine: Quarantine) -> Iterator[tuple[DecodedRows, NDArray[np.int64]]]:
        for rows, time in super()._decoded(source, quarantine):
            amount = rows["amount"]
            sides = {"quantity": np.abs(amount), "side": np.sign(amount).astype(np.int64)}
            yield replace(rows, columns={**rows.columns, **sides}), time
