"""An event study: every event at every horizon, tested, corrected for their number, and looked at in parts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...core.bars import Bars
from ...core.clock import HOUR
from ...core.hours import TradingDays
from .moves import Floats, Ints, Moves, moves_after, sessions_of, volatility
from .permuted import Excess, Sessions
from .session_test import LEVEL, SessionMean, q_values, session_mean, signs

Masks = Mapping[str, NDArray[np.bool_]]
HORIZONS = (1, 5, 15, 60)
LEAST_ALONE, LEAST_MANY = 10, 12
"""Sessions with events from which one test, and one of many, was seen to hold its size."""
CLASSES = ("calm", "usual", "wild")
"""Thirds of all bars by their volatility."""
STANDS_OUT, LIKE_OTHERS, CHANCE, FEW = "stands out", "as other sessions", "not told from chance", "too few sessions"
_NO_TEST = SessionMean(math.nan, math.nan, math.nan, math.nan, math.nan)


class Test(NamedTuple):
    """One event at one horizon.

    Parameters
    ----------
    event : str
        Its name.
    horizon : int
        Bars, the one after the event the first.
    events, sessions : int
        How many had so long a future in their session, and in how many sessions.
    mean_bp, low_bp, high_bp : float
        Mean move from the next open, and its 95 % interval.
    mean_ticks, mean_vol : float
        The same in ticks, and in deviations of as many bars; NaN where the unit is not known.
    t, p, q : float
        Against zero: the session sign-flip test, and after Benjamini and Hochberg over all tests.
    excess_bp, p_permuted, q_permuted : float
        Against the same bars of other sessions: the permutation test, and after Benjamini and Hochberg.
    verdict : str
        `STANDS_OUT` where both q are at most 5 %, `LIKE_OTHERS` where the first alone is, `CHANCE`, or `FEW`.
    """

    event: str
    horizon: int
    events: int
    sessions: int
    mean_bp: float
    low_bp: float
    high_bp: float
    mean_ticks: float
    mean_vol: float
    t: float
    p: float
    q: float
    excess_bp: float
    p_permuted: float
    q_permuted: float
    verdict: str


class Part(NamedTuple):
    """Some of an event's moves at one horizon, described and not tested.

    Parameters
    ----------
    event : str
        Its name.
    horizon : int
        In bars.
    by : str
        ``hour``, of the event's close in UTC, or ``volatility``.
    part : str
        Which hour, or which of `CLASSES`.
    events, sessions : int
        How many.
    mean_bp : float
        Mean move.
    """

    event: str
    horizon: int
    by: str
    part: str
    events: int
    sessions: int
    mean_bp: float


class Capacity(NamedTuple):
    """What could be traded after an event.

    Parameters
    ----------
    event : str
        Its name.
    share : float
        Of the notional of the bar after it.
    events : int
        Those after which that is known.
    low, median : float
        The tenth percentile and the median, in quote currency.
    per_session : float
        All of a session together, on average over the sessions with events.
    """

    event: str
    share: float
    events: int
    low: float
    median: float
    per_session: float


@dataclass(frozen=True)
class Study:
    """What came of a study.

    Parameters
    ----------
    tests : list of Test
        Every event at every horizon.
    parts : list of Part
        By hour and by volatility.
    capacity : list of Capacity
        One an event.
    moves : dict of str to ndarray
        One row an event and horizon: ``event``, ``time`` (its close, epoch µs), ``session``, ``horizon``, and the move
        in ``bp``, ``ticks`` and ``vol``.
    sessions : int
        Of the market.
    """

    tests: list[Test]
    parts: list[Part]
    capacity: list[Capacity]
    moves: dict[str, NDArray[Any]]
    sessions: int

    @property
    def found(self) -> list[Test]:
        """Tests that stand out."""
        return [test for test in self.tests if test.verdict == STANDS_OUT]


def study(
    bars: Bars,
    events: Masks,
    horizons: Sequence[int] = HORIZONS,
    *,
    tick: float | None = None,
    hours: TradingDays | None = None,
    share: float = 0.05,
    seed: int = 0,
    entered: Callable[[str, int], object] | None = None,
) -> Study:
    """What price did after events, from the next bar's open, inside their sessions.

    Parameters
    ----------
    bars : Bars
        The market.
    events : mapping of str to ndarray of bool, (bars,)
        Where each is true, at the close of the bar.
    horizons : sequence of int
        In bars.
    tick : float, optional
        Least step of price.
    hours : TradingDays, optional
        Of the market; days of UTC without.
    share : float, default=0.05
        Of the notional of the bar after an event that one would trade.
    seed : int
        Of signs and shuffles.
    entered : callable, optional
        Told of each test, by event and horizon, before it is made: what keeps account of trials.

    Notes
    -----
    Tests are of moves in basis points; ticks and deviations are the same moves in other units, and no further tests.
    """
    sessions, spread = sessions_of(bars, hours), volatility(bars)
    numbers, group = np.unique(sessions, return_inverse=True)
    least = LEAST_ALONE if len(events) * len(horizons) == 1 else LEAST_MANY
    shuffled, flips = Sessions(sessions, seed), signs(len(numbers), seed)
    at = {name: np.flatnonzero(mask) for name, mask in events.items()}
    after = [moves_after(bars, sessions, horizon, tick, spread) for horizon in horizons]
    tests: list[tuple[str, Moves, Ints, SessionMean, Excess]] = []
    for name, where in at.items():
        for moves in after:
            if entered is not None:
                entered(name, moves.horizon)
            known = where[np.isfinite(moves.bp[where])]
            made = _tested(moves.bp, known, group, flips, least)
            enough = np.isfinite(made.p)
            excess = shuffled.excess(known, moves.bp) if enough else Excess(math.nan, math.nan)
            tests.append((name, moves, known, made, excess))
    parts = [part for name, moves, known, *_ in tests for part in _parts(name, moves, known, bars, group, spread)]
    capacity = [_capacity(name, where, bars, group, share) for name, where in at.items()]
    return Study(_corrected(tests, group), parts, capacity, _rows(tests, bars, sessions), len(numbers))


def _tested(moves: Floats, known: Ints, group: Ints, flips: Floats, least: int) -> SessionMean:
    """The test of one event at one horizon; the mean alone where it has too few sessions."""
    if not len(known):
        return _NO_TEST
    counts = np.bincount(group[known], minlength=flips.shape[1]).astype(np.float64)
    sums = np.bincount(group[known], weights=moves[known], minlength=flips.shape[1]).astype(np.float64)
    has = counts > 0
    if np.count_nonzero(has) < least:
        return _NO_TEST._replace(mean=float(sums.sum() / counts.sum()))
    return session_mean(sums[has], counts[has], flips[:, has])


def _corrected(tests: Sequence[tuple[str, Moves, Ints, SessionMean, Excess]], group: Ints) -> list[Test]:
    """The tests with their q, and what may be said of them."""
    q = q_values(np.array([made.p for *_, made, _ in tests]))
    q_permuted = q_values(np.array([excess.p for *_, excess in tests]))
    return [
        Test(
            name,
            moves.horizon,
            len(known),
            len(np.unique(group[known])),
            made.mean,
            made.low,
            made.high,
            _mean(moves.ticks[known]),
            _mean(moves.vol[known]),
            made.t,
            made.p,
            float(q[i]),
            excess.bp,
            excess.p,
            float(q_permuted[i]),
            _verdict(float(q[i]), float(q_permuted[i])),
        )
        for i, (name, moves, known, made, excess) in enumerate(tests)
    ]


def _verdict(q: float, q_permuted: float) -> str:
    if math.isnan(q):
        return FEW
    if q > 1.0 - LEVEL + 1e-12:
        return CHANCE
    return STANDS_OUT if q_permuted <= 1.0 - LEVEL + 1e-12 else LIKE_OTHERS


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else math.nan


def _parts(name: str, moves: Moves, known: Ints, bars: Bars, group: Ints, spread: Floats) -> Iterator[Part]:
    """By the hour of the event and by the volatility before it; those without events are left out."""
    hour = (bars["close_time"][known].astype(np.int64) - 1) // HOUR % 24
    edges = np.nanquantile(spread, [1 / 3, 2 / 3]) if np.isfinite(spread).any() else np.array([math.nan] * 2)
    kind = np.where(np.isfinite(spread[known]), np.searchsorted(edges, spread[known], "right"), -1)
    for by, of, labels in (
        ("hour", hour, [f"{h:02d}" for h in range(24)]),
        ("volatility", kind, [*CLASSES]),
    ):
        for number, label in enumerate(labels):
            own = known[of == number]
            if len(own):
                yield Part(
                    name, moves.horizon, by, label, len(own), len(np.unique(group[own])), float(moves.bp[own].mean())
                )


def _capacity(name: str, where: Ints, bars: Bars, group: Ints, share: float) -> Capacity:
    entry = where[where + 1 < len(bars)]
    notional = bars["quote_volume"] if bars.carries("quote_volume") else bars["close"] * bars["volume"]
    could = share * notional[entry + 1]
    known = np.isfinite(could)
    if not known.any():
        return Capacity(name, share, 0, math.nan, math.nan, math.nan)
    low, median = np.quantile(could[known], [0.1, 0.5])
    days = len(np.unique(group[entry[known]]))
    return Capacity(name, share, int(known.sum()), float(low), float(median), float(could[known].sum()) / days)


def _rows(
    tests: Sequence[tuple[str, Moves, Ints, SessionMean, Excess]], bars: Bars, sessions: Ints
) -> dict[str, NDArray[Any]]:
    """Every move that was tested."""
    counts = [len(known) for _, _, known, *_ in tests]
    every = np.concatenate([known for _, _, known, *_ in tests]) if tests else np.zeros(0, dtype=np.int64)
    return {
        "event": np.repeat(np.array([name for name, *_ in tests], dtype=object), counts),
        "time": bars["close_time"][every].astype(np.int64),
        "session": sessions[every],
        "horizon": np.repeat(np.array([moves.horizon for _, moves, *_ in tests], dtype=np.int64), counts),
        **{
            unit: np.concatenate([getattr(moves, unit)[known] for _, moves, known, *_ in tests] or [np.zeros(0)])
            for unit in ("bp", "ticks", "vol")
        },
    }
