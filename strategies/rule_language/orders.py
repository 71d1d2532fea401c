"""From named rules to orders: entries by name, limit entries, adding to a position, leaving it in parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import backtrader as bt
import numpy as np

from ...core.lots import whole_lots
from ...core.schema import ADJUSTMENT
from ...core.steps import steps_of
from ...core.ticks import grid_of
from ..framework.lines import Floats, Lines
from ..framework.plan import Plan, lines_of
from ..framework.wake import Mask, SkipHint
from .schema import SIDES, Entry, Exit, Rulebook, asked


class RuleAnswers:
    """What every rule of a book says on every bar.

    Parameters
    ----------
    book : Rulebook
        The rules.
    lines : Lines
        What they read.
    """

    def __init__(self, book: Rulebook, lines: Lines) -> None:
        self.bars = len(lines)
        self.size: dict[str, Floats] = {}
        self.limit: dict[str, Floats] = {}
        self.true: dict[tuple[str, str], Mask] = {}
        for rule in book.entries:
            usable = np.ones(self.bars, dtype=bool)
            for values, said in ((self.size, rule.size), (self.limit, rule.limit)):
                if said is not None:
                    values[rule.name] = said.values(lines)
                    if said is rule.limit and ADJUSTMENT in lines.names.columns:
                        values[rule.name] = values[rule.name] / lines.column(("", ADJUSTMENT))
                    usable &= np.nan_to_num(values[rule.name]) > 0
            self.true |= {(rule.name, side): rule.sides[side].over(lines) & usable for side in rule.sides}
        for leave in book.exits:
            self.true |= {(leave.name, side): leave.sides[side].over(lines) for side in leave.sides}

    def any_of(self, rules: tuple[Entry, ...] | tuple[Exit, ...], side: str) -> Mask:
        """Where one of the rules is true for a side."""
        made = np.zeros(self.bars, dtype=bool)
        for rule in rules:
            made |= self.true.get((rule.name, side), False)
        return made


class RulePlan(Plan):
    """Named rules, followed bar by bar.

    Parameters
    ----------
    strategy : Rules
        Whose, started.
    """

    def __init__(self, strategy: Any) -> None:
        super().__init__(strategy)
        self._cooldown, self._most = strategy.p.cooldown, strategy.p.pyramiding
        self._book = Rulebook.of(asked(strategy.p), lines_of(strategy, whole=self._whole()).names)
        self._answers: RuleAnswers | None = None
        self._entries: list[Any] = []
        self._exits: list[Any] = []
        self._ends: dict[int, int] = {}
        self._done: set[str] = set()
        self._price = 0.0
        self._held, self._left = 0.0, -(1 << 60)

    def wake(self) -> SkipHint | None:
        """While flat the bars on which one side is to be entered, in a position those of its rules."""
        if self._several or not self._whole() or any(rule.limit for rule in self._book.entries):
            return None
        said, book = self._said(), self._book
        enter = {side: said.any_of(book.entries, side) for side in SIDES}
        leave = {side: said.any_of(book.exits, side) for side in SIDES}
        if self._most > 1:
            leave = {side: leave[side] | enter[side] for side in SIDES}
        return SkipHint(np.logical_xor(enter["long"], enter["short"]), leave["long"], leave["short"])

    def act(self) -> None:
        """Leave, wholly or in part, or enter, as the rules say on this bar."""
        if not self._is_new():
            return
        self._expire()
        strategy = self._strategy
        size = strategy.position.size
        if not size:
            if self._bars - self._left >= self._cooldown:
                self._enter(SIDES)
            return
        if any(one is not None and one.alive() for one in self._exits):
            return
        side = "long" if size > 0 else "short"
        if rule := next(self._leaving(side), None):
            self._leave(rule, side)
        elif strategy._protection.expired():
            self._close("time_stop")
        else:
            self._enter((side,))

    def notify(self, order: Any) -> None:
        """Learn from an order whether the position is new, larger, smaller or gone."""
        strategy = self._strategy
        if order.data is not strategy.data or order.status not in (bt.Order.Completed, bt.Order.Partial):
            return
        held = strategy.getposition(order.data).size
        if held * order.executed.size > 0:
            self._price = order.executed.price
        if self._held and held * self._held <= 0:
            self._left, self._done = len(strategy.data), set()
            self._entries = [one for one in self._entries if one.alive()]
        self._held = held

    def _said(self) -> RuleAnswers:
        """What the rules say on every bar so far, or on all of them where those are known."""
        whole = self._whole()
        if self._answers is None or not (whole or self._answers.bars == self._bars):
            self._answers = RuleAnswers(self._book, lines_of(self._strategy, whole=whole))
        return self._answers

    def _fires(self, rule: Entry | Exit, side: str) -> bool:
        mask = self._said().true.get((rule.name, side))
        return mask is not None and bool(mask[self._bars - 1])

    def _leaving(self, side: str) -> Iterator[Exit]:
        """Exit rules that are true; what closes a part of a position does so once."""
        for rule in self._book.exits:
            if rule.name not in self._done and self._fires(rule, side):
                yield rule

    def _leave(self, rule: Exit, side: str) -> None:
        """Close the position, or the rule's share of it in whole lots."""
        strategy, held = self._strategy, abs(self._strategy.position.size)
        part = whole_lots(held * rule.share, steps_of(strategy.data).lot)
        if rule.share >= 1.0 or part >= held:
            self._close(rule.name)
            return
        self._done.add(rule.name)
        if part > 0:
            self._exits = [strategy.close(size=part, reason=rule.name)]
            sign = 1.0 if side == "long" else -1.0
            strategy._protection.renew(sign * (held - part), self._price)

    def _close(self, reason: str) -> None:
        """Close the position, and cancel entries that still rest."""
        for order in self._entries:
            if order.alive() and order.ref in self._ends:
                self._strategy.cancel(order)
        self._exits = [self._strategy.exit(reason=reason)]

    def _enter(self, sides: tuple[str, ...]) -> None:
        """Send the first entry whose rule is true, unless rules of both sides are, or there are enough."""
        held = bool(self._strategy.position.size)
        self._entries = [one for one in self._entries if one.alive() or (held and one.executed.size)]
        if len(self._entries) >= self._most:
            return
        if resting := [one for one in self._entries if one.alive()]:
            sides = tuple(s for s in sides if (s == "long") == resting[0].isbuy())
        fired = [(rule, side) for rule in self._book.entries for side in sides if self._fires(rule, side)]
        if len({side for _, side in fired}) == 1:
            self._send(*fired[0])

    def _send(self, rule: Entry, side: str) -> None:
        strategy, bar = self._strategy, self._bars - 1
        kwargs: dict[str, Any] = {"reason": rule.name}
        if rule.size is not None:
            kwargs["size"] = self._sized(float(self._said().size[rule.name][bar]), side)
            if not kwargs["size"]:
                return
            kwargs |= strategy._marked(None)
        if rule.limit is not None:
            price = self._rounded(float(self._said().limit[rule.name][bar]))
            kwargs |= {"exectype": bt.Order.Limit, "price": price}
        send = strategy.enter_long if side == "long" else strategy.enter_short
        order = send(**kwargs)
        if order is None or any(order is one for one in self._entries):
            return
        self._entries.append(order)
        if rule.limit is not None:
            self._ends[order.ref] = self._bars + rule.valid

    def _sized(self, times: float, side: str) -> float:
        """So many times what the sizer gives, in whole lots; 0 below the smallest notional."""
        strategy, data = self._strategy, self._strategy.data
        size = whole_lots(times * strategy.getsizing(data, isbuy=side == "long"), steps_of(data).lot)
        return size if abs(size * data.close[0]) >= steps_of(data).min_notional else 0.0

    def _rounded(self, price: float) -> float:
        return grid_of(steps_of(self._strategy.data).tick).on(price)

    def _expire(self) -> None:
        """Cancel limit entries that have rested long enough."""
        for order in self._entries:
            if self._bars >= self._ends.get(order.ref, self._bars + 1) and order.alive():
                self._strategy.cancel(order)
                del self._ends[order.ref]


def plan_of(strategy: Any) -> Plan:
    """The plan of `Rules`: for named rules one of their own."""
    return RulePlan(strategy) if any(reasons(asked(strategy.p))) else Plan(strategy)


def reasons(params: Mapping[str, Any]) -> Iterator[str]:
    """What of ``params`` goes beyond one entry and one exit a side."""
    yield from (f"named {block}" for block in ("entries", "exits") if params.get(block))
    if params.get("cooldown"):
        yield "a cooldown"
    if (params.get("pyramiding") or 1) > 1:
        yield "pyramiding"
