"""Coinbase: the REST answers of trades, whose side is the maker's."""

from __future__ import annotations

from dataclasses import replace

from ..core.params import Choice
from .framework.table_tape import TableTape, trade_columns
from .table_reader.sheet import Reading
from .table_reader.tables import Column, Table

_MAKERS = {"buy": -1, "sell": 1}


class CoinbaseTrades(TableTape):
    """Coinbase's trades: the JSON of ``GET /products/{id}/trades``, or a CSV with its keys as the header.

    Coinbase reports the side of the order that rested: ``sell`` means that a buyer took liquidity. It is turned
    around here, so that +1 is the buyer's aggression as everywhere.

    Parameters
    ----------
    paths : path or sequence of paths
        Files, in any order; patterns are expanded. Answers that are newest first are turned around.
    side_of : {"maker", "taker"}, default="maker"
        Whose side the files tell; ``taker`` for files that a program has turned around already.
    infer_side : {"none", "tick", "bulk"}, default="none"
        What to do about rows without a side.
    symbol : str or None, default=None
        The product wanted of files that hold several.
    bad_rows : {"error", "quarantine"}, default="error"
        What to do with lines that cannot be read.

    Raises
    ------
    DataError
        For a file that cannot be read, with its row, column and value.
    ParamError
        For a parameter out of bounds.

    References
    ----------
    Coinbase Exchange, REST API, Get product trades: "The trade side indicates the maker order side."

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "trades.json"
    >>> row = '{"time":"2024-01-01T00:00:00.25Z","trade_id":7,"price":"100.5","size":"2","side":"sell"}'
    >>> _ = file.write_text(f"[{row}]")
    >>> (tape,) = CoinbaseTrades(file).tapes()
    >>> tape.side.tolist(), tape.time.tolist()
    ([1], [1704067200250000])
    """

    params = {"side_of": "maker"}
    bounds = {"side_of": Choice("maker", "taker")}
    table = Table(
        trade_columns(
            ("time",),
            ("price",),
            ("size",),
            ("side",),
            ("trade_id",),
            Column("symbol", "text", ("product_id",), optional=True),
        ),
        unit="iso",
        rows="trades",
    )
    contiguous = True

    def how(self) -> tuple[Table, Reading]:
        """What stands where, and how to read it."""
        table, how = super().how()
        return (replace(table, words=_MAKERS) if self.p["side_of"] == "maker" else table), how
