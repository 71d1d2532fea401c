"""Bipower variation: variance of log returns that single jumps leave alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.kernels import step
from ..core.params import Bound
from .framework.base import Indicator, Line
from .kernels.windows import Floats, total_count, total_push, total_size, total_value

_WINDOW = 2
"""Where in the state the window begins; before it lie the last close and the last absolute return."""


@step
def bipower_variation(p: Any, x: Any, s: Any, y: Any) -> None:
    """Kernel; ``x`` is close."""
    products = int(p[0]) - 1
    before, neighbour = s[0], s[1]
    s[0], s[1] = x[0], np.nan
    if not (before > 0.0 and x[0] > 0.0):
        return
    s[1] = abs(math.log(x[0] / before))
    if np.isnan(neighbour):
        return
    total_push(s, _WINDOW, products, s[1] * neighbour)
    if total_count(s, _WINDOW) >= products:
        y[0] = math.pi / 2.0 * total_value(s, _WINDOW)


class BipowerVariation(Indicator):
    """Sum of products of neighbouring absolute log returns, scaled to a variance.

        bipower_variation = pi / 2 · sum |r[t]| · |r[t - 1]|

    A jump enters in the first power only, so the square of `RealizedVol` over the same window less this is
    the part of the variance that jumped. It is a variance; its root compares with a volatility.

    Parameters
    ----------
    window : int, default=60
        Returns from close to close behind one sum, which has a product less; at least 2.

    Inputs
    ------
    close : price
        Last price.

    Lines
    -----
    bipower_variation : pure number
        Squared log return over the whole window. Stays when buys and sells trade places.

    From bar ``window + 1`` on.

    Raises
    ------
    ParamError
        If ``window`` is out of range, or another parameter is given.
    InputError
        If the data lacks ``close``.

    References
    ----------
    Barndorff-Nielsen, O. E., Shephard, N. (2004). Power and Bipower Variation with Stochastic Volatility and Jumps.
    Journal of Financial Econometrics 2(1), 1-37. Without the factor n / (n - 1) that some add.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> close = pd.Series(np.exp([0.0, 0.1, 0.3, 0.0]))
    >>> (BipowerVariation.over(close, window=3)["bipower_variation"] * 2 / np.pi).round(6).tolist()
    [nan, nan, nan, 0.08]
    """

    lines = ("bipower_variation",)
    params = {"window": 60}
    bounds = {"window": Bound(2, 1_000_000, integer=True)}
    above_0 = True
    inputs = ("close",)
    measures = {"bipower_variation": Line("variance of log returns without jumps")}
    presets = ({"window": 10},)
    step = bipower_variation

    @classmethod
    def warmup(cls, **params: Any) -> int:
        """The window, and the close before it."""
        return int(params["window"]) + 1

    @classmethod
    def state_size(cls, **params: Any) -> int:
        """The last close, the last return and one sum."""
        return _WINDOW + total_size(int(params["window"]) - 1)

    @classmethod
    def init_state(cls, state: Floats, **params: Any) -> None:
        """No close and no return yet."""
        state[:_WINDOW] = np.nan
