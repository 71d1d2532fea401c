"""Markets without an edge, and events in bursts that know nothing of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tapeflow.core.bars import Bars
from tapeflow.core.clock import DAY, MINUTE

KINDS = ("iid", "t3", "skewed", "ar", "drifting")


def returns(kind: str, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """One-bar log returns in basis points, of deviation about 1."""
    if kind == "t3":
        return rng.standard_t(3, count) / np.sqrt(3.0)
    if kind == "skewed":
        return rng.exponential(size=count) - 1.0
    made = rng.normal(size=count)
    if kind == "ar":
        for i in range(1, count):
            made[i] += 0.5 * made[i - 1]
    return made + (0.1 if kind == "drifting" else 0.0)


def market(made: NDArray[np.float64], per_day: int = 240) -> Bars:
    """One-minute bars of returns in basis points, so many a day, each opening where the last closed."""
    price = 1e4 * np.exp(np.concatenate([[0.0], np.cumsum(1e-4 * made)]))
    at = np.arange(len(made))
    opened = at // per_day * DAY + at % per_day * MINUTE
    high, low = np.maximum(price[:-1], price[1:]), np.minimum(price[:-1], price[1:])
    columns = dict(open=price[:-1], close=price[1:], high=high, low=low, volume=np.ones(len(made)))
    return Bars.of(open_time=opened, close_time=opened + MINUTE, **columns)


def bursts(count: int, rng: np.random.Generator, rate: float = 0.005, length: int = 8) -> NDArray[np.bool_]:
    """Where events are true: in runs of ``length`` bars that begin at chance."""
    made = np.zeros(count, dtype=np.bool_)
    for begin in np.flatnonzero(rng.random(count) < rate):
        made[begin : begin + length] = True
    return made
