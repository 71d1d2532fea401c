"""The terms on which a tape fills orders: an assumption, a latency, a share of the prints, an extra on trial."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ...configs.models import RunConfig
from .kernels import MIDDLE, OPTIMISTIC, PESSIMISTIC

ASSUMPTIONS = {"pessimistic": PESSIMISTIC, "middle": MIDDLE, "optimistic": OPTIMISTIC}
"""What is assumed of the queue that a limit order stands in, by name."""
HEADLINE = "middle"
"""The assumption whose figures a run is known by."""


class Extra(NamedTuple):
    """What every fill is burdened with besides, to see what an edge survives.

    The burden is charged with the fee. The price of a fill stays what it was, and with it every stop, target and size
    that is reckoned from it.

    Parameters
    ----------
    ticks : float
        What a fill so many ticks worse would cost.
    share : float
        Cost, as a share of notional.
    latency : int
        µs by which every order arrives later; this one does move fills.
    """

    ticks: float = 0.0
    share: float = 0.0
    latency: int = 0


@dataclass(frozen=True)
class Delays:
    """The time that orders take, the same for the same order in every run.

    Parameters
    ----------
    fixed : int
        µs.
    jitter : Jitter or None
        A distribution of what comes on top.
    seed : int
        Of the draws.

    Examples
    --------
    >>> Delays(50_000).of(1_700_000_000_000_000, 0)
    (50000, 50000)
    """

    fixed: int = 0
    jitter: Any = None
    seed: int = 0

    def of(self, sent: int, number: int) -> tuple[int, int]:
        """The latency of the ``number``-th order sent at ``sent`` (epoch µs), and of the order its trigger sends."""
        if self.jitter is None:
            return self.fixed, self.fixed
        rng = np.random.default_rng((self.seed, sent, number))
        first, second = self._drawn(rng)
        return self.fixed + first, self.fixed + second

    def _drawn(self, rng: np.random.Generator) -> tuple[int, int]:
        jitter = self.jitter
        if jitter.kind == "uniform":
            made = rng.random(2) * jitter.scale
        elif jitter.kind == "exponential":
            made = rng.standard_exponential(2) * jitter.scale
        else:
            made = jitter.scale * np.exp(jitter.sigma * rng.standard_normal(2))
        return round(float(made[0])), round(float(made[1]))


@dataclass(frozen=True)
class FillModel:
    """How a tape fills orders.

    Parameters
    ----------
    model : float
        One of `ASSUMPTIONS`.
    delays : Delays
        What orders take to arrive.
    share : float
        Of each print, that an order may take; infinite where a print fills any order.
    through : int
        Ticks beyond its limit at which the pessimist wants a print.
    queue : float
        Volumes that break a price ahead of an order in the middle assumption.
    extra : Extra
        What is added on trial.
    """

    model: float = OPTIMISTIC
    delays: Delays = field(default_factory=Delays)
    share: float = 1.0
    through: int = 1
    queue: float = 0.5
    extra: Extra = field(default_factory=Extra)

    @classmethod
    def of(cls, config: RunConfig, assumption: str, extra: Extra | None = None) -> FillModel:
        """Those of a run's fills block under one assumption."""
        block = config.fills
        return cls(
            ASSUMPTIONS[assumption],
            Delays(block.latency, block.latency_jitter, config.seed),
            math.inf if block.participation == "unlimited" else block.participation,
            block.ticks_through,
            block.queue,
            extra or Extra(),
        )
