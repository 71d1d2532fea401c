"""Positions held at target weights: brought back to them when a period begins, where they are off by a band."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...aggregation.sessions import Session
from ...core.lots import whole_lots
from ...core.steps import steps_of
from .limits import or_nothing, units_worth, worth_now

REBALANCE = "rebalance"
"""What the orders are for."""


class TargetWeights:
    """Brings the positions of desks to their weights of the equity.

    A desk is looked at when its first weight is known, and then at the first close of each period; one without a bar
    at that close, at its next. A position is moved where it is worth more than ``band`` of the equity too much or too
    little, and left wholly where its weight is 0. A weight that is not known leaves the position as it is.

    Parameters
    ----------
    desks : sequence of Strategy
        Started; in the order of ``trade``.
    weights : callable
        The weight of every desk that has one at this step, as a share of the equity, below 0 for a short position.
    every : Session
        The period.
    band : float
        Share of the equity.
    shared : bool
        Whether weights are shares of one whole, so that all desks are looked at when one has its first.
    """

    def __init__(
        self,
        desks: Sequence[Any],
        weights: Callable[[], Mapping[Any, float]],
        every: Session,
        band: float,
        *,
        shared: bool,
    ) -> None:
        self._desks, self._weights, self._every, self._band, self._shared = desks, weights, every, band, shared
        self._ends = dict.fromkeys(desks, -math.inf)
        self._weighed: set[Any] = set()
        self._sent: dict[Any, list[Any]] = {}

    def act(self, fresh: Sequence[Any]) -> Sequence[tuple[Any, float]]:
        """Send what leaves of the desks that have a bar now; what each of them is to have more of, signed."""
        if not any(self._is_due(desk) for desk in fresh):
            return ()
        weights = self._weights()
        new = weights.keys() - self._weighed
        if new and self._shared:
            self._ends = dict.fromkeys(self._desks, -math.inf)
        self._weighed |= new
        due = [desk for desk in fresh if desk in self._weighed and self._is_due(desk)]
        worth = float(self._desks[0].broker.getvalue())
        return [(desk, more) for desk in due if (more := self._reduce(desk, weights.get(desk, math.nan), worth))]

    def enter(self, desk: Any, more: float) -> None:
        """Send what a desk is to have more of; it may be cut to what the account can pay."""
        send = desk.buy if more > 0 else desk.sell
        with desk._protection.behind(desk.position.size * more < 0):
            self._note(desk, send(size=abs(more), reason=REBALANCE, sized=True))

    def _is_due(self, desk: Any) -> bool:
        return desk not in self._weighed or desk.data.close_time[0] >= self._ends[desk]

    def _reduce(self, desk: Any, weight: float, worth: float) -> float:
        """Send what is held too much; how much is to be added, signed."""
        self._ends[desk] = self._every.end(int(desk.data.close_time[0]))
        if math.isnan(weight):
            return 0.0
        for order in self._sent.pop(desk, ()):
            if order.alive():
                desk.cancel(order)
        held, target = desk.position.size, self._target(desk, weight * worth)
        if worth_now(desk, target - held) <= self._band * worth and weight:
            return 0.0
        if held and target * held <= 0:
            self._note(desk, desk.close(reason=REBALANCE))
            return or_nothing(desk, target)
        more = or_nothing(desk, math.copysign(whole_lots(abs(target - held), steps_of(desk.data).lot), target - held))
        if more * held >= 0:
            return more
        self._note(desk, desk.close(size=abs(more), reason=REBALANCE))
        return 0.0

    def _note(self, desk: Any, order: Any) -> None:
        if order is not None:
            self._sent.setdefault(desk, []).append(order)

    @staticmethod
    def _target(desk: Any, worth: float) -> float:
        """The signed size that is worth so much, in whole lots."""
        size = units_worth(desk.broker, desk.data, abs(worth), desk.data.close[0])
        return math.copysign(whole_lots(size, steps_of(desk.data).lot), worth)
