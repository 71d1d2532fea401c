"""The figures of a compiled run from its arrays, without an object for every order or round trip."""

from __future__ import annotations

import math
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...backtest.engines.compiled.state import (
    CLOSED,
    CLOSED_FEE,
    COMPLETED,
    FILL_FEE,
    FILL_SIZE,
    MARGIN,
    OPENED,
    OPENED_FEE,
    PNL,
    REJECTED,
    SIZE,
    WHEN,
)
from ...backtest.results import account_figures
from ...backtest.results.outcome import Outcome
from ...backtest.results.quality import over_damaged, share_of
from ...core.kernels import compiled

Floats = NDArray[np.float64]
FIRST, LAST, NET = range(3)
"""Rows of round trips: bar of the first fill, bar of the last, profit after fees."""


@compiled
def round_trips(fills: Floats) -> Floats:
    """Fills paired from flat to flat as `backtest.recording.round_trips.pair` does, adding up in its order; (3,
    trips)."""
    made = np.empty((3, len(fills)))
    count, size, first, pnl, fees = 0, 0.0, -1.0, 0.0, 0.0
    for f in range(len(fills)):
        if fills[f, CLOSED] != 0.0:
            pnl += fills[f, PNL]
            fees += fills[f, CLOSED_FEE]
            size += fills[f, CLOSED]
            if size == 0.0:
                made[FIRST, count], made[LAST, count], made[NET, count] = first, fills[f, WHEN], pnl - fees
                count += 1
                first = -1.0
        if fills[f, OPENED] != 0.0:
            if first < 0.0:
                first, pnl, fees = fills[f, WHEN], 0.0, 0.0
            size += fills[f, OPENED]
            fees += fills[f, OPENED_FEE]
    return made[:, :count]


class Figures(Outcome):
    """A compiled run of which only figures are asked."""

    @cached_property
    def equity(self) -> dict[str, Any]:
        """The account at every close."""
        return dict(
            zip(
                ("time", "value", "cash", "position"), (column[self.rows] for column in self.record.equity), strict=True
            )
        )

    @cached_property
    def table(self) -> Floats:
        """Round trips."""
        record: Any = self.record
        return np.asarray(round_trips(record.table))

    @cached_property
    def trips(self) -> Any:
        """Profit after fees of each round trip."""
        return self.table[NET]

    @cached_property
    def damaged(self) -> float:
        """Share of the profit that came from damaged bars."""
        times = self.first["close_time"]
        first, last = (times[self.table[row].astype(np.int64)] for row in (FIRST, LAST))
        return share_of(self.table[NET], over_damaged(self.first, first, last))

    @property
    def orders(self) -> int:
        """How many orders there were."""
        record: Any = self.record
        return len(record.whole)

    @property
    def cut(self) -> int:
        """How many entries were filled for less than their size."""
        record: Any = self.record
        sizes = np.abs(record.real[:, [SIZE, FILL_SIZE]])
        return int(
            np.count_nonzero((record.statuses == COMPLETED) & (sizes[:, 1] < sizes[:, 0] * account_figures.NEARLY))
        )

    @property
    def refused(self) -> int:
        """How many orders were refused."""
        record: Any = self.record
        return int(np.count_nonzero(np.isin(record.statuses, (MARGIN, REJECTED))))

    @property
    def account(self) -> dict[str, Any]:
        """What holding positions cost or earned, where the run has such costs."""
        record: Any = self.record
        margined = self.config.traded.margined
        return account_figures.figures(self.config, SimpleNamespace(broker=record), record.orders if margined else {})

    @property
    def fees(self) -> float:
        """What all orders paid."""
        record: Any = self.record
        return math.fsum(record.real[:, FILL_FEE].tolist())
