"""Cerebro with a fast loop: it falls back to its own where a feed or a strategy has a hook in it."""

from __future__ import annotations

from typing import Any

import backtrader as bt
from backtrader.feed import AbstractDataBase

from ....core.lines import BarData
from ...inputs.line_cache import LineCache
from .precompute import run_once
from .run import Run
from .shared import share
from .strategy_hooks import own_hook

FEED_HOOKS = ("advance", "advance_peek")


class FastCerebro(bt.Cerebro):
    """Cerebro whose runs over preloaded feeds do no work that cannot matter.

    Strategies, indicators, broker, orders and analyzers are backtrader's, and results are equal bit for
    bit. An analyzer with a method ``take`` is not called at every bar where the account can be rebuilt
    afterwards from what changed it; it is given time, value, cash and position as arrays instead.

    Attributes
    ----------
    reason : str
        Why the plain loop was used; empty after a fast run.
    skipping : bool
        Whether the strategy said ahead on which bars it can act, and the others were left out.
    left_out : int
        How many bars were.
    foreseen : int
        How many of them while orders rested, which were foreseen to trade on none of them.
    shelf : LineCache or None
        Lines that other runs over the same bars computed; those it lacks are added to it.
    """

    reason = "the run was not over preloaded arrays"
    skipping = False
    left_out = foreseen = 0
    shelf: LineCache | None = None

    def by_precedence(self) -> list[Any]:
        """The feeds, finest time frame first."""
        return sorted(self.datas, key=lambda data: (data._timeframe, data._compression))

    def _runonce(self, runstrats: list[Any]) -> None:
        self.reason = self._why_plain(runstrats)
        if self.reason:
            super()._runonce(runstrats)
            return
        for strategy in runstrats:
            if self.shelf is not None:
                share(strategy, self.shelf)
            run_once(strategy)
        Run(self, runstrats).go()

    def _why_plain(self, strategies: list[Any]) -> str:
        for data in self.datas:
            name = data._name or type(data).__name__
            if own := next((n for n in FEED_HOOKS if getattr(type(data), n) is not getattr(AbstractDataBase, n)), ""):
                return f"feed {name} has its own {own}"
            if type(data)._tick_fill is not BarData._tick_fill:
                return f"feed {name} keeps ticks"
            bars = data.buflen()
            if any(line.buflen() != bars or line.bindings for line in data.lines.lines):
                return f"feed {name} has lines of unequal length"
        for strategy in strategies:
            if own := own_hook(strategy):
                return f"strategy {type(strategy).__name__} has its own {own}"
        return ""
