"""The base of feeds of bars that an exchange made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from ...aggregation.kinds import BarSpec
from ...aggregation.resample import resample
from ...core.bars import Bars
from ...core.clock import iso
from ...core.errors import DataError, ParamError
from ...core.schema import KLINE_COLUMNS, Quality
from .calendars import in_hours
from .faults import Faults, Places
from .feed import Feed
from .gaps import finish
from .settling import settled
from .units import check_units
from .window import Instant, between, instant


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
        bars = replace(bars, notes=(*bars.notes, *self.remarks(), *filter(None, [units])))
        held = (
            f"; the data go from {iso(int(bars['open_time'][0]))} to {iso(int(bars['close_time'][-1]))}"
            if len(bars)
            else ""
        )
        bars = bars.between(start, end)
        if not len(bars):
            raise DataError(f"{self.source}: no klines{between(start, end)}{held}")
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


def _held(bars: Bars) -> str:
    return f"; the data go from {iso(int(bars['open_time'][0]))} to {iso(int(bars['close_time'][-1]))}"


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
