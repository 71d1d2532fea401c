"""What a compiled run reads: the market, every line of every feed, and on which bars a strategy is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....core.bars import Bars
from ....core.errors import DataError
from ....core.lines import EXTRA, STANDARD
from ....core.names import Names
from ....core.trading import first_bar
from ....indicators.framework.inputs import ColumnSource
from ....strategies.framework.lines import Lines, Ref
from ...inputs.line_cache import Computed, LineCache
from ...inputs.requested_indicators import RequestedIndicator, asked
from .market import Market
from .state import Floats


class Tables:
    """Every column of every feed and every line of a run's indicators.

    Parameters
    ----------
    feeds : Market or mapping of str to Bars
        The traded feed first. A `Market` may serve any number of runs.
    uses : mapping of str to Use or IndicatorBlock
        The indicators, by the name rules call them.
    shelf : LineCache, optional
        Lines that runs over the same bars share; those it lacks are added to it.

    Attributes
    ----------
    market : Market
        The bars.
    bars : Bars
        Of the traded feed.
    indicators : dict of str to Indicator
        The indicators with their lines, as a result asks for them.
    lines : Lines
        The same as strategies read it.
    looked : bool
        Whether they have read lines of other desks.
    """

    def __init__(
        self, feeds: Market | Mapping[str, Bars], uses: Mapping[str, Any], shelf: LineCache | None = None
    ) -> None:
        market = self.market = feeds if isinstance(feeds, Market) else Market(feeds)
        self.bars = market.bars
        plan = {one.name: one for one in asked(uses, market.traded)}
        shelf = LineCache() if shelf is None else shelf
        made: dict[str, Computed] = {}
        for name, one in plan.items():
            made[name] = compute(one, market, made, shelf)
        self.indicators = {name: Indicator(plan[name], made[name]) for name in uses}
        self.looked = False
        self._clocks = {name: one.clock for name, one in plan.items()}
        self.lines = Lines(self._names(), self._read, {name: bars["close_time"] for name, bars in market.feeds.items()})

    def know(self, names: Names, desk: Callable[[str], Lines]) -> None:
        """Let lines show those of other desks: by ``names`` that know them, and ``desk``, which gives them."""
        closes = {name: bars["close_time"] for name, bars in self.market.feeds.items()}

        def seen(feed: str) -> Lines:
            self.looked = True
            return desk(feed)

        self.lines = Lines(names, self._read, closes, seen)

    def _names(self) -> Names:
        columns = {name: _columns(bars) for name, bars in self.market.feeds.items()}
        lines = {name: made.names for name, made in self.indicators.items()}
        others = {k: v for k, v in columns.items() if k}
        return Names(columns[""], lines, others, self._clocks, self.market.traded, hours=self.bars.hours)

    def _read(self, ref: Ref) -> Floats:
        """A column, or a line of an indicator, on its own clock; a column that the bars lack is 0 throughout."""
        owner, name = ref
        if owner in self.indicators:
            made = self.indicators[owner]
            return np.asarray(made.table[made.names.index(name)])
        bars = self.market.feeds[owner]
        if name == "datetime":
            return self.market.stamps[owner]
        known: Mapping[str, NDArray[Any]] = {**bars.columns, **bars.adjusted.columns}
        return np.asarray(known[name] if name in known else np.zeros(len(bars)), dtype=np.float64)

    def first(self, since: int | None = None) -> int:
        """The first bar of the traded feed on which a strategy is asked: when every feed has warmed up.

        Parameters
        ----------
        since : int, optional
            Epoch µs before whose first close it is not asked.

        Raises
        ------
        DataError
            If a feed has too few bars for its indicators.
        """
        at = 0 if since is None else first_bar(self.bars["close_time"], since)
        for feed, bars in self.market.feeds.items():
            own = [made.warmup for name, made in self.indicators.items() if self._clocks[name] == feed]
            if feed in self.market.beside and feed not in self._clocks.values():
                continue  # nothing waits for what is traded beside, but what is read of it
            needed = max(1, *own, 1)
            if len(bars) < needed:
                title = self.market.names[feed]
                raise DataError(f"{title}: {len(bars)} bars, but the indicators need {needed} before the first value")
            at = max(at, self._reached(feed, needed - 1))
        return at

    def _reached(self, feed: str, bar: int) -> int:
        """The bar of the traded feed on whose close ``bar`` of ``feed`` has closed."""
        if not feed:
            return bar
        stamps = self.market.stamps
        return int(np.searchsorted(stamps[""], stamps[feed][bar], side="left"))


class Indicator:
    """An indicator of a compiled run, as results ask for it.

    Parameters
    ----------
    asked : RequestedIndicator
        What it is.
    computed : Computed
        Its lines.
    """

    def __init__(self, asked: RequestedIndicator, computed: Computed) -> None:
        self.asked, self.computed = asked, computed
        self.names, self.table, self.warmup = computed
        self.kind, self.line_measures, self.clock = asked.cls.kind, asked.cls.line_measures, asked.clock
        self.remarks, self.defaults = asked.cls.remarks, asked.cls.defaults

    def on(self, feed: str) -> Indicator:
        """The same as results name it that know of several feeds: ``feed`` is what it follows where it says nothing."""
        return Indicator(self.asked._replace(clock=self.clock or feed), self.computed)

    @cached_property
    def p(self) -> Any:
        """Its parameters, every default spelled out."""
        full = self.asked.cls.resolve(self.asked.params)
        return SimpleNamespace(**full, _getkwargs=lambda: dict(full))

    @property
    def params(self) -> Any:
        """The same by its other name."""
        return self.p

    @cached_property
    def lines(self) -> Any:
        """Its lines by name and by number."""
        return _Lines(
            {name: SimpleNamespace(array=values) for name, values in zip(self.names, self.table, strict=True)}
        )


def _columns(bars: Bars) -> tuple[str, ...]:
    return (*STANDARD, *EXTRA, *(c for c in bars.columns if c not in STANDARD and c not in EXTRA))


def compute(one: RequestedIndicator, market: Market, made: Mapping[str, Computed], shelf: LineCache) -> Computed:
    """The lines of an indicator, from the shelf where it has them, else from the bars and what is ``made``."""
    read = {ref: made[ref[0]] for ref in one.reads}
    return shelf.lines(one.key, lambda: _computed(one.cls, one.params, market.feeds[one.clock], read))


def _computed(cls: Any, params: Mapping[str, Any], bars: Bars, read: Mapping[tuple[str, str], Computed]) -> Computed:
    full = cls.resolve(params)
    columns = {".".join(ref): one.table[one.names.index(ref[1])] for ref, one in read.items()}
    resolved = cls.resolved_over(
        full, lambda name: bars.carries(name) or name in columns, bars.columns, bars.source, bars.hours
    )
    before = max([1, *(one.warmup for one in read.values())]) - 1
    table = _table(cls, params, bars, columns, before)
    return Computed(tuple(cls.line_names(**full)), table, before + cls.warmup(**resolved))


class _Source(ColumnSource):
    """Bars with lines of indicators as further columns; a line that never has a value is there all the same."""

    def __init__(self, bars: Bars, lines: Mapping[str, Floats], before: int) -> None:
        super().__init__(bars.assign(**lines).slice(before, None))
        self._lines = lines

    def carries(self, name: str) -> bool:
        """Whether there is such a line, or the bars know such a column."""
        return name in self._lines or super().carries(name)


def _table(cls: Any, params: Mapping[str, Any], bars: Bars, lines: Mapping[str, Floats], before: int) -> Floats:
    """The lines; as under backtrader, the math is not shown the bars on which what it reads has no value yet."""
    if not lines:
        return np.asarray(cls.table(bars, **params))
    later = np.asarray(cls.table(_Source(bars, lines, before), **params))
    if before == 0:
        return later
    return np.concatenate((np.full((len(later), min(before, len(bars))), np.nan), later), axis=1)


class _Lines:
    """Lines by name and by number, as results ask for them."""

    def __init__(self, arrays: dict[str, Any]) -> None:
        self._arrays = arrays

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["_arrays"][name]
        except KeyError:
            raise AttributeError(name) from None

    def __getitem__(self, number: int) -> Any:
        return list(self._arrays.values())[number]

    def getlinealiases(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self._arrays)
