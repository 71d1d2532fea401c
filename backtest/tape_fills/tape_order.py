"""A ticket: an order on its way, at its place in a queue, and what the prints of a bar give it."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ...core.ticks import grid_of
from .fill_model import FillModel
from .kernels import (
    AHEAD,
    BUYERS,
    FIRST_RESTED,
    FIRST_TAKEN,
    HIGH,
    LAST_RESTED,
    LAST_TAKEN,
    LEFT,
    LOW,
    PAID,
    PESSIMISTIC,
    RESTED,
    SELLERS,
    TAKEN,
    TAKING,
    Floats,
    crossing,
    walk,
)
from .trade_store import TapeMarket

UNTOUCHED = np.empty(0)
"""Stands for prints of which no other order took anything."""
NEAR = 1e-3
"""Share of a tick within which two prices are one."""


class PartFill(NamedTuple):
    """What an order got of a bar's prints in one way.

    Parameters
    ----------
    size : float
        Base, above 0.
    price : float
        Weighted by size.
    maker : bool
        Whether the order had rested.
    first, last : int
        Rows of the prints that filled it.
    """

    size: float
    price: float
    maker: bool
    first: int
    last: int


class TapeOrder:
    """An order as the tape sees it.

    Parameters
    ----------
    market : Market
        Of its feed.
    terms : Terms
        On which it is filled.
    direction : int
        +1 buys, −1 sells.
    sent : int
        When it was sent, epoch µs.
    number : int
        How many orders were sent before it at that time.
    once : bool
        Whether it never rests: what it does not take on arrival it does not get.
    """

    def __init__(
        self, market: TapeMarket, terms: FillModel, direction: int, sent: int, number: int = 0, *, once: bool = False
    ) -> None:
        self.market, self.terms, self.direction, self._once = market, terms, direction, once
        self._tick = market.prints.tick
        arrival, self._second = terms.delays.of(sent, number)
        self.sent = sent
        self._live = self._row(sent + arrival)
        self._state = np.array([0.0, math.nan, math.nan])
        self.triggered = False

    def _row(self, instant: int) -> int:
        return self.market.prints.since(instant + self.terms.extra.latency)

    def crosses(self, bar: int, level: float) -> int | None:
        """The row of ``bar`` at which a stop at ``level`` is triggered, if it is."""
        lo, hi = self._rows(bar)
        row = crossing(self.market.prints.price, lo, hi, self.direction, level - self.direction * NEAR * self._tick)
        return row if row < hi else None

    def takes(self, bar: int, limit: float | None) -> bool:
        """Whether it takes liquidity as it arrives in ``bar``; False once it rests, or before it arrives."""
        lo, hi = self._rows(bar)
        return math.isnan(self._state[AHEAD]) and lo < hi and self._crosses_on_arrival(self._on_grid(limit))

    @property
    def rests(self) -> bool:
        """Whether it has arrived and takes no more."""
        return not math.isnan(self._state[AHEAD]) and not self._state[TAKING]

    def trigger(self, row: int) -> None:
        """Send the order behind a stop that the print of ``row`` crossed."""
        self.triggered = True
        self._live = max(row, self._row(int(self.market.prints.time[row]) + self._second))

    def first(self, bar: int, size: float, limit: float | None = None) -> int | None:
        """The first row of ``bar`` that would fill something of the order, if any does; nothing is changed."""
        state, made = self._state.copy(), _nothing()
        self._walk(bar, size, self._on_grid(limit), state, UNTOUCHED, 0, made)
        row = min(made[FIRST_TAKEN], made[FIRST_RESTED])
        return int(row) if row < math.inf else None

    def fill(
        self, bar: int, size: float, limit: float | None = None, used: Floats = UNTOUCHED, contract: float = 0.0
    ) -> list[PartFill]:
        """What the prints of ``bar`` give the order.

        Parameters
        ----------
        bar : int
            Of its feed, from 0.
        size : float
            What is left of it, above 0.
        limit : float or None
            The worst price it takes; None for any.
        used : ndarray of float64
            What other orders of its side took of the bar's prints; changed in place.
        contract : float
            Quote currency in one unit of its size where sizes count such contracts; 0 where they are base currency.

        Returns
        -------
        list of Part
            What it took on arrival, then what it got while it rested; empty when it got nothing.
        """
        price, made = self._on_grid(limit), _nothing()
        self._walk(bar, size, price, self._state, used, int(self.market.ends[bar]), made, contract)
        parts = []
        if made[TAKEN]:
            paid = made[LOW] if made[LOW] == made[HIGH] else made[PAID] / made[TAKEN]
            parts.append(
                PartFill(float(made[TAKEN]), float(paid), False, int(made[FIRST_TAKEN]), int(made[LAST_TAKEN]))
            )
        if made[RESTED]:
            parts.append(PartFill(float(made[RESTED]), price, True, int(made[FIRST_RESTED]), int(made[LAST_RESTED])))
        if parts and not self._state[LEFT]:
            done = sum(part.size for part in parts[:-1])
            parts[-1] = parts[-1]._replace(size=size - done)
        return parts

    def _rows(self, bar: int) -> tuple[int, int]:
        lo, hi = self.market.rows(bar)
        return max(lo, self._live), hi

    def _walk(
        self,
        bar: int,
        size: float,
        limit: float,
        state: Floats,
        used: Floats,
        base: int,
        made: Floats,
        contract: float = 0.0,
    ) -> None:
        lo, hi = self._rows(bar)
        if lo >= hi:
            return
        if math.isnan(state[AHEAD]):
            state[AHEAD] = self._queue(bar)
            state[TAKING] = self._crosses_on_arrival(limit)
        state[LEFT] = size
        terms, prints, tick = self.terms, self.market.prints, self._tick
        spread = self.market.spread[bar] if terms.model == PESSIMISTIC else 0.0
        through, near = terms.through * tick, NEAR * tick
        wanted = np.array(
            [self.direction, limit, terms.share, spread, terms.model, through, near, contract, self._once]
        )
        walk(prints.price, prints.quantity, prints.side, lo, hi, wanted, state, used, base, made)

    def _crosses_on_arrival(self, limit: float) -> bool:
        """Whether the last print before its arrival says that the order is to take: not where it is yet to rest."""
        row, prints = self._live - 1, self.market.prints
        if row < 0:
            return True
        gap = self.direction * (float(prints.price[row]) - limit)
        at = abs(gap) <= NEAR * self._tick
        return bool(prints.side[row] != -self.direction) if at else gap < 0

    def _queue(self, bar: int) -> float:
        """What stands ahead of an order that arrives in ``bar``; without end where nothing is known of it."""
        depth = self.market.depth[SELLERS if self.direction > 0 else BUYERS, bar]
        return math.inf if math.isnan(depth) else self.terms.queue * float(depth)

    def _on_grid(self, limit: float | None) -> float:
        """A limit at a price that the venue knows; one between two ticks rests at the one that is worse to fill."""
        if limit is None:
            return self.direction * math.inf
        grid = grid_of(self._tick)
        nearest = grid.on(limit)
        if abs(limit - nearest) <= NEAR * self._tick:
            return nearest
        return grid.price(grid.row(nearest) - (self.direction if self.direction * (nearest - limit) > 0 else 0))


def _nothing() -> Floats:
    made = np.zeros(9)
    made[FIRST_TAKEN] = made[FIRST_RESTED] = made[LOW] = math.inf
    made[HIGH] = -math.inf
    return made
