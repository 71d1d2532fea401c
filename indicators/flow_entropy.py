"""Flow entropy: how evenly the volume is split between buyers and sellers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..core.kernels import step
from ..core.params import Choice
from .framework.base import Indicator, Line
from .framework.inputs import Input
from .volume_delta import FLOW_COLUMNS


@step
def flow_entropy(p: Any, x: Any, s: Any, y: Any) -> None:
    """Kernel without state; ``p`` is what nats are multiplied by, ``x`` bought and sold."""
    total = x[0] + x[1]
    if not total > 0.0:
        return
    made = 0.0
    for k in range(2):
        share = x[k] / total
        if share > 0.0:
            made -= share * math.log(share)
    y[0] = max(made, 0.0) * p[0]


class FlowEntropy(Indicator):
    """Entropy of the split of the volume between buyers and sellers.

        entropy = -p log p - (1 - p) log(1 - p),   p = buys / (buys + sells),   0 log 0 = 0

    1 bit where both took the same, 0 where one side took all. It does not tell which side.

    Parameters
    ----------
    base : {2, 'e'}, default=2
        Base of the logarithm: bits in [0, 1], or nats in [0, 0.6931].
    unit : {'base', 'quote', 'count'}, default='base'
        What is split: the amount, its notional, or rows of the tape. Klines know the first two.

    Inputs
    ------
    taker_buy_volume, taker_sell_volume : base, >= 0
        With ``unit='base'``.
    taker_buy_quote_volume, taker_sell_quote_volume : quote, >= 0
        With ``unit='quote'``.
    taker_buy_count, taker_sell_count : count, >= 0
        With ``unit='count'``.

    Lines
    -----
    entropy : pure number
        NaN in a bar without trades. From the first bar on. Stays when buys and sells trade places.

    Raises
    ------
    ParamError
        If a parameter is none of its values, or another one is given.
    InputError
        If the data lacks an input.

    References
    ----------
    Aperiodic, data set ``flow``, ``flow_entropy``: the entropy of the split, high where it is balanced. It names
    neither the base nor the unit nor the value of an empty bar; bits, base currency and NaN are this project's.

    Examples
    --------
    >>> import pandas as pd
    >>> bars = pd.DataFrame(
    ...     dict(taker_buy_volume=[6.0, 1, 5, 0], taker_sell_volume=[4.0, 1, 0, 0]),
    ...     index=pd.date_range("2024-01-01", periods=4, freq="1min"),
    ... )
    >>> FlowEntropy.over(bars)["entropy"].round(7).tolist()
    [0.9709506, 1.0, 0.0, nan]
    >>> FlowEntropy.over(bars, base="e")["entropy"].round(7).tolist()
    [0.6730117, 0.6931472, 0.0, nan]
    """

    lines = ("entropy",)
    params = {"base": 2, "unit": "base"}
    bounds = {"base": Choice(2, "e"), "unit": Choice("base", "quote", "count")}
    sized = True
    inputs = FLOW_COLUMNS["base"]
    measures = {"entropy": Line("entropy of the split between buys and sells")}
    presets = ({"base": "e", "unit": "quote"}, {"unit": "count"})
    step = flow_entropy

    @classmethod
    def input_names(cls, **params: Any) -> tuple[Input, ...]:
        """The two columns of the unit."""
        return FLOW_COLUMNS[params["unit"]]

    @classmethod
    def numbers(cls, params: Mapping[str, Any]) -> tuple[float, ...]:
        """What turns nats into the unit of the base."""
        return (1.0 if params["base"] == "e" else 1.0 / math.log(2.0),)
