"""Sizers: how large an order is, in whole lots."""

from __future__ import annotations

import math
from typing import Any

import backtrader as bt

DEFAULT_LOT = 1e-8


def whole_lots(size: float, lot: float | None) -> float:
    """``size`` rounded down to whole lots, as the decimal number a person would write.

    Parameters
    ----------
    size : float
        In base currency, at least 0.
    lot : float or None
        Smallest step; 1e-8 when None.

    Examples
    --------
    >>> whole_lots(0.12345, 0.001), whole_lots(0.3, 0.1), whole_lots(7.9, 1)
    (0.123, 0.3, 7.0)
    """
    step = lot or DEFAULT_LOT
    lots = math.floor(size / step * (1 + 1e-12) + 1e-9)
    digits = max(0, -math.floor(math.log10(step)) + 2)
    return round(float(lots * step), digits)


class _LotSizer(bt.Sizer):
    """Rounds what `wish` asks for to lots, and to nothing below the smallest notional."""

    def _getsizing(self, comminfo: Any, cash: float, data: Any, isbuy: bool) -> float:
        price = data.close[0]
        size = whole_lots(self.wish(price), getattr(data, "lot", None))
        return size if size * price >= getattr(data, "min_notional", 0.0) else 0.0

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
    """The same amount of base currency each time.

    Parameters
    ----------
    size : float, default=1.0
        In base currency.
    """

    params = dict(size=1.0)

    def wish(self, price: float) -> float:
        """The amount itself."""
        return float(self.p.size)
