"""Tardis.dev: normalised trade files of many venues."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..aggregation.bars import Covered
from ..core.errors import DataError
from ..core.params import Choice
from .framework.table_tape import TIMESTAMP, ContractTape, by_arrival, trade_columns
from .table_reader.sheet import Reading
from .table_reader.tables import Column, Table


class TardisTrades(ContractTape):
    """Tardis.dev's ``trades`` files: exchange, symbol, timestamp, local_timestamp, id, side, price, amount.

    Parameters
    ----------
    paths : path or sequence of paths
        Files, in any order; patterns are expanded.
    clock : {"exchange", "local"}, default="exchange"
        The time of a trade: the venue's stamp, or that of its arrival at the recorder.
    timestamp : {"exchange", "true", True}, default="exchange"
        The same in the words of Aperiodic: ``true`` is the time of arrival, and wins.
    contracts : {"none", "linear", "inverse", "auto"}, default="auto"
        What amounts count, which is as the venue does: base currency, or contracts; ``auto`` goes by the public rules
        of ``exchange`` and ``symbol``, and refuses contracts whose size no rule tells.
    contract_size : float or None, default=None
        Base currency (linear) or quote currency (inverse) in one contract; refused with ``none``.
    infer_side : {"none", "tick", "bulk"}, default="none"
        What to do about rows whose side is ``unknown``.
    symbol : str or None, default=None
        The market wanted of files that hold several, as grouped symbols do.
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
    The side is the taker's. Whether ids follow each other depends on the venue, so missing ones are not looked for.

    References
    ----------
    Tardis.dev, Downloadable CSV files, https://docs.tardis.dev/downloadable-csv-files#trades

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "trades.csv"
    >>> head = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount"
    >>> row = "binance-futures,BTCUSDT,1582329602111000,1582329602418379,42377944,buy,9682,0.132"
    >>> _ = file.write_text(f"{head}\\n{row}\\n")
    >>> [tape.time.tolist() for clock in ("exchange", "local") for tape in TardisTrades(file, clock=clock).tapes()]
    [[1582329602111000], [1582329602418379]]
    """

    params = {"clock": "exchange", "timestamp": "exchange"}
    bounds = {"clock": Choice("exchange", "local"), "timestamp": TIMESTAMP}
    table = Table(
        trade_columns(
            ("timestamp",),
            ("price",),
            ("amount",),
            ("side",),
            ("id",),
            Column("symbol", "text", ("symbol",), optional=True),
            Column("exchange", "text", ("exchange",), optional=True),
        ),
        unit="us",
    )
    dated = r"_(\d{4})-(\d{2})-(\d{2})_"

    def _expand(self, paths: list[str | Path]) -> list[Path]:
        made = super()._expand(paths)
        if other := next((path for path in made if "_liquidations_" in path.name), None):
            raise DataError(
                f"{other}: is named as liquidations are: columns of trades, but not the tape; take _trades_"
            )
        return made

    def how(self) -> tuple[Table, Reading]:
        """What stands where, and how to read it."""
        table, how = super().how()
        if by_arrival(self.p):
            time = replace(table.columns[0], names=("local_timestamp",))
            table = replace(table, columns=(time, *table.columns[1:]))
        return table, how

    def _promised(self, path: Path) -> Covered:
        return (None, None) if by_arrival(self.p) else super()._promised(path)
