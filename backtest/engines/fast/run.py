"""One run of the fast loop: ties lines to cursors, makes the broker lazy, and gives everything back."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np

from ...recording.recorder import closes as closes_of
from .broker import Lazy, make_lazy, restore, why_busy
from .cash_broker import CashBroker, is_plain_broker
from .cursors import SharedPosition, Ties
from .equity import Floats, rebuild
from .history import History
from .loops import any_run, every_bar
from .skipping_loop import make_alarm, on_waking
from .strategy_hooks import StrategyHooks

COLLECT_AFTER = 100_000
"""Objects made and not yet given up before the interpreter looks for cycles among them."""


class Run:
    """One run of the fast loop.

    Parameters
    ----------
    cerebro : FastCerebro
        Whose.
    strategies : list of Strategy
        With their indicators computed.
    """

    def __init__(self, cerebro: Any, strategies: list[Any]) -> None:
        self.cerebro, self.strategies = cerebro, strategies
        self.datas, self.broker = cerebro.by_precedence(), cerebro._broker
        self.cursors = [SharedPosition() for _ in self.datas]
        self.ties = Ties()
        self.cash = self.broker.cash
        cheats = cerebro.p.cheat_on_open or cerebro._timerscheat
        self.lazy = not cheats and not why_busy(self.broker)
        self.spare = [a for s in strategies for a in s.analyzers if hasattr(a, "take")] if self._rebuildable() else []
        self.told = 0

    def go(self) -> None:
        """Run from the first bar to the last, and leave everything as backtrader would."""
        try:
            self.parts = [StrategyHooks(s, self.datas, self.ties, self.spare) for s in self.strategies]
            for data, cursor in zip(self.datas, self.cursors, strict=True):
                self.ties.series(data, cursor)
            alone = len(self.parts) == len(self.datas) == 1 and self.parts[0].alone and self.lazy
            self.alone = alone and not (self.cerebro._timers or self.cerebro.runwriters)
            self.history = History(self.cursors[0] if self.alone else SharedPosition(), self.resume)
            if self.lazy:
                make_lazy(self.broker, self.history, CashBroker if is_plain_broker(self.broker) else Lazy)
            with _rare_collections():
                self._loop()
            self._tell(len(self.strategies[0]))
        finally:
            self.ties.loosen()
            if self.lazy:
                restore(self.broker)

    def resume(self) -> None:
        """Have the account noted at every bar from this one on."""
        spare, bar = self.spare, self.history.clock.i
        self._tell(max(bar, 0))
        self.spare = []
        self.parts[0].ticking += spare

    def _loop(self) -> None:
        if self.alone:
            reached, where = 0, (self.cerebro, self.parts[0], self.cursors[0], self.parts[0].after[0])
            if alarm := make_alarm(self.parts[0], self.datas[0].buflen()):
                self.cerebro.skipping = True
                reached = on_waking(*where, alarm)
            every_bar(*where, reached)
        else:
            any_run(self.cerebro, self.parts, self.cursors, self.history.clock, self.lazy)

    def _rebuildable(self) -> bool:
        """Whether what the account was worth can be worked out afterwards."""
        return (
            self.lazy
            and bool(self.broker.p.shortcash)
            and len(self.strategies) == 1
            and all(np.isfinite(_column(data, "close")).all() for data in self.datas)
            and all((np.diff(_column(data, "datetime")) > 0).all() for data in self.datas)
        )

    def _tell(self, end: int) -> None:
        """Hand the account over, up to bar ``end``."""
        if not self.spare or end <= self.told:
            return
        closes = {data: _column(data, "close")[bars] for data, bars in zip(self.datas, self._bars, strict=True)}
        traded = self.strategies[0].data
        bars = next(b for data, b in zip(self.datas, self._bars, strict=True) if data is traded)
        account = rebuild(self.history.holdings, closes, traded, self.cash, self.told, end)
        new: Any = slice(None)
        every = closes_of(traded)
        times = every[self.told : end]
        if len(self.datas) > 1:
            new = np.diff(bars[:end], prepend=-1)[self.told :] > 0
            times = every[bars[self.told : end][new]]
        for analyzer in self.spare:
            analyzer.take(times, *(column[new] for column in account))
        self.told = end

    @cached_property
    def _bars(self) -> list[Any]:
        """For each feed, its bar at each bar of the run, -1 before its first; all of them for a feed alone."""
        stamps = [_column(data, "datetime") for data in self.datas]
        if len(stamps) == 1:
            return [slice(None)]
        steps = np.unique(np.concatenate(stamps))
        return [np.searchsorted(own, steps, side="right").astype(np.int64) - 1 for own in stamps]


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Look for garbage in cycles less often, and not among what is there: each look goes through all of it."""
    before = gc.get_threshold()
    # What another froze stays so; to thaw this run's objects alone is not possible, and frozen they would never go.
    freeze = gc.isenabled() and not gc.get_freeze_count()
    if gc.isenabled():
        gc.set_threshold(max(before[0], COLLECT_AFTER), *before[1:])
    if freeze:
        gc.freeze()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        if freeze:
            gc.unfreeze()


def _column(data: Any, name: str) -> Floats:
    """A line of a feed as an array."""
    return np.frombuffer(getattr(data.lines, name).array, dtype=np.float64, count=data.buflen())
