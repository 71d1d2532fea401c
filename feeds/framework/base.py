"""The bases of all feeds: what a provider's class declares, and what it gets for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ...aggregation.bars import Aggregator
from ...aggregation.cutters import Covered
from ...aggregation.kinds import BarSpec
from ...aggregation.resample import resample
from ...core.bars import Bars
from ...core.clock import iso, parse_time
from ...core.errors import DataError, ParamError
from ...core.params import Rule, resolve
from ...core.plugins.registry import FEEDS
from ...core.progress import METER
from ...core.schema import BAR_COLUMNS, KLINE_COLUMNS, KNOWN_COLUMNS, Quality
from ...core.tape import Tape
from ..csv_reader.files import InputFile, expand
from .actions import CorporateActions
from .calendars import in_hours
from .faults import Faults, Places
from .gaps import finish
from .identity import Identity
from .settling import settled
from .units import check_units

Instant = int | str | None
"""Epoch µs, an ISO date or date-time, or None."""


class Feed:
    """A named reader of one provider's files.

    A subclass is registered by its name, unless it says ``abstract = True`` of itself.

    Parameters
    ----------
    paths : path or sequence of paths
        Files; patterns with ``*`` are expanded. Empty for a feed that needs none.
    **params
        The feed's own parameters.

    Raises
    ------
    DataError
        If a file is missing, or there is none.
    ParamError
        If a parameter is unknown or out of bounds.
    """

    abstract: ClassVar[bool] = True
    params: ClassVar[Mapping[str, Any]] = {}
    """Parameters and their defaults; those of the bases are inherited."""
    bounds: ClassVar[Mapping[str, Rule]] = {}
    """Legal values of parameters; inherited too."""
    gives: ClassVar[str] = ""
    """``tape`` or ``bars``."""
    needs_path: ClassVar[bool] = True
    has_levels: ClassVar[bool] = False
    """Whether its bars can have price rows."""
    may_have_classes: ClassVar[bool] = False
    """Whether its bars keep classes of trade size where its files do, which reading them tells."""
    knows_prices: ClassVar[bool] = True
    """False where a bar in which somebody traded may be without an open or a close, so that it cannot be traded."""
    rolls_over: ClassVar[bool] = False
    """Whether its bars go from one contract to the next, marked by `core.schema.ROLLS`."""
    why_no_actions: ClassVar[str] = ""
    """Why splits and dividends cannot be told of it; empty where they can."""
    canonical: ClassVar[tuple[str, ...]] = tuple(BAR_COLUMNS)
    """The canonical columns that its bars can know."""

    named_as: ClassVar[str] = ""
    """Pattern of the provider's file names where they are its own: symbol and kind as groups."""

    @classmethod
    def complaint(cls, params: Mapping[str, Any], paths: Sequence[Path] = ()) -> str:
        """What is wrong that no data need be read for, by parameters and names of files; empty where nothing is."""
        if params.get("symbol") is None and cls.needs_path:
            try:
                Identity(cls.__name__).names(paths, cls.named_as)
            except DataError as err:
                return str(err)
        return ""

    def identify(self) -> None:
        """Settle the parameters that files themselves tell, by as little reading as that takes."""

    def remarks(self) -> tuple[str, ...]:
        """What was taken from files or assumed, in words; whole once they have been read."""
        return ()

    @classmethod
    def extra_columns(cls, params: Mapping[str, Any]) -> tuple[str, ...]:
        """The columns beyond the canonical ones that bars have under ``params``."""
        return ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.params = {**_inherited(cls, "params"), **cls.__dict__.get("params", {})}
        cls.bounds = {**_inherited(cls, "bounds"), **cls.__dict__.get("bounds", {})}
        if not cls.__dict__.get("abstract", False):
            FEEDS.add(cls)

    def __init__(self, paths: str | Path | Sequence[str | Path] = (), **params: Any) -> None:
        name = type(self).__name__
        self.p: dict[str, Any] = resolve(name, params, type(self).params, type(self).bounds)
        given: list[str | Path] = [paths] if isinstance(paths, str | Path) else list(paths)
        if given and not self.needs_path:
            raise DataError(f"{name}: reads no files (got path {given[0]})")
        if not given and self.needs_path:
            raise DataError(f"{name}: needs a path")
        self.paths: list[Path] = self._expand(given)
        if self.needs_path and self.p.get("symbol") is None:
            Identity(name).names(self.paths, self.named_as)
        METER.expect(self.paths)
        self.files: list[InputFile] = []
        """What was read, with digests; filled by reading."""
        self.counts: dict[str, int] = {}
        """Rows by what became of them; filled by reading."""
        self.interval: int | None = None
        """Length of a kline in µs, once known."""
        self.exchange = ""
        """The venue that rows name, once known."""
        self.tick: float | None = None
        """The venue's price step, where known."""
        self.unread: dict[str, None] = {}
        """Columns of the files that were passed over; filled by reading, as far as files name them."""
        self.negative_prices = False
        """Whether its market may trade at 0 and below; set by who reads it."""
        self.lenient_units = False
        """Whether amounts in another unit are taken for unknown, not refused; set by a run, which may read none."""
        self.actions: CorporateActions | None = None
        """Splits and dividends that bars are adjusted for."""
        self.quarantine: Path | None = None
        """Where lines that cannot be read are written when ``bad_rows`` is ``quarantine``; None only counts them."""

    def adjust_for(self, actions: CorporateActions) -> None:
        """Let bars be adjusted for splits and dividends.

        Raises
        ------
        ParamError
            If this feed cannot.
        """
        if self.why_no_actions:
            raise ParamError(f"actions: {type(self).__name__} {self.why_no_actions}")
        self.actions = actions

    def _expand(self, paths: list[str | Path]) -> list[Path]:
        """The files that ``paths`` name."""
        return expand(paths)

    @property
    def source(self) -> str:
        """Where the data come from, for errors and reports."""
        if not self.paths:
            return type(self).__name__
        more = f" and {len(self.paths) - 1} more" if len(self.paths) > 1 else ""
        return f"{self.paths[0]}{more}"


def _inherited(cls: type[Feed], name: str) -> dict[str, Any]:
    """What the bases of ``cls`` declare, the nearest last."""
    made: dict[str, Any] = {}
    for base in reversed(cls.__mro__[1:]):
        made |= base.__dict__.get(name, {})
    return made


def instant(value: Instant) -> int | None:
    """Epoch µs of a bound in time.

    Raises
    ------
    ParamError
        If it is text and no ISO date.
    """
    if value is None or isinstance(value, int):
        return value
    try:
        return parse_time(value)
    except ValueError as err:
        raise ParamError(str(err)) from None


class Window:
    """The part of a tape from ``start`` up to ``end``, and what it proves about its own edges.

    Parameters
    ----------
    start, end : int or None
        Epoch µs; None for no bound.
    """

    def __init__(self, start: int | None, end: int | None) -> None:
        self._start, self._end = start, end
        self._before = self._after = False
        self.rows = 0
        self.first = 0
        """Time of the first row within, once there is one."""

    def cut(self, tapes: Iterable[Tape]) -> Iterator[Tape]:
        """The rows within; stops at the first row that is not before the end."""
        for tape in tapes:
            lo = 0 if self._start is None else int(np.searchsorted(tape.time, self._start, "left"))
            hi = len(tape) if self._end is None else int(np.searchsorted(tape.time, self._end, "left"))
            self._before |= lo > 0
            self._after |= hi < len(tape)
            if lo < hi:
                self.first = self.first if self.rows else int(tape.time[lo])
                self.rows += hi - lo
                METER.rows += hi - lo
                yield tape if hi - lo == len(tape) else tape[lo:hi]
            if self._after:
                return

    def covered(self, known: Covered) -> Covered:
        """From when to when the cut is complete, given what is ``known`` of the whole.

        Rows seen beyond a bound prove that the tape reaches past it.
        """
        since, until = known
        if self._start is not None and (self._before or (since is not None and since <= self._start)):
            since = self._start
        if self._end is not None and (self._after or (until is not None and until >= self._end)):
            until = self._end
        return since, until


class TapeFeed(Feed):
    """A feed of trades; a subclass writes `tapes`."""

    abstract = True
    gives = "tape"
    canonical = tuple(KNOWN_COLUMNS)
    has_levels = True

    def tapes(self) -> Iterator[Tape]:
        """Batches in time order, in bounded memory."""
        raise NotImplementedError

    def covered(self) -> Covered:
        """From when to when (epoch µs) the tape is known to hold every trade; None where that is not known."""
        return None, None

    def without_rows(self) -> str:
        """What to say of a tape that gave no row."""
        return "no trades"

    def _tapes_between(self, start: int | None, end: int | None) -> Iterator[Tape]:
        """`tapes`, of which batches wholly outside ``[start, end)`` may be left out."""
        return self.tapes()

    def bars(
        self,
        spec: str = "1m",
        *,
        row_size: float | str | None = None,
        size_edges: Sequence[float | str] | None = None,
        start: Instant = None,
        end: Instant = None,
        tick: float | None = None,
        sequence: bool = False,
        levels_by_size: bool = False,
    ) -> Bars:
        """Bars of one kind; see `bars_of`."""
        return self.bars_of(
            [spec],
            row_size=row_size,
            size_edges=size_edges,
            start=start,
            end=end,
            tick=tick,
            sequence=sequence,
            levels_by_size=levels_by_size,
        )[0]

    def bars_of(
        self,
        specs: Sequence[str | BarSpec],
        *,
        row_size: float | str | None = None,
        size_edges: Sequence[float | str] | None = None,
        start: Instant = None,
        end: Instant = None,
        tick: float | None = None,
        sequence: bool = False,
        levels_by_size: bool = False,
    ) -> list[Bars]:
        """Bars of several kinds from one pass over the tape.

        Parameters
        ----------
        specs : sequence of str or BarSpec
            Such as ``["1m", "1h"]``.
        row_size, size_edges
            As for `Aggregator`.
        start, end : int, str or None
            Trades from ``start`` up to, not including, ``end``: epoch µs or ISO dates in UTC.
        tick : float or None
            The venue's price step; None takes the feed's own.
        sequence : bool
            Whether the bars carry the columns of `core.schema.SEQUENCE` too: runs of one side, and ticks.
        levels_by_size : bool
            Whether they keep the price rows of every class of size too.

        Raises
        ------
        DataError
            If there are no trades.
        """
        window = Window(instant(start), instant(end))
        tick = self.tick if tick is None else tick
        under_way = Aggregator(
            specs,
            row_size=row_size,
            tick=tick,
            size_edges=size_edges,
            sequence=sequence,
            levels_by_size=levels_by_size,
            source=self.source,
        )
        for tape in window.cut(self._tapes_between(instant(start), instant(end))):
            under_way.push(tape if self.actions is None else self.actions.tape(tape, window.first))
        if not window.rows:
            raise DataError(f"{self.source}: {self.without_rows()}{_between(instant(start), instant(end))}")
        made = under_way.finish(window.covered(self.covered()))
        if under_way.outside:
            self.counts["outside_hours"] = under_way.outside
        if self.actions is not None:
            made = [self.actions.finished(bars, window.first) for bars in made]
        if self.negative_prices:
            made = [without_returns_below_0(bars) for bars in made]
        return [replace(bars, notes=(*bars.notes, *self.remarks())) for bars in made]


class KlineFeed(Feed):
    """A feed of bars that an exchange made; a subclass writes `klines`."""

    abstract = True
    gives = "bars"
    canonical = KLINE_COLUMNS
    of_units: ClassVar[str] = "say which column is which"
    """What to do about volumes in other units, for errors."""

    faults: Faults = Faults()
    """What becomes of klines that are out of order, doubled or off their grid."""
    may_miss_prices: ClassVar[bool] = False
    """Whether the provider leaves out prices of bars that have trades."""
    assumes_ends: bool = False
    """Whether files tell only where klines begin, or end, and not how long each is."""
    _first = 0
    places: Places | None = None
    """File and row of each kline, where reading keeps them."""

    def klines(self) -> Bars:
        """All klines in time order, as the exchange sent them; sets `interval`."""
        raise NotImplementedError

    def bars(
        self,
        spec: str | None = None,
        *,
        row_size: float | str | None = None,
        start: Instant = None,
        end: Instant = None,
        gaps: str = "keep",
    ) -> Bars:
        """The klines as bars.

        Parameters
        ----------
        spec : str or None
            A kind of time bars as long as the klines or longer; None takes their own interval.
        row_size : float, "auto" or None
            Recorded with the bars for indicators that spread volume over prices; klines carry no price rows.
        start, end : int, str or None
            Klines that lie whole within: epoch µs or ISO dates in UTC.
        gaps : str
            What to do about klines that the exchange did not send: ``keep`` leaves them out, ``fill`` puts in
            bars without trades flagged ``FILLED``, ``error`` refuses. The klines before and behind, and what is put
            in, are flagged ``GAP``.

        A kline that contradicts itself is flagged ``CONTRADICTORY`` and carries what
        `reading.settling.settled` makes of it; ``counts`` says how many there are.

        Raises
        ------
        DataError
            If there are none, or some are missing and ``gaps`` is ``error``.
        """
        return self.bars_of([spec], row_size=row_size, start=start, end=end, gaps=gaps)[0]

    def _made(
        self,
        wanted: Sequence[BarSpec | None],
        row_size: float | str | None,
        start: int | None,
        end: int | None,
        gaps: str,
    ) -> list[Bars]:
        """The klines, read once, as they are before they are made longer, for each kind: by its trading hours."""
        for spec in wanted:
            if spec is not None and spec.measure:
                raise ParamError(f"bars: {spec.text} must be cut from trades; {type(self).__name__} gives klines")
        bars, units = check_units(self.klines(), self.of_units, lenient=self.lenient_units)
        bars = replace(bars, notes=(*bars.notes, *self.remarks(), *filter(None, [units]))).between(start, end)
        if not len(bars):
            raise DataError(f"{self.source}: no klines{_between(start, end)}")
        bars = settled(bars, may_miss_prices=self.may_miss_prices, may_be_negative=self.negative_prices)
        self._first = int(bars["close_time"][0]) - 1
        if self.actions is not None:
            bars = self.actions.klines(bars)
        self.counts["contradictory"] = int(np.count_nonzero(bars["quality"] & int(Quality.CONTRADICTORY)))
        made: dict[str, Bars] = {}
        for spec in wanted:
            hours = _hours(spec)
            if hours not in made:
                own, grid = in_hours(bars, spec, assumed=self.assumes_ends)
                if len(own) < len(bars):
                    self.counts["outside_hours"] = len(bars) - len(own)
                made[hours] = finish(own, int(self.interval or 0), gaps, row_size, self.tick, grid)
        return [made[_hours(spec)] for spec in wanted]

    def bars_of(
        self,
        specs: Sequence[str | BarSpec | None],
        *,
        row_size: float | str | None = None,
        start: Instant = None,
        end: Instant = None,
        gaps: str = "keep",
    ) -> list[Bars]:
        """Bars of several kinds from klines read once; arguments as for `bars`."""
        wanted = [None if spec is None else BarSpec.parse(spec) for spec in specs]
        parts = self._made(wanted, row_size, instant(start), instant(end), gaps)
        made = [_longer(own, spec) for own, spec in zip(parts, wanted, strict=True)]
        if self.actions is None:
            return made
        return [self.actions.finished(bars, self._first) for bars in made]


def without_returns_below_0(bars: Bars) -> Bars:
    """The same bars, without the volatility of log returns where a price was not above 0."""
    if not (bars["low"] <= 0).any():
        return bars
    return bars.assign(realized_vol=np.where(bars["low"] > 0, bars["realized_vol"], np.nan))


def _hours(spec: BarSpec | None) -> str:
    """The trading hours of a kind of bars; empty where it has none."""
    return "" if spec is None or spec.session is None or spec.session.hours is None else spec.session.timezone


def _longer(bars: Bars, spec: BarSpec | None) -> Bars:
    """Klines as bars of a kind, which may be their own.

    Raises
    ------
    DataError
        If they do not fit into it.
    """
    own = int(np.min(bars["close_time"] - bars["open_time"]))
    if spec is None or spec.text == bars.spec or (spec.interval == own and spec.session is None):
        return bars
    if spec.interval < own and spec.division is None:
        raise DataError(
            f"{bars.source}: holds klines of {bars.spec}, not {spec.text}; bars may be {bars.spec} or longer"
        )
    return resample(bars, spec)


def _between(start: int | None, end: int | None) -> str:
    since = "" if start is None else f" from {iso(start)}"
    until = "" if end is None else f" before {iso(end)}"
    return since + until


def counted(counts: Counter[str], tapes: Iterable[Tape]) -> Iterator[Tape]:
    """The same tapes, their rows counted."""
    for tape in tapes:
        counts["rows"] += len(tape)
        yield tape
