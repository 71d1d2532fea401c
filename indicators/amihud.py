"""Amihud's illiquidity: the return that one unit of traded money comes with."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from ..core.bars import Bars
from ..core.kernels import step
from ..core.params import Bound, Choice
from .framework.base import Indicator, Line
from .framework.inputs import Input
from .kernels.kline_levels import METHODS
from .kernels.kline_notional import REMEDY, KlineNotional
from .kernels.windows import Floats, window_count, window_moments, window_push, window_size

_WINDOW = 1
"""Where in the state the window begins; before it lies the last close."""


@step
def amihud(p: Any, x: Any, s: Any, y: Any) -> None:
    """Kernel; ``x`` is close and notional."""
    n = int(p[0])
    before = s[0]
    s[0] = x[0]
    if before > 0.0 and x[0] > 0.0 and x[1] > 0.0:
        moved = math.log(x[0] / before) if p[1] == 1.0 else x[0] / before - 1.0
        window_push(s, _WINDOW, n, abs(moved) / x[1], 1.0)
    if window_count(s, _WINDOW) >= n:
        y[0] = p[2] * window_moments(s, _WINDOW)[1]


class Amihud(Indicator):
    """Mean of the absolute return over the notional traded, over the last bars with trades.

        amihud = scale · mean(|r| / quote_volume)

    with ``r`` the return from close to close. A high value is an illiquid market.

    Parameters
    ----------
    window : int, default=60
        Bars with trades in one mean; at least 1.
    returns : {'simple', 'log'}, default='simple'
        ``close / previous - 1``, as the paper has it, or its logarithm.
    scale : float, default=1.0
        What the mean is multiplied by; 1e6 is common.
    from_klines : {None, 'uniform', 'close', 'hlc3'}, default=None
        What bars without ``quote_volume`` are taken to have traded at: nothing (they are refused), evenly from low
        to high, at the close, or at the mean of high, low and close. Notional that the data carry wins over a guess.

    Inputs
    ------
    close : price
        Last price.
    quote_volume : quote, >= 0
        Traded notional.
    high, low, volume : price, base
        Instead of ``quote_volume``, with ``from_klines``.

    Lines
    -----
    amihud : price^-1 base^-1
        Return for each unit of quote. A bar without trades is no observation and repeats the value. Stays when buys
        and sells trade places.

    From bar ``window + 1`` on, where every bar trades.

    Raises
    ------
    ParamError
        If a parameter is out of range, or another one is given.
    InputError
        If the data lacks an input.

    References
    ----------
    Amihud, Y. (2002). Illiquidity and Stock Returns: Cross-Section and Time-Series Effects. Journal of Financial
    Markets 5(1), 31-56.

    Examples
    --------
    >>> import pandas as pd
    >>> bars = pd.DataFrame(
    ...     dict(close=[100.0, 110, 110, 99], quote_volume=[7.0, 20, 0, 50]),
    ...     index=pd.date_range("2024-01-01", periods=4, freq="1min"),
    ... )
    >>> Amihud.over(bars, window=1)["amihud"].round(6).tolist()
    [nan, 0.005, 0.005, 0.002]
    """

    lines = ("amihud",)
    params = {"window": 60, "returns": "simple", "scale": 1.0, "from_klines": None}
    bounds = {
        "window": Bound(1, 1_000_000, integer=True),
        "returns": Choice("simple", "log"),
        "scale": Bound(0, open_low=True),
        "from_klines": Choice(None, *METHODS),
    }
    sized = True
    above_0 = True
    inputs = ("close", "quote_volume")
    remedies = {"quote_volume": REMEDY}
    measures = {"amihud": Line("absolute return for one unit of notional", -1, -1)}
    presets = ({"window": 10, "returns": "log", "scale": 1e6}, {"window": 5, "from_klines": "close"})
    step = amihud

    @classmethod
    def resolve_auto(cls, params: dict[str, Any], carries: Callable[[str], bool]) -> dict[str, Any]:
        """Notional that is carried wins over a guess."""
        return {**params, "from_klines": None if carries("quote_volume") else params["from_klines"]}

    @classmethod
    def input_names(cls, **params: Any) -> tuple[Input, ...]:
        """The close, and notional or what it is guessed from."""
        guess = params["from_klines"]
        return cls.inputs if guess is None else ("close", KlineNotional(guess))

    @classmethod
    def remarks(cls, bars: Bars, **params: Any) -> Iterator[str]:
        """Besides what changes nothing: notional that was not guessed."""
        yield from super().remarks(bars, **params)
        if cls.resolve(params)["from_klines"] is not None and bars.carries("quote_volume"):
            yield "from_klines changes nothing where the feed has quote_volume"

    @classmethod
    def warmup(cls, **params: Any) -> int:
        """The window, and the close before it."""
        return int(params["window"]) + 1

    @classmethod
    def numbers(cls, params: Mapping[str, Any]) -> tuple[float, ...]:
        """Window, whether returns are logarithms, scale."""
        return float(params["window"]), float(params["returns"] == "log"), float(params["scale"])

    @classmethod
    def state_size(cls, **params: Any) -> int:
        """The last close and one window."""
        return _WINDOW + window_size(int(params["window"]))

    @classmethod
    def init_state(cls, state: Floats, **params: Any) -> None:
        """No close yet."""
        state[0] = np.nan
