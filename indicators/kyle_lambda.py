"""Kyle's lambda: how far the price moves for one unit of one-sided volume."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.kernels import step
from .framework.base import Line
from .impact import WINDOW, ImpactKind
from .kernels.pair_windows import pair_moments, pair_push, slope
from .volume_delta import net_flow


@step
def kyle_lambda(p: Any, x: Any, s: Any, y: Any) -> None:
    """Kernel; ``x`` is close, bought, sold."""
    n = int(p[0])
    before = s[0]
    s[0] = x[0]
    if np.isnan(before):
        return
    pair_push(s, WINDOW, n, net_flow(x[1], x[2]), x[0] - before)
    moments = pair_moments(s, WINDOW)
    if moments[0] >= n:
        y[0] = slope(moments)


class KyleLambda(ImpactKind):
    """Slope of the price change on signed volume, over the last bars.

        lambda = cov(change, delta) / var(delta)

    with ``change`` from close to close and ``delta`` the bar's taker buys less taker sells: ordinary least
    squares with an intercept. A high value is a thin market.

    Parameters
    ----------
    window : int, default=60
        Changes in one regression; at least 2.

    Inputs
    ------
    close : price
        Last price.
    taker_buy_volume, taker_sell_volume : base, >= 0
        Volume by side.

    Lines
    -----
    kyle_lambda : price^1 base^-1
        Price change for each unit of base bought at market. NaN where ``delta`` did not move within the window, 0
        where only the change did not. Changes sign when buys and sells trade places.

    From bar ``window + 1`` on.

    Raises
    ------
    ParamError
        If ``window`` is out of range, or another parameter is given.
    InputError
        If the data lacks an input.

    References
    ----------
    Kyle, A. S. (1985). Continuous Auctions and Insider Trading. Econometrica 53(6), 1315-1335.

    Examples
    --------
    >>> import pandas as pd
    >>> bars = pd.DataFrame(
    ...     dict(
    ...         close=[100.0, 100.5, 99.5, 100.9, 101.0],
    ...         taker_buy_volume=[0.0, 1, 0, 3, 2],
    ...         taker_sell_volume=[0.0, 0, 2, 0, 2],
    ...     ),
    ...     index=pd.date_range("2024-01-01", periods=5, freq="1min"),
    ... )
    >>> KyleLambda.over(bars, window=4)["kyle_lambda"].round(7).tolist()
    [nan, nan, nan, nan, 0.4769231]
    """

    lines = ("kyle_lambda",)
    sized = True
    inputs = ("close", "taker_buy_volume", "taker_sell_volume")
    measures = {"kyle_lambda": Line("price change for one unit of signed volume", 1, -1, odd=True)}
    step = kyle_lambda
