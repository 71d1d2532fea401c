"""Hasbrouck's lambda: how far the log price moves for the signed root of traded money."""

from __future__ import annotations

import math
from typing import Any

from ..core.kernels import step
from .framework.base import Line
from .impact import WINDOW, ImpactKind
from .kernels.pair_windows import pair_moments, pair_push, slope
from .volume_delta import net_flow


@step
def hasbrouck_lambda(p: Any, x: Any, s: Any, y: Any) -> None:
    """Kernel; ``x`` is close, bought and sold notional."""
    n = int(p[0])
    before = s[0]
    s[0] = x[0]
    if not (before > 0.0 and x[0] > 0.0):
        return
    net = net_flow(x[1], x[2])
    root = math.sqrt(x[1] + x[2])
    signed = root if net > 0.0 else -root if net < 0.0 else 0.0
    pair_push(s, WINDOW, n, signed, math.log(x[0] / before))
    moments = pair_moments(s, WINDOW)
    if moments[0] >= n:
        y[0] = slope(moments)


class HasbrouckLambda(ImpactKind):
    """Slope of the log return on the signed root of notional, over the last bars.

        lambda = cov(r, x) / var(x),   x = sign(buys - sells) · sqrt(buys + sells)

    with ``r`` the log return from close to close: ordinary least squares with an intercept. The original
    adds up signed roots trade by trade; a bar stands for one trade here, signed by its notional delta.

    Parameters
    ----------
    window : int, default=60
        Returns in one regression; at least 2.

    Inputs
    ------
    close : price
        Last price.
    taker_buy_quote_volume, taker_sell_quote_volume : quote, >= 0
        Notional by side.

    Lines
    -----
    hasbrouck_lambda : price^-0.5 base^-0.5
        Log return for each root of notional. NaN where ``x`` did not move within the window, 0 where only the
        price did not. Changes sign when buys and sells trade places.

    From bar ``window + 1`` on.

    Raises
    ------
    ParamError
        If ``window`` is out of range, or another parameter is given.
    InputError
        If the data lacks an input.

    References
    ----------
    Hasbrouck, J. (2009). Trading Costs and Returns for U.S. Equities: Estimating Effective Costs from Daily
    Data. Journal of Finance 64(3), 1445-1477.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> bars = pd.DataFrame(
    ...     dict(
    ...         close=100 * np.exp([0.0, 0.02, -0.02, 0.01]),
    ...         taker_buy_quote_volume=[0.0, 4, 0, 9],
    ...         taker_sell_quote_volume=[0.0, 0, 16, 0],
    ...     ),
    ...     index=pd.date_range("2024-01-01", periods=4, freq="1min"),
    ... )
    >>> HasbrouckLambda.over(bars, window=3)["hasbrouck_lambda"].round(6).tolist()
    [nan, nan, nan, 0.01]
    """

    lines = ("hasbrouck_lambda",)
    sized = True
    above_0 = True
    inputs = ("close", "taker_buy_quote_volume", "taker_sell_quote_volume")
    measures = {"hasbrouck_lambda": Line("log return for one signed root of notional", -0.5, -0.5, odd=True)}
    step = hasbrouck_lambda
