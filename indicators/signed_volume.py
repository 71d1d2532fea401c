"""Signed volume: the bar's whole volume with the sign of its candle."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..core.kernels import step
from ..core.params import Choice
from .framework.base import Indicator, Line
from .heikin_ashi import SEEDS, heikin_ashi_body

_CHARTS = ("candles", "heikinashi")
_DOJIS = ("zero", "positive", "previous")
_NOISE = 1e-12


@step
def signed_volume(p: Any, x: Any, s: Any, y: Any) -> None:
    """Kernel; state: whether a bar was seen, its Heikin-Ashi open and close, the last sign."""
    first, last = x[0], x[3]
    noise = 0.0
    if p[0] == 1.0:
        first, last = heikin_ashi_body(x, s, p[2])
        noise = _NOISE * abs(last)
    body = last - first
    if math.fabs(body) > noise:
        s[3] = 1.0 if body > 0.0 else -1.0
        y[0] = s[3] * x[4]
    elif p[1] == 1.0:
        y[0] = x[4]
    elif p[1] == 2.0:
        y[0] = s[3] * x[4]
    else:
        y[0] = 0.0


class SignedVolume(Indicator):
    """Volume of the bar, positive where the candle closed up and negative where it closed down.

    This is the colour of the candle times its whole volume. It is not volume delta, which counts who
    took liquidity, and can have the opposite sign.

    Heikin-Ashi candles are made of the raw ones:

        close = (O + H + L + C) / 4,   open[t] = (open[t - 1] + close[t - 1]) / 2

    so their colour depends on where history starts; the trace of the start halves with every bar.

    Parameters
    ----------
    chart : {'candles', 'heikinashi'}, default='candles'
        Candles whose colour counts. The volume is the raw bar's either way.
    doji : {'zero', 'positive', 'previous'}, default='zero'
        What a candle that closed where it opened gives: 0, its volume, or its volume with the sign of
        the last candle that had one (0 before there was any).
    seed : {'mid', 'open', 'ohlc4'}, default='mid'
        The first Heikin-Ashi open: (O + C) / 2, O, or (O + H + L + C) / 4.

    Inputs
    ------
    open, high, low, close : price
        Prices of the bar.
    volume : base, >= 0
        Traded amount.

    Lines
    -----
    signed_volume : base
        From the first bar on. Stays when buys and sells trade places, for it knows only prices.

    Raises
    ------
    ParamError
        If a parameter is none of its values, or another one is given.
    InputError
        If the data lacks an input.

    References
    ----------
    TAAPI.IO, indicator ``volume``: positive volume for a rising candle, negative for a falling one.

    Examples
    --------
    >>> import pandas as pd
    >>> bars = pd.DataFrame(
    ...     dict(open=[10, 11, 10], high=[14, 13, 11], low=[9, 10, 8], close=[11, 10, 10], volume=[5.0, 7, 9]),
    ...     index=pd.date_range("2024-01-01", periods=3, freq="1min"),
    ... )
    >>> SignedVolume.over(bars)["signed_volume"].tolist()
    [5.0, -7.0, 0.0]
    >>> SignedVolume.over(bars, chart="heikinashi")["signed_volume"].tolist()
    [5.0, 7.0, -9.0]
    """

    lines = ("signed_volume",)
    params = {"chart": "candles", "doji": "zero", "seed": "mid"}
    bounds = {"chart": Choice(*_CHARTS), "doji": Choice(*_DOJIS), "seed": Choice(*SEEDS)}
    sized = True
    inputs = ("open", "high", "low", "close", "volume")
    measures = {"signed_volume": Line("volume with the sign of the candle", size=1)}
    presets = (
        {"doji": "positive"},
        {"doji": "previous"},
        {"chart": "heikinashi"},
        {"chart": "heikinashi", "seed": "ohlc4", "doji": "previous"},
    )
    step = signed_volume

    @classmethod
    def numbers(cls, params: Mapping[str, Any]) -> tuple[float, ...]:
        """Each choice as its place in the list."""
        chart, doji, seed = params["chart"], params["doji"], params["seed"]
        return float(_CHARTS.index(chart)), float(_DOJIS.index(doji)), float(SEEDS.index(seed))

    @classmethod
    def state_size(cls, **params: Any) -> int:
        """Whether a bar was seen, its Heikin-Ashi open and close, the last sign."""
        return 4
