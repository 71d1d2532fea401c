"""Parkinson's volatility: from the highs and lows of bars."""

from __future__ import annotations

import math
from typing import Any

from ..core.kernels import step
from ..core.params import Bound
from .framework.base import Indicator, Line
from .kernels.windows import total_count, total_push, total_size, total_value

_SCALE = 4.0 * math.log(2.0)


@step
def parkinson(p: Any, x: Any, s: Any, y: Any) -> None:
    """Kernel; ``x`` is high and low."""
    n = int(p[0])
    if x[1] > 0.0:
        total_push(s, 0, n, math.log(x[0] / x[1]) ** 2)
    if total_count(s, 0) >= n:
        y[0] = math.sqrt(total_value(s, 0) / (n * _SCALE))


class Parkinson(Indicator):
    """Volatility of one bar, from the ranges of the last bars.

        parkinson = sqrt(mean ln(high / low)² / (4 ln 2))

    It is the deviation of a bar's log return, if the price is a random walk that trades without pause; a
    market that trades seldom shows too small a range. With ``window`` 1 it is each bar's own.

    Parameters
    ----------
    window : int, default=60
        Bars in one mean; at least 1.

    Inputs
    ------
    high, low : price
        Extremes of the bar.

    Lines
    -----
    parkinson : pure number
        Log return of one bar; a bar without trades counts with a range of 0. Stays when buys and sells trade places.

    From bar ``window`` on.

    Raises
    ------
    ParamError
        If ``window`` is out of range, or another parameter is given.
    InputError
        If the data lacks an input.

    References
    ----------
    Parkinson, M. (1980). The Extreme Value Method for Estimating the Variance of the Rate of Return.
    Journal of Business 53(1), 61-65.

    Examples
    --------
    >>> import pandas as pd
    >>> bars = pd.DataFrame(
    ...     dict(high=[101.0, 100, 103], low=[100.0, 100, 100]),
    ...     index=pd.date_range("2024-01-01", periods=3, freq="1min"),
    ... )
    >>> Parkinson.over(bars, window=1)["parkinson"].round(6).tolist()
    [0.005976, 0.0, 0.017752]
    """

    lines = ("parkinson",)
    params = {"window": 60}
    bounds = {"window": Bound(1, 1_000_000, integer=True)}
    above_0 = True
    inputs = ("high", "low")
    measures = {"parkinson": Line("volatility of a bar from ranges")}
    presets = ({"window": 1}, {"window": 10})
    step = parkinson

    @classmethod
    def warmup(cls, **params: Any) -> int:
        """The window."""
        return int(params["window"])

    @classmethod
    def state_size(cls, **params: Any) -> int:
        """One sum."""
        return total_size(int(params["window"]))
