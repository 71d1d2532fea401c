"""Whether an account could come to be worth nothing: seldom, so that few bars need to be looked at."""

from __future__ import annotations

from typing import Any

import numpy as np

NEAR = 1e-6
"""Share of what is added up within which rounding might matter."""


def is_endangered(broker: Any) -> bool:
    """Whether what ``broker`` holds could be worth nothing at the worst closes of the whole run."""
    if broker.ruined_at is not None:
        return False
    worst, scale = broker.cash, abs(broker.cash)
    for data, position in broker.positions.items():
        if position.size:
            low, high = _extremes(broker, data)
            at_worst = position.size * (low if position.size > 0 else high)
            worst, scale = worst + at_worst, scale + abs(at_worst)
    return not worst > broker.floor + NEAR * scale


def _extremes(broker: Any, data: Any) -> tuple[float, float]:
    """Lowest and highest close of a feed; NaN where one is missing."""
    known = broker.__dict__.setdefault("_closes", {})
    if data not in known:
        close = np.frombuffer(data.lines.close.array, dtype=np.float64, count=data.buflen())
        known[data] = float(close.min()), float(close.max())
    made: tuple[float, float] = known[data]
    return made
