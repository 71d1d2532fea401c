"""Spreads: positions in several instruments that are entered and left together, in a ratio frozen at the entry."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import backtrader as bt

from ...core.errors import InputError
from ...core.lots import whole_lots
from ...core.steps import steps_of
from .limits import or_nothing, worth_now

BROKEN = "leg_refused"
"""What the orders are for that take the other legs out."""
REFUSED = (bt.Order.Margin, bt.Order.Rejected, bt.Order.Expired)
Ratio = Callable[[Any], float]


class Legs:
    """Enters and leaves the desks of a spread together, as the signals of the first say.

    Long is one unit of the first instrument and of each other as many as its ratio says, below 0 sold; short is the
    opposite. All legs are sent at one close or none: where one has no bar then, or would be too small an order, the
    entry is missed. Each fills at the next bar of its feed. Where a leg is refused, or closed by anything but the
    spread itself, the others are closed at market.

    Parameters
    ----------
    desks : sequence of Strategy
        Started; the first decides.
    ratios : mapping of Strategy to callable
        Of each desk but the first: units, or with ``by_value`` quote currency, for one of the first.
    by_value : set of Strategy
        Desks whose ratio is of value.

    Attributes
    ----------
    counts : Counter of str
        How many spreads were ``entered``, ``missed`` at sending, and ``broken`` by a leg.
    """

    def __init__(self, desks: Sequence[Any], ratios: Mapping[Any, Ratio], by_value: set[Any]) -> None:
        self._lead, self._others = desks[0], desks[1:]
        self._ratios, self._by_value = ratios, by_value
        self._frozen: dict[Any, float] = {}
        self._sent: list[Any] = []
        self.counts: Counter[str] = Counter()
        if why := self._lead._plan.of_one():
            raise InputError(f"portfolio.legs: {why}, and legs are several, entered together at market")

    def act(self, fresh: Sequence[Any]) -> None:
        """Do what the first desk's signals say at this close; mend a spread that a leg broke."""
        if self._is_broken():
            self._break()
        elif _is_among(self._lead, fresh):
            self._follow(fresh)

    def _follow(self, fresh: Sequence[Any]) -> None:
        plan, held = self._lead._plan, self._lead.position.size
        stays = plan.leave()
        if held and (share := plan.leaving(held)):
            self._leave(share)
        if stays or self._is_busy(turns=plan.turns) or not (wish := plan.wish()):
            return
        rule, side = wish
        sizes = self._sizes(plan.size_of(rule, side), side, fresh, new=not held or plan.turns)
        if sizes is None:
            self.counts["missed"] += 1
            return
        self.counts["entered"] += 1
        self._sent = [self._send(desk, size, rule.name, turns=plan.turns) for desk, size in sizes.items()]
        plan.note(self._sent[0])

    def _send(self, desk: Any, size: float, reason: str, *, turns: bool) -> Any:
        send = desk.enter_long if size > 0 else desk.enter_short
        with desk._protection.behind(turns):
            return send(reason=reason, size=abs(size))

    def _sizes(self, size: float, side: str, fresh: Sequence[Any], *, new: bool) -> dict[Any, float] | None:
        """The signed size of each leg; None where one cannot be sent now."""
        if not all(_is_among(desk, fresh) for desk in self._others):
            return None
        if new:
            self._frozen = {desk: self._ratio(desk) for desk in self._others}
        signed = size if side == "long" else -size
        made = {self._lead: signed} | {desk: self._lots(desk, ratio * signed) for desk, ratio in self._frozen.items()}
        return made if all(map(or_nothing, made, made.values())) else None

    def _ratio(self, desk: Any) -> float:
        """Units of a desk for one of the first, at this close."""
        made = self._ratios[desk](self._lead)
        if desk not in self._by_value:
            return made
        one = worth_now(desk, 1.0)
        first = worth_now(self._lead, 1.0)
        return made * first / one if one else math.nan

    @staticmethod
    def _lots(desk: Any, size: float) -> float:
        if math.isnan(size):
            return 0.0
        return math.copysign(whole_lots(abs(size), steps_of(desk.data).lot), size)

    def _leave(self, share: float) -> None:
        """Close so much of every other leg as was sent of the first."""
        reason = self._lead._plan.leaving_by()
        for desk in self._others:
            held = abs(desk.position.size)
            part = held if share >= 1.0 else whole_lots(held * share, steps_of(desk.data).lot)
            if part and part < held:
                desk.close(size=part, reason=reason)
            elif part:
                desk.exit(reason=reason)

    def _is_busy(self, *, turns: bool) -> bool:
        """Whether legs still leave, or are entered; those that one bar turns are on their way in any case."""
        return not turns and not self._lead.position.size and any(map(_is_active, self._others))

    def _is_broken(self) -> bool:
        if any(order is None or order.status in REFUSED for order in self._sent):
            return True
        desks = (self._lead, *self._others)
        held = [bool(desk.position.size) for desk in desks]
        return any(held) and not all(held) and not any(_working(desk) for desk in desks)

    def _break(self) -> None:
        """Take out what was entered of a spread."""
        self.counts["broken"] += 1
        self._sent = []
        for desk in (self._lead, *self._others):
            for order in _working(desk):
                desk.cancel(order)
            if desk.position.size:
                desk.exit(reason=BROKEN)


def _is_among(desk: Any, desks: Sequence[Any]) -> bool:
    """Whether ``desk`` itself is one of them: backtrader's ``==``, which ``in`` asks, compares what lines are worth."""
    return any(one is desk for one in desks)


def _working(desk: Any) -> list[Any]:
    """Orders of a desk that are sent and not done."""
    broker = desk.broker
    every = (*broker.pending, *broker.submitted)
    return [order for order in every if order is not None and order.data is desk.data and order.alive()]


def _is_active(desk: Any) -> bool:
    return bool(desk.position.size or _working(desk))
