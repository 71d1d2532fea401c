"""A made-up tape: seeded, quick, and with something for order-flow strategies to find."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..aggregation.bars import BATCH, Covered
from ..core.clock import DAY, parse_time
from ..core.kernels import compiled
from ..core.params import Bound, Text
from ..core.tape import Tape
from ..core.ticks import grid_of, price_at
from .framework.tape_feed import TapeFeed

_CLOCK, _EXCITED, _MID, _VALUE, _BIAS, _UNTIL, _SIDE, _DEPTH = range(8)
_STATE = 8
_PUSH = 5e-5
"""Mean move when the depth on one side is used up, as a share of the first price."""


@compiled
def _arrival(rng: Any, s: NDArray[np.float64], calm: float, jump: float, decay: float) -> None:
    """Move the clock to the next trade of a self-exciting process (Ogata's thinning)."""
    while True:
        ceiling = calm + s[_EXCITED]
        wait = rng.standard_exponential() / ceiling
        s[_CLOCK] += wait
        s[_EXCITED] *= math.exp(-decay * wait)
        if rng.random() * ceiling <= calm + s[_EXCITED]:
            s[_EXCITED] += jump
            return


@compiled
def _spell(rng: Any, s: NDArray[np.float64]) -> None:
    """Now and then a new spell begins: two-sided half of the time, else one side has the upper hand."""
    if s[_CLOCK] < s[_UNTIL]:
        return
    s[_UNTIL] = s[_CLOCK] + 900.0 * rng.standard_exponential()
    u = rng.random()
    s[_BIAS] = 0.0 if u < 0.5 else (0.2 + 0.4 * rng.random()) * (1.0 if u < 0.75 else -1.0)


@compiled
def _trade(rng: Any, s: NDArray[np.float64], lots: float, push: float) -> float:
    """Side and size of a trade and what it does to the price, in steps of about ``push``; returns the size in lots."""
    if rng.random() > 0.6:
        s[_SIDE] = 1.0 if rng.random() < 0.5 * (1.0 + s[_BIAS]) else -1.0
    size = max(1.0, math.floor(lots * math.exp(1.4 * rng.standard_normal()) + 0.5))
    s[_DEPTH] -= s[_SIDE] * size / lots
    s[_VALUE] += push * (0.3 * rng.standard_normal() + 0.06 * s[_BIAS])
    if abs(s[_DEPTH]) > 6.0:
        s[_MID] -= math.copysign(1.0 + math.floor(push * rng.standard_exponential()), s[_DEPTH])
        s[_DEPTH] = 0.0
    pull = 0.004 * (s[_VALUE] - s[_MID])
    if rng.random() < abs(pull):
        s[_MID] += math.copysign(max(1.0, np.rint(abs(pull))), pull)
    s[_MID] = max(s[_MID], 2.0)
    return size


@compiled
def simulate(
    rng: Any,
    s: NDArray[np.float64],
    rate: float,
    lots: float,
    push: float,
    time: NDArray[np.int64],
    ticks: NDArray[np.int64],
    sizes: NDArray[np.int64],
    side: NDArray[np.int8],
    trades: NDArray[np.int64],
) -> None:
    """Fill the columns with the next trades.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where chance comes from; moved on by the same draws however the tape is cut into batches.
    s : ndarray of float64
        State: seconds so far, excitement, best bid in ticks, its slow anchor, lean of the spell, its end, last side,
        used-up depth. Changed in place.
    rate : float
        Trades per second on average.
    lots : float
        Median size in lots.
    push : float
        Mean move of the price in ticks when the depth on one side is used up.
    time, ticks, sizes, side, trades : ndarray
        Take µs from the start, price in ticks, size in lots, aggressor, raw trades.
    """
    decay, branching = 0.8, 0.6
    calm = rate * (1.0 - branching)
    for i in range(len(time)):
        _arrival(rng, s, calm, branching * decay, decay)
        _spell(rng, s)
        size = _trade(rng, s, lots, push)
        time[i] = np.int64(s[_CLOCK] * 1e6)
        ticks[i] = np.int64(s[_MID]) + (1 if s[_SIDE] > 0 else 0)
        sizes[i] = np.int64(size)
        side[i] = np.int8(s[_SIDE])
        trades[i] = 1 + np.int64(math.floor(0.6 * rng.standard_exponential()))


class SyntheticTape(TapeFeed):
    """A made-up tape for examples, tests and trials. It is no market: a profit made on it says nothing.

    Trades come in bursts, each making the next more likely. Spells of some minutes lean to one side or to none;
    takers use up the depth on their side and so push the price, which is drawn back to a slow random anchor that
    drifts with the spell. So flow leads price a little, on purpose. The same seed gives the same tape, in batches
    of any size.

    Parameters
    ----------
    seed : int, default=1
        Of the random numbers; at least 0.
    start : str, default="2024-01-01"
        ISO date or date-time of the first moment, UTC unless it says otherwise.
    days : float, default=3.0
        Length in days; above 0.
    rows : int or None, default=None
        Trades at most; None takes all of ``days``.
    price : float, default=30000.0
        First price.
    tick : float, default=0.1
        Price step.
    lot : float, default=0.0001
        Step of the amount in base currency.
    size : float, default=0.01
        Median amount of a trade in base currency.
    rate : float, default=1.2
        Trades per second on average.

    Raises
    ------
    ParamError
        If a parameter is unknown or out of bounds.
    DataError
        If a path is given.

    References
    ----------
    Hawkes, A. G. (1971). Spectra of Some Self-Exciting and Mutually Exciting Point Processes. Biometrika 58(1).
    Ogata, Y. (1981). On Lewis' Simulation Method for Point Processes. IEEE Trans. Information Theory 27(1).

    Examples
    --------
    >>> feed = SyntheticTape(seed=7, days=0.5)
    >>> bars = feed.bars("1h")
    >>> len(bars), bool((bars["taker_buy_volume"] > 0).all())
    (12, True)
    """

    params = {
        "seed": 1,
        "start": "2024-01-01",
        "days": 3.0,
        "rows": None,
        "price": 30_000.0,
        "tick": 0.1,
        "lot": 0.0001,
        "size": 0.01,
        "rate": 1.2,
    }
    bounds = {
        "seed": Bound(0, integer=True),
        "start": Text(parse_time, "an ISO date or date-time"),
        "days": Bound(0, 3660, open_low=True),
        "rows": Bound(1, integer=True, optional=True),
        "price": Bound(0, open_low=True),
        "tick": Bound(0, open_low=True),
        "lot": Bound(0, open_low=True),
        "size": Bound(0, open_low=True),
        "rate": Bound(0, open_low=True),
    }
    needs_path = False

    def __init__(self, paths: str | Path | Sequence[str | Path] = (), *, batch: int = BATCH, **params: Any) -> None:
        super().__init__(paths, **params)
        self._batch = batch
        self.tick = float(self.p["tick"])
        self._start = parse_time(self.p["start"])
        self._end = self._start + round(self.p["days"] * DAY)

    def covered(self) -> Covered:
        """From the start to the end, or of unknown end when ``rows`` cuts it off."""
        return self._start, self._end if self.p["rows"] is None else None

    def tapes(self) -> Iterator[Tape]:
        """Batches in time order; fills `counts`."""
        self.counts = {"rows": 0}
        rng = np.random.Generator(np.random.PCG64(int(self.p["seed"])))
        first = grid_of(self.tick).row(self.p["price"])
        state = np.zeros(_STATE)
        state[_MID] = state[_VALUE] = first
        state[_SIDE] = 1.0
        left = self.p["rows"] if self.p["rows"] is not None else 2**62
        next_id = 1
        while left > 0:
            tape = self._next(rng, state, min(self._batch, left), next_id)
            rows = int(np.searchsorted(tape.time, self._end, "left"))
            self.counts["rows"] += rows
            if rows:
                yield tape[:rows]
            if rows < len(tape):
                return
            left, next_id = left - rows, next_id + int(tape.trades.sum())

    def _next(self, rng: np.random.Generator, state: NDArray[np.float64], n: int, next_id: int) -> Tape:
        time, ticks, sizes, trades = (np.empty(n, np.int64) for _ in range(4))
        side = np.empty(n, np.int8)
        lots = max(1.0, self.p["size"] / self.p["lot"])
        push = max(1.0, _PUSH * self.p["price"] / self.tick)
        simulate(rng, state, float(self.p["rate"]), lots, push, time, ticks, sizes, side, trades)
        ids = next_id + np.cumsum(trades) - trades
        price, quantity = _on_grid(ticks, float(self.p["tick"])), _on_grid(sizes, float(self.p["lot"]))
        return Tape(self._start + time, price, quantity, side, ids, trades)


def _on_grid(steps: NDArray[np.int64], step: float) -> NDArray[np.float64]:
    """``steps × step`` as the float nearest to the decimal."""
    return np.asarray(price_at(steps, *grid_of(step)), dtype=np.float64)
