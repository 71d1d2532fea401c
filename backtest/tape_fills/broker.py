"""The broker that fills from the tape: what orders get, and in which order, is what its prints say."""

from __future__ import annotations

from typing import Any

import backtrader as bt

from ..broker.base import REDUCE_ONLY, Broker
from .desk import Desk
from .fill_model import FillModel
from .trade_store import MarketByName


class TapeBroker(Broker):
    """The broker of a run, with the prints of its feeds to fill orders from.

    Accounts, fees, slippage, margin, groups and brackets are its base's own. What differs is when, at which price
    and how much of an order trades: `TapeOrder` says so. Of several orders that trade within one bar, the one whose
    print comes first goes first; a stop that triggers cancels the others of its group there and then. What an order
    takes of a print is not there for another one of its side.

    Attributes
    ----------
    desk : Desk
        The tickets of its orders.
    """

    desk: Desk

    def init(self) -> None:
        """Start a run."""
        super().init()
        self.p.filler = self.desk.chunk

    def getcommissioninfo(self, data: Any) -> Any:
        """What trading ``data`` costs, with what is charged on trial."""
        fees = super().getcommissioninfo(data)
        self.desk.burden(fees, data)
        return fees

    def submit(self, order: Any, check: bool = True) -> Any:
        """Take an order, and note when it was sent."""
        self.desk.note(order)
        return super().submit(order, check=check)

    def check_submitted(self) -> None:
        """Take in what was sent, and put all orders into the order in which this bar's prints come to them."""
        super().check_submitted()
        self.desk.arrange(self.pending)

    def on_arrival(self, order: Any) -> Any:
        """An order that is good at once meets prints like any other, but its ticket does not rest."""
        return None

    def would_take(self, order: Any) -> bool:
        """Whether a limit order takes liquidity when it arrives."""
        return self.desk.takes(order)

    def has_arrived(self, order: Any) -> bool:
        """Whether what is left of an order would rest."""
        return self.desk.rests(order)

    def place(self, order: Any, guards: list[Any], how: tuple[Any, ...]) -> None:
        """Put what protects an entry where its prints come, among all that is still to be tried in this bar."""
        self.desk.place(self.pending, guards)

    def _try_exec_market(self, order: Any, popen: float, phigh: float, plow: float) -> None:
        self.desk.fill(order, None)

    def _try_exec_limit(self, order: Any, popen: float, phigh: float, plow: float, plimit: float) -> None:
        self.desk.fill(order, plimit)

    def _try_exec_stop(
        self, order: Any, popen: float, phigh: float, plow: float, pcreated: float, pclose: float
    ) -> None:
        if self._has_triggered(order, pcreated):
            self.desk.fill(order, None)
        elif order.exectype == bt.Order.StopTrail:
            order.trailadjust(pclose)

    def _try_exec_stoplimit(
        self, order: Any, popen: float, phigh: float, plow: float, pclose: float, pcreated: float, plimit: float
    ) -> None:
        if self._has_triggered(order, pcreated):
            self.desk.fill(order, plimit)
        elif order.exectype == bt.Order.StopTrailLimit:
            order.trailadjust(pclose)

    def _has_triggered(self, order: Any, level: float) -> bool:
        """Whether a stop has triggered by the end of this bar; its group ends when it does."""
        if not order.triggered and self.desk.triggers(order, level):
            order.triggered = True
            self._ococheck(order)
            if order.info.get(REDUCE_ONLY):
                self.end_reducing(order.data)
            if order.parent is not None:
                self._bracketize(order)
        return bool(order.triggered)


def from_tape(broker: Any, markets: MarketByName, terms: FillModel) -> None:
    """Have ``broker`` fill from the tape, whatever its own kind of `Broker` is.

    Parameters
    ----------
    broker : Broker
        Before its run.
    markets : mapping of str to Market
        Of each feed, by its name.
    terms : Terms
        On which orders are filled.
    """
    own = type(broker)
    made = TapeBroker if issubclass(TapeBroker, own) else type.__new__(type(own), own.__name__, (TapeBroker, own), {})
    broker.__class__ = made
    broker.inside = "tape"
    broker.desk = Desk(broker, markets, terms)
