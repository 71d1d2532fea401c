"""The broker with what holding a position costs or brings: funding, interest on what is borrowed, dividends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan
from typing import Any, Protocol

from ...core.clock import DAY
from ...core.schema import DIVIDEND, ROLL
from .costly import CostlyBroker

YEAR = 365 * DAY


@dataclass(frozen=True)
class Flow:
    """Money that a position paid or received while it was held.

    Parameters
    ----------
    time : int
        When it was due, epoch µs; for interest the end of the time it is for.
    data : str
        Name of the feed.
    kind : str
        ``funding``, ``borrow``, ``dividend`` or ``roll``.
    position : float
        Signed size; for borrow what was borrowed: a size below 0, or NaN for cash.
    price : float
        At which the position was valued.
    rate : float
        Of the notional; for borrow over the time it is for; for a dividend, of the price, which is that of the close
        before; NaN for a roll.
    amount : float
        Account currency; below 0 when paid.
    """

    time: int
    data: str
    kind: str
    position: float
    price: float
    rate: float
    amount: float


class Rates(Protocol):
    """Funding rates, at the instants at which they are paid."""

    def between(self, after: int, until: int) -> list[tuple[int, float, float]]:
        """Time, rate and mark price of payments later than ``after`` and not later than ``until``."""
        ...


@dataclass(frozen=True)
class ConstantRate:
    """The same rate at equal intervals, counted from midnight UTC.

    Parameters
    ----------
    rate : float
        Share of the notional; above 0 longs pay shorts.
    every : int
        µs.

    Examples
    --------
    >>> ConstantRate(1e-4, 10).between(10, 30)
    [(20, 0.0001, nan), (30, 0.0001, nan)]
    """

    rate: float
    every: int

    def between(self, after: int, until: int) -> list[tuple[int, float, float]]:
        """Payments later than ``after`` and not later than ``until``."""
        first = (after // self.every + 1) * self.every
        return [(time, self.rate, float("nan")) for time in range(first, until + 1, self.every)]


class CarryBroker(CostlyBroker):
    """The project's broker that books funding, interest and dividends as they fall due.

    What falls due within a bar, its close included, is reckoned on what is held at its close, at its close; what falls
    between two bars on what was held at the close of the earlier, at that close. A dump that tells the mark price is
    taken at its word. A dividend is booked at the open of its ex-day, before any order, on what was held at the close
    before: a long is paid it, a short pays it. So is what the two fills of a roll cost, from one contract to the next.

    Attributes
    ----------
    funding : mapping of str to Rates
        By the names of the feeds that pay it.
    borrow : float
        Annual rate on what is sold short, and on cash below 0; simple interest over a year of 365 days.
    flows : list of Flow
        What was booked; of each feed in time order.
    """

    funding: Mapping[str, Rates] = {}
    borrow = 0.0

    def init(self) -> None:
        """Start a run."""
        super().init()
        self.flows: list[Flow] = []
        self._bars: dict[Any, int] = {}

    def pass_bar(self) -> None:
        """Book what fell due before the bar, fill orders, book what fell due within it."""
        if self._idle():
            for data in self.cerebro.datas:
                self._bars[data] = len(data)
            return
        fresh = [data for data in self.cerebro.datas if len(data) > self._bars.get(data, 0)]
        booked = len(self.flows)
        for data in fresh:
            self._bars[data] = len(data)
            if len(data) > 1:
                self._carry(data, int(data.close_time[-1]), int(data.open_time[0]), data.close[-1])
                self._pay(data)
        self.at_open(fresh)
        super().pass_bar()
        self.at_close(fresh)
        for data in fresh:
            before = data.close_time[-1] if len(data) > 1 else data.open_time[0]
            start = int(max(before, data.open_time[0]))
            self._carry(data, start, int(data.close_time[0]), data.close[0])
        if len(self.flows) > booked:
            self._get_value()

    def _idle(self) -> bool:
        """Whether nothing is held, owed or to be done, so that the account stays what it is."""
        if self.pending or self.submitted or self._toactivate or self._cash_addition:
            return False
        return (not self.borrow or self.cash >= 0) and not any(held.size for held in self.positions.values())

    def at_open(self, fresh: list[Any]) -> None:
        """What to do with feeds that have a new bar before orders are tried."""

    def at_close(self, fresh: list[Any]) -> None:
        """What to do with them once orders have been tried."""

    def rates(self, data: Any) -> Rates | None:
        """The funding of a feed; None where it has none."""
        return self.funding.get(data._name)

    def _carry(self, data: Any, start: int, end: int, price: float) -> None:
        """Book what falls due later than ``start`` and not later than ``end``."""
        if end <= start:
            return
        held = self.positions[data].size
        rates = self.rates(data)
        if rates is not None and held:
            for time, rate, mark in rates.between(start, end):
                at = mark if mark > 0 else price
                paid = rate * self.contract(data).notional(held, at) * (1.0 if held > 0 else -1.0)
                self._book(data, Flow(time, data._name, "funding", held, at, rate, -paid))
        if self.borrow:
            rate = self.borrow * (end - start) / YEAR
            if held < 0:
                owed = self.contract(data).notional(held, price)
                self._book(data, Flow(end, data._name, "borrow", held, price, rate, -rate * owed))
            if self.cash < 0 and data is self.cerebro.datas[0]:
                self._book(data, Flow(end, data._name, "borrow", nan, nan, rate, rate * self.cash))

    def _pay(self, data: Any) -> None:
        """Book the dividend of an ex-day, on what was held at the close before."""
        line = getattr(data.lines, DIVIDEND, None)
        held = self.positions[data].size
        if line is not None and line[0] and held:
            before, paid = data.close[-1], line[0]
            self._book(
                data, Flow(int(data.open_time[0]), data._name, DIVIDEND, held, before, paid / before, held * paid)
            )
        rolls = getattr(data.lines, ROLL, None)
        if rolls is not None and rolls[0] and held:
            old, new = data.lines.roll_from[0], data.lines.roll_to[0]
            cost = self._change(data, held, old) + self._change(data, held, new)
            self._book(data, Flow(int(data.open_time[0]), data._name, ROLL, held, new, nan, -cost))

    def _change(self, data: Any, held: float, price: float) -> float:
        """What one of the two fills of a roll costs: a taker's fee, and slippage."""
        self.look_at(data)
        fee = self.getcommissioninfo(data).getcommission(held, price)
        return float(fee + abs(held) * (self.p.slip_perc * abs(price) + self.p.slip_fixed))

    def _book(self, data: Any, flow: Flow) -> None:
        self.cash += flow.amount
        self.flows.append(flow)
