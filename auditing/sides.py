"""Sides in an audit: rows without one, runs beyond chance, stretches that the price contradicts."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..core.kernels import compiled
from .chunk import Chunk, Floats, Integers, Recent
from .findings import Log, Spot

_RAISED = 30.0
TRUSTED = 0.85
"""Share of price moves with the side below which sides cannot be judged by prices."""
_MOVES = 64
_MEMORY = 8192
_LONG = 24
_CHANCE = 1e-9
_SUM, _SINCE, _FLIPPED = range(3)


@compiled
def contradicted(score: Floats, s: Floats, raised: float, out: Integers) -> int:
    """Where evidence against the sides gathers, and where it ends.

    Parameters
    ----------
    score : ndarray of float64
        Log likelihood ratio of each row for swapped against right sides; 0 where the price did not move.
    s : ndarray of float64
        The sum, rows since it left 0, whether a stretch is under way. Changed in place.
    raised : float
        Sum at which a stretch begins or ends.
    out : ndarray of int64, two columns
        Takes the row of each turn and how many rows before it the turn was.

    Returns
    -------
    int
        Turns written.
    """
    n = 0
    for i in range(len(score)):
        s[_SUM] += -score[i] if s[_FLIPPED] > 0 else score[i]
        s[_SINCE] += 1.0
        if s[_SUM] <= 0.0:
            s[_SUM], s[_SINCE] = 0.0, 0.0
        elif s[_SUM] > raised:
            out[n, 0], out[n, 1] = i, np.int64(s[_SINCE])
            n += 1
            s[_FLIPPED] = 1.0 - s[_FLIPPED]
            s[_SUM], s[_SINCE] = 0.0, 0.0
    return n


class Flips:
    """Stretches whose sides contradict the moves of the price: after a buy it falls, after a sell it rises.

    Where prices agree with sides in less than 85 of 100 moves, nothing can be told.

    Parameters
    ----------
    log : Log
        Takes ``side_flip``.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._s = np.zeros(3)
        self._recent = Recent(_MEMORY)
        self._blocks = np.zeros(_MOVES + 1, np.int64)
        self._rest: Floats = np.empty(0)
        self._last = math.nan
        self._since: Spot | None = None
        self._rows = self._total = 0

    @property
    def agreement(self) -> float:
        """Share of price moves that go with the side, in the middlemost block of 64 moves; NaN without one."""
        blocks = int(self._blocks.sum())
        return float(np.searchsorted(np.cumsum(self._blocks), 0.5 * blocks) / _MOVES) if blocks else math.nan

    def _count(self, agrees: Floats) -> None:
        moves = np.concatenate([self._rest, agrees[agrees != 0] > 0])
        whole = len(moves) // _MOVES * _MOVES
        counts = moves[:whole].reshape(-1, _MOVES).sum(axis=1).astype(np.int64)
        self._blocks += np.bincount(counts, minlength=_MOVES + 1)
        self._rest = moves[whole:]

    def push(self, chunk: Chunk) -> None:
        """Take new rows."""
        if not len(chunk):
            return
        move = np.sign(np.diff(chunk.price, prepend=chunk.price[0] if math.isnan(self._last) else self._last))
        agrees = move * chunk.side
        self._last = float(chunk.price[-1])
        self._count(np.asarray(agrees, np.float64))
        if not self.agreement >= TRUSTED:
            return
        share = min(self.agreement, 0.9)
        self._follow(chunk, np.asarray(-agrees * math.log(share / (1.0 - share))))

    def _follow(self, chunk: Chunk, score: Floats) -> None:
        out = np.zeros((len(score), 2), np.int64)
        turns = contradicted(score, self._s, _RAISED, out)
        for at, ago in out[:turns].tolist():
            row = at + 1 - ago
            spot = chunk.spot(row) if row >= 0 else self._recent.spot(min(-row, len(self._recent)))
            self._turn(spot, self._total + row)
        self._recent.push(chunk, slice(max(0, len(chunk) - _MEMORY), len(chunk)), score[-_MEMORY:])
        self._total += len(score)

    def _turn(self, spot: Spot, row: int) -> None:
        if self._since is None:
            self._since, self._rows = spot, row
            return
        self._report(row - self._rows)

    def _report(self, rows: int) -> None:
        if self._since is not None:
            text = f"prices fall after buys and rise after sells; {rows} rows"
            self._log.add("side_flip", self._since.saying(text), rows)
        self._since = None

    def finish(self) -> None:
        """Report a stretch that did not end."""
        self._report(self._total - self._rows)


@compiled
def runs(
    time: Integers,
    side: NDArray[np.int8],
    price: Floats,
    s: Integers,
    last: Floats,
    table: Integers,
    least: int,
    out: Integers,
) -> int:
    """Runs of one side, counted in instants: fills of one moment and side are one order that swept the book.

    Parameters
    ----------
    time, side, price : ndarray
        Columns of a chunk.
    s : ndarray of int64
        Side, last instant, instants, rows, price moves with and against the side. Changed in place.
    last : ndarray of float64
        Price of the row before. Changed in place.
    table : ndarray of int64
        Per side (sell, buy): instants that went on, and runs. Changed in place.
    least : int
        Instants of a run worth telling.
    out : ndarray of int64, six columns
        Takes row behind the run, side, instants, rows, moves with, moves against.

    Returns
    -------
    int
        Runs written.
    """
    n = 0
    for i in range(len(time)):
        if side[i] != s[0]:
            if s[2] >= least and s[0] != 0:
                out[n, 0], out[n, 1], out[n, 2], out[n, 3] = i, s[0], s[2], s[3]
                out[n, 4], out[n, 5] = s[4], s[5]
                n += 1
            s[0], s[1], s[2], s[3], s[4], s[5] = side[i], time[i], 1, 1, 0, 0
            table[1 if side[i] > 0 else 0, 1] += 1
        else:
            if time[i] != s[1]:
                s[2] += 1
                table[1 if side[i] > 0 else 0, 0] += 1
            s[1] = time[i]
            s[3] += 1
            if price[i] != last[0]:
                s[4 if (price[i] > last[0]) == (side[i] > 0) else 5] += 1
        last[0] = price[i]
    return n


class Runs:
    """Long runs on one side: beyond chance, or while the price moved both ways.

    Parameters
    ----------
    log : Log
        Takes ``long_run``, ``one_sided`` and ``side_unknown``.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._s, self._last = np.zeros(6, np.int64), np.zeros(1)
        self._table = np.zeros((2, 2), np.int64)
        self._long: list[tuple[int, int, int, int, int, Spot]] = []
        self._start: Spot | None = None
        self._begun: Spot | None = None
        self.unknown = self.rows = 0

    def push(self, chunk: Chunk) -> None:
        """Take new rows."""
        if not len(chunk):
            return
        self.rows += len(chunk)
        none = np.flatnonzero(chunk.side == 0)
        self.unknown += len(none)
        self._log.many("side_unknown", none, lambda i: chunk.spot(i, "no side"))
        out = np.zeros((len(chunk) // _LONG + 2, 6), np.int64)
        state = (self._s, self._last, self._table)
        found = runs(chunk.time, chunk.side, chunk.price, *state, _LONG, out)
        for end, side, instants, rows, agreed, against in out[:found].tolist():
            begin = end - rows
            spot = chunk.spot(begin) if begin >= 0 else self._begun or chunk.spot(0)
            self._long.append((side, instants, rows, agreed, against, spot))
        begin = len(chunk) - int(self._s[3])
        self._begun = chunk.spot(begin) if begin >= 0 else self._begun or chunk.spot(0)
        if len(self._long) > _MEMORY:
            self._long = sorted(self._long, key=lambda run: -run[1])[: _MEMORY // 2]

    def finish(self, agreement: float) -> None:
        """Judge the long runs by all runs, and by the share of price moves that usually go with the side."""
        if self._s[2] >= _LONG and self._s[0] and self._begun is not None:
            side, _, instants, rows, agreed, against = self._s.tolist()
            self._long.append((side, instants, rows, agreed, against, self._begun))
        usual = max(1.0 - agreement, 0.02)
        for side, instants, rows, agreed, against, spot in sorted(self._long, key=lambda run: run[5].time):
            name = "buys" if side > 0 else "sells"
            if agreement >= TRUSTED and contradicting(agreed, against, usual):
                text = f"{rows} {name} in a row, {against} of {agreed + against} price moves against them"
                self._log.add("one_sided", spot.saying(text), rows)
            elif self._chance(side, instants) < _CHANCE:
                self._log.add("long_run", spot.saying(f"{rows} {name} in a row at {instants} instants"), rows)

    def _chance(self, side: int, instants: int) -> float:
        """Expected runs as long in this tape, were each instant's side drawn from the one before it."""
        on, count = self._table[1 if side > 0 else 0].tolist()
        stay = (on + 1) / (on + count + 2)
        return float(count * stay ** (instants - 1))


def contradicting(agreed: int, against: int, usual: float) -> bool:
    """Whether moves against a side are far more than usual: 4 in 10 of 40 or more, and beyond 6 deviations.

    Examples
    --------
    >>> contradicting(30, 28, 0.05), contradicting(95, 5, 0.05)
    (True, False)
    """
    moves = agreed + against
    if moves < 40 or against < 0.4 * moves:
        return False
    return against - usual * moves > 6.0 * math.sqrt(usual * (1.0 - usual) * moves)
