"""When a continuous series goes from one contract to the next, and at which prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..core.bars import Bars

Measure = Mapping[int, float]
"""Of the days on which a contract has bars, what its rolls go by."""


@dataclass(frozen=True)
class Roll:
    """One roll.

    Parameters
    ----------
    time : int
        Open of the first bar of the new contract, epoch µs.
    old, new : str
        The contracts.
    old_price, new_price : float
        What each was worth at one instant: at that open where both have the bar, else at the last close before that
        both have; the gap between them is the seam.
    why : str
        In words.
    """

    time: int
    old: str
    new: str
    old_price: float
    new_price: float
    why: str


@dataclass(frozen=True)
class Leg:
    """From which day on a contract is the series.

    Parameters
    ----------
    day : int
        As days are numbered.
    contract : int
        From 0.
    why : str
        Why it took over; empty for the first.
    ended : bool
        Whether the one before has no bar from then on.
    """

    day: int
    contract: int
    why: str = ""
    ended: bool = False


def by_measure(held: Sequence[Measure], name: str) -> list[Leg]:
    """Rolls to a later contract that had more than the current one on the day before, or when that one has ended.

    Parameters
    ----------
    held : sequence of mapping
        Of each contract, in the order in which they expire.
    name : str
        What was measured.

    Examples
    --------
    >>> first, second = by_measure([{1: 9.0, 2: 5.0, 3: 1.0}, {1: 1.0, 2: 6.0, 3: 9.0}], "volume")
    >>> second
    Leg(day=3, contract=1, why='volume 6 against 5 the day before', ended=False)
    """
    days = sorted(set().union(*held))
    current = next(i for i, own in enumerate(held) if days[0] in own)
    legs = [Leg(days[0], current)]
    for before, day in pairwise(days):
        later = [i for i in range(current + 1, len(held)) if day in held[i]]
        if not later:
            continue
        best = max(later, key=lambda i: held[i].get(before, 0.0))
        had, has = held[current].get(before, 0.0), held[best].get(before, 0.0)
        ended = max(held[current]) < day
        if ended or has > had:
            current = best
            legs.append(Leg(day, current, f"{name} {has:g} against {had:g} the day before", ended))
    return legs


def by_day(held: Sequence[Measure], starts: Sequence[int]) -> list[Leg]:
    """Rolls on given days: contract ``k`` from ``starts[k - 1]`` on.

    Examples
    --------
    >>> [(leg.day, leg.contract) for leg in by_day([{1: 0.0, 2: 0.0}, {2: 0.0, 3: 0.0}], [3])]
    [(1, 0), (3, 1)]
    """
    days = sorted(set().union(*held))
    legs: list[Leg] = []
    for day in days:
        contract = sum(start <= day for start in starts)
        if day in held[contract] and (not legs or legs[-1].contract != contract):
            legs.append(Leg(day, contract, "by date" if legs else ""))
    return legs


def prices_at(old: Bars, new: Bars, time: int) -> tuple[float, float]:
    """What both contracts were worth at one instant, as `Roll` says; NaN where they have none in common."""
    here, there = (int(np.searchsorted(bars["open_time"], time)) for bars in (old, new))
    if here < len(old) and old["open_time"][here] == time:
        return float(old["open"][here]), float(new["open"][there])
    common, mine, theirs = np.intersect1d(old["close_time"][:here], new["close_time"][:there], return_indices=True)
    if not len(common):
        return float("nan"), float("nan")
    return float(old["close"][mine[-1]]), float(new["close"][theirs[-1]])
