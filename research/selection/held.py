"""How long positions are held."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from statistics import median
from typing import Any

import numpy as np

from .daily import Daily


def held_of(row: Mapping[str, Any], daily: Daily) -> float:
    """Days that a run holds a position on average; 0 without a finished round trip.

    Examples
    --------
    >>> year = Daily(0, np.zeros(250, np.float32), False)
    >>> held_of({"exposure_pct": 40.0, "trades": 20}, year)
    5.0
    """
    trades = row.get("trades") or 0
    return float(np.count_nonzero(~np.isnan(daily.made)) * row["exposure_pct"] / 100 / trades) if trades else 0.0


def middle_and_best(held: Mapping[Hashable, float], series: Mapping[Hashable, Daily]) -> tuple[float, float]:
    """Days held at the middle run, and at the one with the best Sharpe ratio, of those that ``held`` a position."""
    if not held:
        return 0.0, 0.0
    best = max(held, key=lambda number: _ratio(series[number]))
    return median(held.values()), held[best]


def _ratio(one: Daily) -> float:
    spread = float(np.nanstd(one.made))
    return float(np.nanmean(one.made)) / spread if spread else -math.inf
