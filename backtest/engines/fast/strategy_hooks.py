"""What the loops ask of a strategy: which of its hooks are in use, and one bar's step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import backtrader as bt
from backtrader.brokers.bbroker import BackBroker
from backtrader.lineiterator import LineIterator

from ....strategies.framework.base import Strategy
from . import indicators
from .cursors import SharedPosition, Ties

Phase = tuple[int, int, Callable[[], None], int]

PER_BAR = ("next", "prenext", "nextstart", "_next", "_prenext", "_nextstart")
PER_VALUE = ("notify_cashvalue", "notify_fund", "_notify_cashvalue", "_notify_fund")
RUN_HOOKS = ("_oncepost", "_oncepost_open", "_next_observers", "_next_analyzers", "_getminperstatus", "clear")


def overrides(thing: Any, base: type, names: Sequence[str]) -> bool:
    """Whether the class of ``thing`` has its own of any of ``names``."""
    return any(getattr(type(thing), name) is not getattr(base, name) for name in names)


def own_hook(strategy: Any) -> str:
    """The hook of the run that a strategy replaces; empty where there is none."""
    known = (bt.Strategy, Strategy)
    own = (n for n in RUN_HOOKS if getattr(type(strategy), n) not in [getattr(base, n) for base in known])
    return next(own, "")


def _any_of(analyzer: Any, names: Sequence[str]) -> bool:
    return overrides(analyzer, bt.Analyzer, names) or any(_any_of(child, names) for child in analyzer._children)


def _shortcuts(strategy: Any) -> dict[str, Any]:
    """``position`` without asking through two methods, where neither is anybody's own."""
    kind, broker = type(strategy), type(strategy.broker)
    stock = (kind.position, kind.getposition) == (bt.Strategy.position, bt.Strategy.getposition)
    if not stock or getattr(broker, "getposition", None) is not BackBroker.getposition:
        return {}
    return {"position": property(lambda self: self.broker.positions[self.datas[0]])}


class StrategyHooks:
    """One strategy in a run.

    Parameters
    ----------
    strategy : Strategy
        With its indicators computed.
    datas : sequence of feeds
        In the order in which the loop moves them.
    ties : Ties
        What holds the lines to the cursors.
    spare : sequence of Analyzer
        Analyzers that need not be called at every bar.

    Attributes
    ----------
    after : list of Cursor
        Where its indicators of each feed are.
    always : bool
        Whether somebody wants to hear of cash and value at every bar.
    ticking : list of Analyzer
        Who is called at every bar.
    observing : bool
        Whether there are observers.
    """

    def __init__(self, strategy: Any, datas: Sequence[Any], ties: Ties, spare: Any = ()) -> None:
        self.strategy = strategy
        self.desk = getattr(strategy, "desk", None) is not None
        self.after = [SharedPosition() for _ in datas]
        self.loose = indicators.tie(strategy, datas, self.after, ties)
        analyzers = [*strategy.analyzers, *strategy._slave_analyzers]
        self.always = overrides(strategy, bt.Strategy, (*PER_VALUE[:2], "_notify")) or any(
            _any_of(a, PER_VALUE) for a in analyzers
        )
        self.ticking = [a for a in strategy.analyzers if a not in spare and _any_of(a, PER_BAR)]
        self.observing = bool(strategy._lineiterators[LineIterator.ObsType])
        self.stamps: Any = strategy.lines.datetime.array
        self.simple = len(strategy.lines.lines) == 1 and not strategy.lines.datetime.bindings
        if self.simple:
            self.cursor = SharedPosition() if len(datas) > 1 else self.after[0]
            ties.series(strategy, self.cursor, **_shortcuts(strategy))
        self.whole = self.always or bool(strategy.cerebro.p.quicknotify)
        self.orders = [a for a in analyzers if _any_of(a, ("notify_order", "_notify_order"))]
        self.trades = [a for a in analyzers if _any_of(a, ("notify_trade", "_notify_trade"))]

    def notify(self) -> None:
        """Deliver news of orders and trades; nobody listens for cash and value."""
        strategy = self.strategy
        if self.whole:
            strategy._notify()
            return
        for order in strategy._orderspending:
            if order.exectype != order.Historical or order.histnotify:
                strategy.notify_order(order)
            for analyzer in self.orders:
                analyzer._notify_order(order)
        for trade in strategy._tradespending:
            strategy.notify_trade(trade)
            for analyzer in self.trades:
                analyzer._notify_trade(trade)

    @property
    def alone(self) -> bool:
        """Whether nothing of it has to be moved along by hand."""
        return self.simple and not self.loose

    def phases(self, start: int, end: int) -> Iterator[Phase]:
        """Spans of bars of a single feed with what to call there, and its standing to the warm-up."""
        strategy, first = self.strategy, max(self.strategy._minperiods[0] - 1, 0)
        spans = ((0, first, strategy.prenext, 1), (first, first + 1, strategy.nextstart, 0))
        for a, b, call, status in (*spans, (first + 1, end, strategy.next, -1)):
            strategy._minperstatus = status
            yield max(a, start), min(b, end), call, status

    def tick(self, status: int) -> None:
        """Call analyzers and observers."""
        for analyzer in self.ticking:
            if status < 0:
                analyzer._next()
            elif status == 0:
                analyzer._nextstart()
            else:
                analyzer._prenext()
        if self.observing:
            self.strategy._next_observers(status, once=True)

    def step(self, now: float) -> None:
        """What ``Strategy._oncepost`` does."""
        strategy = self.strategy
        if self.desk and strategy.rests():
            return
        for indicator in self.loose:
            if len(indicator._clock) > len(indicator):
                indicator.advance()
        self._forward(now)
        if self.always or strategy._orderspending or strategy._tradespending:
            self.notify()
        status = strategy._getminperstatus()
        if status < 0:
            strategy.next()
        elif status == 0:
            strategy.nextstart()
        else:
            strategy.prenext()
        self.tick(status)
        if strategy._orderspending or strategy._tradespending:
            strategy.clear()

    def _forward(self, now: float) -> None:
        if self.simple:
            self.cursor.i = len(self.stamps)
            self.stamps.append(now)
        else:
            self.strategy.forward()
            self.strategy.lines.datetime[0] = now
