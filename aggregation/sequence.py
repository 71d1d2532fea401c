"""What the order of a bar's rows tells: runs of one aggressor, and volume by the tick test."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.kernels import compiled
from ..core.schema import SEQUENCE
from .folding import add

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

NAMES = tuple(c.name for c in SEQUENCE)
_RUNS, _MOVE, _VOLUMES, _COUNTS = 0, 4, 6, 12
"""Where a bar's sums begin: runs and longest run by side; price on flips and volumes, each with its error; rows."""
_LAST_PRICE, _RUN, _FLIP_FROM = 15, 16, 17
_STATE = 18


@compiled
def _close(s: Floats, out: Floats) -> None:
    """Write the open bar's columns and begin the next; a run ends with its bar."""
    for k in range(4):
        out[k] = s[k]
    for k in range(4):
        out[4 + k] = s[_MOVE + 2 * k] + s[_MOVE + 2 * k + 1]
    for k in range(3):
        out[8 + k] = s[_COUNTS + k]
    s[:_LAST_PRICE] = 0.0
    s[_RUN] = 0.0


@compiled
def fold_sequence(
    price: Floats, quantity: Floats, side: NDArray[np.int8], ends: Integers, s: Floats, out: Floats
) -> None:
    """Fold runs and ticks of a batch, row after row.

    Parameters
    ----------
    price, quantity, side : ndarray
        Columns of the batch.
    ends : ndarray of int64
        The segments.
    s : ndarray of float64
        The open bar's sums, the last price (0 before the first row), and the open run: its length, signed by side.
        Changed in place.
    out : ndarray of float64
        Takes one row a closed bar, in the order of `NAMES`.
    """
    row, last = 0, len(ends) - 1
    for bar in range(len(ends)):
        for i in range(row, ends[bar]):
            p, q, taker = price[i], quantity[i], side[i]
            before = s[_LAST_PRICE]
            tick = 2
            if before > 0.0 and p != before:
                tick = 0 if p > before else 1
            add(s, _VOLUMES + 2 * tick, q)
            s[_COUNTS + tick] += 1.0
            s[_LAST_PRICE] = p
            if taker == 0:
                continue
            run = s[_RUN]
            if run * taker > 0.0:
                run += taker
            else:
                if run != 0.0:
                    add(s, _MOVE, (p - s[_FLIP_FROM]) * taker)
                run = float(taker)
                s[0 if taker > 0 else 1] += 1.0
            s[_RUN], s[_FLIP_FROM] = run, p
            k = 2 if taker > 0 else 3
            s[k] = max(s[k], abs(run))
        row = ends[bar]
        if bar < last:
            _close(s, out[bar])


class SequenceFold:
    """The columns of `core.schema.SEQUENCE` of one bar kind, gathered bar by bar.

    Rows of unknown side neither end a run nor belong to one. The tick test compares a row with the one before it, also
    across bars; the first row of a tape counts as unchanged.
    """

    def __init__(self) -> None:
        self._state = np.zeros(_STATE)
        self._parts: list[Floats] = []

    def push(self, tape: Any, ends: Integers) -> None:
        """Take a batch, cut into bars at ``ends``."""
        out = np.empty((len(ends) - 1, len(NAMES)))
        fold_sequence(tape.price, tape.quantity, tape.side, ends, self._state, out)
        if len(out):
            self._parts.append(out)

    def columns(self) -> dict[str, Floats]:
        """All closed bars by column."""
        made = np.concatenate([np.zeros((0, len(NAMES))), *self._parts])
        return {name: made[:, i] for i, name in enumerate(NAMES)}
