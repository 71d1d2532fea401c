"""Aggregation: a tape into bars of any number of kinds, in one pass and with bounded memory."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.bars import Bars
from ..core.clock import iso
from ..core.errors import DataError, ParamError
from ..core.hours import TradingDays
from ..core.schema import SEQUENCE, SIZE_EDGES, Quality
from ..core.sizes import of_column
from ..core.tape import Tape
from .classes import ClassFold, ClassRows
from .closing import ClosedBars
from .cutters import Covered as Covered
from .cutters import Segments, cutter
from .edges import SizeEdges
from .folding import FLOWS, Fold, goes_back
from .kinds import BarSpec as BarSpec
from .outages import Outages
from .rows import RowFold, check_rows, row_grid
from .sequence import SequenceFold

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

BATCH = 65_536
"""Rows in a batch where the reader chooses."""
_MOST_EMPTY, _TIMES_EMPTY = 100_000, 10
_LONG_AGO = -(2**62)
_MOST_TICKS = 2.0**62
_SIDED = ("taker_", "delta_")
_RUNS = tuple(c.name for c in SEQUENCE if c.mirror)
_BY_CLASS = tuple(c for c in FLOWS if "_order_" in c)


class _Kind:
    """One kind of bars under way: its cutter, its folds, and the bars it has closed."""

    def __init__(
        self, spec: BarSpec, edges: SizeEdges, tick: float | None, *, sequence: bool = False, classes: bool = False
    ) -> None:
        self.spec = spec
        self._cutter, self._fold = cutter(spec, tick), Fold(edges.values)
        self._classes = ClassFold(edges.given, edges.values) if classes else None
        self.rows: RowFold | None = None
        self.class_rows: ClassRows | None = None
        self.sequence = SequenceFold() if sequence else None
        self.sided = True
        self._closed = ClosedBars()
        self.hours = hours_of(spec)
        self.pushed = self.outside = 0
        """Rows taken, and those left out because they are outside the hours."""

    def push(self, tape: Tape) -> None:
        if self.hours is not None and not (inside := self.hours.inside(tape.time)).all():
            self.outside += len(tape) - int(np.count_nonzero(inside))
            tape = tape.take(inside)
        if len(tape):
            self.pushed += len(tape)
            self._take(tape, self._cutter.cut(tape))

    def close(self, covered: Covered) -> tuple[bool, bool]:
        """End the open bar; tells whether the first and the last bar are partial."""
        segments, partial = self._cutter.close(covered)
        self._take(_NOTHING, segments)
        return partial

    def _take(self, tape: Tape, segments: Segments) -> None:
        opens, closes, ends = segments
        self._closed.add(opens[:-1], closes[:-1], *self._fold.push(tape, opens, closes, ends))
        if self.rows is not None:
            self.rows.push(tape, ends)
        if self.class_rows is not None:
            self.class_rows.push(tape, ends)
        if self.sequence is not None:
            self.sequence.push(tape, ends)
        if self._classes is not None:
            self._classes.push(tape, ends)

    def columns(self) -> dict[str, NDArray[np.float64] | Integers]:
        """The closed bars by column."""
        made = self._closed.columns()
        if self.sequence is not None:
            made |= self.sequence.columns()
        if self._classes is not None:
            made |= self._classes.columns()
        self.sided = not self._closed.rows or self._closed.rows != self._closed.unknown
        if not self.sided:
            made |= {
                name: np.full(len(made["volume"]), np.nan) for name in made if name.startswith(_SIDED) or name in _RUNS
            }
        return made


def hours_of(spec: BarSpec) -> TradingDays | None:
    """The trading hours outside of which trades are left out."""
    hours = None if spec.session is None else spec.session.hours
    return None if hours is None or hours.extended else hours


_NOTHING = Tape.of(time=[], price=[], quantity=[], side=[])


class Aggregator:
    """Bars of several kinds under way; give it batches, then ask for the bars.

    Parameters
    ----------
    specs : sequence of BarSpec or str
        The kinds of bars.
    row_size : float, "auto" or None
        Height of the price rows in quote currency; None for no rows. ``auto`` looks at the first trade only.
    tick : float or None
        The venue's price step, of which ``row_size`` must be a whole number, and in which range bars are measured.
    size_edges : sequence of float or str, optional
        Notional edges between classes of rows, such as ``["1k", "10k", "100k"]``; a row at an edge belongs to the class
        above it. Bars keep the columns of `core.sizes.SIZED` of every class, as in ``taker_buy_volume_1k_10k``. Two
        edges also part small, medium and large rows. Percentiles, such as ``p50`` and ``p99``, follow the rows before
        (`SizeEdges`); bars that open before those are known do not know their classes. None is small, medium and large
        at [100, 1000], without more columns.
    sequence : bool
        Whether the bars carry the columns of `core.schema.SEQUENCE` too.
    levels_by_size : bool
        Whether the bars keep the price rows of every class of size too, whose edges are amounts then.
    source : str
        Where the tape comes from, for errors and reports.
    may_be_outside : bool
        Whether a tape of which no row is within trading hours has no bars, and is no error.

    Notes
    -----
    Volume whose aggressor is unknown counts into ``volume`` and ``quote_volume``, not into the taker columns nor
    the delta; its bars are flagged ``INFERRED_SIDE``. Where no row at all has a side, those columns are NaN.
    """

    def __init__(
        self,
        specs: Sequence[BarSpec | str],
        *,
        row_size: float | str | None = None,
        tick: float | None = None,
        size_edges: Sequence[float | str] | None = None,
        sequence: bool = False,
        levels_by_size: bool = False,
        source: str = "tape",
        may_be_outside: bool = False,
    ) -> None:
        self._may_be_outside = may_be_outside
        self._edges = _edges(SIZE_EDGES if size_edges is None else size_edges)
        if row_size is not None:
            check_rows(row_size, tick)
        if levels_by_size:
            _check_levels_by_size(row_size, size_edges, self._edges)
        self._levels_by_size = levels_by_size
        wanted = {"sequence": sequence, "classes": size_edges is not None}
        self._kinds = [_Kind(BarSpec.parse(spec), self._edges, tick, **wanted) for spec in specs]
        self._row_size, self._tick, self._source = row_size, tick, source
        self._rows, self._last, self._highest = 0, _LONG_AGO, math.inf
        self._seen: Covered = None, None
        """The first and the last row of a single tape, outside the hours too."""
        self._outages = Outages()
        if tick is not None and (row_size is not None or any(kind.spec.needs_tick for kind in self._kinds)):
            self._highest = tick * _MOST_TICKS

    def push(self, tape: Tape, venue: Integers | None = None) -> None:
        """Take the next batch; ``venue`` says of which one each row is, where several are merged.

        Raises
        ------
        DataError
            If a row is earlier than the one before it, or a price is of too many ticks to be counted.
        """
        if not len(tape):
            return
        self._check_order(tape.time)
        self._check_span(tape.time)
        self._outages.note(tape, venue)
        if venue is None:
            self._seen = int(tape.time[0]) if self._seen[0] is None else self._seen[0], int(tape.time[-1])
        self._rows, self._last = self._rows + len(tape), int(tape.time[-1])
        tape = self._within(tape)
        if not len(tape):
            return
        if self._row_size is not None and any(kind.rows is None for kind in self._kinds):
            grid = row_grid(self._row_size, self._tick, float(tape.price[0]))
            self._highest = grid[0] * _MOST_TICKS
            for kind in self._kinds:
                kind.rows = RowFold(*grid, known=self._tick is not None)
                if self._levels_by_size:
                    amounts = tuple(self._edges.values.tolist())
                    kind.class_rows = ClassRows(amounts, *grid, known=self._tick is not None)
        if self._highest < math.inf:
            self._check_ticks(tape.price)
        for piece in self._edges.pieces(tape):
            for kind in self._kinds:
                kind.push(piece)

    def _within(self, tape: Tape) -> Tape:
        """The rows within the hours that all kinds share, so that classes too are of these alone."""
        hours = self._kinds[0].hours if self._kinds else None
        if hours is None or any(kind.hours is not hours for kind in self._kinds):
            return tape
        inside = hours.inside(tape.time)
        for kind in self._kinds:
            kind.outside += len(tape) - int(np.count_nonzero(inside))
        return tape if inside.all() else tape.take(inside)

    @property
    def outside(self) -> int:
        """Rows left out because they are outside trading hours; of several kinds of bars the most."""
        return max((kind.outside for kind in self._kinds), default=0)

    def _check_ticks(self, price: Floats) -> None:
        if not (highest := float(price.max())) < self._highest:
            step = self._highest / _MOST_TICKS
            raise DataError(f"{self._source}: price {highest:g} is of too many ticks of {step:g}; give a larger tick")

    def _check_span(self, time: Integers) -> None:
        """Refuse a silence that would be a hundred thousand empty bars and more, far more than there are rows."""
        since = int(time[0]) if self._rows == 0 else self._last
        for kind in self._kinds:
            step = 0 if kind.spec.measure else kind.spec.interval
            if step and (int(time[-1]) - since) // step > _MOST_EMPTY:
                gaps = np.diff(time, prepend=since)
                i = int(np.argmax(gaps))
                empty = int(gaps[i]) // step
                if empty > max(_MOST_EMPTY, _TIMES_EMPTY * (self._rows + len(time))):
                    before = iso(int(time[i] - gaps[i]))
                    raise DataError(
                        f"{self._source}: no trade from {before} to {iso(int(time[i]))}, {empty:,} empty bars of "
                        f"{kind.spec.text}; a time stamp is wrong or the bars are too short"
                    )

    def _check_order(self, time: Integers) -> None:
        if goes_back(time, self._last):
            i = int(np.argmax(np.diff(time, prepend=self._last) < 0))
            before = int(time[i - 1]) if i else self._last
            raise DataError(
                f"{self._source}: row {self._rows + i + 1} is at {iso(int(time[i]))}, before the row ahead of it "
                f"({iso(before)}); a tape is in time order"
            )

    def finish(self, covered: Covered = (None, None)) -> list[Bars]:
        """Close the open bars and return all, in the order of the specs.

        Parameters
        ----------
        covered : pair of int or None
            From when to when (epoch µs) the tape is known to hold every trade. The first time bar is flagged
            ``PARTIAL`` unless the tape is known to reach back to its open, the last unless to its close. Of other
            kinds the last is, when the trade that would have ended it has not come.

        Raises
        ------
        DataError
            If imbalance or run bars are asked for and no row has a side.
        """
        return [self._bars(kind, self._proved(covered)) for kind in self._kinds]

    def _proved(self, covered: Covered) -> Covered:
        """``covered``, and what the first and the last row prove: outside the hours, that all between is there."""
        (since, until), (first, last) = covered, self._seen
        if first is not None and last is not None:
            since = first + 1 if since is None else min(since, first + 1)
            until = last if until is None else max(until, last)
        return since, until

    def _forget_classes(self, columns: dict[str, NDArray[np.float64] | Integers]) -> None:
        """Classes are not known of bars that open before the first percentiles are."""
        since = self._edges.since
        early = slice(None) if since is None else columns["open_time"] < since
        for name in columns:
            if name in _BY_CLASS or of_column(name):
                columns[name][early] = np.nan

    def _without_three(self, columns: dict[str, NDArray[np.float64] | Integers]) -> None:
        """Small, medium and large are not known where there are not two edges."""
        for name in _BY_CLASS:
            columns[name] = np.full(len(columns[name]), np.nan)

    def _bars(self, kind: _Kind, covered: Covered) -> Bars:
        if kind.outside and not kind.pushed and not self._may_be_outside:
            raise DataError(f"{self._source}: no trade within the trading hours; {_left_out(kind)}")
        if not kind.pushed:
            return Bars.of(open_time=[], close_time=[], spec=kind.spec.text, source=self._source)
        partial = kind.close(covered)
        columns = kind.columns()
        if self._edges.moving:
            self._forget_classes(columns)
        if len(self._edges.given) != len(SIZE_EDGES):
            self._without_three(columns)
        if kind.spec.needs_side and not kind.sided:
            raise DataError(f"{self._source}: bars of {kind.spec.text} need the aggressor's side, which no row has")
        columns["quality"] |= np.where(self._outages.inside(columns), int(Quality.ID_HOLE), 0)
        for at, is_partial in zip((0, -1), partial, strict=True):
            if is_partial:
                columns["quality"][at] |= int(Quality.PARTIAL)
        for values in columns.values():
            values.flags.writeable = False  # so that they need not be copied once more
        levels = None if kind.rows is None else kind.rows.levels()
        if levels is not None and kind.class_rows is not None:
            levels = replace(levels, classes=kind.class_rows.levels())
        row_size = None if levels is None else levels.row_size
        return Bars(columns, levels, kind.spec.text, self._source, row_size, self._notes(kind))

    def _notes(self, kind: _Kind) -> tuple[str, ...]:
        return (*self._off_tick(kind.rows), *((_left_out(kind),) if kind.outside else ()))

    def _off_tick(self, rows: RowFold | None) -> tuple[str, ...]:
        if self._tick is None or rows is None or not rows.off_tick:
            return ()
        some = f"{rows.off_tick:,} trades lie" if rows.off_tick > 1 else "1 trade lies"
        return (
            f"{some} between two ticks of {self._tick:g}: each counts for the row of the nearest; is the tick right?",
        )


def _check_levels_by_size(row_size: Any, given: Any, edges: SizeEdges) -> None:
    """Price rows by class need rows, and edges that stay."""
    if row_size is None:
        raise ParamError("levels_by_size needs row_size, the height of a price row, or auto")
    if given is None or edges.moving:
        raise ParamError("levels_by_size needs size_edges of amounts, as in [1k, 10k]; percentiles move within a bar")


def _left_out(kind: _Kind) -> str:
    some = f"{kind.outside:,} trades lie" if kind.outside > 1 else "1 trade lies"
    hours = "" if kind.hours is None else kind.hours.text
    return f"{some} outside the hours {hours} and are left out; extended: true, or {hours}+extended, keeps them"


def _edges(given: Sequence[float | str]) -> SizeEdges:
    try:
        return SizeEdges(given)
    except ValueError as err:
        raise ParamError(f"size_edges {err} (got {list(given)!r})") from None


def aggregate(
    tapes: Iterable[Tape],
    specs: Sequence[BarSpec | str],
    *,
    row_size: float | str | None = None,
    tick: float | None = None,
    size_edges: Sequence[float | str] | None = None,
    sequence: bool = False,
    levels_by_size: bool = False,
    covered: Covered = (None, None),
    source: str = "tape",
) -> list[Bars]:
    """Bars of every kind in ``specs`` from batches of one tape, read once.

    The result is the same to the byte however the tape is cut into batches. A bar of any kind but time opens at its
    first trade and closes 1 µs after its last, or at the session's end that cut it. The grid of time bars reaches from
    the first trade to the last; a bar without trades has volumes and counts 0, the close before it for prices,
    NaN for ``twap_trade`` and ``realized_vol``, and the flag ``FILLED``.

    Parameters
    ----------
    tapes : iterable of Tape
        Batches in time order.
    specs : sequence of BarSpec or str
        The kinds of bars, such as ``["1m", "500t"]``.
    row_size, tick, size_edges, sequence, levels_by_size, source
        As for `Aggregator`.
    covered : pair of int or None
        As for `Aggregator.finish`.

    Examples
    --------
    >>> minute = 60_000_000
    >>> tape = Tape.of(time=[1, 2, 2 * minute], price=[10.0, 11.0, 12.0], quantity=[1.0, 2.0, 3.0], side=[1, -1, 1])
    >>> (bars,) = aggregate([tape], ["1m"])
    >>> bars["close"].tolist(), bars["volume"].tolist(), bars["taker_buy_volume"].tolist()
    ([11.0, 11.0, 12.0], [3.0, 0.0, 3.0], [1.0, 0.0, 3.0])
    """
    under_way = Aggregator(
        specs,
        row_size=row_size,
        tick=tick,
        size_edges=size_edges,
        sequence=sequence,
        levels_by_size=levels_by_size,
        source=source,
    )
    for tape in tapes:
        under_way.push(tape)
    return under_way.finish(covered)
