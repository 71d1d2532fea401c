"""Ids in an audit: rows that came twice, rows out of order, and ids that never came."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..core.clock import iso
from ..core.kernels import compiled
from .chunk import Chunk, Floats, Integers
from .findings import Log, Spot

NEW, TWIN, OTHER, SEEN = range(4)
"""What a row is: new, the same as one before, its id with other content, or of ids that came long before."""
_WANTED, _LOWEST, _TIME, _ID, _HOLES = range(5)
_TABLE = 1 << 17
_MOST_HOLES = 1 << 17
_SETTLED = 1 << 16
_LO, _HI, _LINE, _WHEN, _FILE = range(5)


@compiled
def _put(holes: Integers, s: Integers, at: int, lo: int, hi: int, line: int, when: int, file: int) -> None:
    """Write a hole down at place ``at`` of the list."""
    n = s[_HOLES]
    if n >= len(holes):
        return
    for k in range(n, at, -1):
        holes[k] = holes[k - 1]
    holes[at, _LO], holes[at, _HI] = lo, hi
    holes[at, _LINE], holes[at, _WHEN], holes[at, _FILE] = line, when, file
    s[_HOLES] = n + 1


@compiled
def _fill(holes: Integers, s: Integers, first: int, after: int) -> bool:
    """Take ``[first, after)`` out of the hole that holds ``first``; false when none does."""
    lo, hi = 0, s[_HOLES]
    while lo < hi:
        mid = (lo + hi) // 2
        if holes[mid, _HI] <= first:
            lo = mid + 1
        else:
            hi = mid
    if lo == s[_HOLES] or first < holes[lo, _LO]:
        return False
    end = holes[lo, _HI]
    if after < end and first > holes[lo, _LO]:
        _put(holes, s, lo + 1, after, end, holes[lo, _LINE], holes[lo, _WHEN], holes[lo, _FILE])
        holes[lo, _HI] = first
    elif after < end:
        holes[lo, _LO] = after
    elif first > holes[lo, _LO]:
        holes[lo, _HI] = first
    else:
        for k in range(lo, s[_HOLES] - 1):
            holes[k] = holes[k + 1]
        s[_HOLES] -= 1
    return True


@compiled
def _cover(holes: Integers, s: Integers, first: int, after: int, line: int, when: int, file: int) -> int:
    """Note that ``[first, after)`` came: 1 when ids are missing before it, −1 when they came before, else 0."""
    made = 0
    if s[_WANTED] < 0:
        s[_LOWEST] = first
    elif first > s[_WANTED]:
        _put(holes, s, s[_HOLES], s[_WANTED], first, line, when, file)
        made = 1
    elif first < s[_LOWEST]:
        if after < s[_LOWEST]:
            _put(holes, s, 0, after, s[_LOWEST], line, when, file)
        s[_LOWEST] = first
    elif first < s[_WANTED]:
        made = 0 if _fill(holes, s, first, after) else -1
    s[_WANTED] = max(s[_WANTED], after)
    return made


@compiled
def follow(
    ids: Integers,
    first: Integers,
    after: Integers,
    time: Integers,
    price: Floats,
    quantity: Floats,
    side: NDArray[np.int8],
    void: NDArray[np.bool_],
    line: Integers,
    file: int,
    known: Integers,
    content: Floats,
    holes: Integers,
    s: Integers,
    code: NDArray[np.int8],
    back: NDArray[np.bool_],
    hole: NDArray[np.bool_],
) -> None:
    """Tell new rows from those that came before, and follow their order and their ids.

    Memory is bounded: rows are remembered by id in a table that forgets one when an id 131,072 higher comes; what
    was seen before that is known from the list of ids that are still missing.

    Parameters
    ----------
    ids, first, after, time, price, quantity, side, line : ndarray
        Columns of a chunk.
    void : ndarray of bool
        Rows that are no trades; they only cover their ids.
    file : int
        Number of the file.
    known, content : ndarray
        The table: id, time, side, first id; price, quantity. Changed in place.
    holes, s : ndarray of int64
        Missing ids, lowest first; state. Changed in place.
    code, back, hole : ndarray
        Take what each row is, whether it is earlier than the new row before it, whether ids are missing before it.
    """
    for i in range(len(ids)):
        slot = ids[i] & (len(known) - 1)
        if ids[i] >= 0 and not void[i] and known[slot, 0] == ids[i]:
            same = known[slot, 2] == side[i] and known[slot, 3] == first[i]
            same = same and content[slot, 0] == price[i] and content[slot, 1] == quantity[i]
            code[i] = TWIN if same else OTHER
            continue
        if first[i] >= 0:
            came = _cover(holes, s, first[i], after[i], line[i], time[i], file)
            hole[i] = came > 0
            if came < 0 and not void[i]:
                code[i] = SEEN
                continue
        if void[i]:
            continue
        if ids[i] >= 0:
            known[slot, 0], known[slot, 1], known[slot, 2], known[slot, 3] = ids[i], time[i], side[i], first[i]
            content[slot, 0], content[slot, 1] = price[i], quantity[i]
        back[i] = time[i] < s[_TIME] or 0 <= ids[i] < s[_ID]
        s[_TIME], s[_ID] = time[i], ids[i]


class Ids:
    """Follows ids and order through all files.

    Parameters
    ----------
    log : Log
        Takes ``duplicate``, ``conflict``, ``disorder`` and ``id_hole``.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._known, self._content = np.full((_TABLE, 4), -1, np.int64), np.zeros((_TABLE, 2))
        self._holes = np.zeros((_MOST_HOLES, 5), np.int64)
        self._s = np.array([-1, -1, -(2**62), -1, 0], np.int64)
        self._files: list[str] = []
        self.seen = False
        """Whether rows have ids."""
        self.unique = False
        """Whether ids that come again are told elsewhere, as those of a catalog, which has each once a day."""

    @property
    def span(self) -> int:
        """Ids from the lowest to the highest that came."""
        return int(self._s[_WANTED] - self._s[_LOWEST]) if self._s[_WANTED] >= 0 else 0

    def push(self, chunk: Chunk, void: NDArray[np.bool_]) -> Chunk:
        """Take rows; gives those that are new and no void, ``hole`` set."""
        if not self._files or self._files[-1] != chunk.path:
            self._files.append(chunk.path)
        n = len(chunk)
        code, back, hole = np.zeros(n, np.int8), np.zeros(n, bool), np.zeros(n, bool)
        columns = (chunk.ids, chunk.first, chunk.after, chunk.time, chunk.price, chunk.quantity, chunk.side)
        state = (self._known, self._content, self._holes, self._s)
        follow(*columns, void, chunk.line, len(self._files) - 1, *state, code, back, hole)
        self.seen = self.seen or bool((chunk.ids >= 0).any())
        self._tell(chunk, code, back)
        if self._s[_HOLES] > _SETTLED:
            self._settle(int(self._s[_HOLES]) - _SETTLED // 2)
        chunk.hole[:] |= hole
        return chunk.where((code == NEW) & ~void)

    def _tell(self, chunk: Chunk, code: NDArray[np.int8], back: NDArray[np.bool_]) -> None:
        def came(i: int, how: str) -> Spot:
            return chunk.spot(i, f"id {chunk.ids[i]} came before{how}")

        if self.unique:
            code = np.zeros_like(code)
        twins = np.flatnonzero((code == TWIN) | (code == SEEN))
        self._log.many("duplicate", twins, lambda i: came(i, "" if code[i] == TWIN else ", too far back to compare"))
        others = np.flatnonzero(code == OTHER)
        self._log.many("conflict", others, lambda i: came(i, " with other content"))
        late = np.flatnonzero(back)
        self._log.many("disorder", late, lambda i: chunk.spot(i, f"id {chunk.ids[i]} at {iso(int(chunk.time[i]))}"))

    def _settle(self, count: int) -> None:
        """Report the first ``count`` holes; nothing can fill them any more."""
        for lo, hi, line, when, file in self._holes[:count].tolist():
            which = f"id {lo} is" if hi - lo == 1 else f"ids {lo} to {hi - 1} are"
            self._log.add("id_hole", Spot(self._files[file], line, when, f"{which} missing"), hi - lo)
        left = int(self._s[_HOLES]) - count
        self._holes[:left] = self._holes[count : count + left].copy()
        self._s[_HOLES] = left

    def finish(self) -> None:
        """Report the holes that are left."""
        self._settle(int(self._s[_HOLES]))
