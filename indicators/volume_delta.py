"""Volume delta: what buyers took less what sellers took."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.kernels import compiled, step
from ..core.params import Choice
from .framework.base import Indicator, Line
from .framework.inputs import Input
from .framework.sizing import InUsd

FLOW_COLUMNS: dict[str, tuple[Input, ...]] = {
    "base": ("taker_buy_volume", "taker_sell_volume"),
    "quote": ("taker_buy_quote_volume", "taker_sell_quote_volume"),
    "usd": (InUsd("taker_buy_quote_volume"), InUsd("taker_sell_quote_volume")),
    "count": ("taker_buy_count", "taker_sell_count"),
}
"""What buyers took and what sellers took, by unit."""
DIMENSIONS = {"base": (0, 1), "quote": (1, 1), "usd": (1, 1), "count": (0, 0)}
"""Exponents of price and size, by unit."""

_BALANCED = 1e-14
"""Sums of equal amounts in another order differ by about this share; such a delta is 0."""


@compiled
def net_flow(bought: float, sold: float) -> float:
    """``bought`` less ``sold``; exactly 0 where that is rounding noise."""
    net = bought - sold
    return 0.0 if abs(net) <= _BALANCED * (bought + sold) else net


@step
def volume_delta(p: Any, x: Any, s: Any, y: Any) -> None:
    """Kernel without state."""
    total = x[0] + x[1]
    y[0] = net_flow(x[0], x[1])
    y[1] = y[0] / total if total > 0.0 else np.nan


class VolumeDelta(Indicator):
    """Aggressive buying less aggressive selling of one bar.

        delta = buys - sells,   percent = delta / (buys + sells)

    Parameters
    ----------
    unit : {'base', 'quote', 'usd', 'count'}, default='base'
        What is counted: the amount, its notional, that in US dollars, or rows of the tape. Klines know all but the
        last. Dollars need ``usd`` in the data block, and are at the rate known at the bar's close.

    Inputs
    ------
    taker_buy_volume, taker_sell_volume : base, >= 0
        With ``unit='base'``.
    taker_buy_quote_volume, taker_sell_quote_volume : quote, >= 0
        With ``unit='quote'``; with ``usd_rate`` besides where it is ``'usd'``.
    taker_buy_count, taker_sell_count : count, >= 0
        With ``unit='count'``.

    Lines
    -----
    delta : base, quote, USD or count
        0 in a bar without trades. Changes sign when buys and sells trade places.
    percent : pure number in [-1, 1]
        Share of the volume whose side is known; NaN where there is none. Changes sign with ``delta``.

    Both from the first bar on.

    Raises
    ------
    ParamError
        If ``unit`` is none of its values, or another parameter is given.
    InputError
        If the data lacks an input, as klines lack counts by side.

    References
    ----------
    Binance, public klines: ``taker_sell = volume - taker_buy``, so ``delta = 2 taker_buy - volume``.

    Examples
    --------
    >>> import pandas as pd
    >>> bars = pd.DataFrame(
    ...     dict(taker_buy_volume=[3.0, 0, 0], taker_sell_volume=[1.0, 2, 0]),
    ...     index=pd.date_range("2024-01-01", periods=3, freq="1min"),
    ... )
    >>> lines = VolumeDelta.over(bars)
    >>> lines["delta"].tolist(), lines["percent"].tolist()
    ([2.0, -2.0, 0.0], [0.5, -1.0, nan])
    """

    lines = ("delta", "percent")
    params = {"unit": "base"}
    bounds = {"unit": Choice(*FLOW_COLUMNS)}
    sized = True
    inputs = FLOW_COLUMNS["base"]
    measures = {
        "delta": Line("buys less sells", size=1, odd=True),
        "percent": Line("delta as a share of the volume", odd=True),
    }
    presets = ({"unit": "quote"}, {"unit": "count"})
    step = volume_delta

    @classmethod
    def input_names(cls, **params: Any) -> tuple[Input, ...]:
        """The two columns of the unit."""
        return FLOW_COLUMNS[params["unit"]]

    @classmethod
    def line_measures(cls, **params: Any) -> dict[str, Line]:
        """``delta`` has the dimension of its unit."""
        unit = cls.resolve(params)["unit"]
        price, size = DIMENSIONS[unit]
        return {**cls.measures, "delta": Line("buys less sells", price, size, odd=True, unit=unit)}
