"""What the detectors of an audit see: rows of one file as it has them, times in µs."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.tape import Tape
from ..feeds.framework.sort_and_dedup import Batch
from .findings import Spot

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some rows in the order of their file.

    Parameters
    ----------
    path : str
        The file.
    line : ndarray of int64
        Line of each row.
    time : ndarray of int64
        Epoch µs.
    price, quantity : ndarray of float64
        As the file has them; quantity may be in contracts.
    side : ndarray of int8
        Aggressor.
    ids, first, after : ndarray of int64
        The row's id, the id it begins with and the one the next row has to begin with; −1 where there is none.
    base, notional : ndarray of float64
        Amount in base and in quote currency.
    trades : ndarray of int64
        Raw trades.
    hole : ndarray of bool
        Whether ids are missing before the row.
    """

    path: str
    line: Integers
    time: Integers
    price: Floats
    quantity: Floats
    side: NDArray[np.int8]
    ids: Integers
    first: Integers
    after: Integers
    base: Floats
    notional: Floats
    trades: Integers
    hole: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.line)

    def where(self, rows: NDArray[np.bool_]) -> Chunk:
        """The rows that a mask picks."""
        if rows.all():
            return self
        return Chunk(self.path, *(getattr(self, f.name)[rows] for f in fields(self)[1:]))

    def spot(self, i: int, example: str = "") -> Spot:
        """Row ``i`` as a place."""
        return Spot(self.path, int(self.line[i]), int(self.time[i]), example)


def chunk_of(batch: Batch, quantity: Floats) -> Chunk:
    """A batch as a feed makes it of raw rows; ``quantity`` is the file's own column."""
    tape = batch.tape
    return Chunk(
        str(batch.path),
        batch.line,
        tape.time,
        tape.price,
        quantity,
        tape.side,
        tape.trade_id,
        batch.first,
        batch.after,
        tape.quantity,
        notional(tape),
        tape.trades,
        np.zeros(len(tape), bool),
    )


class Recent:
    """The last rows with a value each, for alarms that come some rows after what they are about.

    Parameters
    ----------
    size : int
        Rows at most.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self.values: Floats = np.empty(0)
        self._places = np.empty((3, 0), np.int64)
        self._files: list[str] = []

    def __len__(self) -> int:
        return len(self.values)

    def push(self, chunk: Chunk, rows: slice, values: Floats) -> None:
        """Take ``rows`` of a chunk."""
        if not self._files or self._files[-1] != chunk.path:
            self._files.append(chunk.path)
        file = np.full(len(values), len(self._files) - 1)
        places = np.array([chunk.line[rows], chunk.time[rows], file])
        self.values = np.concatenate([self.values, values])[-self._size :]
        self._places = np.concatenate([self._places, places], axis=1)[:, -self._size :]

    def spot(self, ago: int, example: str = "") -> Spot:
        """The row that is ``ago`` from the end; 1 is the last."""
        line, time, file = self._places[:, -ago].tolist()
        return Spot(self._files[file], line, time, example)


def notional(tape: Tape) -> Floats:
    """Quote amount of each row."""
    made: Floats = tape.price * tape.quantity if tape.notional is None else tape.notional
    return made


def first_ids(tape: Tape) -> tuple[Integers, Integers]:
    """First id of each row and the id behind it, −1 where the reader of the tape does not keep them."""
    if tape.first_id is None:
        nothing: Any = np.full(len(tape), -1, np.int64)
        return nothing, nothing
    return tape.first_id, tape.first_id + tape.trades
