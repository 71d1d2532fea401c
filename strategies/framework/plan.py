"""From signals to orders: what a strategy that has `signals` does at the close of a bar."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.adjusted import signal_line
from ...core.errors import DataError
from ...core.names import Names
from .lines import Floats, Lines, Ref
from .signals import Masks, Signals
from .wake import SkipHint


class Plan:
    """A strategy's signals, followed bar by bar.

    Parameters
    ----------
    strategy : Strategy
        Whose, started.

    Notes
    -----
    It acts once a bar of the first feed, at its close: a bar of another feed in between changes nothing.
    Where backtrader has computed every line ahead, the signals are asked for once; else anew at each bar, over
    the bars there are so far.
    """

    def __init__(self, strategy: Any) -> None:
        self._strategy = strategy
        self._several = len(strategy.datas) > 1
        self._masks: Masks | None = None
        self._bars = 0

    def wake(self) -> SkipHint | None:
        """While flat the bars on which one side is to be entered, in a position those on which to leave."""
        made = None if self._several else self.masks()
        if made is None:
            return None
        flat = np.logical_xor(made.long_entry, made.short_entry)
        return SkipHint(flat, made.long_exit, made.short_exit)

    def masks(self) -> Masks | None:
        """The signals over all bars; None where not every line is computed ahead."""
        if self._masks is None and self._whole():
            self._masks = self._asked()
        return self._masks

    def act(self) -> None:
        """Leave, or enter while flat, as the signals of this bar say."""
        strategy = self._strategy
        if not self._is_new():
            return
        size = strategy.position.size
        if size:
            side = "long" if size > 0 else "short"
            if self._now(f"{side}_exit"):
                strategy.exit(reason=f"{side}.exit")
            else:
                strategy.timed_out()
            return
        long, short = self._now("long_entry"), self._now("short_entry")
        if long and not short:
            strategy.enter_long()
        elif short and not long:
            strategy.enter_short()

    def notify(self, order: Any) -> None:
        """Hear of an order; signals ask for the position alone."""

    def _is_new(self) -> bool:
        """Whether the first feed has a bar that was not acted on, and it closes now."""
        strategy = self._strategy
        bars = len(strategy.data)
        if bars == self._bars or (self._several and strategy.data.datetime[0] != strategy.lines.datetime[0]):
            return False
        self._bars = bars
        return True

    def _now(self, name: str) -> bool:
        return bool(getattr(self.masks() or self._asked(), name)[self._bars - 1])

    def _whole(self) -> bool:
        """Whether every line is computed ahead."""
        cerebro = self._strategy.cerebro
        return bool(cerebro._dorunonce and all(data.buflen() for data in self._strategy.datas))

    def _asked(self) -> Masks:
        lines = lines_of(self._strategy, whole=self._whole())
        made: Signals = self._strategy.signals(lines)
        return made.filled(len(lines))


def lines_of(strategy: Any, *, whole: bool) -> Lines:
    """What the signals of a strategy under backtrader are made of: all bars, or those so far."""
    if strategy.cerebro.p.exactbars > 0:
        raise DataError(f"{type(strategy).__name__}: signals need every bar so far; run it without exactbars")
    feeds = {(data._name or f"data{i}") if i else "": data for i, data in enumerate(strategy.datas)}
    indicators = strategy.indicators
    clocks = {
        name: next((f for f, data in feeds.items() if data is made._clock), "") for name, made in indicators.items()
    }
    ends = {name: data.buflen() if whole else len(data) for name, data in feeds.items()}
    names = Names(
        tuple(strategy.data.getlinealiases()),
        {name: tuple(made.lines.getlinealiases()) for name, made in indicators.items()},
        {name: tuple(data.getlinealiases()) for name, data in feeds.items() if name},
        clocks,
        strategy.data._name,
        hours=getattr(strategy.data, "hours", ""),
    )

    def read(ref: Ref) -> Floats:
        owner, line = ref
        thing = indicators[owner] if owner in indicators else feeds[owner]
        end = ends[clocks.get(owner, owner)]
        if owner not in indicators:
            line = signal_line(line, thing.getlinealiases())
        return np.array(getattr(thing.lines, line).array[:end], dtype=np.float64)

    # Day numbers resolve 10 µs, and of bars close together they run ahead: exact times where there are any.
    clock = "close_time" if all("close_time" in data.getlinealiases() for data in feeds.values()) else "datetime"
    closes = {name: np.array(getattr(data.lines, clock).array[: ends[name]]) for name, data in feeds.items()}
    return Lines(names, read, closes)
