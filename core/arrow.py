"""Columns for Arrow, made from their bytes: `pyarrow.array` begins by importing pandas, to ask for frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Array = NDArray[Any]


def column(values: Array | Sequence[Any], kind: pa.DataType | None = None, *, nan_is_null: bool = False) -> pa.Array:
    """An Arrow column of numbers, times or text.

    Parameters
    ----------
    values : ndarray, or sequence
        Numbers, epoch µs, or text; None in a sequence is null, NaN stays NaN.
    kind : DataType, optional
        What it becomes: a number, a timestamp or a string. An array says so itself.
    nan_is_null : bool
        Whether NaN of an array becomes null.

    Returns
    -------
    Array
        Equal to what `pyarrow.array` makes of the same.

    Examples
    --------
    >>> column(np.array([1.5, np.nan])).to_pylist()
    [1.5, nan]
    >>> column(["a", None, "µ"], pa.string()).to_pylist()
    ['a', None, 'µ']
    >>> column([1, None], pa.int64()).null_count
    1
    """
    if kind is None:
        made = np.asarray(values)
        kind = pa.string() if made.dtype.kind in "UO" else pa.from_numpy_dtype(made.dtype)
    if pa.types.is_string(kind):
        return _text(values.tolist() if isinstance(values, np.ndarray) else values)
    dtype = np.dtype("int64" if pa.types.is_timestamp(kind) else kind.to_pandas_dtype())
    if isinstance(values, np.ndarray):
        missing = np.isnan(values) if nan_is_null and values.dtype.kind == "f" else None
        return _of(kind, len(values), missing, np.ascontiguousarray(values, dtype=dtype))
    missing = _missing(values)
    known = values if missing is None else [0 if value is None else value for value in values]
    return _of(kind, len(values), missing, np.array(known, dtype=dtype))


def _missing(values: Sequence[Any]) -> NDArray[np.bool_] | None:
    """Where a sequence has None; None where nowhere."""
    if None not in values:
        return None
    return np.fromiter((value is None for value in values), dtype=bool, count=len(values))


def _text(values: Sequence[str | None]) -> pa.Array:
    missing = _missing(values)
    known: Any = values if missing is None else [value or "" for value in values]
    data = "".join(known).encode()
    ends = np.zeros(len(known) + 1, dtype=np.int32)
    sizes = list(map(len, known))
    if sum(sizes) != len(data):
        sizes = [len(value.encode()) for value in known]
    np.cumsum(sizes, out=ends[1:])
    return _of(pa.string(), len(known), missing, ends, data)


def _of(kind: pa.DataType, count: int, missing: NDArray[np.bool_] | None, *data: Any) -> pa.Array:
    if kind == pa.bool_():
        data = tuple(np.packbits(part, bitorder="little") for part in data)
    bits = None if missing is None else pa.py_buffer(np.packbits(~missing, bitorder="little"))
    return pa.Array.from_buffers(kind, count, [bits, *(pa.py_buffer(part) for part in data)])
