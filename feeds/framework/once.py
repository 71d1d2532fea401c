"""Each trade once: an id that comes again stands for the trade that came before, at whatever time."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from ...core.clock import iso
from ...core.errors import DataError
from ...core.kernels import compiled
from ...core.tape import Tape

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SPAN = 131_072
"""An id that comes again is known as long as no more rows than this came between."""
NEW, AGAIN, OTHER = range(3)
CAME = "came before with another price or quantity, or on the other side; an id stands for one trade: leave one out"


@compiled
def _look_up(
    ids: Integers,
    price: Floats,
    quantity: Floats,
    side: NDArray[np.int8],
    row: int,
    known: Integers,
    content: Floats,
    code: NDArray[np.int8],
) -> None:
    """Tell what each row is by the table of ids, and put new ones in it."""
    for i in range(len(ids)):
        if ids[i] < 0:
            continue
        slot = ids[i] & (len(known) - 1)
        if known[slot, 0] == ids[i] and row + i - known[slot, 1] <= len(known):
            same = content[slot, 0] == price[i] and content[slot, 1] == quantity[i] and known[slot, 2] == side[i]
            code[i] = 1 if same else 2
            continue
        known[slot, 0], known[slot, 1], known[slot, 2] = ids[i], row + i, side[i]
        content[slot, 0], content[slot, 1] = price[i], quantity[i]


class Once:
    """Tells rows whose id came before, among the last `SPAN` rows of a tape in time order.

    The outcome does not depend on how the tape is cut. While ids rise nothing is looked up: rows wait, unread, until an
    id comes that is not above all before it.
    """

    def __init__(self) -> None:
        self._known, self._content = np.full((SPAN, 3), -1, np.int64), np.zeros((SPAN, 2))
        self._waiting: deque[tuple[Tape, int]] = deque()
        self._rows, self._top = 0, -1

    def codes(self, tape: Tape) -> NDArray[np.int8] | None:
        """What each row is: ``NEW``, ``AGAIN``, or ``OTHER`` with another content; None where all are new."""
        ids, row = tape.trade_id, self._rows
        self._rows += len(tape)
        if not len(ids) or int(ids.max()) < 0:
            return None
        if ids[0] > self._top and (ids[1:] > ids[:-1]).all():
            self._top = int(ids[-1])
            self._waiting.append((tape, row))
            while row - self._waiting[0][1] - len(self._waiting[0][0]) > SPAN:
                self._waiting.popleft()
            return None
        for before, at in self._waiting:
            self._take(before, at)
        self._waiting.clear()
        self._top = max(self._top, int(ids.max()))
        code = self._take(tape, row)
        return code if code.any() else None

    def kept(self, tape: Tape, where: str) -> Tape:
        """``tape`` without rows that came before.

        Raises
        ------
        DataError
            If an id came before with another content.
        """
        code = self.codes(tape)
        if code is None:
            return tape
        if (code == OTHER).any():
            i = int(np.flatnonzero(code == OTHER)[0])
            raise DataError(f"{where}: id {tape.trade_id[i]} at {iso(int(tape.time[i]))} {CAME}")
        return tape.take(code == NEW)

    def _take(self, tape: Tape, row: int) -> NDArray[np.int8]:
        code = np.zeros(len(tape), np.int8)
        _look_up(tape.trade_id, tape.price, tape.quantity, tape.side, row, self._known, self._content, code)
        return code
