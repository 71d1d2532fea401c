"""The broker with costs that depend on the bar and on the order's size."""

from __future__ import annotations

import math
from typing import Any

from ...core.lots import whole_lots
from ...core.steps import steps_of
from .base import Broker
from .contracts import Contract
from .costs import FillTerms
from .fees import Schedule

SPOT = Contract(paid=True)


class CostlyBroker(Broker):
    """The project's broker with slippage by range, impact and a limit to its part of a bar's volume.

    Where own orders may be no more than a part of a bar's volume, an order is filled over as many bars as it takes: a
    market order at each open, a limit order where the price allows, a stop that was touched at market from the bar
    after on. Orders share a bar's volume first come, first served.

    Attributes
    ----------
    terms : FillTerms
        What decides the fill of the order that is tried.
    contracts : mapping of str to Contract
        What each feed trades, by its name.
    negative_prices : bool
        Whether fills may be at 0 and below.
    """

    terms = FillTerms()
    negative_prices = False

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.contracts: dict[str, Contract] = {}

    def init(self) -> None:
        """Start a run."""
        super().init()
        self._trying: Any = None
        self._taken: dict[Any, tuple[int, float]] = {}
        if any(terms.participation is not None for terms in (self.terms, *self.by_feed.values())):
            self.p.filler = self.portion

    def go_by(self, terms: FillTerms) -> None:
        """Fill by ``terms`` from here on."""
        super().go_by(terms)
        self.terms = terms

    def start(self) -> None:
        """Let fees know the time."""
        super().start()
        for scheme in self.comminfo.values():
            if isinstance(scheme, Schedule):
                scheme.begin(self.now)

    def now(self) -> int:
        """The latest close, epoch µs."""
        return max(int(data.close_time[0]) for data in self.cerebro.datas if len(data))

    def contract(self, data: Any) -> Contract:
        """What ``data`` trades."""
        return self.contracts.get(data._name, SPOT)

    def leverage(self, data: Any) -> float:
        """Notional that a unit of margin in ``data`` carries."""
        return self.contract(data).leverage

    def units(self, data: Any, value: float, price: float) -> float:
        """The size that is worth ``value`` of account currency."""
        return self.contract(data).units(value, price)

    def quote(self, data: Any, size: float, price: float) -> float:
        """What ``size`` is worth in quote currency."""
        return self.contract(data).quote(size, price)

    def portion(self, order: Any, price: float, ago: int) -> float:
        """How much of ``order`` this bar's volume allows, in whole lots."""
        data, left, share = order.data, abs(order.executed.remsize), self.terms.participation
        if share is None:
            return float(left)
        bar, taken = self._taken.get(data, (0, 0.0))
        volume = data.volume[ago] * share - (taken if bar == len(data) else 0.0)
        if not volume > 0:
            return 0.0
        contract = self.contract(data)
        most = volume / contract.base(1.0, data.close[ago])
        return float(left if left <= most else whole_lots(most, steps_of(data).lot))

    def _try_exec(self, order: Any) -> None:
        self._trying = order
        super()._try_exec(order)

    def _try_exec_stop(
        self, order: Any, popen: float, phigh: float, plow: float, pcreated: float, pclose: float
    ) -> None:
        if order.executed.size:
            self._try_exec_market(order, popen, phigh, plow)
        else:
            super()._try_exec_stop(order, popen, phigh, plow, pcreated, pclose)

    def _execute(self, order: Any, ago: Any = None, price: Any = None, *args: Any, **kwargs: Any) -> Any:
        before = order.executed.size
        made = super()._execute(order, ago, price, *args, **kwargs)
        if self.terms.participation is not None and order.executed.size != before:
            self._note_volume(order.data, abs(order.executed.size - before))
        return made

    def _note_volume(self, data: Any, size: float) -> None:
        bar, taken = self._taken.get(data, (0, 0.0))
        volume = self.contract(data).base(size, data.close[0])
        self._taken[data] = len(data), volume + (taken if bar == len(data) else 0.0)

    def distance(self, order: Any, price: float) -> float:
        """How much worse than ``price`` an order fills because of the bar's range and of its own size."""
        data, made, terms = order.data, 0.0, self.terms
        if terms.range_share:
            made += terms.range_share * (data.high[0] - data.low[0])
        if terms.impact is not None:
            size = abs(order.executed.remsize) if terms.participation is None else self.portion(order, price, 0)
            made += price * terms.impact.share(data, self.contract(data).base(size, price))
        return made

    def _slip_up(self, pmax: float, price: float, doslip: bool = True, lim: bool = False) -> Any:
        slipped = super()._slip_up(pmax, price, doslip, lim)
        moved = slipped + self.distance(self._trying, price)
        return self._priced(min(moved, pmax) if lim else moved)

    def _slip_down(self, pmin: float, price: float, doslip: bool = True, lim: bool = False) -> Any:
        slipped = super()._slip_down(pmin, price, doslip, lim)
        moved = slipped - self.distance(self._trying, price)
        return self._priced(max(moved, pmin) if lim else moved)

    def _priced(self, price: float) -> float | None:
        """``price``, or None, which fills nothing, where the impact has no bounds."""
        return price if (price > 0 or self.negative_prices) and math.isfinite(price) else None
