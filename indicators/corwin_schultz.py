"""Corwin and Schultz's spread: the bid-ask spread that highs and lows give away."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.kernels import compiled, step
from ..core.params import Bound
from .framework.base import Indicator, Line
from .kernels.windows import Floats, window_count, window_moments, window_push, window_size

_ROOTS = 3.0 - 2.0 * math.sqrt(2.0)
_WINDOW = 2
"""Where in the state the window begins; before it lie the high and low of the last bar with trades."""


@compiled
def spread_of_two(high: float, low: float, high_before: float, low_before: float) -> float:
    """The estimate from two bars; 0 where it is negative."""
    beta = math.log(high / low) ** 2 + math.log(high_before / low_before) ** 2
    gamma = math.log(max(high, high_before) / min(low, low_before)) ** 2
    alpha = (math.sqrt(2.0 * beta) - math.sqrt(beta)) / _ROOTS - math.sqrt(gamma / _ROOTS)
    return 2.0 * (math.exp(alpha) - 1.0) / (1.0 + math.exp(alpha)) if alpha > 0.0 else 0.0


@step
def corwin_schultz(p: Any, x: Any, s: Any, y: Any) -> None:
    """Kernel; ``x`` is high, low, volume."""
    n = int(p[0])
    if x[2] > 0.0 and x[1] > 0.0:
        if s[1] > 0.0:
            window_push(s, _WINDOW, n, spread_of_two(x[0], x[1], s[0], s[1]), 1.0)
        s[0], s[1] = x[0], x[1]
    if window_count(s, _WINDOW) >= n:
        y[0] = window_moments(s, _WINDOW)[1]


class CorwinSchultz(Indicator):
    """Relative spread estimated from the highs and lows of neighbouring bars, averaged.

        beta  = ln(H1 / L1)² + ln(H2 / L2)²,   gamma = ln(max(H1, H2) / min(L1, L2))²
        alpha = (sqrt(2 beta) - sqrt(beta)) / (3 - 2 sqrt 2) - sqrt(gamma / (3 - 2 sqrt 2))
        spread = 2 (e^alpha - 1) / (1 + e^alpha),   0 where alpha < 0

    A bar's range holds the spread once and its volatility by the bar, that of two bars the spread once and
    the volatility of two: the difference is the spread. There is no correction for gaps between closes
    and opens, which a market that never closes does not have.

    Parameters
    ----------
    window : int, default=60
        Pairs of bars in one mean; 1 gives each pair's own estimate.

    Inputs
    ------
    high, low : price
        Extremes of the bar.
    volume : base, >= 0
        Traded amount: a bar without trades is left out, and repeats the value.

    Lines
    -----
    corwin_schultz : pure number
        Spread as a share of the price. Stays when buys and sells trade places.

    From bar ``window + 1`` on, where every bar trades.

    Raises
    ------
    ParamError
        If ``window`` is out of range, or another parameter is given.
    InputError
        If the data lacks an input.

    References
    ----------
    Corwin, S. A., Schultz, P. (2012). A Simple Way to Estimate Bid-Ask Spreads from Daily High and Low Prices.
    Journal of Finance 67(2), 719-760. Negative estimates count as 0, as there.

    Examples
    --------
    >>> import pandas as pd
    >>> bars = pd.DataFrame(
    ...     dict(high=[102.0, 103], low=[98.0, 99], volume=[1.0, 1]),
    ...     index=pd.date_range("2024-01-01", periods=2, freq="1min"),
    ... )
    >>> CorwinSchultz.over(bars, window=1)["corwin_schultz"].round(10).tolist()
    [nan, 0.0157768506]
    """

    lines = ("corwin_schultz",)
    params = {"window": 60}
    bounds = {"window": Bound(1, 1_000_000, integer=True)}
    above_0 = True
    inputs = ("high", "low", "volume")
    measures = {"corwin_schultz": Line("spread implied by highs and lows, as a share of the price")}
    presets = ({"window": 1},)
    step = corwin_schultz

    @classmethod
    def warmup(cls, **params: Any) -> int:
        """The window, and the bar before it."""
        return int(params["window"]) + 1

    @classmethod
    def state_size(cls, **params: Any) -> int:
        """A high and a low, and one window."""
        return _WINDOW + window_size(int(params["window"]))

    @classmethod
    def init_state(cls, state: Floats, **params: Any) -> None:
        """No bar yet."""
        state[:_WINDOW] = np.nan
