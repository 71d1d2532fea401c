"""Realised volatility: the root of the summed squared log returns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core.kernels import step
from ..core.params import Bound, Choice
from .framework.base import Indicator, Line
from .framework.inputs import Input
from .kernels.windows import Floats, total_count, total_push, total_size, total_value

_WINDOW = 1
"""Where in the state the window begins; before it lies the last close."""


@step
def realized_vol(p: Any, x: Any, s: Any, y: Any) -> None:
    """Kernel; ``x`` is close, or the volatility inside the bar."""
    n = int(p[0])
    moved = x[0]
    if p[1] == 0.0:
        before = s[0]
        s[0] = x[0]
        if not (before > 0.0 and x[0] > 0.0):
            return
        moved = math.log(x[0] / before)
    total_push(s, _WINDOW, n, moved * moved)
    if total_count(s, _WINDOW) >= n:
        y[0] = math.sqrt(total_value(s, _WINDOW))


class RealizedVol(Indicator):
    """Root of the summed squared log returns of the last bars, not annualised.

        realized_vol = sqrt(sum r²)

    Parameters
    ----------
    window : int, default=60
        Returns, or bars, in one sum; at least 1.
    returns : {'close', 'trades'}, default='close'
        Whose returns: from close to close, or all those between trades inside the bars, which the column of the
        same name holds; a bar without trades is then left out and NaN.

    Inputs
    ------
    close : price
        Last price.
    realized_vol : log return
        With ``returns='trades'``, in place of ``close``.

    Lines
    -----
    realized_vol : pure number
        Log return over the whole window. Stays when buys and sells trade places.

    From bar ``window + 1`` on; with ``returns='trades'`` from bar ``window``.

    Raises
    ------
    ParamError
        If a parameter is out of range, or another one is given.
    InputError
        If the data lacks the input.

    References
    ----------
    Andersen, T. G., Bollerslev, T., Diebold, F. X., Labys, P. (2003). Modeling and Forecasting Realized Volatility.
    Econometrica 71(2), 579-625.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> close = pd.Series(np.exp([0.0, 0.03, -0.01, -0.01]))
    >>> RealizedVol.over(close, window=2)["realized_vol"].round(6).tolist()
    [nan, nan, 0.05, 0.04]
    """

    lines = ("realized_vol",)
    params = {"window": 60, "returns": "close"}
    bounds = {"window": Bound(1, 1_000_000, integer=True), "returns": Choice("close", "trades")}
    above_0 = True
    inputs = ("close",)
    measures = {"realized_vol": Line("root of summed squared log returns")}
    presets = ({"window": 10}, {"window": 10, "returns": "trades"})
    step = realized_vol

    @classmethod
    def input_names(cls, **params: Any) -> tuple[Input, ...]:
        """The close, or the volatility inside the bar."""
        return ("close",) if params["returns"] == "close" else ("realized_vol",)

    @classmethod
    def warmup(cls, **params: Any) -> int:
        """The window, and the close before it where closes count."""
        return int(params["window"]) + int(params["returns"] == "close")

    @classmethod
    def numbers(cls, params: Mapping[str, Any]) -> tuple[float, ...]:
        """Window, and whether returns come with the bar."""
        return float(params["window"]), float(params["returns"] == "trades")

    @classmethod
    def state_size(cls, **params: Any) -> int:
        """The last close and one sum."""
        return _WINDOW + total_size(int(params["window"]))

    @classmethod
    def init_state(cls, state: Floats, **params: Any) -> None:
        """No close yet."""
        state[0] = np.nan
