"""Fees by volume, by the contract and with a minimum."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from typing import Any

from ...core.clock import DAY
from ...core.lots import whole_lots
from .base import Fees
from .contracts import Contract

WINDOW = 30 * DAY
"""How long a fill counts towards the volume that fees go by."""


def _no_time() -> int:
    return 0


class Turnover:
    """The notional of own fills, and when they were."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._volume = 0.0
        self._fills: deque[tuple[int, float]] = deque()

    def add(self, time: int, notional: float) -> None:
        """Take in a fill at ``time``, epoch µs."""
        self._fills.append((time, notional))
        self._volume += notional

    def since(self, before: int) -> float:
        """What was traded later than ``before``, epoch µs; what was earlier is forgotten."""
        while self._fills and self._fills[0][0] <= before:
            self._volume -= self._fills.popleft()[1]
        if not self._fills:
            self._volume = 0.0
        return self._volume


class Schedule(Fees):
    """Commission as venues write it.

    A fill costs its notional times the maker's or taker's share, which own volume may lower, and besides so much for
    each contract; at least the minimum, unless it earns a rebate. The volume is the notional of own fills in the 30
    days before the bar of the fill; a fill counts from the one after it. A fill that closes a position and opens the
    opposite one is two.

    Parameters
    ----------
    tiers : tuple of (float, float, float), default=()
        Volume in quote currency from which on it holds, maker, taker; ascending.
    per_contract : float, default=0.0
        Account currency for each contract.
    minimum : float, default=0.0
        Account currency.
    contract : Contract, default=Contract()
        What is traded.
    turnover : Turnover, default=None
        The volume, which several instruments of a venue share; one of its own when None.
    """

    params: Any = dict(tiers=(), per_contract=0.0, minimum=0.0, contract=Contract(), turnover=None)

    def __init__(self) -> None:
        super().__init__()
        self.turnover = self.p.turnover or Turnover()
        self.begin(_no_time)

    def begin(self, now: Callable[[], int]) -> None:
        """Start with no volume; ``now`` tells the time, epoch µs."""
        self.now = now
        self.turnover.clear()

    def rates(self) -> tuple[float, float]:
        """Maker and taker by the volume so far."""
        if not self.p.tiers:
            return self.p.maker, self.p.taker
        done = self.turnover.since(self.now() - WINDOW)
        tier = bisect_right([volume for volume, _, _ in self.p.tiers], done)
        return self.p.tiers[tier - 1][1:] if tier else (self.p.maker, self.p.taker)

    def _getcommission(self, size: float, price: float, pseudoexec: bool) -> float:
        maker, taker = self.rates()
        fee = self.p.contract.notional(size, price) * (maker if self.resting else taker)
        fee += self.p.per_contract * self.p.contract.contracts(size)
        return float(max(fee, self.p.minimum) if fee >= 0 else fee)

    def confirmexec(self, size: float, price: float) -> None:
        """Count a fill towards the volume."""
        if self.p.tiers:
            self.turnover.add(self.now(), self.p.contract.quote(size, price))

    def getsize(self, price: float, cash: float) -> float:
        """Size worth ``cash`` of account currency, in lots."""
        return whole_lots(self.p.contract.units(cash, price), self.p.lot)


class InverseSchedule(Schedule):
    """The same for contracts settled in coin, whose worth and profit are in coin too."""

    def getvaluesize(self, size: float, price: float) -> float:
        """Worth in coin, with the size's sign."""
        worth: float = self.p.contract.notional(size, price) if size else 0.0
        return worth if size >= 0 else -worth

    def profitandloss(self, size: float, price: float, newprice: float) -> float:
        """Profit in coin."""
        gained: float = self.p.contract.pnl(size, price, newprice) if size else 0.0
        return gained
