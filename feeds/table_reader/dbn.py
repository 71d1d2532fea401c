"""Databento's binary files, by its own reader."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...core.errors import DataError
from ..csv_reader.files import FileReader
from .sheet import Sheet

DBN_TRADES = ("ts_event", "ts_recv", "instrument_id", "action", "side", "price", "size", "sequence")
"""What is read of records of trades, before their symbol."""
DBN_BARS = ("ts_event", "instrument_id", "open", "high", "low", "close", "volume")
"""What is read of records of bars, before their symbol."""


def dbn_sheets(source: FileReader) -> Iterator[Sheet]:
    """The records of trades or bars in a ``.dbn`` file, packed or not; prices in whole billionths, as they stand there.

    Raises
    ------
    DataError
        If Databento's reader is not installed, or cannot read the file.
    """
    decoder = _decoder(source)
    names: dict[int, str] = {}
    line = 1
    for chunk in source.chunks():
        try:
            records = decoder.write_and_decode(chunk)
        except Exception as err:  # its errors are of a class of its own
            raise DataError(f"{source.path}: is no whole DBN file ({str(err)[:120]})") from None
        for record in records:
            if hasattr(record, "mappings"):
                names = _symbols(record)
        for kind in (DBN_TRADES, DBN_BARS):
            rows = [record for record in records if all(hasattr(record, name) for name in kind)]
            if rows:
                yield _sheet(source, rows, kind, names, line)
                line += len(rows)
    if decoder.buffer():
        raise DataError(f"{source.path}: is cut short; fetch it again")


def _decoder(source: FileReader) -> Any:
    try:
        from databento_dbn import Compression, DBNDecoder
    except ImportError:
        raise DataError(
            f"{source.path}: is read by Databento's own reader: pip install 'tapeflow[databento]'; or make a CSV of it "
            f"with its tool, as in dbn {source.path.name} --csv > trades.csv"
        ) from None
    return DBNDecoder(compression=Compression.NONE)


def _symbols(metadata: Any) -> dict[int, str]:
    """Symbols by instrument id, as the file's own table has them."""
    made = {}
    for symbol, spans in metadata.mappings.items():
        for span in spans:
            if str(span["symbol"]).isdigit():
                made[int(span["symbol"])] = str(symbol)
    return made


def _sheet(source: FileReader, rows: list[Any], kind: tuple[str, ...], names: dict[int, str], line: int) -> Sheet:
    import pyarrow as pa

    cells = []
    for name in kind:
        values = [getattr(row, name) for row in rows]
        text = name in ("action", "side")
        cells.append(pa.array([str(v) for v in values]) if text else pa.array(values))
    cells.append(pa.array([names.get(row.instrument_id, str(row.instrument_id)) for row in rows]))
    lines = np.arange(line, line + len(rows), dtype=np.int64)
    return Sheet(source.path, lines, (*kind, "symbol"), cells)
