"""TWAP: mean price over time, in the three senses the word has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..core.clock import MINUTE
from ..core.kernels import step
from ..core.params import Choice, Text, With
from ..core.sizes import parse_size
from .framework.base import Indicator, Line
from .framework.inputs import DAYS, Duration, Input, Session
from .kernels.windows import Floats, window_clear, window_moments, window_push, window_size
from .vwap import parse_anchor

_SESSION = Session("session", "timezone")
_METHODS: dict[str, tuple[Input, ...]] = {
    "time": ("twap_time", "close", "volume", Duration(), _SESSION),
    "trade": ("twap_trade", "taker_buy_count", "taker_sell_count", _SESSION),
    "minute_close": ("close", Duration(), _SESSION),
}
_TIME, _TRADE, _MINUTE_CLOSE = 0.0, 1.0, 2.0
_WINDOW = 1
"""Where in the state the window begins; before it lies the session."""


@step
def twap(p: Any, x: Any, s: Any, y: Any) -> None:
    """Kernel; ``p`` is the window (0: since the anchor) and the method, ``x`` the method's inputs."""
    price, weight = x[0], 1.0
    if p[1] == _TIME:
        weight = x[3]
        if np.isnan(price) and x[2] == 0.0:
            price = x[1]
    elif p[1] == _TRADE:
        weight = x[1] + x[2]
        if weight == 0.0:
            price = 0.0
    elif x[1] != MINUTE:
        return
    if np.isnan(price) or np.isnan(weight):
        return
    if x[-1] != s[0]:
        s[0] = x[-1]
        window_clear(s, _WINDOW)
    window_push(s, _WINDOW, int(p[0]), price, weight)
    w, mean, _ = window_moments(s, _WINDOW)
    if w > 0.0:
        y[0] = mean


class TWAP(Indicator):
    """Mean price since the anchor in which time, not volume, decides how much a price counts.

    Three estimators go by the name, and they differ:

    - ``time``: each price counts as long as it was the last one, which is what the name says
    - ``trade``: each row of the tape counts once
    - ``minute_close``: each minute counts once, with its close

    Parameters
    ----------
    method : {'time', 'trade', 'minute_close'}, default='time'
        Which. Klines know the last alone.
    anchor : str, default='1d'
        Where the mean begins: an interval such as ``1h``, ``1d`` or ``1w`` (whole sessions), ``month``, ``bar`` (each
        bar alone), ``none`` (the first bar), or a number of bars such as ``60b`` (always the last 60). A bar belongs
        to the session it opens in; weeks begin on Monday.
    timezone : str or None, default=None
        IANA zone in which whole days, weeks and months begin; with a time of day, as in
        ``America/Chicago@17:00``, they begin at that; or trading hours, as in ``XNYS``. None for the bars'
        own hours, UTC where they have none.

    Inputs
    ------
    twap_time, close : price
        With ``method='time'``: mean price inside the bar, and the last price, which a bar without trades holds.
    volume : base, >= 0
        With ``method='time'``: 0 tells a bar without trades.
    twap_trade : price
        With ``method='trade'``: mean price of the bar's rows.
    taker_buy_count, taker_sell_count : count, >= 0
        With ``method='trade'``: rows of the bar whose side is known, which weigh it.
    close : price
        With ``method='minute_close'``. Bars have to be one minute long; one of another length gives NaN and is no
        observation.
    open_time, close_time : µs UTC
        For the session, and for how long a bar is.

    Lines
    -----
    twap : price
        From the first bar on; with ``60b`` from bar 60 on. A bar without trades holds the last price under ``time``
        and ``minute_close``, and repeats the value under ``trade``. Stays when buys and sells trade places.

    Raises
    ------
    ParamError
        If a parameter is out of range, or another one is given.
    InputError
        If the data lacks an input.

    References
    ----------
    Amberdata, spot VWAP and TWAP: the mean of the closes of one-minute candles. Whether a minute without trades
    counts it does not say; here it does, with the price that stood.
    Aperiodic, data set ``vtwap``: ``twap`` is the mean trade price.

    Examples
    --------
    >>> import pandas as pd
    >>> bars = pd.DataFrame(
    ...     dict(close=[10.0, 12, 17], twap_time=[9.0, 11, 16], volume=[1.0, 1, 1]),
    ...     index=pd.date_range("2024-01-01 00:01", periods=3, freq="1min"),
    ... )
    >>> TWAP.over(bars)["twap"].tolist(), TWAP.over(bars, method="minute_close", anchor="2b")["twap"].tolist()
    ([9.0, 10.0, 12.0], [nan, 11.0, 14.5])
    """

    lines = ("twap",)
    params = {"method": "time", "anchor": "1d", "timezone": None}
    bounds = {
        "method": Choice(*_METHODS),
        "anchor": Text(parse_anchor, "none, bar, month, an interval such as 1d, or a number of bars such as 60b"),
        "timezone": DAYS,
    }
    sized = True
    inputs = _METHODS["time"]
    measures = {"twap": Line("mean price over time since the anchor", price=1)}
    remedies = dict.fromkeys(
        ("twap_time", "twap_trade"),
        "klines do not know it: build the bars from trades, or ask for method: minute_close",
    )
    only_with = {"timezone": With("anchor", ("none", "bar"), but=True)}
    presets = (
        {"method": "trade", "anchor": "1h"},
        {"method": "minute_close", "anchor": "60b"},
        {"method": "trade", "anchor": "1w", "timezone": "America/New_York"},
    )
    nan_policy = "pass"
    step = twap

    @classmethod
    def complaint(cls, params: Mapping[str, Any]) -> str:
        """The zone needs whole days; classes of size have no price that stood for a while."""
        if params["method"] != "trade" and parse_size(params["size"]):
            return f"size ({params['size']}) goes with method: trade alone: how long a price stood all trades decide"
        session = Session("anchor", "timezone")
        return session.complaint({**params, "anchor": parse_anchor(params["anchor"])[0]})

    @classmethod
    def resolve_auto(cls, params: dict[str, Any], carries: Callable[[str], bool]) -> dict[str, Any]:
        """The anchor's session."""
        return {**params, "session": parse_anchor(params["anchor"])[0]}

    @classmethod
    def input_names(cls, **params: Any) -> tuple[Input, ...]:
        """What the method reads."""
        return _METHODS[params["method"]]

    @classmethod
    def warmup(cls, **params: Any) -> int:
        """The window, or 1."""
        return parse_anchor(params["anchor"])[1] or 1

    @classmethod
    def numbers(cls, params: Mapping[str, Any]) -> tuple[float, ...]:
        """The window, and the method's place in the list."""
        return float(parse_anchor(params["anchor"])[1]), float(list(_METHODS).index(params["method"]))

    @classmethod
    def state_size(cls, **params: Any) -> int:
        """The session and one window."""
        return _WINDOW + window_size(parse_anchor(params["anchor"])[1])

    @classmethod
    def init_state(cls, state: Floats, **params: Any) -> None:
        """No session yet."""
        state[0] = np.nan
