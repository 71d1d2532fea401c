"""Reading days of a catalog: one row group after the other, the next one decoded while this one is used."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import DataError
from .codec import Coding, Columns, decode
from .layout import MANIFEST, Partition
from .merge import DayRows


def rows_of(partition: Partition, *, klines: bool) -> DayRows:
    """All rows of a day."""
    groups = list(read_groups(partition, "open_time" if klines else "time"))
    columns = {name: np.concatenate([g[name] for g in groups]) for name in groups[0]}
    return DayRows(columns, "open_time", "open_time") if klines else DayRows(columns)


def read_groups(
    partition: Partition,
    time: str,
    start: int | None = None,
    end: int | None = None,
    leave_out: tuple[str, ...] = (),
) -> Generator[Columns, None, None]:
    """The row groups of a day, decoded; writable columns of their own memory.

    Parameters
    ----------
    partition : Partition
        The day.
    time : str
        The column that orders it.
    start, end : int or None
        Row groups wholly outside ``[start, end)`` are left out.
    leave_out : tuple of str
        Columns that nobody wants.

    Raises
    ------
    DataError
        If the file is missing or damaged.
    """
    with _opened(partition) as file, file:
        coding = Coding.of(file.metadata.metadata or {})
        names = [name for name in file.schema_arrow.names if name not in leave_out]
        at = file.schema_arrow.names.index(time)
        for group in range(file.num_row_groups):
            span = file.metadata.row_group(group).column(at).statistics
            if (end is None or span.min < end) and (start is None or span.max >= start):
                table = file.read_row_group(group, columns=names, use_threads=False)
                yield decode({name: _array(table.column(name)) for name in names}, coding)


class _Owned:
    """Memory of a column that nobody else refers to, so that it may be written to."""

    def __init__(self, values: NDArray[Any]) -> None:
        self._values = values
        self.__array_interface__ = {**values.__array_interface__, "data": (values.ctypes.data, False)}


def _array(column: Any) -> NDArray[Any]:
    """A column that was just read, as numpy without a copy; compiled code takes only what is writable."""
    if column.num_chunks == 1:
        return np.asarray(_Owned(column.chunk(0).to_numpy(zero_copy_only=True)))
    made: NDArray[Any] = column.to_numpy()
    return made.copy()


@contextmanager
def _opened(partition: Partition) -> Iterator[Any]:
    """The Parquet file of a day; whatever is wrong with it becomes an error that names it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = partition.path
    try:
        path.stat()
        partition.check_there()  # its size: a missing file may be a day that is being written anew
        partition.check_footer()  # before Arrow, which ends the process over some of what can be wrong in it
        file = pq.ParquetFile(path, page_checksum_verification=True)
        if file.metadata.num_rows != partition.rows:
            wrong = f"it has {file.metadata.num_rows} rows, its manifest says {partition.rows}"
            raise DataError(partition.damaged(wrong))
        yield file
    except FileNotFoundError:
        if (partition.folder / MANIFEST).exists() and Partition.read(partition.folder / MANIFEST) != partition:
            raise DataError(f"{partition.folder}: was written anew while it was read; run again") from None
        raise DataError(partition.damaged("it is missing")) from None
    except (OSError, ValueError, KeyError, AttributeError, OverflowError, pa.ArrowException) as err:
        raise DataError(partition.damaged(" ".join(str(err).split())[:200] or type(err).__name__)) from None


def current(manifest: Path) -> Partition:
    """The manifest of a day whose file is there, though a writer may be replacing both.

    Raises
    ------
    DataError
        If the manifest is gone or damaged.
    """
    try:
        made = Partition.read(manifest)
        return made if made.path.exists() else Partition.read(manifest)
    except FileNotFoundError:
        raise DataError(f"{manifest}: is gone; list the catalog again") from None
