"""Quantities that change their unit within a tape: thousands, contracts, quote currency in place of base."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .amounts import Amounts, decimals_of
from .chunk import Chunk, Floats, Integers
from .findings import Log, Spot
from .likelihood import CAP, FACTOR, GRID, LOTS, MEMORY, NO_ALARM, PRICE, SLOTS, START, TOTAL, watch

_BLOCK, _RECENT = 128, 1024
_POWERS = (1, 2, 3, 4, 5, 6, 8)


class _State(NamedTuple):
    """What the kernel carries on: for each unit its sums and where they left 0; which quantities came of late."""

    sums: Floats
    where: Integers
    seen: Floats


class QuantityUnits:
    """Stretches whose quantities are all in another unit, by one of the factors that a change of unit can have.

    For each factor a row tells how much likelier its quantity is in that unit than in the usual one, by its size and
    by the grid of lots: whole lots that all end in zeros, parts of lots, amounts that are whole lots only when they
    are divided by the price of their row. The grid finds the first row; the sizes have to have moved too, as an
    exchange may change its lots. Where quantities lie on no grid, as base amounts of coin-margined contracts,
    notional is watched.

    What cannot be decided: the first row of a stretch may be told too early or too late by those around it that are
    round enough to be of either unit (at a factor of 10 up to some thirty rows, at 1,000 hardly ever one). A stretch
    of fewer than about a hundred rows is not always told, nor one at a factor of 10 in which the sizes do not add up
    to a proof; and lots that grow beyond the usual size cannot be told from quantities that do.

    Parameters
    ----------
    log : Log
        Takes ``quantity_unit``.
    contract_size : float or None
        Quote currency in one contract, for tapes that count contracts.
    """

    def __init__(self, log: Log, contract_size: float | None = None) -> None:
        self._log, self._units = log, _units(contract_size)
        count = len(self._units)
        self._state = _State(
            np.zeros((count, TOTAL + 1)), np.zeros((count, 4), np.int64), np.full((SLOTS, 2), -MEMORY - 1.0)
        )
        self._usual: Amounts | None = None
        self._first: list[tuple[Floats, Floats]] = []
        self._recent: Floats = np.empty(0)
        self._files: list[str] = []
        self._row, self._block, self._now, self._column = 0, 0, -1, "quantity"
        self._since: tuple[int, Spot] | None = None

    @property
    def unchecked(self) -> str:
        """Why nothing was looked at; empty when something was."""
        if self._usual is not None:
            return ""
        few = self._row < _BLOCK
        return f"fewer than {_BLOCK} rows" if few else "neither quantities nor notionals are whole lots"

    def push(self, chunk: Chunk) -> None:
        """Take new rows."""
        if not self._files or self._files[-1] != chunk.path:
            self._files.append(chunk.path)
        a = self._begin(chunk) if self._usual is None else 0
        while self._usual is not None and a < len(chunk):
            a = self._part(self._usual, chunk, a, min(a + _BLOCK - self._block, len(chunk)))

    def _begin(self, chunk: Chunk) -> int:
        """Learn from the first rows which column lies on a grid; returns how many of the chunk that took."""
        rows = min(max(_BLOCK - self._row, 0), len(chunk))
        self._first.append((chunk.quantity[:rows], chunk.notional[:rows]))
        self._row += rows
        if self._row < _BLOCK or not rows:
            return len(chunk)
        for column, parts in zip(("quantity", "notional"), zip(*self._first, strict=True), strict=True):
            values = np.concatenate(parts)
            decimals = decimals_of(values)
            if decimals is not None:
                self._usual, self._recent, self._column = Amounts(values, decimals), values, column
                return rows
        return len(chunk)

    def _part(self, usual: Amounts, chunk: Chunk, a: int, b: int) -> int:
        """Rows up to an alarm or the end of a block; returns where to go on."""
        rows = slice(a, b)
        amount: Floats = getattr(chunk, self._column)
        columns = (amount[rows], chunk.price[rows], chunk.line[rows], chunk.time[rows])
        tables = (usual.lot, usual.sizes, usual.points, self._units)
        done, found = watch(*columns, self._row, len(self._files) - 1, self._now, *tables, *self._state)
        taken = min(a + done + 1, b)
        self._recent = np.concatenate([self._recent, amount[a:taken]])[-_RECENT:]
        self._row, self._block = self._row + taken - a, self._block + taken - a
        if found != NO_ALARM:
            self._alarm(found)
        elif self._block >= _BLOCK and self._now < 0 and self._state.sums[:, GRID].max() < CAP / 2:
            usual.learn(self._recent[-_BLOCK:])
        self._block = 0 if found != NO_ALARM else self._block % _BLOCK
        return taken

    def _alarm(self, found: int) -> None:
        """A unit began, the usual one came back, or the exchange changed its lots."""
        if self._now >= 0:
            self._report(int(self._state.where[self._now, START]))
        elif found == LOTS:
            decimals = decimals_of(self._recent)
            self._usual = self._usual if decimals is None else Amounts(self._recent, decimals)
        else:
            start, line, time, file = self._state.where[found].tolist()
            self._now, self._since = found, (start, Spot(self._files[file], line, time))
        sums = self._state.sums
        sums[:, TOTAL] = sums[:, GRID] if self._now >= 0 else 0.0
        sums[:, :TOTAL] = 0.0

    def _report(self, until: int) -> None:
        if self._since is not None:
            start, spot = self._since
            likeliest = int(np.argmax(self._state.sums[:, TOTAL]))
            text = f"quantities are {_says(self._units[likeliest])}; {until - start} rows"
            self._log.add("quantity_unit", spot.saying(text), until - start)
        self._now, self._since = -1, None

    def finish(self) -> None:
        """Report a stretch that did not end."""
        self._report(self._row)


def _units(size: float | None) -> Floats:
    """What quantities may be multiplied by when their unit changes: decades, contracts, base against quote."""
    made = [(10.0**k, 0.0) for power in _POWERS for k in (power, -power)]
    if size is None:
        made += [(1.0, 1.0), (1.0, -1.0)]
    else:
        decade = math.isclose(size, 10.0 ** round(math.log10(size)))
        made += [(size, -1.0), *(() if decade else ((size, 0.0), (1 / size, 0.0)))]
    logs = [math.log10(factor) for factor, _ in made]
    whole = [
        round(x) if math.isclose(x, round(x), abs_tol=1e-9) and not p else 0
        for x, (_, p) in zip(logs, made, strict=True)
    ]
    return np.array([[f, x, k, p] for (f, p), x, k in zip(made, logs, whole, strict=True)], np.float64)


def _says(unit: Floats) -> str:
    """What a unit is to the usual one."""
    factor, price = float(unit[FACTOR]), float(unit[PRICE])
    if price:
        return "about those before times the price" if price > 0 else "about those before divided by the price"
    return f"about {max(factor, 1 / factor):.4g} {'times' if factor > 1 else 'parts of'} those before"
