"""Sizers: how large an order is, in whole lots."""

from __future__ import annotations

import math
from typing import Any

import backtrader as bt
import numpy as np

from ...configs.by_class import find, params_of
from ...configs.models import RunConfig
from ...core.errors import DataError
from ...core.lots import DEFAULT_LOT, whole_lots
from ...core.steps import steps_of
from ...strategies.framework.limits import units_worth, unless_too_small
from ..inputs.trading_hours import hours_of, traded_time
from ..recording.closed_trades import ClosedTradeAnalyzer
from .order_sizes import exposure, kelly_share, share_at_risk

__all__ = [
    "DEFAULT_LOT",
    "FixedAmount",
    "KellyFraction",
    "PercentOfEquity",
    "RiskPerTrade",
    "VolatilityTarget",
    "add_sizer",
    "kelly",
    "whole_lots",
]


def _closing(sizer: Any, data: Any, isbuy: bool) -> float:
    """The size of the position that an order the other way closes exactly, as `backtrader.sizers.PercentSizer` has it;
    0 where there is none, or where an exit is on its way and this is the entry behind it.
    """
    held = float(sizer.broker.getposition(data).size)
    if not held or (held < 0) != isbuy:
        return 0.0
    guard = getattr(sizer.strategy, "protection_of", None)
    return 0.0 if guard is not None and guard(data).reverses else abs(held)


class _LotSizer(bt.Sizer):
    """Rounds what `wish` asks for to lots, and to nothing below the smallest notional."""

    closes = True
    cuts = True
    """Whether what it gives may be cut to what the account can pay; an amount that was asked for is never changed."""

    def _getsizing(self, comminfo: Any, cash: float, data: Any, isbuy: bool) -> float:
        if self.closes and (held := _closing(self, data, isbuy)):
            return held
        price = data.close[0]
        wish = self.wish(price)
        if not wish > 0.0:  # no money left, or no price that could say how much it buys
            return 0.0
        return unless_too_small(self.broker, data, whole_lots(wish, steps_of(data).lot))

    def wish(self, price: float) -> float:
        """Size before rounding, in base currency."""
        raise AttributeError("a sizer says what it wishes for")


class PercentOfEquity(_LotSizer):
    """A share of the account's value.

    Parameters
    ----------
    percent : float, default=10.0
        Percent of equity at the close on which the order is sent.
    """

    params = dict(percent=10.0)

    def wish(self, price: float) -> float:
        """Equity times the share, over the price."""
        return float(self.broker.getvalue() * self.p.percent / 100.0 / price)


class FixedAmount(_LotSizer):
    """The same amount of base currency each time, whatever the position, as `backtrader.sizers.FixedSize` has it.

    Parameters
    ----------
    size : float, default=1.0
        In base currency.
    """

    closes = cuts = False

    params = dict(size=1.0)

    def wish(self, price: float) -> float:
        """The amount itself."""
        return float(self.p.size)


class _Exposure(bt.Sizer):
    """Turns a share of the equity, which `share` gives and ``most`` limits, into whole lots of any instrument.

    Parameters
    ----------
    most : float, default=None
        Percent of equity that a position's notional may be; 100 times the instrument's leverage when None.
    """

    cuts = True
    params: Any = dict(most=None)

    def _getsizing(self, comminfo: Any, cash: float, data: Any, isbuy: bool) -> float:
        if held := _closing(self, data, isbuy):
            return held
        price, equity = data.close[0], self.broker.getvalue()
        most = self.p.most
        if most is None:
            most = 100.0 * (self.broker.leverage(data) if hasattr(self.broker, "leverage") else 1.0)
        value = exposure(equity, self.share(data, price, equity), most / 100.0)
        if not (value and price > 0):
            return 0.0
        size = whole_lots(units_worth(self.broker, data, value, price), steps_of(data).lot)
        return unless_too_small(self.broker, data, size)

    def share(self, data: Any, price: float, equity: float) -> float:
        """Notional over equity; NaN or 0 for no order."""
        raise AttributeError("a sizer says what share it wishes for")


class ShareOfEquity(_Exposure):
    """A share of the account's value, on instruments whose sizes are contracts.

    Parameters
    ----------
    percent : float, default=10.0
        Percent of equity at the close on which the order is sent.
    """

    params = dict(percent=10.0, most=math.inf)

    def share(self, data: Any, price: float, equity: float) -> float:
        """The share itself."""
        return float(self.p.percent / 100.0)


class VolatilityTarget(_Exposure):
    """As much as has the volatility that is wanted of the account.

    The share is the target over the realised volatility: the standard deviation (ddof 1) of the log returns of the
    last ``window`` closes, times the root of how many such bars a year of 365 days holds, by the time those took. Where
    the feed has trading hours both count trading alone, in the 365 days before. No order is sent before there are as
    many, or while prices stand still.

    Parameters
    ----------
    target : float, default=20.0
        Percent a year.
    window : int, default=60
        Bars.
    """

    params = dict(target=20.0, window=60)

    def share(self, data: Any, price: float, equity: float) -> float:
        """Target over realised volatility."""
        made = realised_volatility(data, self.p.window)
        return float(self.p.target / 100.0 / made) if made > 0 else math.nan


def realised_volatility(data: Any, window: int) -> float:
    """Standard deviation of the last ``window`` log returns, for a year of trading; NaN before there are as many."""
    if len(data) <= window:
        return math.nan
    moves = np.diff(np.log(np.array(data.close.get(size=window + 1))))
    ends = np.array([data.close_time[-window], data.close_time[0]])
    elapsed, year = traded_time(hours_of(data), ends[:1], ends[1:])
    if not elapsed[0] > 0:
        return math.nan
    return float(np.std(moves, ddof=1) * math.sqrt(window * year[0] / elapsed[0]))


class KellyFraction(_Exposure):
    """A fraction of the bet that makes the account grow fastest, by the round trips that the run has finished.

    Parameters
    ----------
    fraction : float, default=0.5
        Of the whole Kelly bet; half of it is common, for the estimates err.
    trades : int, default=30
        Finished round trips before it is reckoned.
    start : float, default=1.0
        Percent of equity until then.
    """

    params = dict(fraction=0.5, trades=30, start=1.0)

    def share(self, data: Any, price: float, equity: float) -> float:
        """The fraction of what `kelly` says of the round trips so far."""
        made = self.strategy.analyzers.closed.returns
        if len(made) < self.p.trades:
            return float(self.p.start / 100.0)
        return float(self.p.fraction * kelly(made))


def kelly(returns: list[float]) -> float:
    """The share of the account to put into each bet that makes it grow fastest.

    A bet wins b per unit with probability p and loses a with q = 1 − p, its mean win, mean loss and their frequencies
    so far; the growth p·log(1 + f·b) + q·log(1 − f·a) is largest at f = p/a − q/b.

    Parameters
    ----------
    returns : list of float
        Of finished round trips, after fees, as shares of what was put in; what neither won nor lost is a loss of 0.

    Returns
    -------
    float
        0 where the bets lose or none won; infinite where none lost.

    References
    ----------
    .. [1] J. L. Kelly, "A New Interpretation of Information Rate", Bell System Technical Journal 35, 1956.
    .. [2] E. O. Thorp, "The Kelly Criterion in Blackjack, Sports Betting, and the Stock Market", 2006.

    Examples
    --------
    >>> round(kelly([0.02, 0.02, 0.02, -0.01, -0.01]), 9)
    40.0
    """
    wins, losses = [r for r in returns if r > 0], [-r for r in returns if r <= 0]
    win, loss = (math.fsum(some) / max(len(some), 1) for some in (wins, losses))
    return kelly_share(len(wins), len(returns) - len(wins), win, loss)


class RiskPerTrade(_Exposure):
    """As much as loses a given share of the account when the stop fills where it lies.

    The share is the percent at risk over the stop's distance as a part of the price, both at the close on which the
    order is sent. Without a stop it is no size at all.

    Parameters
    ----------
    percent : float, default=1.0
        Percent of equity at risk.
    """

    params = dict(percent=1.0)

    def share(self, data: Any, price: float, equity: float) -> float:
        """Percent at risk over the stop's distance."""
        guard = getattr(self.strategy, "protection_of", None)
        distance = None if guard is None else guard(data).stop_distance(price)
        if distance is None:
            raise DataError("sizer.risk sizes by the distance of the stop: set risk.stop_loss or risk.trailing_stop")
        return share_at_risk(self.p.percent / 100.0, price, distance)


def add_sizer(cerebro: Any, config: RunConfig) -> None:
    """Give ``cerebro`` the sizer that ``config`` asks for."""
    asked = config.sizer
    most = asked.most
    if asked.kind is not None:
        cls = find("sizer", asked.kind)
        cerebro.addsizer(cls, **params_of(cls, asked.params))
    elif asked.fixed is not None:
        cerebro.addsizer(FixedAmount, size=asked.fixed)
    elif asked.volatility is not None:
        cerebro.addsizer(VolatilityTarget, target=asked.volatility, window=asked.window, most=most)
    elif asked.kelly is not None:
        cerebro.addanalyzer(ClosedTradeAnalyzer, _name="closed")
        cerebro.addsizer(KellyFraction, fraction=asked.kelly, trades=asked.trades, start=asked.start, most=most)
    elif asked.risk is not None:
        cerebro.addsizer(RiskPerTrade, percent=asked.risk, most=most)
    elif config.traded.inverse:
        cerebro.addsizer(ShareOfEquity, percent=asked.percent)
    else:
        cerebro.addsizer(PercentOfEquity, percent=asked.percent)
