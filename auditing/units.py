"""Units in an audit: time stamps that change their unit within a file."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .chunk import Integers
from .findings import Log, Spot

UNITS = ("none", "s", "ms", "µs", "ns")
_FROM = np.array([10**8, 10**11, 10**14, 10**17], np.int64)
_MOST = 100_000


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
