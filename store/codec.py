"""Columns in files of a catalog: floats as integers and a decimal exponent, so that they come back bit for bit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.kernels import compiled
from ..core.schema import KLINE_COLUMNS, TAPE, Quality
from ..core.sizes import of_column
from ..core.tape import Tape

Columns = dict[str, NDArray[Any]]

GROUP = 131_072
"""Rows in a row group."""
META = b"tapeflow"
_LARGEST = 1 << 53
_MOST_DIGITS = 15
_GLANCE = 4_096
_TAPE = (*(column.name for column in TAPE), "notional", "flags", "first_id")
_RISING = ("time", "trade_id", "first_id", "price", "open_time", "close_time", "open", "high", "low", "close")
_FEW = ("side", "trades", "flags", "quality")


@dataclass(frozen=True)
class Coding:
    """How the columns of a file stand for the values that were put in.

    Parameters
    ----------
    decimals : dict of str to int
        Columns that hold ``value × 10^decimals`` as int64; float columns that are not named hold the value itself.
    contract_size : float or None
        Quote currency in one contract, where column ``contracts`` stands for notional (contracts × size) and
        quantity (notional / price).
    """

    decimals: dict[str, int] = field(default_factory=dict)
    contract_size: float | None = None

    def meta(self) -> dict[bytes, bytes]:
        """As metadata of a Parquet file."""
        made: dict[str, Any] = {"schema": 1, "decimals": self.decimals}
        if self.contract_size is not None:
            made["contract_size"] = self.contract_size
        return {META: json.dumps(made, sort_keys=True).encode()}

    @classmethod
    def of(cls, meta: Mapping[bytes, bytes]) -> Coding:
        """From the metadata of a Parquet file."""
        made = json.loads(meta[META])
        return cls(made["decimals"], made.get("contract_size"))


def same_bits(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.bool_]:
    """Where two columns are the same to the bit: NaN equals itself, 0.0 differs from −0.0."""
    if a.dtype == np.float64 and b.dtype == np.float64:
        return np.asarray(a.view(np.int64) == b.view(np.int64))
    return np.asarray(a == b)


def to_integers(values: NDArray[np.float64]) -> tuple[NDArray[np.int64], int] | None:
    """Integers and the least decimal exponent that give ``values`` back bit for bit; None when there are none.

    Integers below 2^53 and powers of ten up to 10^15 are exact as floats, so that their quotient, rounded once, is
    the float nearest to the decimal: the same that reading the decimal from text gives.

    Examples
    --------
    >>> to_integers(np.array([0.1, 7139.85]))
    (array([    10, 713985]), 2)
    >>> to_integers(np.array([1 / 3])) is None
    True
    """
    first = _least(values[:_GLANCE], 0)
    at = None if first is None else _least(values, first)
    if at is None:
        return None
    return np.rint(values * 10.0**at).astype(np.int64), at


def _least(values: NDArray[np.float64], at: int) -> int | None:
    """The least exponent from ``at`` on that loses nothing."""
    for exponent in range(at, _MOST_DIGITS + 1):
        with np.errstate(over="ignore"):
            scaled = np.rint(values * 10.0**exponent)
        if not (np.abs(scaled) < _LARGEST).all():
            return None
        if same_bits(to_floats(scaled.astype(np.int64), exponent), values).all():
            return exponent
    return None


def to_floats(integers: NDArray[np.int64], exponent: int) -> NDArray[np.float64]:
    """What `to_integers` was given."""
    if exponent == 0:
        return integers.astype(np.float64)
    made: NDArray[np.float64] = integers / 10.0**exponent
    return made


def tape_columns(tape: Tape) -> Columns:
    """A tape as columns by name; optional ones only where the tape has them."""
    return {name: values for name in _TAPE if (values := getattr(tape, name)) is not None}


def canonical(columns: Columns) -> Columns:
    """The same rows with columns in order and without those that say nothing, so that equal rows make equal files."""
    usual = _TAPE if "time" in columns else (*KLINE_COLUMNS, *sorted(filter(of_column, columns)))
    made = {name: columns[name] for name in usual if name in columns}
    for name in ("flags", "quality"):
        if name in made and not made[name].any():
            del made[name]
    if "first_id" in made and (made["first_id"] == made["trade_id"]).all() and (made["trades"] == 1).all():
        del made["first_id"]
    return made


def encode(columns: Columns, contract_size: float | None = None) -> tuple[Columns, Coding]:
    """Columns as a file holds them.

    Parameters
    ----------
    columns : dict of str to ndarray
        `canonical` ones.
    contract_size : float or None
        Of coin-margined contracts.
    """
    made, decimals, size = dict(columns), {}, None
    contracts = None if contract_size is None else _contracts(columns, contract_size)
    if contracts is not None:
        del made["notional"], made["quantity"]
        size, made["contracts"] = contract_size, contracts
    for name, values in made.items():
        if values.dtype == np.float64 and (integers := to_integers(values)) is not None:
            made[name], decimals[name] = integers
    return made, Coding(decimals, size)


def _contracts(columns: Columns, size: float) -> NDArray[np.int64] | None:
    """Whole contracts that give notional and quantity back bit for bit; None when none do."""
    if "notional" not in columns:
        return None
    notional = columns["notional"]
    contracts = np.rint(notional / size)
    if not (np.abs(contracts) < _LARGEST).all():
        return None
    exact = same_bits(contracts * size, notional) & same_bits(notional / columns["price"], columns["quantity"])
    return contracts.astype(np.int64) if exact.all() else None


@compiled
def _divide(integers: NDArray[np.int64], by: float, made: NDArray[np.float64]) -> None:
    for i in range(len(integers)):
        made[i] = integers[i] / by


def _in_place(integers: NDArray[np.int64], exponent: int) -> NDArray[np.float64]:
    """`to_floats` into the memory of the integers, which saves touching as much memory again."""
    made = integers.view(np.float64)
    _divide(integers, 10.0**exponent, made)
    return made


def decode(columns: Columns, coding: Coding) -> Columns:
    """What `encode` was given; the memory of ``columns`` is written to."""
    made = {name: _in_place(v, coding.decimals[name]) if name in coding.decimals else v for name, v in columns.items()}
    if coding.contract_size is not None:
        made["notional"] = made.pop("contracts") * coding.contract_size
        made["quantity"] = made["notional"] / made["price"]
    return made


def write_parquet(path: Path, columns: Columns, coding: Coding) -> None:
    """Write columns to a new file; the same columns make the same bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(dict(columns))
    few = [name for name in columns if name in _FEW]
    encodings = {name: _encoding(name, values) for name, values in columns.items() if name not in few}
    how: Any = {"use_dictionary": few, "column_encoding": encodings, "write_page_checksum": True}
    # Arrow leaves a file of its own open where a drive is full.
    with (
        path.open("wb") as file,
        pq.ParquetWriter(file, table.schema, compression="zstd", store_schema=False, **how) as writer,
    ):
        writer.add_key_value_metadata(coding.meta())
        writer.write_table(table, GROUP)


def _encoding(name: str, values: NDArray[Any]) -> str:
    """Differences for what rises slowly; the bytes of each place together for what jumps."""
    return "DELTA_BINARY_PACKED" if name in _RISING and values.dtype == np.int64 else "BYTE_STREAM_SPLIT"


def holes(columns: Columns) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which rows of a tape have missing ids before them, and the id that each row wants behind it."""
    ids = columns["trade_id"]
    first = columns.get("first_id", ids)
    after = first + columns["trades"] if "first_id" in columns else ids + 1
    hole = np.zeros(len(ids), bool)
    hole[1:] = (first[1:] > after[:-1]) & (ids[:-1] >= 0)
    return hole, after


def with_holes(columns: Columns) -> Columns:
    """The tape's columns with the flag ``ID_HOLE`` where ids are missing, and nowhere else."""
    hole, _ = holes(columns)
    flags = columns.get("flags", np.zeros(len(hole), np.int64)) & ~int(Quality.ID_HOLE)
    return {**columns, "flags": flags | np.where(hole, int(Quality.ID_HOLE), 0)}
