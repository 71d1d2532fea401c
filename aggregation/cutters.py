"""Cutters: a tape into the segments that are its bars, batch by batch."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..core.errors import ParamError
from ..core.tape import Tape
from ..core.ticks import grid_of
from .cutting import cut_flows, cut_ranges, cut_sums
from .kinds import FINEST, BarSpec
from .sessions import Grid, Session

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Segments = tuple[Integers, Integers, Integers]
Covered = tuple[int | None, int | None]

REACH = (0.5, 2.0)
"""Least and most of the threshold of an imbalance or run bar, in its starting size."""
_NEVER = 2**62


class Cutter(Protocol):
    """What cuts a tape into bars.

    It answers for a batch with the open time, the close time and the end row of every bar that the batch touches:
    first the bar left open by the batch before, last the bar left open by this one, of which times are not read yet.
    """

    def cut(self, tape: Tape) -> Segments:
        """The segments of a batch that is not empty."""

    def close(self, covered: Covered) -> tuple[Segments, tuple[bool, bool]]:
        """The segments of no more rows, and whether the first and the last bar are partial.

        Parameters
        ----------
        covered : pair of int or None
            From when to when (epoch µs) the tape is known to hold every trade.
        """


def cutter(spec: BarSpec, tick: float | None) -> Cutter:
    """What cuts a tape into bars of a kind.

    Parameters
    ----------
    spec : BarSpec
        The kind.
    tick : float or None
        The venue's price step.

    Raises
    ------
    ParamError
        If the kind needs a tick and there is none, or its size is finer than amounts are counted.
    """
    if not spec.measure:
        return TimeCutter(spec.grid)
    if spec.measure == "r":
        if tick is None:
            raise ParamError(f"bars: {spec.text} is a range in ticks; set tick, the venue's price step")
        return TradeCutter(RangeRule(int(spec.size), tick), spec.session)
    if spec.rule:
        return TradeCutter(FlowRule(spec), spec.session)
    return TradeCutter(SumRule(spec), spec.session)


class TimeCutter:
    """Cuts at the edges of a time grid, empty intervals included, but for those outside hours that are kept.

    Parameters
    ----------
    grid : Grid
        Where the edges are.
    """

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._first: int | None = None
        self._open = 0

    def cut(self, tape: Tape) -> Segments:
        """The segments of a batch that is not empty."""
        lo = int(tape.time[0]) if self._first is None else self._open
        opens, closes = self._grid.spans(lo, int(tape.time[-1]))
        if self._first is None:
            self._first = int(opens[0])
        self._open = int(opens[-1])
        ends = np.searchsorted(tape.time, closes, "left")
        hours = self._grid.hours
        if hours is not None and hours.extended:
            kept = (np.diff(ends, prepend=-1) > 0) | hours.inside(opens)
            opens, closes, ends = opens[kept], closes[kept], ends[kept]
        return opens, closes, ends

    def close(self, covered: Covered) -> tuple[Segments, tuple[bool, bool]]:
        """The open bar ends with its interval; partial is what the tape is not known to reach the edge of."""
        since, until = covered
        end = int(self._grid.spans(self._open, self._open)[1][0])
        opens = np.array([self._open, end], np.int64)
        partial = since is None or since > (self._first or 0), until is None or until < end
        return (opens, np.array([end, end + 1], np.int64), np.zeros(2, np.int64)), partial


class Rule(Protocol):
    """When trades end a bar."""

    def ends(self, tape: Tape) -> Integers:
        """The row after the last one of each bar that ends within the batch; the open bar is carried along."""

    def restart(self) -> None:
        """Forget the open bar: a session has ended it."""


class TradeCutter:
    """Cuts where trades say so, and at the edges of sessions.

    A bar opens at the time of its first trade and closes 1 µs after its last, when it is first known, or at the
    session's end that cut it, which is when that is known. Bars that end within one µs close 1 µs apart.

    Parameters
    ----------
    rule : Rule
        Which trades end a bar.
    session : Session or None
        What else does.
    """

    def __init__(self, rule: Rule, session: Session | None = None) -> None:
        self._rule, self._session = rule, session
        self._until = -_NEVER if session is not None else _NEVER
        self._open: int | None = None
        self._last = self._closed = -_NEVER

    def cut(self, tape: Tape) -> Segments:
        """The segments of a batch that is not empty."""
        time, n, lo = tape.time, len(tape), 0
        ends, closes = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        busy = self._open is not None
        while lo < n:
            if self._session is not None and time[lo] >= self._until:
                if busy:
                    ends.append(np.array([lo]))
                    closes.append(np.array([self._until]))
                    self._rule.restart()
                self._until = self._session.cut(int(time[lo]))
            hi = int(np.searchsorted(time, self._until, "left"))
            found = self._rule.ends(tape[lo:hi]) + lo
            ends.append(found)
            closes.append(time[found - 1] + 1)
            busy = not len(found) or int(found[-1]) < hi
            lo = hi
        return self._segments(time, np.concatenate(ends), np.concatenate(closes), busy=busy)

    def _segments(self, time: Integers, ends: Integers, closes: Integers, *, busy: bool) -> Segments:
        starts = np.concatenate([np.zeros(1, np.int64), ends])
        opens = time[np.minimum(starts, len(time) - 1)]
        if self._open is not None:
            opens[0] = self._open
        self._open = int(opens[-1]) if busy else None
        self._last = int(time[-1])
        closes = self._ascending(closes)
        return opens, np.append(closes, self._last + 1), np.append(ends, len(time))

    def _ascending(self, closes: Integers) -> Integers:
        """Each at least 1 µs after the one before."""
        steps = np.arange(len(closes), dtype=np.int64)
        if len(closes):
            closes = np.maximum.accumulate(np.maximum(closes - steps, self._closed + 1)) + steps
            self._closed = int(closes[-1])
        return closes

    def close(self, covered: Covered) -> tuple[Segments, tuple[bool, bool]]:
        """The open bar ends after its last trade and is partial, unless the tape is known to reach its session's end.

        Where no bar is open there is nothing to end.
        """
        if self._open is None:
            nothing = np.zeros(1, np.int64)
            return (nothing, nothing, nothing), (False, False)
        until = covered[1]
        whole = self._session is not None and until is not None and until >= self._until
        closes = self._ascending(np.array([self._until if whole else self._last + 1], np.int64))
        opens = np.array([self._open, self._last], np.int64)
        return (opens, np.append(closes, closes[-1] + 1), np.zeros(2, np.int64)), (False, not whole)


def _amounts(tape: Tape, measure: str) -> Floats:
    """What each row adds: itself, its base, or its notional."""
    if measure == "t":
        return np.ones(len(tape))
    if measure == "v":
        return tape.quantity
    return tape.price * tape.quantity if tape.notional is None else tape.notional


def _counted(spec: BarSpec, digits: int) -> tuple[float, int]:
    """Quanta in one unit, and the size in quanta, which has at most ``digits`` digits."""
    decimals = 0 if spec.measure == "t" else min(FINEST, digits - 1 - spec.size.adjusted())
    size = spec.size.scaleb(decimals)
    if size != size.to_integral_value():
        raise ParamError(f"bars: {spec.text} is finer than amounts are counted (in steps of 1e{-decimals})")
    return float(f"1e{decimals}"), int(size)


class SumRule:
    """Ends a bar with the trade that brings the sum of its rows, base or notional to the size.

    Amounts are counted in whole steps of 1e-8, or of 1e-16 of the size's power of ten where that is coarser.

    Parameters
    ----------
    spec : BarSpec
        The kind.
    """

    def __init__(self, spec: BarSpec) -> None:
        self._measure = spec.measure
        self._scale, self._size = _counted(spec, 17)
        self._state = np.zeros(1, np.int64)

    def ends(self, tape: Tape) -> Integers:
        """The row after the last one of each bar that ends within the batch."""
        made = np.empty(len(tape), np.int64)
        amounts = _amounts(tape, self._measure)
        return made[: cut_sums(amounts, self._scale, 4 * self._size, self._size, self._state, made)]

    def restart(self) -> None:
        """Forget the open bar."""
        self._state[:] = 0


class RangeRule:
    """Ends a bar with the trade that brings its high less its low to the size.

    Parameters
    ----------
    size : int
        In ticks.
    tick : float
        The venue's price step.
    """

    def __init__(self, size: int, tick: float) -> None:
        self._size, self._grid = size, grid_of(tick)
        self._state = np.zeros(3, np.int64)

    def ends(self, tape: Tape) -> Integers:
        """The row after the last one of each bar that ends within the batch."""
        made = np.empty(len(tape), np.int64)
        return made[: cut_ranges(tape.price, *self._grid, self._size, self._state, made)]

    def restart(self) -> None:
        """Forget the open bar."""
        self._state[:] = 0


class FlowRule:
    """Ends a bar with the trade that brings its one-sided flow to what is expected of a bar.

    The flow of an imbalance bar is what was bought less what was sold, either way; of a run bar the larger of the
    two. The first bar ends at the size. Each later threshold is the expected rows of a bar times the expected flow
    of a row, both learnt from the bars before with weights that fade over `MEMORY` bars: the published recursion,
    which by itself shrinks to single trades or grows without end. So the threshold keeps within `REACH` times the
    size, and a bar ends after `MOST_ROWS` rows in any case. A bar that a session cut teaches nothing.

    Amounts are counted in whole steps of 1e-8, or of 1e-12 of the size's power of ten where that is coarser.

    Parameters
    ----------
    spec : BarSpec
        The kind.

    References
    ----------
    López de Prado, M. (2018). Advances in Financial Machine Learning, section 2.3.2. Wiley.
    """

    def __init__(self, spec: BarSpec) -> None:
        self._measure, self._run = spec.measure, spec.rule == "r"
        self._scale, size = _counted(spec, 13)
        self._lowest, self._highest = max(1, round(REACH[0] * size)), round(REACH[1] * size)
        self._state = np.array([0, 0, 0, size, 0], np.int64)
        self._means = np.zeros(3)

    def ends(self, tape: Tape) -> Integers:
        """The row after the last one of each bar that ends within the batch."""
        made = np.empty(len(tape), np.int64)
        amounts, most = _amounts(tape, self._measure), 4 * self._highest
        bounds = self._run, self._lowest, self._highest
        return made[: cut_flows(amounts, tape.side, self._scale, most, *bounds, self._state, self._means, made)]

    def restart(self) -> None:
        """Forget the open bar, but not what was learnt."""
        self._state[:3] = 0
