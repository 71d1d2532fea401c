"""CVD: cumulative volume delta."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..core.kernels import step
from ..core.params import Choice, Text, With
from .framework.base import Indicator, Line
from .framework.inputs import DAYS, Input, Session
from .kernels.windows import Floats, total_clear, total_push, total_size, total_value
from .volume_delta import DIMENSIONS, FLOW_COLUMNS, net_flow
from .vwap import parse_anchor

_SESSION = Session("session", "timezone")
_WINDOW = 1
"""Where in the state the sum begins; before it lies the session."""


@step
def cvd(p: Any, x: Any, s: Any, y: Any) -> None:
    """Kernel; ``p`` is the window (0: since the reset), ``x`` bought, sold, session."""
    if x[2] != s[0]:
        s[0] = x[2]
        total_clear(s, _WINDOW)
    total_push(s, _WINDOW, int(p[0]), net_flow(x[0], x[1]))
    y[0] = total_value(s, _WINDOW)


class CVD(Indicator):
    """Volume delta added up since the last reset.

        cvd = sum(buys - sells)

    Parameters
    ----------
    unit : {'base', 'quote', 'usd', 'count'}, default='base'
        What is counted: the amount, its notional, that in US dollars, or rows of the tape. Klines know all but the
        last. Dollars need ``usd`` in the data block, and are at the rate known at the bar's close.
    reset : str, default='1d'
        Where the sum begins anew: an interval such as ``4h``, ``1d`` or ``1w`` (whole sessions), ``month``, ``none``
        (never), or a number of bars such as ``60b`` (always the last 60). A bar belongs to the session it opens in;
        weeks begin on Monday.
    timezone : str or None, default=None
        IANA zone in which whole days, weeks and months begin; with a time of day, as in
        ``America/Chicago@17:00``, they begin at that; or trading hours, as in ``XNYS``. None for the bars'
        own hours, UTC where they have none.

    Inputs
    ------
    taker_buy_volume, taker_sell_volume : base, >= 0
        With ``unit='base'``.
    taker_buy_quote_volume, taker_sell_quote_volume : quote, >= 0
        With ``unit='quote'``; with ``usd_rate`` besides where it is ``'usd'``.
    taker_buy_count, taker_sell_count : count, >= 0
        With ``unit='count'``.
    open_time : µs UTC
        For ``reset``.

    Lines
    -----
    cvd : base, quote, USD or count
        From the first bar on; with ``60b`` from bar 60 on. Changes sign when buys and sells trade places.

    Raises
    ------
    ParamError
        If a parameter is out of range, or another one is given.
    InputError
        If the data lacks an input, as klines lack counts by side.

    References
    ----------
    NinjaTrader, Order Flow Cumulative Delta: the sum restarts with the session.

    Examples
    --------
    >>> import pandas as pd
    >>> bars = pd.DataFrame(
    ...     dict(taker_buy_volume=[3.0, 0, 4], taker_sell_volume=[1.0, 5, 0]),
    ...     index=pd.date_range("2024-01-01 08:00", periods=3, freq="8h"),
    ... )
    >>> CVD.over(bars)["cvd"].tolist(), CVD.over(bars, reset="12h")["cvd"].tolist()
    ([2.0, -3.0, 1.0], [2.0, -3.0, 4.0])
    >>> CVD.over(bars, reset="2b")["cvd"].tolist()
    [nan, -3.0, -1.0]
    """

    lines = ("cvd",)
    params = {"unit": "base", "reset": "1d", "timezone": None}
    bounds = {
        "unit": Choice(*FLOW_COLUMNS),
        "reset": Text(parse_anchor, "none, month, an interval such as 1d, or a number of bars such as 60b"),
        "timezone": DAYS,
    }
    sized = True
    inputs = (*FLOW_COLUMNS["base"], _SESSION)
    measures = {"cvd": Line("buys less sells since the reset", size=1, odd=True)}
    only_with = {"timezone": With("reset", ("none", "bar"), but=True)}
    presets = (
        {"unit": "quote", "reset": "60b"},
        {"unit": "count", "reset": "none"},
        {"reset": "1w", "timezone": "America/New_York"},
    )
    step = cvd

    @classmethod
    def complaint(cls, params: Mapping[str, Any]) -> str:
        """The zone needs whole days."""
        session = Session("reset", "timezone")
        return session.complaint({**params, "reset": parse_anchor(params["reset"])[0]})

    @classmethod
    def resolve_auto(cls, params: dict[str, Any], carries: Callable[[str], bool]) -> dict[str, Any]:
        """Tell the session and the window apart."""
        return {**params, "session": parse_anchor(params["reset"])[0]}

    @classmethod
    def input_names(cls, **params: Any) -> tuple[Input, ...]:
        """The two columns of the unit, and the session."""
        return (*FLOW_COLUMNS[params["unit"]], _SESSION)

    @classmethod
    def line_measures(cls, **params: Any) -> dict[str, Line]:
        """``cvd`` has the dimension of its unit."""
        unit = cls.resolve(params)["unit"]
        price, size = DIMENSIONS[unit]
        return {"cvd": Line(cls.measures["cvd"].meaning, price, size, odd=True, unit=unit)}

    @classmethod
    def warmup(cls, **params: Any) -> int:
        """The window, or 1."""
        return parse_anchor(params["reset"])[1] or 1

    @classmethod
    def numbers(cls, params: Mapping[str, Any]) -> tuple[float, ...]:
        """The window; 0 for a session."""
        return (float(parse_anchor(params["reset"])[1]),)

    @classmethod
    def state_size(cls, **params: Any) -> int:
        """The session and one sum."""
        return _WINDOW + total_size(parse_anchor(params["reset"])[1])

    @classmethod
    def init_state(cls, state: Floats, **params: Any) -> None:
        """No session yet."""
        state[0] = np.nan
