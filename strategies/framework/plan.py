"""From rules to orders: what a strategy that has `signals`, or rules with names, does at the close of a bar."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import backtrader as bt
import numpy as np

from ...core.adjusted import signal_line
from ...core.errors import DataError
from ...core.lots import whole_lots
from ...core.names import Names, beside
from ...core.steps import steps_of
from ...core.ticks import grid_of
from .answers import SIDES, VALID, Answers, Entry, Exit
from .day_orders import end_of_day
from .desks import desks_beside
from .guards import Guards
from .limits import or_nothing
from .lines import Floats, Lines, Ref
from .programs import note_state
from .signals import Masks
from .wake import NEVER, SkipHint

PARTS = ("size", "limit", "stop")
"""What an entry has besides its conditions."""


class Plan:
    """A strategy's rules, followed bar by bar: those that its signals are, one entry and one exit a side.

    Parameters
    ----------
    strategy : Strategy
        Whose, started.
    cooldown : int
        Bars, from the one in which a position ended, whose entries are left alone.
    most : int
        Most entries of one position, resting ones included.
    Notes
    -----
    It acts once a bar of the first feed, at its close: a bar of another feed in between changes nothing.
    Where backtrader has computed every line ahead, the rules are asked once; else anew at each bar, over
    the bars there are so far.
    """

    def __init__(self, strategy: Any, cooldown: int = 0, most: int = 1) -> None:
        self._strategy, self._cooldown, self._most = strategy, cooldown, most
        self._reverses = strategy.reversing(strategy.p._getkwargs())
        self._several = len(strategy.datas) > 1
        self._answers: Answers | None = None
        self._bars = 0
        self._entries: list[Any] = []
        self._exits: list[Any] = []
        self._ends: dict[int, int] = {}
        self._resting: dict[str, Any] = {}
        self._done: set[str] = set()
        self._price = 0.0
        self._held, self._left = 0.0, -(1 << 60)
        self._turns = False
        self._state, self._stated = np.zeros(6), -1
        self._best, self._best_from, self._best_to = math.nan, 0, 0

    def answer(self, lines: Lines) -> Answers:
        """What the rules say."""
        return Answers.of_signals(self._strategy.signals(lines), len(lines))

    def wake(self) -> SkipHint | None:
        """While flat the bars on which one side is to be entered, in a position those of its rules."""
        if self._several or not self._whole() or self._asks_every_bar():
            return None
        said = self._said()
        enter = {side: said.any_of(said.entries, side) for side in SIDES}
        leave = {side: said.any_of(said.exits, side) for side in SIDES}
        if self._most > 1:
            leave = {side: leave[side] | enter[side] for side in SIDES}
        either = np.logical_or if said.programs else np.logical_xor  # what goes by the position only may be true
        return SkipHint(either(enter["long"], enter["short"]), leave["long"], leave["short"])

    def _asks_every_bar(self) -> bool:
        """Whether what the rules send has to be looked at on every bar."""
        said = self._said()
        moves = any(rule.guards is not None and rule.guards.moves for rule in said.entries)
        return moves or any(rule.rests for rule in said.entries) or any(rule.limit is not None for rule in said.exits)

    def said(self) -> tuple[Answers, Lines]:
        """What the rules said on every bar of a run that is over, and of what they are made."""
        return self._said(), lines_of(self._strategy, whole=self._whole())

    def masks(self) -> Masks | None:
        """Where entries and exits are true, over all bars; None where not every line is computed ahead."""
        return self._said().masks() if self._whole() else None

    def act(self) -> None:
        """Leave, wholly or in part, or enter, as the rules say on this bar."""
        if self.is_new() and not self.leave() and (wish := self.wish()):
            self.enter(*wish)

    def leave(self) -> bool:
        """Leave, wholly or in part, as the rules say on this bar; whether no entry is to be looked at."""
        self._expire()
        self._turns = False
        strategy = self._strategy
        size = strategy.position.size
        if not size:
            return bool(self._bars - self._left < self._cooldown)
        if any(one is not None and one.alive() for one in self._exits):
            return True
        side = "long" if size > 0 else "short"
        if rule := next(self._leaving(side), None):
            self._leave(rule, side)
            return not self._turns
        if strategy._protection.expired():
            self._close("time_stop")
            return not self._turns
        return self._most == 1

    def notify(self, order: Any) -> None:
        """Learn from an order whether the position is new, larger, smaller or gone."""
        strategy = self._strategy
        if order.data is not strategy.data or order.status not in (bt.Order.Completed, bt.Order.Partial):
            return
        held = strategy.getposition(order.data).size
        if held * order.executed.size > 0:
            self._price = order.executed.price
        elif order.status == bt.Order.Completed and any(order.ref == one.ref for one in self._resting.values()):
            self._done.add(str(order.info.reason))
        if not held or held * self._held < 0:
            self._left, self._done = len(strategy.data), set()
            self._entries = [one for one in self._entries if one.alive() or one.executed.size * held > 0]
        self._held = held

    def _said(self) -> Answers:
        """What the rules say on every bar so far, or on all of them where those are known."""
        whole = self._whole()
        if self._answers is None or not (whole or self._answers.bars == self._bars):
            self._answers = self.answer(lines_of(self._strategy, whole=whole))
        return self._answers

    def _fires(self, rule: Entry | Exit, side: str) -> bool:
        said = self._said()
        mask = said.true.get((rule.name, side))
        return mask is not None and bool(mask[self._bars - 1]) and (not said.programs or self._holds(rule, side))

    def _holds(self, rule: Entry | Exit, side: str) -> bool:
        """Whether what a rule asks of the position is so: its condition true, its size and its price above 0."""
        programs = self._said().programs
        if (rule.name, side) in programs:
            told = self._number(rule, side)
            if math.isnan(told) or not told:
                return False
        return all(self._number(rule, what) > 0.0 for what in PARTS if (rule.name, what) in programs)

    def _number(self, rule: Entry | Exit, what: str) -> float:
        """What a part of a rule comes to on this bar: its condition for a side, or one of `PARTS`."""
        said, bar = self._said(), self._bars - 1
        if (rule.name, what) in said.programs:
            return float(said.programs.value((rule.name, what), bar, self._state_now()))
        return float(getattr(said, what)[rule.name][bar])

    def _state_now(self) -> Floats:
        """What the words of `core.names.STATE` are worth at the close of this bar."""
        if self._stated != self._bars:
            strategy, self._stated = self._strategy, self._bars
            position, entered, close = strategy.position, strategy._protection.entered, strategy.data.close[0]
            held, best = float(position.size), self._best_close(strategy.data, entered, position.size)
            note_state(self._state, held, float(position.price), close, float(self._bars - entered), best)
        return self._state

    def _best_close(self, data: Any, entered: int, held: float) -> float:
        """The best close since the bar of the entry, which this is the next look at."""
        if not held:
            return math.nan
        if entered != self._best_from:
            self._best, self._best_from, self._best_to = -math.copysign(math.inf, held), entered, entered - 1
        for ago in range(self._best_to - self._bars + 1, 1):
            close = data.close[ago]
            self._best = max(self._best, close) if held > 0 else min(self._best, close)
        self._best_to = self._bars
        return self._best

    def _leaving(self, side: str) -> Iterator[Exit]:
        """Exit rules that are true; what closes a part of a position does so once."""
        for rule in self._said().exits:
            if rule.name not in self._done and not self._rests(rule.name) and self._fires(rule, side):
                yield rule

    def _rests(self, name: str) -> bool:
        """Whether a limit order of this exit is still out."""
        return name in self._resting and bool(self._resting[name].alive())

    def _leave(self, rule: Exit, side: str) -> None:
        """Close the position, or the rule's share of it in whole lots."""
        strategy, held = self._strategy, abs(self._strategy.position.size)
        part = whole_lots(held * rule.share, steps_of(strategy.data).lot)
        if rule.limit is not None:
            self._leave_at(rule, side, held if rule.share >= 1.0 else part)
            return
        if rule.share >= 1.0 or part >= held:
            self._close(rule.name)
            return
        self._done.add(rule.name)
        if part > 0:
            self._exits = [strategy.close(size=part, reason=rule.name, reduce_only=True)]
            sign = 1.0 if side == "long" else -1.0
            strategy._protection.renew(sign * (held - part), self._price)

    def _leave_at(self, rule: Exit, side: str, size: float) -> None:
        """Send a limit order that closes ``size``, beside the protection that there is."""
        strategy = self._strategy
        if size > 0:
            send = strategy.sell if side == "long" else strategy.buy
            price, how = self._rounded(self._number(rule, "limit")), {"exectype": bt.Order.Limit, "reduce_only": True}
            order = self._resting[rule.name] = send(size=size, price=price, reason=rule.name, **how)
            self._ends[order.ref] = self._bars + rule.valid

    def _close(self, reason: str) -> None:
        """Close the position, and cancel what else still rests."""
        for order in (*self._entries, *self._resting.values()):
            if order.alive() and order.ref in self._ends:
                self._strategy.cancel(order)
        self._exits = [self._strategy.exit(reason=reason)]
        self._turns = self._reverses

    @property
    def turns(self) -> bool:
        """Whether what it left on this bar makes room for the other side."""
        return self._turns

    def of_one(self) -> str:
        """What of its rules only one position knows, and no spread; empty for nothing."""
        return ""

    def leaving(self, held: float) -> float:
        """The share of ``held``, the position, that is on its way out; 0 for none."""
        sizes = [abs(one.executed.remsize) for one in self._exits if one is not None and one.alive()]
        return min(1.0, math.fsum(sizes) / abs(held))

    def leaving_by(self) -> str:
        """What the exit on its way is called."""
        return next((str(one.info.get("reason", "")) for one in self._exits if one is not None), "exit")

    def size_of(self, rule: Entry, side: str) -> float:
        """What the sizer gives an entry, as often as its rule says."""
        guard = self._strategy._protection
        with guard.behind(self._turns), guard.sizing(self._guards(rule), 1.0 if side == "long" else -1.0):
            if rule.size is not None:
                return self._sized(self._number(rule, "size"), side)
            return float(self._strategy.getsizing(self._strategy.data, isbuy=side == "long"))

    def _guards(self, rule: Entry) -> Guards | None:
        """What protects a position of this entry, sent now; None for what protects every position."""
        if rule.guards is None:
            return None
        return rule.guards.sent(rule.name, {what: self._price_now(rule.name, what) for what in rule.levels})

    def _price_now(self, rule: str, what: str) -> float:
        """What an expression of an entry's protection is worth at this close."""
        return float(self._said().levels[rule, what][self._bars - 1])

    def note(self, order: Any) -> None:
        """Take an entry that was sent for it as its own."""
        if order is not None:
            self._entries.append(order)

    def wish(self) -> tuple[Entry, str] | None:
        """The first entry whose rule is true, and its side; none where rules of both sides are, or there are enough.

        Behind an exit it is one of the other side.
        """
        if self._turns:
            return self._turn()
        size = self._strategy.position.size
        sides: tuple[str, ...] = ("long",) if size > 0 else ("short",) if size < 0 else SIDES
        held = bool(size)
        self._entries = [one for one in self._entries if one.alive() or (held and one.executed.size)]
        if len(self._entries) >= self._most:
            return None
        if resting := [one for one in self._entries if one.alive()]:
            sides = tuple(s for s in sides if (s == "long") == resting[0].isbuy())
        return self._first_true(sides)

    def _turn(self) -> tuple[Entry, str] | None:
        """The entry to send behind an exit."""
        self._entries = [one for one in self._entries if one.alive()]
        fired = self._first_true(SIDES)
        other = "short" if self._strategy.position.size > 0 else "long"
        return fired if fired is not None and fired[1] == other else None

    def _first_true(self, sides: tuple[str, ...]) -> tuple[Entry, str] | None:
        """The first entry that is true for one of ``sides``, where none is for another of them."""
        fired = [(rule, side) for rule in self._said().entries for side in sides if self._fires(rule, side)]
        return fired[0] if len({side for _, side in fired}) == 1 else None

    def enter(self, rule: Entry, side: str) -> None:
        """Send the entry that `wish` gave."""
        guard, guards = self._strategy._protection, self._guards(rule)
        with guard.behind(self._turns), guard.sizing(guards, 1.0 if side == "long" else -1.0):
            self._send(rule, side, {} if guards is None else {"guards": guards})

    def _send(self, rule: Entry, side: str, more: dict[str, Any]) -> None:
        strategy = self._strategy
        kwargs: dict[str, Any] = {"reason": rule.name, **more}
        if rule.size is not None:
            kwargs["size"] = self._sized(self._number(rule, "size"), side)
            if not kwargs["size"]:
                return
            kwargs |= strategy._marked(None)
        if rule.rests:
            kwargs |= self._prices(rule)
        send = strategy.enter_long if side == "long" else strategy.enter_short
        order = send(**kwargs)
        if order is None or any(order is one for one in self._entries):
            return
        self._entries.append(order)
        if rule.rests:
            self._ends[order.ref] = NEVER if rule.tif != VALID else self._bars + rule.valid

    def _prices(self, rule: Entry) -> dict[str, Any]:
        """What makes an order wait for the prices of a rule."""
        limit, stop = (
            None if asked is None else self._rounded(self._number(rule, what))
            for what, asked in (("limit", rule.limit), ("stop", rule.stop))
        )
        how = self._standing(rule)
        if stop is None:
            return {"exectype": bt.Order.Limit, "price": limit, **how}
        if limit is None:
            return {"exectype": bt.Order.Stop, "price": stop, **how}
        return {"exectype": bt.Order.StopLimit, "price": stop, "plimit": limit, **how}

    def _standing(self, rule: Entry) -> dict[str, Any]:
        """How an entry stands in the market."""
        how: dict[str, Any] = {"at_once": True} if rule.tif == "ioc" else {}
        if rule.tif == "day":
            how["valid"] = end_of_day(self._strategy.data)
        return how | ({"post_only": True} if rule.post_only else {})

    def _sized(self, times: float, side: str) -> float:
        """So many times what the sizer gives, in whole lots; 0 below the smallest notional."""
        strategy, data = self._strategy, self._strategy.data
        return or_nothing(
            strategy, whole_lots(times * strategy.getsizing(data, isbuy=side == "long"), steps_of(data).lot)
        )

    def _rounded(self, price: float) -> float:
        return grid_of(steps_of(self._strategy.data).tick).on(price)

    def _expire(self) -> None:
        """Cancel what has rested long enough."""
        for order in (*self._entries, *self._resting.values()):
            if self._bars >= self._ends.get(order.ref, self._bars + 1) and order.alive():
                self._strategy.cancel(order)
                del self._ends[order.ref]

    def is_new(self) -> bool:
        """Whether the first feed has a bar that was not acted on, and it closes now."""
        strategy = self._strategy
        bars = len(strategy.data)
        if bars == self._bars or (self._several and strategy.data.datetime[0] != strategy.lines.datetime[0]):
            return False
        self._bars = bars
        return True

    def _whole(self) -> bool:
        """Whether every line is computed ahead."""
        cerebro = self._strategy.cerebro
        return bool(cerebro._dorunonce and all(data.buflen() for data in self._strategy.datas))


def lines_of(strategy: Any, *, whole: bool) -> Lines:
    """What the signals of a strategy under backtrader are made of: all bars, or those so far."""
    if strategy.cerebro.p.exactbars > 0:
        raise DataError(f"{type(strategy).__name__}: signals need every bar so far; run it without exactbars")
    feeds, clocks = _feeds(strategy), _clocks(strategy)
    indicators = strategy.indicators
    ends = {name: data.buflen() if whole else len(data) for name, data in feeds.items()}
    desks = {one.desk.feed: one for one in desks_beside(strategy)}

    def read(ref: Ref) -> Floats:
        owner, line = ref
        thing = indicators[owner] if owner in indicators else feeds[owner]
        end = ends[clocks.get(owner, owner)]
        if owner not in indicators:
            line = signal_line(line, thing.getlinealiases())
        return np.array(getattr(thing.lines, line).array[:end], dtype=np.float64)

    def desk(feed: str) -> Lines:
        return lines_of_desk(desks[feed], whole=whole)

    # Day numbers resolve 10 µs, and of bars close together they run ahead: exact times where there are any.
    clock = "close_time" if all("close_time" in data.getlinealiases() for data in feeds.values()) else "datetime"
    closes = {name: np.array(getattr(data.lines, clock).array[: ends[name]]) for name, data in feeds.items()}
    names = (
        beside({feed: _names(one) for feed, one in desks.items()})[strategy.data._name] if desks else _names(strategy)
    )
    return Lines(names, read, closes, desk)


def lines_of_desk(strategy: Any, *, whole: bool) -> Lines:
    """`lines_of` the strategy of a desk, which others look at too, made once, or once a bar."""
    bars = -1 if whole else len(strategy.data)
    if strategy._seen is None or strategy._seen[0] != bars:
        strategy._seen = bars, lines_of(strategy, whole=whole)
    made: Lines = strategy._seen[1]
    return made


def _feeds(strategy: Any) -> dict[str, Any]:
    """The feeds of a strategy by name, its first called ""."""
    return {(data._name or f"data{i}") if i else "": data for i, data in enumerate(strategy.datas)}


def _clocks(strategy: Any) -> dict[str, str]:
    """The feed of each indicator."""
    feeds = _feeds(strategy).items()
    return {
        name: next((f for f, data in feeds if data is made._clock), "") for name, made in strategy.indicators.items()
    }


def _names(strategy: Any) -> Names:
    """What rules may refer to."""
    return Names(
        tuple(strategy.data.getlinealiases()),
        {name: tuple(made.lines.getlinealiases()) for name, made in strategy.indicators.items()},
        {name: tuple(data.getlinealiases()) for name, data in _feeds(strategy).items() if name},
        _clocks(strategy),
        strategy.data._name,
        hours=getattr(strategy.data, "hours", ""),
    )
