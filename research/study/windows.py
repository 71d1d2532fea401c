"""How a study parts its data in time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise
from typing import NamedTuple

from ...configs.research_block import CPCV, KFold, Research, WalkForward, span_text
from ...core.clock import DAY, iso
from ...core.errors import DataError

LEAST_DAYS = 5
"""Days from which on parts begin at midnight, in UTC."""


class Window(NamedTuple):
    """A part of the data, in epoch µs.

    Parameters
    ----------
    start : int
        First instant at which a run of it decides.
    end : int
        Where its data end: nothing from here on is known to it.
    """

    start: int
    end: int

    def words(self) -> str:
        """From when to when."""
        return f"{_day(self.start)} to {_day(self.end)}"


class Fold(NamedTuple):
    """A choice and what it is tried on.

    Parameters
    ----------
    train : tuple of Window
        What is chosen on; several parts where what is left out lies between them.
    test : tuple of Window
        What the choice runs on.
    """

    train: tuple[Window, ...]
    test: tuple[Window, ...]


class Plan(NamedTuple):
    """The parts of a study.

    Parameters
    ----------
    whole : Window
        All but the hold-out.
    holdout : Window or None
        What no choice sees.
    folds : tuple of Fold
        In time; not yet purged.
    left : int
        Time at the end, before the hold-out, that no fold has room for, in µs.
    """

    whole: Window
    holdout: Window | None
    folds: tuple[Fold, ...]
    left: int = 0


def plan_of(block: Research, start: int, end: int) -> Plan:
    """The parts of data from ``start`` to ``end``.

    Raises
    ------
    DataError
        If they are too short for the split.
    """
    cut = _whole(start, end, start + round((1.0 - block.holdout) * (end - start))) if block.holdout else end
    whole = Window(start, cut)
    split = block.split
    if split.walk_forward is not None:
        folds = [*_walked(split.walk_forward, whole)]
        left = whole.end - folds[-1].test[0].end
    elif split.kfold is not None:
        folds, left = [*_folded(split.kfold, whole)], 0
    else:
        folds, left = [*_combined(split.cpcv or CPCV(groups=3), whole)], 0
    return Plan(whole, Window(cut, end) if block.holdout else None, tuple(folds), left)


def _walked(block: WalkForward, whole: Window) -> Iterator[Fold]:
    count = (whole.end - whole.start - block.train) // block.test
    if count < 1:
        asked = f"train {span_text(block.train)} and test {span_text(block.test)}"
        raise DataError(f"research.split.walk_forward: {whole.words()} is too short for {asked}")
    for i in range(count):
        begin = whole.start + block.train + i * block.test
        since = whole.start if block.anchored else begin - block.train
        yield Fold((Window(since, begin),), (Window(begin, begin + block.test),))


def parts(whole: Window, count: int) -> list[Window]:
    """So many parts of about one length.

    Raises
    ------
    DataError
        If there is no room for them.
    """
    length = whole.end - whole.start
    edges = [_whole(whole.start, whole.end, whole.start + length * i // count) for i in range(1, count)]
    edges = [whole.start, *edges, whole.end]
    if len(set(edges)) != count + 1:
        raise DataError(f"research.split: {whole.words()} is too short for {count} parts")
    return [Window(a, b) for a, b in pairwise(edges)]


def _folded(block: KFold, whole: Window) -> Iterator[Fold]:
    every = parts(whole, block.folds)
    for one in every:
        yield Fold(tuple(part for part in every if part != one), (one,))


def _combined(block: CPCV, whole: Window) -> Iterator[Fold]:
    every = parts(whole, block.groups)
    for some in combinations(every, block.test):
        yield Fold(tuple(part for part in every if part not in some), some)


def _whole(start: int, end: int, at: int) -> int:
    """``at``, or the midnight before it where the data have many days."""
    return at - at % DAY if end - start >= LEAST_DAYS * DAY and at - at % DAY > start else at


def _day(time: int) -> str:
    text = iso(time)
    return text[:10] if text[10:] == "T00:00:00Z" else text
