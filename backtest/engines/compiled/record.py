"""What a compiled run did, in the form of the recorder's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...broker.carry import Flow
from ...broker.order_rules import MARKET
from ...recording.recorder import Fill
from . import state as at
from .carry import DUE, KIND, KINDS
from .carry import SIZE as SIZE_HELD
from .costs import FLOWS, Costly
from .state import Book, Floats, Integers

Array = NDArray[Any]
_FIELDS = tuple(field.name for field in fields(Fill))


class Record:
    """Orders, fills and account of a compiled run, as `backtest.recording.recorder.Recorder` would have them.

    Orders sent on the last bar are not in it, nor is what was cancelled there, unless a bar came that told of it.

    Parameters
    ----------
    book : Book
        After the run.
    times : ndarray of int64, (n,)
        Closes of the bars, epoch µs.
    account : ndarray of float64, (3, n)
        Value, cash and position at every close.
    data : str
        Name of the feed.
    reasons : sequence of str
        What the numbers of reasons stand for.
    heard : bool
        Whether a bar of another feed comes after the last of the traded one.
    booked : ndarray of float64, (m, 6), optional
        Money that holding the position cost or earned, of `booked`.

    Attributes
    ----------
    slept : int
        Bars that the loop passed over because nothing could happen on them.
    inside_unknown : int
        Entries of which it is not known whether the rest of their bar reached their protection, where it matters.
    said : list of (Answers, Lines)
        What the rules said on every bar, and of what they are made.
    """

    said: Sequence[Any] = ()

    def __init__(
        self,
        book: Book,
        times: Integers,
        account: Floats,
        data: str,
        reasons: Sequence[str],
        *,
        heard: bool = False,
        booked: Floats | None = None,
    ) -> None:
        whole, real, _, fills, count, money, _ = book
        whole, real = whole[: count[at.ORDERS]], real[: count[at.ORDERS]]
        last = len(times) - 1
        # What the broker sent itself on the last bar is heard there, and stands before what the strategy sent.
        own = whole[:, at.STATUS] != at.CREATED
        known = (whole[:, at.BAR] < last) | ((whole[:, at.BAR] == last) & own)
        told = len(whole) if heard else int(np.count_nonzero(known))
        if heard:
            whole[:, at.NEWS] = np.minimum(whole[:, at.NEWS], len(times) - 1)
        self.whole, self.real = whole[:told], real[:told]
        self.table = fills[: count[at.FILLS]]
        self.slept, self.inside_unknown = int(count[at.SLEPT]), int(count[at.UNKNOWN])
        self.times, self.account, self.reasons = times, account, tuple(reasons)
        self._closes, self._from = times, np.zeros(told, np.int64)
        self._ends = np.full(told, len(times))
        self._feeds = np.full(told, data, dtype=object)
        ruined = int(money[at.RUINED])
        self.ruined_at = int(times[ruined - 1]) if ruined else None
        self.booked, self._data = np.zeros((0, 6)) if booked is None else booked, data

    @property
    def equity(self) -> tuple[Array, ...]:
        """Time in epoch µs, value, cash and position, one entry a bar."""
        return (self.times, *self.account)

    @cached_property
    def orders(self) -> dict[int, dict[str, Any]]:
        """Every order the strategy heard of, by its number, as a row of orders.parquet."""
        columns = self._columns()
        rows = zip(*(column.tolist() for column in columns.values()), strict=True)
        return {row[0]: dict(zip(columns, row, strict=True)) for row in rows}

    @cached_property
    def fills(self) -> list[Fill]:
        """Every execution, in order."""
        table = self.table
        who, bars = table[:, at.WHO].astype(np.int64), table[:, at.WHEN].astype(np.int64)
        reasons = np.array(self.reasons, dtype=object)[self.whole[who, at.REASON]]
        numbers = (table[:, c] for c in (at.AT, at.OPENED, at.CLOSED, at.OPENED_FEE, at.CLOSED_FEE, at.PNL))
        times = self._closes[self._from[who] + bars]
        columns = (who + 1, self._feeds[who], bars, times, *numbers, reasons)
        return [_fill(row) for row in zip(*(c.tolist() for c in columns), strict=True)]

    @property
    def waits(self) -> tuple[int, int]:
        """How many orders waited in bars without trades, and for how many bars in all."""
        waited = self.whole[:, at.WAITED]
        return int(np.count_nonzero(waited)), int(waited.sum())

    @cached_property
    def flows(self) -> list[Flow]:
        """Funding and interest, in the order in which they were booked."""
        rows = (row for row in self.booked.tolist())
        return [Flow(int(row[DUE]), self._data, KINDS[int(row[KIND])], *row[SIZE_HELD:]) for row in rows]

    @property
    def _late(self) -> Array:
        """Which orders changed after the last bar, so that the strategy never heard of it."""
        return np.asarray(self.whole[:, at.NEWS] >= self._ends)

    @property
    def statuses(self) -> Array:
        """What the strategy last heard of each order, as numbers of `STATUSES`."""
        return np.where(self._late, self.whole[:, at.BEFORE], self.whole[:, at.STATUS])

    def _columns(self) -> dict[str, Array]:
        """Columns of orders.parquet."""
        whole, real = self.whole, self.real
        late = self._late
        status = self.statuses
        price = np.where(status < at.COMPLETED, real[:, at.SHOWN], real[:, at.PRICE])
        filled = real[:, at.FILL_SIZE] != 0
        heard = np.where(late, whole[:, at.FILLED], whole[:, at.NEWS])
        done = self._closes[self._from + np.where(filled, heard, 0)].astype(object)
        done[~filled] = None
        return {
            "ref": np.arange(1, len(whole) + 1),
            "created_time": self._closes[self._from + whole[:, at.BAR]],
            "data": self._feeds,
            "side": np.where(real[:, at.SIZE] > 0, "buy", "sell"),
            "type": np.array(at.TYPES)[whole[:, at.TYPE]],
            "size": np.abs(real[:, at.SIZE]),
            "price": np.where(whole[:, at.TYPE] == MARKET, np.nan, price),
            "status": np.array(at.STATUSES)[status],
            "executed_time": done,
            "executed_price": np.where(filled, real[:, at.FILL_PRICE], np.nan),
            "executed_size": np.abs(real[:, at.FILL_SIZE]),
            "commission": real[:, at.FILL_FEE],
            "pnl": real[:, at.FILL_PNL],
            "reason": np.array(self.reasons, dtype=object)[whole[:, at.REASON]],
        }


def _fill(row: tuple[Any, ...]) -> Fill:
    """``Fill(*row)``, whose ``__init__`` sets field by field as it is frozen."""
    made = object.__new__(Fill)
    made.__dict__.update(zip(_FIELDS, row, strict=True))
    return made


def booked(costly: Costly | None) -> Floats | None:
    """What a run booked for holding its position."""
    return None if costly is None else costly[5][: int(costly[3][FLOWS])]
