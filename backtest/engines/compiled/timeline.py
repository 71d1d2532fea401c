"""The closes of several feeds as one line of steps: which feeds have a bar at each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ....core.kernels import njit_inline, njit_no_refcount
from .state import Floats, Integers
from .views import arrays_at, table_of

Steps = tuple[Integers, NDArray[np.int32], NDArray[np.uint8]]
"""Where each step begins among the desks that have a bar, empty where all have one at every step; those desks, in
order; at which steps a feed has one that nobody trades, empty where there is none."""


class Timeline(NamedTuple):
    """The steps of a run.

    Parameters
    ----------
    steps : Steps
        As compiled code reads them.
    length : int
        How many there are.
    times : ndarray of int64
        The latest close of those at which a traded feed has a bar, epoch µs.
    """

    steps: Steps
    length: int
    times: NDArray[np.int64]

    @property
    def even(self) -> bool:
        """Whether all traded feeds have a bar at every step."""
        return not len(self.steps[0])

    @classmethod
    def of(
        cls, stamps: Sequence[Floats], closes: Sequence[NDArray[np.int64]], others: Sequence[Floats] = ()
    ) -> Timeline:
        """The steps of traded feeds, and of ``others`` that are only read.

        Parameters
        ----------
        stamps : sequence of ndarray of float64
            Day numbers of the closes of each traded feed, strictly increasing.
        closes : sequence of ndarray of int64
            The same closes, epoch µs.
        others : sequence of ndarray of float64
            Day numbers of other feeds.

        Examples
        --------
        >>> made = Timeline.of([np.array([1.0, 2.0]), np.array([2.0, 3.0])], [np.array([1, 2]), np.array([2, 3])])
        >>> made.length, made.steps[0].tolist(), made.steps[1].tolist(), made.times.tolist()
        (3, [0, 1, 3, 4], [0, 0, 1, 1], [1, 2, 3])
        """
        traded = len(stamps)
        first = stamps[0]
        idle, who = np.zeros(0, np.uint8), np.arange(traded, dtype=np.int32)
        if not others and all(own is first or np.array_equal(own, first) for own in stamps[1:]):
            times = np.maximum.reduce([*closes]) if traded > 1 else closes[0]
            return cls((np.zeros(0, np.int64), who, idle), len(first), times)
        every = [*stamps, *others]
        when = [*closes, *(np.zeros(len(own), np.int64) for own in others)]
        table, kept = table_of(list(zip(every, when, strict=True)))
        like, at = (first, when[0]), np.zeros(len(every), np.int64)
        count, bars = _merge(table, like, at, traded, at[:0], who, idle, at[:0])
        at[:] = 0
        start, who = np.zeros(count + 1, np.int64), np.empty(bars, np.int32)
        idle, times = np.zeros(count if others else 0, np.uint8), np.zeros(count, np.int64)
        _merge(table, like, at, traded, start, who, idle, times)
        del kept
        return cls((start, who, idle), count, times[np.diff(start) > 0])


@njit_no_refcount
def _merge(
    table: Integers,
    like: Any,
    at: Integers,
    traded: int,
    start: Integers,
    who: NDArray[np.int32],
    idle: Any,
    times: Any,
) -> tuple[int, int]:
    """Go through the steps; how many there are, and how many bars of traded feeds. Written down where there is room."""
    step, made = 0, 0
    while True:
        now = np.inf
        for k in range(len(at)):
            stamps = arrays_at(table, k, 0, like)[0]
            if at[k] < len(stamps):
                now = min(now, stamps[at[k]])
        if now == np.inf:
            return step, made
        latest = 0
        for k in range(len(at)):
            stamps, closes = arrays_at(table, k, 0, like)
            if at[k] < len(stamps) and stamps[at[k]] == now:
                if k < traded:
                    latest = max(latest, closes[at[k]])
                    if len(start) > 0:
                        who[made] = k
                    made += 1
                elif len(idle) > 0:
                    idle[step] = 1
                at[k] += 1
        step += 1
        if len(start) > 0:
            start[step], times[step - 1] = made, latest


@njit_inline
def present(steps: Steps, step: int) -> tuple[int, int]:
    """Where the desks that have a bar at a step begin and end."""
    if len(steps[0]) == 0:
        return 0, len(steps[1])
    return steps[0][step], steps[0][step + 1]
