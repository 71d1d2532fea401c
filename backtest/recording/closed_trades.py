"""What finished round trips returned, known while the run goes on."""

from __future__ import annotations

from typing import Any

import backtrader as bt

from .recorder import News
from .round_trips import Pairing


class ClosedTradeAnalyzer(bt.Analyzer):
    """Hears of fills and pairs them into round trips as they end.

    Attributes
    ----------
    returns : list of float
        Profit after fees of each, as a share of the entry's notional, in the order in which they ended.
    """

    def __init__(self) -> None:
        self.returns: list[float] = []
        self._pairing = Pairing()

    def notify_order(self, order: Any) -> None:
        """Take in the fills since the news before."""
        for fill in News(order, len(order.data), order.created.price).fills(order.ref, order.data._name):
            trip = self._pairing.add(fill)
            if trip is not None:
                contract = getattr(self.strategy.broker, "contract", None)
                trip.contract = contract(order.data).size if contract and contract(order.data).inverse else 0.0
                self.returns.append(trip.return_pct / 100.0)
