"""Round trips: fills paired from flat to flat."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .recorder import Fill


def mean_price(mean: float, size: float, price: float, more: float) -> float:
    """The mean price of ``size`` had at ``mean`` and ``more`` at ``price``; compiled code takes it in as it is."""
    return (mean * size + price * more) / (size + more)


def percent_won(pnl: float, fees: float, notional: float) -> float:
    """Profit after fees in percent of what was put in; NaN where that is not above 0."""
    return 100.0 * (pnl - fees) / notional if notional > 0.0 else math.nan


@dataclass
class RoundTrip:
    """A position from its first fill to its last.

    Parameters
    ----------
    data : str
        Name of the feed.
    direction : str
        ``long`` or ``short``.
    size : float
        Base amount that was opened in all.
    entry_time, exit_time : int
        Close of the bar of the first and of the last fill, epoch µs.
    entry_price, exit_price : float
        Mean prices, weighted by size.
    bars : int
        Bars from the first fill to the last.
    pnl : float
        Profit before fees, in the account's currency.
    commission : float
        Fees of both ways.
    entry_reason, exit_reason : str
        What the strategy said.
    first_bar : int
        Bar of the first fill.
    first_price : float
        Price of the first fill; that of the entry when left out.
    multiplier : float
        Account currency that one unit of price is worth, a contract.
    """

    data: str
    direction: str
    size: float
    entry_time: int
    entry_price: float
    exit_time: int
    exit_price: float
    bars: int
    pnl: float
    commission: float
    entry_reason: str
    exit_reason: str
    first_bar: int = 0
    closed: float = 0.0
    contract: float = 0.0
    first_price: float = 0.0
    multiplier: float = 1.0

    def __post_init__(self) -> None:
        self.first_price = self.first_price or self.entry_price

    @property
    def pnl_net(self) -> float:
        """Profit after fees."""
        return self.pnl - self.commission

    @property
    def notional(self) -> float:
        """What was entered with, in the account's currency."""
        return self.size * (self.contract / self.entry_price if self.contract else self.multiplier * self.entry_price)

    @property
    def return_pct(self) -> float:
        """Profit after fees in percent of the entry's notional; NaN where that is not above 0."""
        return percent_won(self.pnl, self.commission, self.notional)


class Pairing:
    """Fills paired from flat to flat, as they come."""

    def __init__(self) -> None:
        self._live: dict[str, RoundTrip] = {}
        self._size: dict[str, float] = {}

    def add(self, fill: Fill) -> RoundTrip | None:
        """The round trip that ``fill`` ends, if it does."""
        done = None
        if fill.closed:
            trip = self._live[fill.data]
            _close(trip, fill)
            self._size[fill.data] += fill.closed
            if not self._size[fill.data]:
                done = self._live.pop(fill.data)
        if fill.opened:
            self._size[fill.data] = self._size.get(fill.data, 0.0) + fill.opened
            self._live[fill.data] = _open(self._live.get(fill.data), fill)
        return done


def pair(fills: Iterable[Fill], contracts: Mapping[str, float] | None = None) -> list[RoundTrip]:
    """Round trips that came to an end, in the order they did.

    Parameters
    ----------
    fills : iterable of Fill
        In time order.
    contracts : mapping of str to float, optional
        Quote currency in one contract of each feed whose sizes are contracts settled in coin.
    """
    pairing = Pairing()
    done = [trip for fill in fills if (trip := pairing.add(fill)) is not None]
    for trip in done if contracts else ():
        trip.contract = (contracts or {}).get(trip.data, 0.0)
    return done


def _open(trip: RoundTrip | None, fill: Fill) -> RoundTrip:
    amount = abs(fill.opened)
    if trip is None:
        direction = "long" if fill.opened > 0 else "short"
        trip = RoundTrip(
            data=fill.data,
            direction=direction,
            size=0.0,
            entry_time=fill.time,
            entry_price=0.0,
            exit_time=fill.time,
            exit_price=0.0,
            bars=0,
            pnl=0.0,
            commission=0.0,
            entry_reason=fill.reason,
            exit_reason="",
            first_bar=fill.bar,
            first_price=fill.price,
        )
    trip.entry_price = mean_price(trip.entry_price, trip.size, fill.price, amount)
    trip.size += amount
    trip.commission += fill.opened_fee
    return trip


def _close(trip: RoundTrip, fill: Fill) -> None:
    amount = abs(fill.closed)
    trip.exit_price = mean_price(trip.exit_price, trip.closed, fill.price, amount)
    trip.closed += amount
    trip.exit_time, trip.exit_reason = fill.time, fill.reason
    trip.bars = fill.bar - trip.first_bar
    trip.pnl += fill.pnl
    trip.commission += fill.closed_fee
