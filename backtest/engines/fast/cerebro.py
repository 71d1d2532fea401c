"""Cerebro with a fast loop: it falls back to its own where a feed or a strategy has a hook in it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import backtrader as bt
from backtrader.feed import AbstractDataBase, DataClone
from backtrader.feeds import RollOver

from ....core.lines import BarData
from ...inputs.line_cache import LineCache
from .precompute import run_once
from .preload import preload
from .run import Run
from .shared import share
from .strategy_hooks import own_hook

FEED_HOOKS = {
    "advance": (AbstractDataBase.advance, DataClone.advance),
    "advance_peek": (AbstractDataBase.advance_peek,),
    "_tick_fill": (AbstractDataBase._tick_fill, BarData._tick_fill),
    "_tick_nullify": (AbstractDataBase._tick_nullify, BarData._tick_nullify),
}
"""What a feed does at each bar, and whose way of it needs not be done while all bars are there."""


_MADE = "a feed's bars are made as the run goes"


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

    reason = "nothing ran yet"
    skipping = False
    left_out = foreseen = 0
    shelf: LineCache | None = None

    def by_precedence(self) -> list[Any]:
        """The feeds, finest time frame first."""
        return sorted(self.datas, key=lambda data: (data._timeframe, data._compression))

    def runstrategies(self, iterstrat: Any, predata: bool = False) -> Any:
        """As backtrader's, one combination of strategies; feeds are filled from arrays where they come from them."""
        self.reason = self._why_bar_by_bar()
        loaded = [] if predata or not self._dopreload else [d for d in self.datas if "preload" not in vars(d)]
        for data in loaded:
            data.preload = partial(preload, data, data.preload)
        try:
            return super().runstrategies(iterstrat, predata)
        finally:
            for data in loaded:
                vars(data).pop("preload", None)

    def _runonce(self, runstrats: list[Any]) -> None:
        self.reason = self._why_plain(runstrats)
        if self.reason:
            super()._runonce(runstrats)
            return
        for strategy in runstrats:
            if self.shelf is not None:
                share(strategy, self.shelf)
            run_once(strategy)
        for data in self.datas:
            data._tick_nullify()
        Run(self, runstrats).go()

    def _why_bar_by_bar(self) -> str:
        """Why bars are not all loaded, and lines worked out, before the first is shown; empty where they are."""
        if self._exactbars:
            return "exactbars keeps only the last bars"
        if self._dolive or self.p.live:
            rolls = next((name_of(data) for data in self.datas if isinstance(data, RollOver)), "")
            return f"feed {rolls} rolls over from contract to contract as the run goes" if rolls else "a feed is live"
        if self._doreplay:
            return next((f"feed {name_of(data)} is {how}" for data in self.datas if (how := _longer(data))), _MADE)
        if not self._dopreload:
            return "preload is off"
        if not self._dorunonce:
            return "runonce is off"
        return "oldsync asks for backtrader's older loop" if self.p.oldsync else ""

    def _why_plain(self, strategies: list[Any]) -> str:
        for data in self.datas:
            if own := next((n for n, known in FEED_HOOKS.items() if getattr(type(data), n) not in known), ""):
                return f"feed {name_of(data)} has its own {own}"
            if longer := getattr(data, "longer", ""):
                return f"feed {name_of(data)} is {longer}"
            bars = data.buflen()
            if any(line.buflen() != bars or line.bindings for line in data.lines.lines):
                return f"feed {name_of(data)} has lines of unequal length"
        for strategy in strategies:
            if own := own_hook(strategy):
                return f"strategy {type(strategy).__name__} has its own {own}"
            if read := _ticks_read(type(strategy)):
                return f"strategy {type(strategy).__name__} reads {read}"
        return ""


def name_of(data: Any) -> str:
    """What a feed is called in words: its name, without the folders of a file, or its class."""
    return Path(str(data._name)).name or type(data).__name__


def _longer(data: Any) -> str:
    """How backtrader makes a feed's bars longer as the run goes; empty where it does not."""
    return "replayed" if data.replaying else "resampled" if data.resampling else ""


def _ticks_read(kind: type) -> str:
    """A price of the tick, such as ``tick_close``, that a strategy's own methods name; empty for none."""
    for cls in kind.__mro__[: kind.__mro__.index(bt.Strategy)]:
        for method in vars(cls).values():
            names = getattr(getattr(method, "__code__", None), "co_names", ())
            if found := next((name for name in names if name.startswith("tick_")), ""):
                return found
    return ""
