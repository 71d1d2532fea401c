"""Rows of one day from several files in one: in order, those that came twice once, contradictions refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..core.clock import DAY, iso
from ..core.errors import DataError
from ..core.tape import Tape
from .codec import Columns, same_bits, tape_columns

_FLAGS = ("flags", "quality")
_CONTENT = ("price", "quantity", "side")


@dataclass(frozen=True)
class DayRows:
    """Rows of one day.

    Parameters
    ----------
    columns : dict of str to ndarray
        One length.
    time, key : str
        Columns that order them and that tell them apart; a key of −1 is none.
    """

    columns: Columns
    time: str = "time"
    key: str = "trade_id"

    def __len__(self) -> int:
        return len(self.columns[self.time])

    @property
    def times(self) -> NDArray[np.int64]:
        """What orders them, µs."""
        return self.columns[self.time]

    @property
    def keys(self) -> NDArray[np.int64]:
        """What tells them apart."""
        return self.columns[self.key]

    def take(self, rows: slice | NDArray[np.intp] | NDArray[np.bool_]) -> DayRows:
        """The rows that a slice, a mask or indices pick."""
        return DayRows({name: values[rows] for name, values in self.columns.items()}, self.time, self.key)

    @staticmethod
    def join(parts: list[DayRows]) -> DayRows:
        """All rows, columns that only some parts have filled with what their absence stands for."""
        names = list(dict.fromkeys(name for part in parts for name in part.columns))
        if len(parts) == 1:
            return parts[0]
        made = {name: np.concatenate([_column(part, name) for part in parts]) for name in names}
        return DayRows(made, parts[0].time, parts[0].key)


def _column(rows: DayRows, name: str) -> NDArray[np.generic]:
    columns = rows.columns
    if name in columns:
        return columns[name]
    if name == "notional":
        made: NDArray[np.generic] = columns["price"] * columns["quantity"]
        return made
    if name == "first_id":
        return columns["trade_id"]
    return np.zeros(len(rows), np.int64) if name in _FLAGS else np.full(len(rows), np.nan)


Naming = Callable[[int, int], str]
"""Where the row at a time (µs) with a key is known from, in words."""


def merge(old: DayRows | None, new: DayRows, where: str, known: Naming) -> tuple[DayRows, int]:
    """``old`` and ``new`` in one, and how many rows of ``new`` were there already.

    Rows are the same when their key and all their values are, flags aside, which are joined; of trades with one key at
    different times but the same price, quantity and side the earliest stays.

    Parameters
    ----------
    old : Rows or None
        What is there, in order.
    new : Rows
        What comes, in order.
    where : str
        Where ``new`` comes from, for errors.
    known : callable
        Where ``old`` comes from, for errors.

    Raises
    ------
    DataError
        If a key stands for different rows, or rows without keys lie among others of the same time.
    """
    if old is None:
        return new, 0
    if bool((old.keys < 0).any() or (new.keys < 0).any()):
        return _without_keys(old, new, where, known), 0
    rows = DayRows.join([old, new])
    if _rising(rows):
        return rows, 0
    order = np.lexsort((rows.keys, rows.times))
    rows, added = rows.take(order), order >= len(old)
    twin = np.zeros(len(rows), bool)
    twin[1:] = (np.diff(rows.times) == 0) & (np.diff(rows.keys) == 0)
    _refuse_other(rows, twin, where, known)
    rows, added, twins = _folded(rows, twin), added[~twin], int(twin.sum())
    moved = _moved(rows, added, where, known)
    return rows.take(~moved), twins + int(moved.sum())


def _rising(rows: DayRows) -> bool:
    """Whether both time and key rise from row to row, so that there is nothing to do."""
    return bool((np.diff(rows.keys) > 0).all() and (np.diff(rows.times) >= 0).all())


def _folded(rows: DayRows, twin: NDArray[np.bool_]) -> DayRows:
    """Each row once, with the flags of its twin."""
    columns = dict(rows.columns)
    for name in _FLAGS:
        if name in columns:
            flags = columns[name].copy()
            flags[:-1] |= np.where(twin[1:], flags[1:], 0)
            columns[name] = flags
    return DayRows(columns, rows.time, rows.key).take(~twin)


def _refuse_other(rows: DayRows, twin: NDArray[np.bool_], where: str, known: Naming) -> None:
    """Refuse twins that differ."""
    for name, values in rows.columns.items():
        if name in _FLAGS:
            continue
        differs = np.flatnonzero(twin[1:] & ~same_bits(values[1:], values[:-1])) + 1
        if len(differs):
            i = int(differs[0])
            old = known(int(rows.times[i]), int(rows.keys[i]))
            _refuse(rows, i, where, f"has {name} {values[i]}, {values[i - 1]} in {old}")


def _moved(rows: DayRows, added: NDArray[np.bool_], where: str, known: Naming) -> NDArray[np.bool_]:
    """Rows whose key an earlier row has with the same content; one with another content is refused."""
    keys, moved = rows.keys, np.zeros(len(rows), bool)
    if (np.diff(keys) > 0).all():
        return moved
    order = np.argsort(keys, kind="stable")
    again = np.flatnonzero(np.diff(keys[order]) == 0)
    moved[order[again + 1]] = True
    columns = [rows.columns[name] for name in _CONTENT if name in rows.columns]
    same = np.ones(len(again), bool)
    for values in columns:
        same &= same_bits(values[order[again]], values[order[again + 1]])
    if not same.all():
        at = int(again[~same][0])
        a, b = int(order[at]), int(order[at + 1])
        there, here = (a, b) if added[b] else (b, a)
        then = int(rows.times[there])
        _refuse(rows, here, where, f"is at {iso(int(rows.times[here]))}, at {iso(then)} in {known(then, int(keys[a]))}")
    return moved


def _refuse(rows: DayRows, at: int, where: str, how: str) -> None:
    what = f"id {rows.keys[at]}" if rows.key == "trade_id" else f"the kline of {iso(int(rows.keys[at]))}"
    raise DataError(f"{where}: {what} {how}; one of the two files is wrong, leave it out")


def _without_keys(old: DayRows, new: DayRows, where: str, known: Naming) -> DayRows:
    """Rows without ids: they can be told from those there only by lying before, behind or between them."""
    first, last = int(new.times[0]), int(new.times[-1])
    lo, hi = int(np.searchsorted(old.times, first, "left")), int(np.searchsorted(old.times, last, "right"))
    if lo != hi:
        time = int(old.times[lo])
        raise DataError(
            f"{where}: has rows without ids from {iso(first)} to {iso(last)}, where {known(time, -1)} has rows too; "
            "without ids nothing tells which came twice, leave out one of the two"
        )
    return DayRows.join([part for part in (old.take(slice(0, lo)), new, old.take(slice(lo, None))) if len(part)])


def tape_days(tapes: Iterator[Tape]) -> Iterator[tuple[int, DayRows]]:
    """The rows of a tape by day, counted from 1970-01-01."""
    parts: list[Tape] = []
    for tape in tapes:
        for lo, hi in day_cuts(tape.time):
            if parts and parts[0].time[0] // DAY != tape.time[lo] // DAY:
                yield _rows(parts)
            parts.append(tape[lo:hi])
    if parts:
        yield _rows(parts)


def _rows(parts: list[Tape]) -> tuple[int, DayRows]:
    """A day of its parts, which are let go: a day can be large."""
    tape = parts[0] if len(parts) == 1 else Tape.join(parts)
    parts.clear()
    return int(tape.time[0]) // DAY, DayRows(tape_columns(tape))


def day_cuts(time: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Where days begin and end in ascending times."""
    if not len(time):
        return
    edges = np.arange(int(time[0]) // DAY + 1, int(time[-1]) // DAY + 1) * DAY
    cuts = [0, *np.searchsorted(time, edges, "left").tolist(), len(time)]
    yield from ((lo, hi) for lo, hi in pairwise(cuts) if lo < hi)
