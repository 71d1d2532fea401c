"""Units in an audit: time stamps and quantities that change their unit within a file."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ...core.kernels import compiled
from .chunk import Chunk, Floats, Integers, Recent
from .findings import Log, Spot

UNITS = ("none", "s", "ms", "µs", "ns")
_FROM = np.array([10**8, 10**11, 10**14, 10**17], np.int64)
_MOST = 100_000
_CALM = 512
_LEAST = 64
_RAISED = 60.0


def unit_of(stamps: Integers) -> NDArray[np.int8]:
    """Unit of each stamp by its magnitude, as an index of `UNITS`; 0 for one that is no time of our age.

    Examples
    --------
    >>> [UNITS[u] for u in unit_of(np.array([7, 1577977823, 1577977823305, 1577977823305000]))]
    ['none', 's', 'ms', 'µs']
    """
    return np.searchsorted(_FROM, stamps, "right").astype(np.int8)


def microseconds(stamps: Integers, units: NDArray[np.int8]) -> Integers:
    """Stamps of mixed units in µs; those of no unit stay as they are.

    Examples
    --------
    >>> stamps = np.array([1577977823305, 1577977823305001])
    >>> microseconds(stamps, unit_of(stamps)).tolist()
    [1577977823305000, 1577977823305001]
    """
    factor = np.array([1, 10**6, 1000, 1, 1], np.int64)[units]
    made: Integers = np.where(units == 4, stamps // 1000, stamps * factor)
    return made


class TimeUnits:
    """Stretches of one file whose stamps are in another unit than most of its rows.

    Parameters
    ----------
    log : Log
        Takes ``time_unit`` and ``bad_time``.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._runs: list[tuple[int, Spot]] = []
        self._rows: list[int] = []

    def push(self, path: str, line: Integers, stamps: Integers, units: NDArray[np.int8]) -> None:
        """Take rows of a file."""
        bad = np.flatnonzero(units == 0)
        self._log.many("bad_time", bad, lambda i: Spot(path, int(line[i]), -1, f"time {stamps[i]}"))
        known = np.flatnonzero(units)
        if not len(known):
            return
        edges = np.concatenate([[0], np.flatnonzero(np.diff(units[known])) + 1, [len(known)]])
        for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            self._run(path, int(line[known[a]]), int(stamps[known[a]]), int(units[known[a]]), b - a)

    def _run(self, path: str, line: int, stamp: int, unit: int, rows: int) -> None:
        if self._runs and (self._runs[-1][0] == unit or len(self._runs) >= _MOST):
            self._rows[-1] += rows
            return
        time = int(microseconds(np.array([stamp]), np.array([unit], np.int8))[0])
        self._runs.append((unit, Spot(path, line, time, f"time {stamp} is in {UNITS[unit]}")))
        self._rows.append(rows)

    def finish_file(self) -> None:
        """Report the stretches of the file that ends."""
        rows = [0] * len(UNITS)
        for (unit, _), n in zip(self._runs, self._rows, strict=True):
            rows[unit] += n
        usual = int(np.argmax(rows))
        for (unit, spot), n in zip(self._runs, self._rows, strict=True):
            if unit != usual:
                text = f"{spot.example}, the file in {UNITS[usual]}; {n} rows"
                self._log.add("time_unit", spot.saying(text), n)
        self._runs, self._rows = [], []


@compiled
def shifted(x: Floats, delta: float, scale: float, s: Floats, out: Integers) -> int:
    """Where a series leaves its level for one ``delta`` higher, by a cumulative sum of how much likelier that is.

    Parameters
    ----------
    x : ndarray of float64
        Log quantities less their usual median.
    delta : float
        The shift that is looked for.
    scale : float
        Mean deviation of the series.
    s : ndarray of float64
        The sum, and how many rows ago it left 0. Changed in place.
    out : ndarray of int64
        Takes the row of the alarm and how many rows ago the shift began.

    Returns
    -------
    int
        1 with an alarm, else 0.
    """
    for i in range(len(x)):
        s[0] += (abs(x[i]) - abs(x[i] - delta)) / scale
        s[1] += 1.0
        if s[0] <= 0.0:
            s[0], s[1] = 0.0, 0.0
        elif s[0] > _RAISED and s[1] >= _LEAST:
            out[0], out[1] = i, np.int64(s[1])
            return 1
    return 0


class QuantityUnits:
    """Stretches in which quantities are many times what they are elsewhere, the whole of their distribution alike.

    A stretch of fewer than 64 rows is not seen. A shift is believed when the quartiles of 64 rows have all moved by
    about one of the factors that a change of unit can have.

    Parameters
    ----------
    log : Log
        Takes ``quantity_unit``.
    factors : list of float
        Above 1; each is looked for both ways.
    """

    def __init__(self, log: Log, factors: list[float]) -> None:
        self._log = log
        self._deltas = [d for f in factors if f >= 8 for d in (math.log(f), -math.log(f))]
        self._sums = np.zeros((len(self._deltas), 2))
        self._recent = Recent(4 * _CALM)
        self._calm: list[tuple[float, float, float, float]] = []
        self._now = 0.0
        self._since: Spot | None = None
        self._rows = 0

    def push(self, chunk: Chunk) -> None:
        """Take new rows."""
        for a in range(0, len(chunk), _CALM):
            self._block(chunk, a, min(a + _CALM, len(chunk)))

    def _block(self, chunk: Chunk, a: int, b: int) -> None:
        logs = np.log(chunk.quantity[a:b])
        if not self._calm:
            self._learn(logs)
        at = 0
        while at < len(logs):
            at += self._step(chunk, a + at, logs[at:])
        if self._since is None and not self._sums[:, 0].any():
            self._learn(logs)

    def _learn(self, logs: Floats) -> None:
        """Take the quartiles of a quiet block into what is usual."""
        low, mid, high = np.quantile(logs, (0.25, 0.5, 0.75))
        self._calm = [*self._calm[-15:], (low, mid, high, float(np.abs(logs - mid).mean()))]

    def _usual(self) -> Floats:
        made: Floats = np.median(np.array(self._calm), axis=0)
        return made

    def _step(self, chunk: Chunk, at: int, logs: Floats) -> int:
        """Look at rows up to the first alarm; returns how many."""
        usual, out = self._usual(), np.zeros(2, np.int64)
        scale = max(float(usual[3]), 0.25)
        first, found, began = len(logs), -1, 0
        turned = -self._now if self._now else 0.0
        for k, delta in enumerate([turned] if self._now else self._deltas):
            sums = self._sums[k].copy()
            if shifted(logs - usual[1] - self._now, delta, scale, sums, out) and out[0] < first:
                first, found, began = int(out[0]), k, int(out[1])
            self._sums[k] = sums
        rows = min(first + 1, len(logs))
        self._recent.push(chunk, slice(at, at + rows), logs[:rows])
        self._rows += rows if self._now else 0
        if found >= 0:
            self._alarm(found, began, usual)
        return rows

    def _alarm(self, found: int, began: int, usual: Floats) -> None:
        """A shift that began about ``began`` rows ago: find its factor and its first row, or forget it."""
        self._sums[found] = 0.0
        level = usual[:3] + self._now
        moved = np.quantile(self._recent.values[-began:], (0.25, 0.5, 0.75)) - level
        delta = -self._now if self._now else min(self._deltas, key=lambda d: abs(moved[1] - d))
        if not self._now and np.any(np.abs(moved - delta) > max(0.8, 0.3 * abs(delta))):
            return
        began = self._first_row(level[1], delta, began + _LEAST)
        self._sums[:] = 0.0
        if self._now:
            self._rows -= began
            self._report()
        else:
            self._now, self._since, self._rows = delta, self._recent.spot(began), began

    def _first_row(self, level: float, delta: float, rows: int) -> int:
        """How many rows ago a shift most likely began."""
        x = self._recent.values[-rows:] - level
        evidence = np.cumsum((np.abs(x) - np.abs(x - delta))[::-1])
        return int(np.argmax(evidence)) + 1

    def _report(self) -> None:
        if self._since is not None and self._now:
            factor = math.exp(abs(self._now))
            how = "times" if self._now > 0 else "parts of"
            text = f"quantities are about {factor:.4g} {how} those before; {self._rows} rows"
            self._log.add("quantity_unit", self._since.saying(text), self._rows)
        self._now, self._since, self._rows = 0.0, None, 0

    def finish(self) -> None:
        """Report a stretch that did not end."""
        self._report()
