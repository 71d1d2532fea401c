"""Thresholds that look back only: a multiple of a mean, a percentile, or an amount.

In a kernel's state a threshold over ``n`` observations is `threshold_size(n)` numbers from a base index. What it
says of a bar, it says before that bar is taken in.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...core.kernels import compiled
from ...core.params import Bound, Choice, Rule, With
from .sorted_windows import sorted_at, sorted_count, sorted_push, sorted_size
from .value_area import NEAR
from .windows import window_count, window_moments, window_push, window_size

THRESHOLDS = ("mean", "percentile", "absolute")
_MEAN, _PERCENTILE = 0, 1
NUMBERS = 5
"""How many numbers `threshold_numbers` gives a kernel."""

THRESHOLD_BOUNDS: dict[str, Rule] = {
    "threshold": Choice(*THRESHOLDS),
    "k": Bound(0, open_low=True),
    "percentile": Bound(0, 100, open_low=True),
    "amount": Bound(0, open_low=True, optional=True),
    "window": Bound(2, 100_000, integer=True),
}


THRESHOLD_WITH = {
    "k": With("threshold", ("mean",)),
    "percentile": With("threshold", ("percentile",)),
    "window": With("threshold", ("mean", "percentile")),
}
"""Which threshold each parameter is of."""


def threshold_params(k: float, percentile: float, window: int = 60) -> dict[str, Any]:
    """The five parameters with their defaults."""
    return {"threshold": "mean", "k": k, "percentile": percentile, "amount": None, "window": window}


def threshold_numbers(params: Mapping[str, Any]) -> tuple[float, ...]:
    """What `threshold_level` reads, in its order."""
    kind, amount = float(THRESHOLDS.index(params["threshold"])), params["amount"]
    return kind, float(params["k"]), float(params["percentile"]), float(amount or np.nan), float(params["window"])


def threshold_complaint(params: Mapping[str, Any]) -> str:
    """An absolute threshold needs its amount, and no other takes one."""
    absolute = params["threshold"] == "absolute"
    if absolute and params["amount"] is None:
        return "amount must be given with threshold absolute"
    return "" if absolute or params["amount"] is None else "amount has no meaning unless threshold is absolute"


def threshold_warmup(params: Mapping[str, Any]) -> int:
    """The bar, counted from 1, that is first measured."""
    return 1 if params["threshold"] == "absolute" else int(params["window"]) + 1


def threshold_size(n: int) -> int:
    """Numbers of state."""
    return max(window_size(n), sorted_size(n))


@compiled
def threshold_push(s: Any, at: int, p: Any, value: float) -> None:
    """Take a bar's value in; ``p`` is what `threshold_numbers` gave."""
    if p[0] == _MEAN:
        window_push(s, at, int(p[4]), value, 1.0)
    elif p[0] == _PERCENTILE:
        sorted_push(s, at, int(p[4]), value)


@compiled
def threshold_level(s: Any, at: int, p: Any) -> float:
    """The threshold; NaN until ``window`` values are held.

    A percentile is an observed value: the smallest that at least its share of them do not exceed.
    """
    n = int(p[4])
    if p[0] == _MEAN:
        if window_count(s, at) < n:
            return np.nan
        _, mean, _ = window_moments(s, at)
        return float(p[1] * mean)
    if p[0] == _PERCENTILE:
        if sorted_count(s, at) < n:
            return np.nan
        rank = math.ceil(p[2] / 100.0 * n - NEAR) - 1
        return sorted_at(s, at, n, max(rank, 0))
    return float(p[3])
