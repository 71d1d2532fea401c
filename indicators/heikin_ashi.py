"""Heikin-Ashi: candles averaged so that trends keep one colour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.kernels import compiled, step
from ..core.params import Choice
from .framework.base import Indicator, Line

SEEDS = ("mid", "open", "ohlc4")
"""The first open: (O + C) / 2, O, or (O + H + L + C) / 4."""


@compiled
def heikin_ashi_body(x: Any, s: Any, seed: float) -> tuple[float, float]:
    """Open and close of the candle that follows; ``x`` begins with the raw open, high, low, close.

    ``s`` begins with whether there was a candle before, its open and its close.
    """
    last = ((x[0] + x[3]) + (x[1] + x[2])) / 4.0
    first = x[0]
    if s[0] == 1.0:
        first = (s[1] + s[2]) / 2.0
    elif seed == 0.0:
        first = (x[0] + x[3]) / 2.0
    elif seed == 2.0:
        first = last
    s[0], s[1], s[2] = 1.0, first, last
    return first, last


@step
def heikin_ashi(p: Any, x: Any, s: Any, y: Any) -> None:
    """Kernel; ``x`` is open, high, low, close."""
    first, last = heikin_ashi_body(x, s, p[0])
    y[0], y[3] = first, last
    y[1], y[2] = max(x[1], first, last), min(x[2], first, last)


class HeikinAshi(Indicator):
    """Candles whose close is the mean of the bar's four prices, and whose open the middle of the last body.

        close = (O + H + L + C) / 4,         open[t] = (open[t - 1] + close[t - 1]) / 2
        high = max(H, open, close),          low = min(L, open, close)

    The recursion makes a candle depend on where history starts; the trace of the start halves with every bar.
    These are no prices at which anybody traded: decide by them, never fill at them.

    Parameters
    ----------
    seed : {'mid', 'open', 'ohlc4'}, default='mid'
        The first open: (O + C) / 2, O, or (O + H + L + C) / 4. Libraries differ.

    Inputs
    ------
    open, high, low, close : price
        Prices of the bar.

    Lines
    -----
    open, high, low, close : price
        The averaged candle, from the first bar on. All stay when buys and sells trade places.

    Raises
    ------
    ParamError
        If ``seed`` is none of its values, or another parameter is given.
    InputError
        If the data lacks an input.

    References
    ----------
    TAAPI.IO offers ``chart=heikinashi`` without a formula; this is the common recursion.

    Examples
    --------
    >>> import pandas as pd
    >>> bars = pd.DataFrame(
    ...     dict(open=[10.0, 11, 10], high=[14.0, 13, 11], low=[9.0, 10, 8], close=[11.0, 10, 9]),
    ...     index=pd.date_range("2024-01-01", periods=3, freq="1min"),
    ... )
    >>> HeikinAshi.over(bars).to_numpy().tolist()
    [[10.5, 14.0, 9.0, 11.0], [10.75, 13.0, 10.0, 11.0], [10.875, 11.0, 8.0, 9.5]]
    """

    lines = ("open", "high", "low", "close")
    params = {"seed": "mid"}
    bounds = {"seed": Choice(*SEEDS)}
    inputs = ("open", "high", "low", "close")
    measures = {
        "open": Line("middle of the last averaged body", price=1),
        "high": Line("highest of the bar and its averaged body", price=1),
        "low": Line("lowest of the bar and its averaged body", price=1),
        "close": Line("mean of the bar's four prices", price=1),
    }
    presets = ({"seed": "open"}, {"seed": "ohlc4"})
    step = heikin_ashi

    @classmethod
    def numbers(cls, params: Mapping[str, Any]) -> tuple[float, ...]:
        """The seed's place in the list."""
        return (float(SEEDS.index(params["seed"])),)

    @classmethod
    def state_size(cls, **params: Any) -> int:
        """Whether there was a candle, its open, its close."""
        return 3
