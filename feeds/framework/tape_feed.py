"""The base of feeds of trades."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from ...aggregation.bars import Aggregator
from ...aggregation.cutters import Covered
from ...aggregation.kinds import BarSpec
from ...core.bars import Bars
from ...core.errors import DataError
from ...core.schema import KNOWN_COLUMNS
from ...core.tape import Tape
from .feed import Feed
from .window import Instant, Window, between, instant


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

    def promised(self) -> Covered:
        """From when to when (epoch µs) names of files say that there are trades; None where they do not."""
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
        for tape in self.tapes_of(window, instant(start), instant(end)):
            under_way.push(tape)
        if not window.rows:
            asked = f"{between(instant(start), instant(end))}{window.held(self.promised())}"
            raise DataError(f"{self.source}: {self.without_rows()}{asked}")
        made = under_way.finish(window.covered(self.covered()))
        if under_way.outside:
            self.counts["outside_hours"] = under_way.outside
        if self.actions is not None:
            made = [self.actions.finished(bars, window.first) for bars in made]
        if self.negative_prices:
            made = [without_returns_below_0(bars) for bars in made]
        return [replace(bars, notes=(*bars.notes, *self.remarks())) for bars in made]

    def tapes_of(self, window: Window, start: int | None, end: int | None) -> Iterator[Tape]:
        """The trades within a window, in shares of the first of them where corporate actions are told."""
        for tape in window.cut(self._tapes_between(start, end)):
            yield tape if self.actions is None else self.actions.tape(tape, window.first)


def without_returns_below_0(bars: Bars) -> Bars:
    """The same bars, without the volatility of log returns where a price was not above 0."""
    if not (bars["low"] <= 0).any():
        return bars
    return bars.assign(realized_vol=np.where(bars["low"] > 0, bars["realized_vol"], np.nan))


def counted(counts: Counter[str], tapes: Iterable[Tape]) -> Iterator[Tape]:
    """The same tapes, their rows counted."""
    for tape in tapes:
        counts["rows"] += len(tape)
        yield tape
