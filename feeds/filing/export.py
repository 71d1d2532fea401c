"""Exporting from a catalog: the tape or the klines of a span of time into one file, row group after row group."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import IO, Any

import numpy as np

from ...core.errors import DataError
from ...core.files.writing import replacing
from ...core.schema import KLINE_COLUMNS, TAPE
from ...core.sizes import of_column
from ...store.codec import GROUP, Columns
from ...store.layout import CatalogStore
from ..catalog import Catalog, CatalogKlines
from ..framework.window import Instant

FORMATS = (".parquet", ".csv")


def export(
    root: Path | str,
    out: Path | str,
    *,
    symbol: str | None = None,
    kind: str | None = None,
    market: str | None = None,
    venue: str | None = None,
    start: Instant = None,
    end: Instant = None,
) -> int:
    """Write the rows of ``[start, end)`` of one series to ``out``; returns how many.

    Trades become the tape's columns, of coin-margined contracts ``notional`` too; klines the columns that klines know.

    Raises
    ------
    DataError
        If there is no such series, it has no rows there, or ``out`` has another ending than .parquet or .csv.
    """
    out = Path(out)
    if out.suffix.lower() not in FORMATS:
        raise DataError(f"{out}: ending '{out.suffix}' is no format of an export (allowed: {', '.join(FORMATS)})")
    wanted = {"symbol": symbol, "kind": kind, "market": market, "venue": venue}
    series = CatalogStore(root).find(wanted)
    wanted = {"symbol": series.symbol, "kind": series.kind, "market": series.market, "venue": series.venue}
    if series.interval is None:
        batches = _trades(Catalog(root, **wanted), start, end)
    else:
        batches = _klines(CatalogKlines(root, **wanted), start, end)
    with closing(batches), replacing(out) as made:
        rows = _write(batches, made, out.suffix.lower())
        if not rows:
            raise DataError(f"{root}: {series} has no rows between the times asked for")
    return rows


def _trades(feed: Catalog, start: Instant, end: Instant) -> Generator[Columns, None, None]:
    """Batches of the tape; every one has ``notional`` when the first has."""
    known: bool | None = None
    for tape in feed.between(start, end):
        columns = {c.name: getattr(tape, c.name) for c in TAPE}
        known = tape.notional is not None if known is None else known
        if known:
            columns["notional"] = tape.price * tape.quantity if tape.notional is None else tape.notional
        yield columns


def _klines(feed: CatalogKlines, start: Instant, end: Instant) -> Generator[Columns, None, None]:
    bars = feed.bars(start=start, end=end)
    yield {name: bars[name] for name in (*KLINE_COLUMNS, *filter(of_column, bars.columns))}


def _write(batches: Iterator[Columns], path: Path, suffix: str) -> int:
    """Write batches one after the other; row groups are those of the batches."""
    import pyarrow as pa

    rows, writer = 0, None
    with ExitStack() as opened:
        for columns in batches:
            arrays = {name: pa.array(np.asarray(v), from_pandas=suffix == ".csv") for name, v in columns.items()}
            table = pa.table(arrays)
            if writer is None:  # Arrow leaves a file of its own open where a drive is full
                writer = opened.enter_context(_writer(opened.enter_context(path.open("wb")), suffix, table.schema))
            writer.write_table(table, GROUP)
            rows += len(table)
    return rows


def _writer(file: IO[bytes], suffix: str, schema: Any) -> Any:
    if suffix == ".parquet":
        import pyarrow.parquet as pq

        return pq.ParquetWriter(file, schema, compression="zstd")
    import pyarrow.csv as csv

    return csv.CSVWriter(file, schema, write_options=csv.WriteOptions(quoting_style="needed"))
