"""The share of a bar's volume that was bought, where only its closes tell, for use inside step kernels."""

from __future__ import annotations

import math
from typing import Any

from ...core.kernels import compiled
from .distributions import normal_cdf, student_cdf
from .windows import deviation, window_count, window_moments, window_push, window_size

TICK, BVC_NORMAL, BVC_T = 1.0, 2.0, 3.0
_CLOSE, _SIGN, _CHANGES = 0, 1, 2


def sides_size(window: int) -> int:
    """Numbers of state that closes take, for a deviation over ``window`` changes."""
    return _CHANGES + window_size(window)


@compiled
def bought_share(s: Any, at: int, close: float, how: float, window: int, freedom: float) -> float:
    """The share bought of a bar that closes at ``close``; NaN where it cannot be told yet.

    ``TICK`` gives the whole bar to the side of the last change of the close. ``BVC_NORMAL`` and ``BVC_T`` divide it
    by the distribution of the change over its deviation in the last ``window`` changes, this one included.
    The state at ``at`` begins with NaN for the last close.
    """
    change = close - s[at + _CLOSE]
    s[at + _CLOSE] = close
    if math.isnan(change):
        return math.nan
    if how == TICK:
        if change != 0.0:
            s[at + _SIGN] = 1.0 if change > 0.0 else -1.0
        return math.nan if s[at + _SIGN] == 0.0 else 0.5 + 0.5 * s[at + _SIGN]
    window_push(s, at + _CHANGES, window, change, 1.0)
    if window_count(s, at + _CHANGES) < window:
        return math.nan
    if change == 0.0:
        return 0.5
    w, mean, squares = window_moments(s, at + _CHANGES)
    sd = deviation(mean, squares, w - 1.0)
    if not sd > 0.0:
        return 1.0 if change > 0.0 else 0.0
    return normal_cdf(change / sd) if how == BVC_NORMAL else student_cdf(change / sd, freedom)
