"""What a compiled run of several desks did, in the form of the recorder's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....strategies.framework.portfolio_limits import Cut
from . import state as at
from .account_limits import Orders
from .ceilings import ASKED, LIMITS, SENT, SIDE, WHEN, WHOSE, WHY
from .record import Array, Record
from .state import Floats


class DesksRecord(Record):
    """Orders, fills and account of desks that share one, as `backtest.engines.desks.AccountRecorder` would have them.

    Each desk hears of its orders at bars of its own feed, and of those that nobody trades; what it heard at one time
    stands in the order of the desks.

    Parameters
    ----------
    orders : Orders
        After the run.
    feeds : sequence of str
        Names of the desks' feeds.
    closes : sequence of ndarray of int64
        Closes of their bars, epoch µs.
    foreign : sequence of ndarray of bool
        Of each whether bars of feeds that nobody trades come before a bar, and after the last.
    times : ndarray of int64, (n,)
        When the account was noted, epoch µs.
    account : ndarray of float64, (3, n)
        Value, cash and position of the first desk.
    reasons : sequence of str
        What the numbers of reasons stand for.
    ruined : int
        The row of the account, from 1, at which it was worth nothing; 0 for none.

    Attributes
    ----------
    cuts : ndarray of float64, (m, 6)
        The orders that limits of positions have cut, in the columns of `ceilings`.
    """

    cuts: Floats = np.zeros((0, SENT + 1))

    def __init__(
        self,
        orders: Orders,
        feeds: Sequence[str],
        closes: Sequence[NDArray[np.int64]],
        foreign: Sequence[NDArray[np.bool_]],
        times: NDArray[np.int64],
        account: Floats,
        reasons: Sequence[str],
        ruined: int,
    ) -> None:
        whole, real, _, fills, count = orders
        whole, real, table = whole[: count[at.ORDERS]], real[: count[at.ORDERS]], fills[: count[at.FILLS]]
        ends = np.array([len(own) for own in closes])
        starts = np.concatenate(([0], np.cumsum(ends)[:-1]))
        desk, told = whole[:, at.DESK], np.concatenate(foreign)
        self._closes, self._names, self._starts = np.concatenate(closes), feeds, starts
        usual = whole[:, at.BAR] + 1 - told[starts[desk] + desk + whole[:, at.BAR] + 1]
        first = np.where(whole[:, at.HEARD] < 0, usual, whole[:, at.HEARD])
        # What closes everything is sent for the first desk, which hears of it.
        hears = np.where(whole[:, at.REASON] == at.RUINOUS, 0, desk)
        kept = np.flatnonzero(first < ends[desk])
        kept = kept[np.lexsort((kept, hears[kept], self._closes[starts[desk[kept]] + first[kept]]))]
        self.whole, self.real, desk, hears = whole[kept], real[kept], desk[kept], hears[kept]
        self._from, self._ends = starts[desk], ends[desk]
        self._feeds = np.array(feeds, dtype=object)[desk]
        self.table = self._in_order(table, kept, len(whole), hears)
        self.slept, self.inside_unknown = int(count[at.SLEPT]), int(count[at.UNKNOWN])
        self.times, self.account, self.reasons = times, account, tuple(reasons)
        self.ruined_at = int(times[ruined - 1]) if ruined else None
        self.booked = np.zeros((0, 6))

    def _in_order(self, table: Floats, kept: Array, orders: int, hears: Array) -> Floats:
        """The fills by time, at one time in the order of the desks that heard of them; of orders by their new rows."""
        row = np.zeros(orders, np.int64)
        row[kept] = np.arange(len(kept))
        who = row[table[:, at.WHO].astype(np.int64)]
        times = self._closes[self._from[who] + table[:, at.WHEN].astype(np.int64)]
        order = np.lexsort((np.arange(len(table)), hears[who], times))
        made = table[order]
        made[:, at.WHO] = who[order]
        return made

    @cached_property
    def portfolio_cuts(self) -> list[Cut]:
        """The same, as results have them."""
        desk, bars = (self.cuts[:, column].astype(np.int64) for column in (WHOSE, WHEN))
        times = self._closes[self._starts[desk] + bars].tolist()
        rows = self.cuts[:, [WHOSE, SIDE, WHY, ASKED, SENT]].tolist()
        return [
            Cut(time, self._names[int(who)], "buy" if side > 0 else "sell", LIMITS[int(why)], asked, sent)
            for time, (who, side, why, asked, sent) in zip(times, rows, strict=True)
        ]


class DesksRun:
    """What results ask of the strategy of a run of several desks.

    Parameters
    ----------
    indicators : mapping of str to Indicator
        By their names in the result.
    record : DesksRecord
        What the desks did.
    """

    def __init__(self, indicators: Mapping[str, Any], record: DesksRecord) -> None:
        self.indicators, self._record = indicators, record

    @property
    def portfolio_cut(self) -> dict[str, int]:
        """How many orders the portfolio's limits cut or left out, by limit."""
        return dict(Counter(one.limit for one in self.portfolio_cuts))

    @property
    def portfolio_cuts(self) -> list[Cut]:
        """Which orders they were."""
        return self._record.portfolio_cuts
