"""Flow toxicity: unusual one-sided flow times unusual volatility."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..core.kernels import step
from ..core.params import Bound, Choice, Text, With
from .framework.base import Indicator, Line
from .framework.inputs import DAYS, Input, Session, parse_session
from .kernels.windows import Floats, window_clear, window_count, window_moments, window_push, window_size, z_score

_FLOW = ("taker_buy_quote_volume", "taker_sell_quote_volume")
_RESET = Session("reset", "timezone")
_BALANCED = 1e-12
_WINDOWS = 1
"""Where in the state the two windows begin; before them lies the session."""


@step
def flow_toxicity(p: Any, x: Any, s: Any, y: Any) -> None:
    """Kernel; ``x`` is bought, sold, then realised volatility or high and low, then the session."""
    n, ddof, least, floor = int(p[0]), p[1], p[2], p[3]
    flows = _WINDOWS
    vols = flows + 5 + 5 * n
    if x[-1] != s[0]:
        s[0] = x[-1]
        window_clear(s, flows)
        window_clear(s, vols)
    traded = x[0] + x[1]
    if not traded > 0.0:
        return
    flow = x[0] - x[1]
    if abs(flow) <= _BALANCED * traded:
        flow = 0.0
    vol = x[2]
    if len(x) == 5:
        if not x[3] > 0.0:
            return
        vol = math.log(x[2] / x[3]) / math.sqrt(4.0 * math.log(2.0))
    window_push(s, flows, n, flow, 1.0)
    window_push(s, vols, n, vol, 1.0)
    if window_count(s, flows) < least:
        return
    w, mean, squares = window_moments(s, flows)
    y[1] = z_score(flow, mean, squares, w - ddof)
    w, mean, squares = window_moments(s, vols)
    y[2] = z_score(vol, mean, squares, w - ddof)
    if floor == 1.0:
        y[0] = y[1] * (y[2] if not y[2] < 0.0 else 0.0)
    else:
        y[0] = y[1] * y[2]


class FlowToxicity(Indicator):
    """Z-score of the notional volume delta times the z-score of short-horizon volatility.

        toxicity = z(buys - sells) · z(volatility),   z(v) = (v - mean) / deviation

    both over the last ``window`` bars, the current one included, so nothing after the bar is used.

    The product does not tell its two bad cases apart: buying in a wild bar and selling in a quiet
    one are both positive. Read ``z_flow`` and ``z_vol`` too, or let ``floor`` silence quiet bars.

    Parameters
    ----------
    window : int, default=240
        Bars with trades in one mean and deviation; at least 2. Not used when ``mode`` is ``expanding``.
    mode : {'rolling', 'expanding'}, default='rolling'
        The last ``window`` bars, or all bars since the last reset.
    reset : str, default='none'
        When everything is forgotten: ``none``, ``month``, or an interval such as ``1d`` or ``1w``.
    timezone : str or None, default=None
        IANA zone in which whole days, weeks and months begin; with a time of day, as in
        ``America/Chicago@17:00``, they begin at that; or trading hours, as in ``XNYS``. None for the bars'
        own hours, UTC where they have none.
    ddof : int, default=1
        What is taken off the count under the deviation's root: 1 sample, 0 population.
    volatility : {'auto', 'realized', 'parkinson'}, default='auto'
        Root of the summed squared log returns between the bar's trades; or ln(high / low) / sqrt(4 ln 2);
        ``auto`` takes the first where the feed knows it.
    floor : bool, default=False
        Whether a negative ``z_vol`` counts as 0 in ``toxicity``.

    Inputs
    ------
    taker_buy_quote_volume, taker_sell_quote_volume : quote, >= 0
        Notional by side.
    realized_vol : log return
        With realised volatility.
    high, low : price
        With Parkinson's.
    open_time : µs UTC
        For ``reset``.

    Lines
    -----
    toxicity : pure number
        The product. Changes sign when buys and sells trade places.
    z_flow : pure number
        Changes sign when buys and sells trade places.
    z_vol : pure number
        Stays.

    The first value comes at bar ``window`` (``expanding``: at bar 2) after the start and after each
    reset. A bar without trades is skipped: NaN, and no observation. Where flow or volatility did not
    move within the window its z-score, and the product, are NaN.

    Raises
    ------
    ParamError
        If a parameter is out of range, or another one is given, as ``size``: bars keep no volatility by class of size.
    InputError
        If the data lacks an input.

    References
    ----------
    Aperiodic, data set ``flow``, ``flow_toxicity_score``: the product of the two z-scores. Its published
    values fit ``mode='expanding', reset='month'``.
    Parkinson, M. (1980). The Extreme Value Method for Estimating the Variance of the Rate of Return.
    Journal of Business 53(1), 61-65.

    Examples
    --------
    >>> from tapeflow.core.samples import sample_bars
    >>> FlowToxicity.over(sample_bars(300), window=60).iloc[-1].round(4).to_dict()
    {'toxicity': -1.059, 'z_flow': -1.5157, 'z_vol': 0.6987}

    With two observations a z-score is 1/√2 either way, so opposite moves give exactly a half:

    >>> import pandas as pd
    >>> bars = pd.DataFrame(
    ...     dict(taker_buy_quote_volume=[1.0, 26.7], taker_sell_quote_volume=[23.5, 23.5], realized_vol=[0.02, 0.01]),
    ...     index=pd.date_range("2025-09-01", periods=2, freq="1h"),
    ... )
    >>> FlowToxicity.over(bars, mode="expanding")["toxicity"].round(12).tolist()
    [nan, -0.5]
    """

    lines = ("toxicity", "z_flow", "z_vol")
    params = {
        "window": 240,
        "mode": "rolling",
        "reset": "none",
        "timezone": None,
        "ddof": 1,
        "volatility": "auto",
        "floor": False,
    }
    bounds = {
        "window": Bound(2, 1_000_000, integer=True),
        "mode": Choice("rolling", "expanding"),
        "reset": Text(parse_session, "none, month or an interval such as 1d"),
        "timezone": DAYS,
        "ddof": Choice(0, 1),
        "volatility": Choice("auto", "realized", "parkinson"),
    }
    no_size = (
        "volatility is that of all rows, since bars keep no prices by class; for the flow of a size alone take ZScore "
        "of a VolumeDelta with unit: quote and that size"
    )
    above_0 = True
    inputs = (*_FLOW, "realized_vol", _RESET)
    measures = {
        "toxicity": Line("z_flow times z_vol", odd=True),
        "z_flow": Line("deviations of notional delta above its mean", odd=True),
        "z_vol": Line("deviations of volatility above its mean"),
    }
    only_with = {
        "window": With("mode", ("rolling",)),
        "timezone": With("reset", ("none", "bar"), but=True),
    }
    presets = (
        {"window": 20, "volatility": "parkinson", "floor": True},
        {"mode": "expanding", "reset": "month"},
        {"window": 5, "reset": "1d", "ddof": 0},
    )
    step = flow_toxicity

    @classmethod
    def complaint(cls, params: Mapping[str, Any]) -> str:
        """The zone needs whole days."""
        return _RESET.complaint(params)

    @classmethod
    def resolve_auto(cls, params: dict[str, Any], carries: Callable[[str], bool]) -> dict[str, Any]:
        """Decide ``volatility='auto'``."""
        if params["volatility"] != "auto":
            return params
        return {**params, "volatility": "realized" if carries("realized_vol") else "parkinson"}

    @classmethod
    def input_names(cls, **params: Any) -> tuple[Input, ...]:
        """The notional by side, the estimator's columns, the session."""
        vol = ("high", "low") if params["volatility"] == "parkinson" else ("realized_vol",)
        return (*_FLOW, *vol, _RESET)

    @classmethod
    def warmup(cls, **params: Any) -> int:
        """The window; 2 when it expands."""
        return int(params["window"]) if params["mode"] == "rolling" else 2

    @classmethod
    def numbers(cls, params: Mapping[str, Any]) -> tuple[float, ...]:
        """Window (0: all), ddof, observations before the first value, floor."""
        held = params["window"] if params["mode"] == "rolling" else 0
        return float(held), float(params["ddof"]), float(held or 2), float(params["floor"])

    @classmethod
    def state_size(cls, **params: Any) -> int:
        """The session and two windows."""
        return _WINDOWS + 2 * window_size(int(cls.numbers(params)[0]))

    @classmethod
    def init_state(cls, state: Floats, **params: Any) -> None:
        """No session yet."""
        state[0] = np.nan
