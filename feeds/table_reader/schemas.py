"""Schemas of programs that keep numbers in a form of their own."""

from __future__ import annotations

from typing import Any

_HIGH = 16
"""Digits behind the point in Nautilus' numbers of 16 bytes."""


def plain_batch(batch: Any) -> Any:
    """A record batch with numbers of Nautilus' fixed point as plain ones, and its instrument as a column.

    Nautilus keeps prices and sizes as whole numbers, of 16 bytes in units of 10⁻¹⁶ or of 8 bytes in units of 10⁻⁹, and
    says so by ``price_precision`` in the metadata of the schema. Any other batch stays as it is.
    """
    import pyarrow as pa

    metadata = batch.schema.metadata or {}
    if b"price_precision" not in metadata:
        return batch
    arrays = [_number(cells, name) for cells, name in zip(batch.columns, batch.schema.names, strict=True)]
    names = list(batch.schema.names)
    instrument = metadata.get(b"instrument_id") or metadata.get(b"bar_type", b"").partition(b"-")[0]
    if instrument and "instrument_id" not in names:
        arrays.append(pa.array([instrument.decode()] * len(batch), pa.string()))
        names.append("instrument_id")
    return pa.RecordBatch.from_arrays(arrays, names=names)


def usual(cells: Any) -> Any:
    """A column of a type that arrow computes with: views of text and UUIDs as text.

    Examples
    --------
    >>> import pyarrow as pa
    >>> usual(pa.array(["a"], pa.string_view())).type, usual(pa.array([bytes(16)], pa.uuid())).to_pylist()
    (DataType(string), ['00000000-0000-0000-0000-000000000000'])
    """
    import pyarrow as pa

    kind = cells.type
    if pa.types.is_dictionary(kind):
        words = usual(cells.dictionary)
        return cells if words is cells.dictionary else pa.DictionaryArray.from_arrays(cells.indices, words)
    if getattr(pa.types, "is_string_view", lambda _: False)(kind):
        return cells.cast(pa.string())
    if getattr(kind, "extension_name", "") == "arrow.uuid":
        return pa.array([None if one is None else str(one) for one in cells.to_pylist()], pa.string())
    return cells


def _number(cells: Any, name: str) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    fixed = pa.types.is_fixed_size_binary(cells.type)
    if fixed and cells.type.byte_width == 16:
        return pa.Array.from_buffers(pa.decimal128(38, _HIGH), len(cells), cells.buffers(), offset=cells.offset)
    if fixed and cells.type.byte_width == 8:
        cells = pa.Array.from_buffers(pa.int64(), len(cells), cells.buffers(), offset=cells.offset)
    elif not pa.types.is_integer(cells.type) or name in ("aggressor_side", "trade_id") or name.startswith("ts_"):
        return cells
    return pc.divide(pc.cast(cells, pa.float64(), safe=False), 1e9)
