"""Order: rows of a tape into time order, rows that came twice dropped, missing ids flagged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.clock import iso
from ...core.errors import DataError
from ...core.kernels import compiled, njit_no_refcount
from ...core.schema import Quality
from ...core.tape import Tape
from .once import AGAIN, CAME, OTHER, Once

Integers = NDArray[np.int64]

_ID_HOLE = int(Quality.ID_HOLE)
_ONE = np.uint64(1)
WINDOW = 65_536
"""A row may be this many rows late and is still put in place."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows of a tape as a file had them.

    Parameters
    ----------
    tape : Tape
        The rows, not yet in order.
    path : Path
        The file.
    line : ndarray of int64
        Line of each row in the file.
    first, after : ndarray of int64
        Id that each row begins with, and the id that the row behind it has to begin with when none is missing.
    holes : int or None
        How many rows behind the first begin behind that; None where it is not known yet.
    """

    tape: Tape
    path: Path
    line: Integers
    first: Integers
    after: Integers
    holes: int | None = None

    def __len__(self) -> int:
        return len(self.tape)

    def take(self, rows: slice | NDArray[np.intp] | NDArray[np.bool_]) -> Batch:
        """The rows that a slice, a mask or indices pick."""
        return Batch(self.tape.take(rows), self.path, self.line[rows], self.first[rows], self.after[rows])

    def flag(self, flags: NDArray[Any]) -> Batch:
        """The same rows with ``flags`` added to those they have."""
        return replace(self, tape=flagged(self.tape, flags))

    @staticmethod
    def join(parts: list[Batch]) -> Batch:
        """One batch of several; it goes by the path of the last."""
        lines, firsts, afters = (np.concatenate([getattr(p, c) for p in parts]) for c in ("line", "first", "after"))
        return Batch(Tape.join([p.tape for p in parts]), parts[-1].path, lines, firsts, afters)


@njit_no_refcount
def _look(
    time: Integers, ids: Integers, first: Integers, after: Integers, before_time: int, before_id: int
) -> tuple[bool, int]:
    """Whether time and, within equal times, ids ascend, and how many rows begin behind the id they should begin with.

    Rows without an id (−1) may share a time. Whether ids are missing ahead of the first row is not looked at.
    """
    back = (time[0] < before_time) | ((time[0] == before_time) & (ids[0] <= before_id) & (ids[0] >= 0))
    holes = 0
    for i in range(_ONE, np.uint64(len(time))):
        step = time[i] - time[i - _ONE]
        back |= (step < 0) | ((step == 0) & (ids[i] <= ids[i - _ONE]) & (ids[i] >= 0))
        holes += (first[i] > after[i - _ONE]) & (after[i - _ONE] >= 0)
    return not back, holes


@compiled
def _mark_holes(first: Integers, after: Integers, wanted: int, flags: Integers) -> None:
    """Mark the rows that begin behind the id they should begin with."""
    for i in range(len(first)):
        if first[i] > wanted >= 0:
            flags[i] |= _ID_HOLE
        wanted = after[i]


class RowSorter:
    """Puts batches in order: by time, and by id within one time.

    A row that came late is put in place and flagged ``DISORDER``, as long as it is not more than `WINDOW` rows
    late. A row that came twice (same id, price, quantity and side, as pages and dumps that overlap bring it) is
    dropped and counted, the earliest kept, at whatever time it came again (see `Once`); the same id with another
    content is an error. The row behind missing ids
    is flagged ``ID_HOLE``. The outcome does not depend on how the rows are cut into batches.

    Parameters
    ----------
    counts : Counter
        Takes ``disordered``, ``duplicates`` and ``id_holes``.
    """

    def __init__(self, counts: Counter[str]) -> None:
        self._counts = counts
        self._held: list[Batch] = []
        self._rows = 0
        self._last = (-(2**62), -1)
        self._given = self._last
        self._after: int | None = None
        self._once = Once()

    def push(self, batch: Batch) -> Iterator[Tape]:
        """Take a batch; gives the rows that are in their final place."""
        if not len(batch):
            return
        ascending, holes = _look(batch.tape.time, batch.tape.trade_id, batch.first, batch.after, *self._last)
        batch = replace(batch, holes=holes) if ascending else self._sort(batch)
        self._held.append(batch)
        self._rows += len(batch)
        self._last = int(batch.tape.time[-1]), int(batch.tape.trade_id[-1])
        while self._rows - len(self._held[0]) >= WINDOW:
            if len(tape := self._give()):
                yield tape

    def finish(self) -> Iterator[Tape]:
        """Give what is still held."""
        while self._held:
            if len(tape := self._give()):
                yield tape

    def _sort(self, batch: Batch) -> Batch:
        """What is held and ``batch`` in order: the part that nothing can come before is held, the rest returned."""
        time, ids = batch.tape.time, batch.tape.trade_id
        given_time, given_id = self._given
        again = (time == given_time) & (ids <= given_id) & (ids >= 0)
        too_late = np.flatnonzero((time < given_time) | again)
        if len(too_late):
            i = int(too_late[0])
            raise DataError(
                f"{batch.path}: row {batch.line[i]} is at {iso(int(time[i]))}, more than {WINDOW} rows behind its "
                "place; sort the file by time, or leave out one of two files that cover the same time"
            )
        joined = self._flag_late(batch)
        self._held, self._rows = [], 0
        tape = joined.tape
        joined = self._drop_twins(joined.take(np.lexsort((tape.trade_id, tape.time))))
        settled = max(0, len(joined) - WINDOW)
        if settled:
            self._held, self._rows = [joined.take(slice(0, settled))], settled
        return joined.take(slice(settled, None))

    def _flag_late(self, batch: Batch) -> Batch:
        """What is held joined with ``batch``, whose late rows are flagged."""
        before = np.maximum.accumulate(np.concatenate([[self._last[0]], batch.tape.time]))[:-1]
        late = batch.tape.time < before
        flags = np.where(late, int(Quality.DISORDER), 0)
        self._counts["disordered"] += int(late.sum())
        return Batch.join([*self._held, batch.flag(flags)])

    def _drop_twins(self, batch: Batch) -> Batch:
        """``batch`` in order without rows that came before."""
        tape = batch.tape
        twin = np.zeros(len(tape), bool)
        twin[1:] = (np.diff(tape.time) == 0) & (np.diff(tape.trade_id) == 0) & (tape.trade_id[1:] >= 0)
        other = twin.copy()
        other[1:] &= (np.diff(tape.price) != 0) | (np.diff(tape.quantity) != 0) | (tape.side[1:] != tape.side[:-1])
        if other.any():
            i = int(np.flatnonzero(other)[0])
            raise DataError(f"{batch.path}: row {batch.line[i]}, id {tape.trade_id[i]} {CAME}")
        if not twin.any():
            return batch
        self._counts["duplicates"] += int(twin.sum())
        late = int(Quality.DISORDER)
        flags = 0 if tape.flags is None else int(np.count_nonzero(tape.flags[twin] & late))
        self._counts["disordered"] -= flags
        return batch.take(~twin)

    def _without_again(self, batch: Batch) -> Batch:
        """``batch`` without rows whose id came before at another time."""
        code = self._once.codes(batch.tape)
        if code is None:
            return batch
        if (code == OTHER).any():
            i = int(np.flatnonzero(code == OTHER)[0])
            raise DataError(f"{batch.path}: row {batch.line[i]}, id {batch.tape.trade_id[i]} {CAME}")
        again = code == AGAIN
        self._counts["duplicates"] += int(again.sum())
        if batch.tape.flags is not None:
            self._counts["disordered"] -= int(np.count_nonzero(batch.tape.flags[again] & int(Quality.DISORDER)))
        return batch.take(~again)

    def _give(self) -> Tape:
        """The oldest rows that are held, holes in their ids flagged."""
        batch = self._held.pop(0)
        self._rows -= len(batch)
        batch = self._without_again(batch)
        if not len(batch):
            return batch.tape
        wanted = int(batch.first[0]) if self._after is None else self._after
        inner = batch.holes
        if inner is None:
            inner = _look(batch.tape.time, batch.tape.trade_id, batch.first, batch.after, *self._given)[1]
        holes = inner + int(batch.first[0] > wanted >= 0)
        self._after = int(batch.after[-1])
        self._given = int(batch.tape.time[-1]), int(batch.tape.trade_id[-1])
        if not holes:
            return batch.tape
        self._counts["id_holes"] += holes
        flags = np.zeros(len(batch), np.int64)
        _mark_holes(batch.first, batch.after, wanted, flags)
        return flagged(batch.tape, flags)


def flagged(tape: Tape, flags: NDArray[Any]) -> Tape:
    """``tape`` with ``flags`` added to those it has; None stays None when there are none."""
    if not flags.any():
        return tape
    return replace(tape, flags=flags if tape.flags is None else tape.flags | flags)
