"""Contracts: what a size is worth, what a price move pays, and at which price a position is closed by force."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ...core.brackets import Bracket, kept, most_notional
from .order_rules import price_leaving


@dataclass(frozen=True)
class Contract:
    """An instrument whose sizes are base currency and whose account is kept in quote currency.

    Parameters
    ----------
    size : float
        Base currency in one contract of a venue that counts contracts; 1 elsewhere. Only fees by the contract ask.
    paid : bool
        Whether a position is paid for in full, with borrowed money if need be; else only its profit is settled.
    leverage : float
        Notional per unit of margin.
    brackets : tuple of Bracket
        What has to be left of the collateral, by notional, in account currency; one where there is one rate.
    liquidation_fee : float
        Share of the notional that a forced close costs besides the taker's fee.
    isolated : bool
        Whether only the margin posted for a position is at stake, rather than the whole account.

    Examples
    --------
    A long of 2 at 100 on a collateral of 40 is worth as much as its maintenance at 80 / (1 - 0.5 %):

    >>> perpetual = Contract(leverage=5.0, brackets=(Bracket(0.005),))
    >>> round(perpetual.liquidation_price(2.0, 100.0, 40.0), 6), perpetual.empty_price(2.0, 100.0, 40.0)
    (80.40201, 80.0)
    """

    size: float = 1.0
    paid: bool = False
    leverage: float = 1.0
    brackets: tuple[Bracket, ...] = (Bracket(0.0),)
    liquidation_fee: float = 0.0
    isolated: bool = False

    inverse = False

    def notional(self, size: float, price: float) -> float:
        """What ``size`` is worth at ``price``, in account currency, without sign."""
        return abs(size) * price

    def quote(self, size: float, price: float) -> float:
        """The same in quote currency."""
        return abs(size) * price

    def base(self, size: float, price: float) -> float:
        """The same in base currency."""
        return abs(size)

    def contracts(self, size: float) -> float:
        """How many contracts ``size`` is."""
        return abs(size) / self.size

    def units(self, value: float, price: float) -> float:
        """The size that is worth ``value`` of account currency at ``price``."""
        return value / price

    def pnl(self, size: float, entry: float, price: float) -> float:
        """Profit of a position of signed ``size`` from ``entry`` to ``price``, in account currency."""
        return size * (price - entry)

    def kept(self, size: float, price: float) -> float:
        """Maintenance margin of a position of ``size`` at ``price``."""
        return kept(self.brackets, self.notional(size, price))

    @cached_property
    def most(self) -> float:
        """The largest notional of a position that the brackets allow at this leverage."""
        return most_notional(self.brackets, self.leverage)

    def liquidation_price(self, size: float, entry: float, collateral: float) -> float:
        """The price at which collateral and profit together are just the maintenance margin.

        The margin by brackets is the largest of what the brackets say, so that a position that loses is first closed
        where the first of them says so: for a long the highest of their prices, for a short the lowest.

        Parameters
        ----------
        size, entry : float
            The position.
        collateral : float
            What is at stake besides the position's profit, in account currency.

        Returns
        -------
        float
            NaN where there is none: no price above 0 is low enough.
        """
        return self._first(size, entry, collateral, self.brackets)

    def empty_price(self, size: float, entry: float, collateral: float) -> float:
        """The price at which the collateral is used up; NaN where there is none."""
        return self._first(size, entry, collateral, (Bracket(0.0),))

    def _first(self, size: float, entry: float, collateral: float, brackets: Sequence[Bracket]) -> float:
        prices = (self._price(size, entry, collateral + b.deduction, b.rate) for b in brackets)
        return (max if size > 0 else min)((price for price in prices if price > 0), default=math.nan)

    def _price(self, size: float, entry: float, collateral: float, rate: float) -> float:
        """Solves collateral + size·(p − entry) = rate·|size|·p; not above 0 where there is no such price."""
        return price_leaving(size, entry, collateral, rate)


@dataclass(frozen=True)
class Inverse(Contract):
    """An instrument whose sizes are contracts worth a fixed amount of quote currency, settled in base currency.

    Examples
    --------
    One hundred contracts of 100 USD from 50,000 to 40,000 lose a twentieth of a coin:

    >>> round(Inverse(size=100.0).pnl(100.0, 50_000.0, 40_000.0), 12)
    -0.05
    """

    inverse = True

    def notional(self, size: float, price: float) -> float:
        """What ``size`` is worth at ``price``, in coin, without sign."""
        return abs(size) * self.size / price

    def quote(self, size: float, price: float) -> float:
        """The same in quote currency, which no price changes."""
        return abs(size) * self.size

    def base(self, size: float, price: float) -> float:
        """The same in coin."""
        return abs(size) * self.size / price

    def contracts(self, size: float) -> float:
        """How many contracts ``size`` is: itself."""
        return abs(size)

    def units(self, value: float, price: float) -> float:
        """The number of contracts worth ``value`` of coin at ``price``."""
        return value * price / self.size

    def pnl(self, size: float, entry: float, price: float) -> float:
        """Profit in coin: size · contract · (1/entry − 1/price)."""
        return size * self.size * (1.0 / entry - 1.0 / price) if size else 0.0

    def entry(self, size: float, price: float, added: float, at: float) -> float:
        """Entry price after more was added in its direction: the harmonic mean, for coin is what was paid."""
        return (size + added) / (size / price + added / at)

    def _price(self, size: float, entry: float, collateral: float, rate: float) -> float:
        """The same with all in coin: collateral + size·contract·(1/entry − 1/p) = rate·|size|·contract/p."""
        owned = collateral + size * self.size / entry
        return (size + rate * abs(size)) * self.size / owned if owned else math.nan
