"""Roll's spread: the bid-ask spread that bouncing prices give away."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core.kernels import step
from ..core.params import Bound, Choice
from .framework.base import Indicator, Line
from .kernels.pair_windows import pair_moments, pair_push, pair_size
from .kernels.windows import Floats, deviation

_ESTIMATORS = ("sample", "population", "zero_mean")
_ZERO_MEAN = 2.0
_WINDOW = 2
"""Where in the state the window begins; before it lie the last close and the last change."""


@step
def roll_spread(p: Any, x: Any, s: Any, y: Any) -> None:
    """Kernel; ``x`` is close."""
    n = int(p[0])
    change, before = x[0] - s[0], s[1]
    s[0], s[1] = x[0], change
    if np.isnan(change) or np.isnan(before):
        return
    pair_push(s, _WINDOW, n, before, change)
    w, mx, my, qx, qy, qxy = pair_moments(s, _WINDOW)
    if w < n:
        return
    cov = 0.0
    if p[1] == _ZERO_MEAN:
        cov = (qxy + w * mx * my) / w
    elif deviation(mx, qx, w) > 0.0 and deviation(my, qy, w) > 0.0:
        cov = qxy / (w - 1.0 if p[1] == 0.0 else w)
    if cov <= 0.0:
        y[0] = 2.0 * math.sqrt(abs(cov))


class RollSpread(Indicator):
    """Effective spread implied by the serial covariance of price changes.

        spread = 2 · sqrt(-cov(change[t], change[t - 1]))

    over changes from close to close: trades that bounce between bid and ask make neighbouring changes
    oppose each other.

    Parameters
    ----------
    window : int, default=60
        Pairs of neighbouring changes in one covariance; at least 2.
    estimator : {'sample', 'population', 'zero_mean'}, default='sample'
        The covariance about the two means, over ``window - 1``; the same over ``window``; or the mean product, as
        if the mean change were known to be 0.

    Inputs
    ------
    close : price
        Last price.

    Lines
    -----
    roll_spread : price
        NaN where the covariance is positive, for which the model has no spread; 0 where prices did not move. Stays
        when buys and sells trade places.

    From bar ``window + 2`` on.

    Raises
    ------
    ParamError
        If a parameter is out of range, or another one is given.
    InputError
        If the data lacks ``close``.

    References
    ----------
    Roll, R. (1984). A Simple Implicit Measure of the Effective Bid-Ask Spread in an Efficient Market. Journal of
    Finance 39(4), 1127-1139.

    Examples
    --------
    >>> import pandas as pd
    >>> close = pd.Series([100.0, 101, 100, 101, 100, 101, 100])
    >>> [
    ...     round(float(RollSpread.over(close, window=5, estimator=e)["roll_spread"].iloc[-1]), 4)
    ...     for e in ("population", "sample", "zero_mean")
    ... ]
    [1.9596, 2.1909, 2.0]
    """

    lines = ("roll_spread",)
    params = {"window": 60, "estimator": "sample"}
    bounds = {"window": Bound(2, 1_000_000, integer=True), "estimator": Choice(*_ESTIMATORS)}
    inputs = ("close",)
    measures = {"roll_spread": Line("spread implied by bouncing prices", price=1, overlay=False, sparse=True)}
    presets = ({"window": 10, "estimator": "population"}, {"window": 10, "estimator": "zero_mean"})
    step = roll_spread

    @classmethod
    def warmup(cls, **params: Any) -> int:
        """The window, and two closes before it."""
        return int(params["window"]) + 2

    @classmethod
    def numbers(cls, params: Mapping[str, Any]) -> tuple[float, ...]:
        """Window, and the estimator's place in the list."""
        return float(params["window"]), float(_ESTIMATORS.index(params["estimator"]))

    @classmethod
    def state_size(cls, **params: Any) -> int:
        """The last close, the last change and one window."""
        return _WINDOW + pair_size(int(params["window"]))

    @classmethod
    def init_state(cls, state: Floats, **params: Any) -> None:
        """No close and no change yet."""
        state[:_WINDOW] = np.nan
