"""Tables on disk: columns by name as parquet, CSV or JSON, written whole or not at all."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from .writing import replacing, telling

Columns = Mapping[str, NDArray[Any]]
FORMATS = (".parquet", ".csv", ".json")


def check_format(path: Path | str) -> None:
    """Refuse a name whose ending is no format, before any work is done.

    Raises
    ------
    DataError
        Naming the endings that are.
    """
    if str(path) != "-" and Path(path).suffix.lower() not in FORMATS:
        raise DataError(
            f"{path}: ending '{Path(path).suffix}' is no format (allowed: {', '.join(FORMATS)}, or - for CSV)"
        )


def write_table(columns: Columns, path: Path | str, *, metadata: Mapping[str, str] | None = None) -> None:
    """Write columns of one length.

    Parameters
    ----------
    columns : mapping of str to ndarray
        Numbers, text, or numpy times.
    path : Path or str
        The ending says the format. ``-`` is CSV on standard output.
    metadata : mapping of str to str
        Kept by parquet; the others have no place for it.

    Notes
    -----
    NaN stays NaN in parquet, is an empty field in CSV and null in JSON. Numbers are written with as many
    digits as bring them back bit for bit.

    Raises
    ------
    DataError
        If the ending is no format, or the file cannot be written.
    """
    check_format(path)
    if str(path) == "-":
        with telling("standard output"):
            _write_csv(columns, sys.stdout.buffer)
            sys.stdout.flush()
        return
    with replacing(path) as made:
        suffix = Path(path).suffix.lower()
        if suffix == ".parquet":
            _write_parquet(columns, made, metadata)
        elif suffix == ".csv":
            _write_csv(columns, made)
        else:
            _write_json(columns, made)


def read_table(path: Path | str) -> dict[str, NDArray[Any]]:
    """The columns of a table that `write_table` wrote.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "t.csv"
    >>> write_table({"time": np.array([1, 2]), "x": np.array([0.1, np.nan])}, file)
    >>> read_table(file)
    {'time': array([1, 2]), 'x': array([0.1, nan])}
    """
    check_format(path)
    suffix = Path(path).suffix.lower()
    try:
        table = {".parquet": _read_parquet, ".csv": _read_csv, ".json": _read_json}[suffix](Path(path))
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except (ValueError, OSError) as err:
        raise DataError(f"{path}: no readable {suffix[1:]} table: {err}") from err
    return {name: _array(table.column(name)) for name in table.column_names}


def _table(columns: Columns, *, nulls: bool) -> Any:
    import pyarrow as pa

    return pa.table({name: _cells(np.asarray(values), nulls=nulls) for name, values in columns.items()})


def _cells(values: NDArray[Any], *, nulls: bool) -> Any:
    import pyarrow as pa

    from ..arrow import column  # late: brings pyarrow

    if values.dtype.kind in "iuf":
        return column(values, nan_is_null=nulls)
    return pa.array(values, from_pandas=nulls)


def write_parquet(table: Any, path: Path, **how: Any) -> None:
    """Write an Arrow table to a new file, which is closed even where the drive is full.

    Parameters
    ----------
    table : pyarrow.Table
        What to write.
    path : Path
        The file to make.
    **how
        As for `pyarrow.parquet.write_table`.
    """
    import pyarrow.parquet as pq

    with path.open("wb") as file:  # Arrow leaves a file of its own open where a drive is full
        pq.write_table(table, file, **how)


def _write_parquet(columns: Columns, path: Path, metadata: Mapping[str, str] | None) -> None:
    table = _table(columns, nulls=False)
    if metadata:
        table = table.replace_schema_metadata(dict(metadata))
    write_parquet(table, path, compression="zstd")


def _write_csv(columns: Columns, where: Any) -> None:
    import pyarrow.csv as csv

    head = (",".join(map(_csv_cell, columns)) + "\n").encode()
    # pyarrow would quote every name of the header.
    options = csv.WriteOptions(include_header=False, quoting_style="needed")
    if isinstance(where, Path):
        with where.open("wb") as file:
            file.write(head)
            csv.write_csv(_table(columns, nulls=True), file, options)
    else:
        where.write(head)
        csv.write_csv(_table(columns, nulls=True), where, options)


def _csv_cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n') else text


def _write_json(columns: Columns, path: Path) -> None:
    import json

    rows = _table(columns, nulls=True).to_pylist()
    with path.open("w", encoding="utf-8") as file:
        file.write("[")
        for i, row in enumerate(rows):
            file.write(("," if i else "") + "\n" + json.dumps(row, ensure_ascii=False, default=str))
        file.write("\n]\n")


def _read_parquet(path: Path) -> Any:
    import pyarrow.parquet as pq

    return pq.read_table(path)


def _read_csv(path: Path) -> Any:
    import pyarrow.csv as csv

    return csv.read_csv(path)


def _read_json(path: Path) -> Any:
    import json

    import pyarrow as pa

    return pa.Table.from_pylist(json.loads(path.read_text(encoding="utf-8")))


def _array(column: Any) -> NDArray[Any]:
    """A column as numpy; numbers with nulls become float64 with NaN."""
    made: NDArray[Any] = column.to_numpy()
    if made.dtype == object and str(column.type) == "null":
        return np.full(len(made), np.nan)
    return made
