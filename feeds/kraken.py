"""Kraken: trades and OHLC of its REST API, and its downloadable histories."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from .csv_reader.decode import DecodedRows, Quarantine
from .csv_reader.files import FileReader
from .framework.identity import Identity
from .framework.table_bars import PRICES, Columns, TableBars
from .framework.table_tape import TableTape, trade_columns
from .table_reader.arrow_reader import TableSource, parsed
from .table_reader.tables import Column, Table, read_file

_NAMES = r"([A-Z0-9]{5,12})(?:_(\d+))?\.csv(?:\.gz)?"
"""Names in the downloadable histories: pair, and for bars the minutes of their interval."""


def say_pairs(identity: Identity, source: TableSource) -> None:
    """Tell ``identity`` the pair of a JSON answer, which is the key of its rows."""
    result = _result(source) if source.json else {}
    for pair in (key for key, rows in result.items() if isinstance(rows, list)):
        identity.say("symbol by name", pair, source.path)


def _result(source: TableSource) -> dict[str, Any]:
    """What an answer holds; empty where it is none."""
    found: Any = parsed(source)
    result = found.get("result") if isinstance(found, dict) else None
    return result if isinstance(result, dict) else {}


class KrakenTrades(TableTape):
    """Kraken's trades: the JSON of ``GET /0/public/Trades``, and CSV files of time and sales.

    Reads JSON of one pair, CSV lines ``price, volume, time, side[, type, misc[, id]]``, and lines of the downloadable
    history ``time, price, volume``, which tell no side. A header, where there is one, says the order.

    Notes
    -----
    ``b`` and ``s`` are the taker's side. Seconds are read digit by digit and cut to the µs.

    References
    ----------
    Kraken, REST API, Get Recent Trades; Support, Downloadable historical market data (time and sales).

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "trades.json"
    >>> row = '["105433.6","0.5",1762795433.9717445,"b","l","",10218208]'
    >>> _ = file.write_text('{"error":[],"result":{"XBTUSDT":[' + row + '],"last":"1"}}')
    >>> (tape,) = KrakenTrades(file).tapes()
    >>> tape.time.tolist(), tape.side.tolist(), tape.trade_id.tolist()
    ([1762795433971744], [1], [10218208])
    """

    table = Table(
        trade_columns(
            ("time", "timestamp"),
            ("price",),
            ("volume", "quantity"),
            ("side",),
            ("trade_id", "id"),
            Column("symbol", "text", ("pair", "symbol"), optional=True),
        ),
        positions=(
            ("time", "price", "volume"),
            ("price", "volume", "time", "side"),
            ("price", "volume", "time", "side", "type", "misc"),
            ("price", "volume", "time", "side", "type", "misc", "id"),
        ),
        rows="result.*",
    )
    contiguous = True
    named_as = _NAMES

    def _decoded(self, source: FileReader, quarantine: Quarantine) -> Iterator[tuple[DecodedRows, NDArray[np.int64]]]:
        say_pairs(self._identity, cast("TableSource", source))
        yield from super()._decoded(source, quarantine)


class KrakenOHLC(TableBars):
    """Kraken's OHLC: the JSON of ``GET /0/public/OHLC``, and the lines of its downloadable OHLCVT history.

    The last row of an answer is the unfinished interval and is left out. Kraken's own VWAP comes along as
    ``exchange_vwap``.

    Parameters
    ----------
    paths : path or sequence of paths
        Files; patterns are expanded. Rows that two files share must be the same in both.
    label : {"start", "end"}, default="start"
        Whether rows are stamped with the start or the end of their interval; Kraken's with the start.
    interval : str or None, default=None
        Length of a bar; None takes the most frequent distance between two rows.
    infer_side : {"none", "bulk"}, default="none"
        ``bulk`` estimates taker volume from price moves.
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
    ``quote_volume`` is not known: Kraken cuts its VWAP to the digits of the price, so VWAP × volume is short by up to
    one of those digits times the volume. ``exchange_vwap`` is NaN where nothing was traded (Kraken writes 0). The
    downloadable history has no VWAP, and leaves out intervals without trades: ``gaps: fill`` puts them in.

    References
    ----------
    Kraken, REST API, Get OHLC Data; Support, Downloadable historical OHLCVT data.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "XBTUSD_1.csv"
    >>> _ = file.write_text("1700000040,10,12,9,11,5.5,3\\n1700000160,11,11,11,11,1,1\\n")
    >>> bars = KrakenOHLC(file, interval="1m").bars(gaps="fill")
    >>> bars["volume"].tolist(), bars["close"].tolist()
    ([5.5, 0.0, 1.0], [11.0, 11.0, 11.0])
    """

    extra = ("exchange_vwap",)
    named_as = _NAMES
    table = Table(
        (
            Column("time", "time", ("time", "timestamp")),
            *PRICES,
            Column("exchange_vwap", "number", ("vwap",), optional=True),
            Column("volume", "amount", ("volume",)),
            Column("trades", "number", ("count", "trades")),
        ),
        positions=(
            ("time", "open", "high", "low", "close", "volume", "count"),
            ("time", "open", "high", "low", "close", "vwap", "volume", "count"),
        ),
        unit="s",
        rows="result.*",
    )

    def rows(self, path: Path, quarantine: Quarantine) -> Iterator[DecodedRows]:
        """The finished rows of one file; adds it to `files`."""
        source, (table, how) = TableSource(path), self.how()
        say_pairs(self._identity, source)
        last = _last(path) if source.json else None
        for rows in read_file(source, table, how, quarantine, self.counts):
            kept = rows if last is None else rows.where(rows["time"] <= last)
            self.counts["unfinished"] = self.counts.get("unfinished", 0) + len(rows) - len(kept)
            yield kept
        self.files.append(source.digest())

    def settle(self, columns: Columns) -> Columns:
        """A VWAP of nothing is none."""
        if "exchange_vwap" in columns:
            columns["exchange_vwap"] = np.where(columns["volume"] > 0, columns["exchange_vwap"], np.nan)
        return columns


def _last(path: Path) -> int | None:
    """The stamp in µs of the last finished row of an answer; None where it does not say."""
    last = _result(TableSource(path)).get("last")
    return int(float(last)) * 1_000_000 if last is not None else None
