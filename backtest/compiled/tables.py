"""What a compiled run reads: the market, every line of every feed, and on which bars a strategy is asked."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.bars import Bars
from ...core.clock import day_numbers
from ...core.errors import DataError
from ...core.lines import EXTRA, STANDARD
from ...core.names import Names
from ...core.registry import INDICATORS
from ...indicators.references import in_order, lines_read, spelled_out
from ...strategies.lines import Lines, Ref
from .layout import Floats

PRICES = ("open", "high", "low", "close")


def unusable(bars: Bars) -> str:
    """Why the compiled broker cannot trade these bars; empty when it can."""
    for name in PRICES:
        column = bars[name]
        if len(column) and not (column.min() > 0 and column.max() < np.inf):
            bad = np.flatnonzero(~(np.isfinite(column) & (column > 0)))
            return f"bar {bad[0] + 1} has no {name} above 0"
    return ""


def market(bars: Bars, stamps: Floats | None = None) -> Floats:
    """Open, high, low, close and day number (``stamps``, where they are known), (5, bars)."""
    days = day_numbers(bars["close_time"]) if stamps is None else stamps
    return np.array([*(bars[name] for name in PRICES), days])


class Tables:
    """Every column of every feed and every line of a run's indicators.

    Parameters
    ----------
    feeds : mapping of str to Bars
        The traded feed first.
    uses : mapping of str to Use or IndicatorBlock
        The indicators, by the name rules call them.

    Attributes
    ----------
    bars : Bars
        Of the traded feed.
    stamps : dict of str to ndarray of float64
        Day numbers of the bars' closes, by feed; the traded one is called "".
    closes : dict of str to ndarray of float64
        The closes themselves, epoch µs.
    indicators : dict of str to namespace
        The indicators with their lines, as a result asks for them.
    lines : Lines
        The same as strategies read it.
    """

    def __init__(self, feeds: Mapping[str, Bars], uses: Mapping[str, Any]) -> None:
        traded, *_ = feeds
        self._titles = ["" if name == traded else name for name in feeds]
        self._feeds = dict(zip(self._titles, feeds.values(), strict=True))
        self._named = dict(zip(self._titles, feeds, strict=True))
        self.bars = feeds[traded]
        self.stamps = {name: day_numbers(bars["close_time"]) for name, bars in self._feeds.items()}
        self._clocks = {name: "" if use.data in (None, "", traded) else use.data for name, use in uses.items()}
        made = self._make({name: (INDICATORS.find(use.kind), use.params) for name, use in uses.items()})
        self.indicators = {name: made[name] for name in uses}
        self.closes = {name: bars["close_time"].astype(np.float64) for name, bars in self._feeds.items()}
        self.lines = Lines(self._names(traded), self._read, self.closes)

    def _make(self, asked: Mapping[str, tuple[Any, Mapping[str, Any]]]) -> dict[str, Any]:
        """The indicators, each after those whose lines it reads."""
        made: dict[str, Any] = {}
        for name in in_order(asked):
            cls, params = asked[name]
            own = spelled_out(cls, params, {other: one.names for other, one in made.items()})
            texts = (text.partition(".") for text in lines_read(cls, own))
            read = {(other, line): made[other] for other, _, line in texts}
            made[name] = computed(cls, own, self._feeds[self._clocks[name]], read)
        return made

    def _names(self, traded: str) -> Names:
        columns = {name: _columns(bars) for name, bars in self._feeds.items()}
        lines = {name: made.names for name, made in self.indicators.items()}
        return Names(columns[""], lines, {k: v for k, v in columns.items() if k}, self._clocks, traded)

    def _read(self, ref: Ref) -> Floats:
        """A column, or a line of an indicator, on its own clock; a column that the bars lack is 0 throughout."""
        owner, name = ref
        if owner in self.indicators:
            made = self.indicators[owner]
            return np.asarray(made.table[made.names.index(name)])
        bars = self._feeds[owner]
        known: Mapping[str, NDArray[Any]] = bars.columns
        if name == "datetime":
            return self.stamps[owner]
        return np.asarray(known[name] if name in known else np.zeros(len(bars)), dtype=np.float64)

    def first(self) -> int:
        """The first bar of the traded feed on which a strategy is asked: when every feed has warmed up.

        Raises
        ------
        DataError
            If a feed has too few bars for its indicators.
        """
        at = 0
        for feed, stamps in self.stamps.items():
            own = (made.warmup for name, made in self.indicators.items() if self._clocks[name] == feed)
            needed = max(1, *own, 1)
            if len(stamps) < needed:
                title = self._named[feed]
                raise DataError(f"{title}: {len(stamps)} bars, but the indicators need {needed} before the first value")
            at = max(at, int(np.searchsorted(self.stamps[""], stamps[needed - 1], side="left")))
        return at

    def foreign(self) -> NDArray[np.bool_]:
        """Whether a bar of another feed alone comes before each bar of the traded one, and after its last; (n + 1,)."""
        own = self.stamps[""]
        made = np.zeros(len(own) + 1, dtype=bool)
        for feed, stamps in self.stamps.items():
            if feed:
                at = np.searchsorted(own, stamps, side="left")
                alone = (at == len(own)) | (own[np.minimum(at, len(own) - 1)] != stamps)
                made[at[alone]] = True
        return made


def _columns(bars: Bars) -> tuple[str, ...]:
    return (*STANDARD, *EXTRA, *(c for c in bars.columns if c not in STANDARD and c not in EXTRA))


def computed(cls: Any, params: Mapping[str, Any], bars: Bars, read: Mapping[tuple[str, str], Any]) -> Any:
    """An indicator's lines over ``bars`` and the lines it reads, and what a result says of it."""
    full = cls.resolve(params)
    columns = {".".join(ref): one.table[one.names.index(ref[1])] for ref, one in read.items()}
    settled = cls.settle(full, lambda name: bars.carries(name) or name in columns)
    before = max([1, *(one.warmup for one in read.values())]) - 1
    table = _table(cls, params, bars.assign(**columns) if columns else bars, before)
    names = cls.line_names(**full)
    made = SimpleNamespace(kind=cls.kind, names=names, table=table, warmup=before + cls.warmup(**settled))
    made.line_measures = cls.line_measures
    made.p = made.params = SimpleNamespace(**full, _getkwargs=lambda: dict(full))
    arrays = {name: SimpleNamespace(array=values) for name, values in zip(names, table, strict=True)}
    made.lines = _Lines(arrays)
    return made


def _table(cls: Any, params: Mapping[str, Any], bars: Bars, before: int) -> Floats:
    """The lines; as under backtrader, the math is not shown the bars on which what it reads has no value yet."""
    if before == 0:
        return np.asarray(cls.table(bars, **params))
    later = np.asarray(cls.table(bars.slice(before, None), **params))
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
