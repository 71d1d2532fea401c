"""The loop for a strategy that says ahead on which bars it can act: the bars between are not visited."""

from __future__ import annotations

from bisect import bisect_left
from types import FunctionType
from typing import Any

import backtrader as bt
import numpy as np

from ....strategies.framework.base import Strategy
from .cursors import SharedPosition
from .notifications import deliver
from .order_forecast import Resting, matches_as_known
from .strategy_hooks import StrategyHooks

HEARING = ("notify_order", "notify_trade", "notify_timer", "notify_data", "notify_store")
HARMLESS = ("__init__", "signals", "start", "stop", *HEARING)
"""What a strategy may have of its own without changing when its parent's ``next`` acts."""
WORTH = 8
"""Fewer bars than this are sooner visited than foreseen."""


class NextCall:
    """When a strategy wants to be called again.

    Parameters
    ----------
    strategy : Strategy
        With its indicators computed.
    wake : Wake
        What it says.
    bars : int
        Bars of its feed.
    """

    def __init__(self, strategy: Any, wake: Any, bars: int) -> None:
        self.strategy, self.end = strategy, bars
        self.flat, self.long, self.short = (
            np.flatnonzero(mask).tolist() for mask in (wake.flat, wake.long, wake.short)
        )

    def after(self, bar: int) -> int:
        """The first bar after ``bar`` on which ``next`` may act if nothing happens until then."""
        size = self.strategy.position.size
        bars = self.long if size > 0 else self.short if size < 0 else self.flat
        at = bisect_left(bars, bar + 1)
        due = bars[at] if at < len(bars) else self.end
        return max(bar + 1, min(due, self.strategy.overdue())) if size else due


def make_alarm(part: StrategyHooks, bars: int) -> NextCall | None:
    """The alarm of a strategy that says when it can act; None where it has to be called at every bar."""
    strategy = part.strategy
    if part.always or part.ticking or part.observing or not _speaks_for_itself(type(strategy)):
        return None
    wake = strategy.wake()
    return None if wake is None else NextCall(strategy, wake, bars)


def _speaks_for_itself(kind: Any) -> bool:
    """Whether what ``wake`` says is about the ``next`` that ``kind`` has."""
    if not issubclass(kind, Strategy) or (kind.prenext, kind.nextstart) != (bt.Strategy.prenext, bt.Strategy.nextstart):
        return False
    for each in kind.__mro__:
        if "wake" in each.__dict__:
            return True
        own = (name for name, made in each.__dict__.items() if isinstance(made, FunctionType) and name not in HARMLESS)
        if any(hasattr(super(each, kind), name) for name in own):
            return False
    return False


def on_waking(cerebro: Any, part: StrategyHooks, cursor: SharedPosition, after: SharedPosition, alarm: NextCall) -> int:
    """Run until the end, or until somebody has to be called at every bar; give the bar reached."""
    return _Waking(cerebro, part, cursor, after, alarm).run()


class _Waking:
    """The run of `on_waking`."""

    def __init__(
        self, cerebro: Any, part: StrategyHooks, cursor: SharedPosition, after: SharedPosition, alarm: NextCall
    ) -> None:
        self.cerebro, self.part, self.cursor, self.after, self.alarm = cerebro, part, cursor, after, alarm
        self.strategy, self.broker = part.strategy, cerebro._broker
        self.times = cerebro.datas[0].lines.datetime.array
        self.resting = _resting(self.broker, cerebro.datas[0])
        self.first = max(self.strategy._minperiods[0] - 1, 0)

    def run(self) -> int:
        """Visit the bars on which anything can happen."""
        bar, bars = 0, len(self.times)
        self.strategy._minperstatus = -1
        due = self.alarm.after(self.first - 1)
        while bar < bars:
            to = _quiet_until(self.broker, self.resting, bar, due)
            if to > bar:
                self._leave_out(bar, to)
                bar = to
                continue
            due = self._visit(bar, due)
            bar += 1
            if self.part.ticking or self.cerebro._event_stop:
                break
        return bars if self.cerebro._event_stop else bar

    def _leave_out(self, bar: int, to: int) -> None:
        self.cerebro.left_out += to - bar
        if self.broker.pending and self.resting:
            self.resting.follow(self.broker.pending, bar, to)
            self.cerebro.foreseen += to - bar
        self.part.stamps.extend(self.times[bar:to])
        self.cursor.i = self.after.i = to - 1
        self.broker.stale = True

    def _visit(self, bar: int, due: int) -> int:
        """One bar as `every_bar` has it; gives the next on which ``next`` may act."""
        strategy, broker = self.strategy, self.broker
        self.cursor.i = bar
        if broker.busy:
            broker.next()
            deliver(broker.notifs, strategy, self.cerebro.p.quicknotify)
            if self.cerebro._event_stop:
                return due
        else:
            broker.stale = True
        self.after.i = bar
        self.part.stamps.append(self.times[bar])
        news = bool(strategy._orderspending or strategy._tradespending)
        if news:
            self.part.notify()
        if (news or bar >= due) and bar >= self.first:
            strategy.next()
            due = self.alarm.after(bar)
        if self.part.ticking:
            self.part.tick(-1)
        if strategy._orderspending or strategy._tradespending:
            strategy.clear()
        return due


def _resting(broker: Any, data: Any) -> Resting | None:
    """What foresees the orders of ``broker``; None where it fills them by rules of its own."""
    return Resting(data, broker) if matches_as_known(broker) else None


def _quiet_until(broker: Any, resting: Resting | None, bar: int, due: int) -> int:
    """First bar from ``bar`` on, at most ``due``, on which the broker has something to do."""
    if not broker.busy:
        return due
    if resting is None or due - bar < WORTH or len(broker.pending) == 0:
        return bar
    news = broker.submitted or broker._toactivate or broker._cash_addition or broker.notifs
    if news or broker.eager or broker.endangered:
        return bar
    return resting.until(broker.pending, bar, due)
