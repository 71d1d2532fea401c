"""Delta divergence: price makes a further extreme, and aggression does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core.kernels import compiled, step
from ..core.params import Bound, Choice, Text, With
from .framework.base import Indicator, Line
from .framework.inputs import DAYS, Session, parse_session
from .kernels.thresholds import (
    THRESHOLD_BOUNDS,
    THRESHOLD_WITH,
    threshold_complaint,
    threshold_level,
    threshold_numbers,
    threshold_params,
    threshold_push,
    threshold_size,
    threshold_warmup,
)
from .kernels.value_area import NEAR
from .kernels.windows import Floats

_RESET = Session("reset", "timezone")
_MEASURES = ("cvd", "delta")
_ID, _CVD, _SEEN, _HIGH, _LOW, _RING = 0, 1, 2, 3, 6, 9
"""Of the state: session, running delta, bars seen in it; of the last pivot high and low the price, what was measured
there and the bar; then a ring of bars (high, low, measured), then the threshold."""


@compiled
def _is_pivot(s: Any, line: int, sign: float, bar: int, span: int) -> bool:
    """Whether ``bar`` stands above those before it in the ring, and not below those after."""
    size = 2 * span + 1
    value = sign * s[_RING + 3 * (bar % size) + line]
    for other in range(bar - span, bar + span + 1):
        against = sign * s[_RING + 3 * (other % size) + line]
        if against > value or (other < bar and against == value):
            return False
    return True


@compiled
def _gap(s: Any, last: int, line: int, sign: float, bar: int, size: int, reach: float) -> float:
    """By how much the measure fell short at a pivot further than the last one; NaN where that does not hold."""
    at = _RING + 3 * (bar % size)
    price, measured = sign * s[at + line], sign * s[at + 2]
    made = np.nan
    if s[last + 2] >= 0.0 and bar - s[last + 2] <= reach and price > sign * s[last]:
        made = sign * s[last + 1] - measured
    s[last], s[last + 1], s[last + 2] = s[at + line], s[at + 2], bar
    return made


@step
def delta_divergence(p: Any, x: Any, s: Any, y: Any) -> None:
    """Kernel; ``p`` as `threshold_numbers` says, then pivot, reach, measure; ``x`` high, low, bought, sold, session."""
    span, cumulative = int(p[5]), p[7] == 0.0
    size = 2 * span + 1
    threshold = _RING + 3 * size
    if x[4] != s[_ID]:
        s[_ID], s[_CVD], s[_SEEN] = x[4], 0.0, 0.0
        s[_HIGH + 2] = s[_LOW + 2] = -1.0
    delta = x[2] - x[3]
    s[_CVD] += delta
    seen = int(s[_SEEN])
    at = _RING + 3 * (seen % size)
    s[at], s[at + 1], s[at + 2] = x[0], x[1], s[_CVD] if cumulative else delta
    s[_SEEN] = seen + 1
    level = threshold_level(s, threshold, p)
    down = up = np.nan
    if seen + 1 >= size:
        bar = seen - span
        if _is_pivot(s, 0, 1.0, bar, span):
            down = _gap(s, _HIGH, 0, 1.0, bar, size, p[6])
        if _is_pivot(s, 1, -1.0, bar, span):
            up = _gap(s, _LOW, 1, -1.0, bar, size, p[6])
    if level > 0.0:
        y[0] = y[1] = 0.0
        least = level * (1.0 - NEAR)
        if down >= least and not down <= up:
            y[0], y[1] = -1.0, down / level
        elif up >= least and not up <= down:
            y[0], y[1] = 1.0, up / level
    if x[2] + x[3] > 0.0:
        threshold_push(s, threshold, p, abs(delta))


class DeltaDivergence(Indicator):
    """Pivots of price that delta does not confirm, stamped when they are known to be pivots.

    A pivot high is a high above those of the ``pivot`` bars before it, and not below those of the
    ``pivot`` bars after it; so it is known, and its divergence flagged, ``pivot`` bars later. It diverges
    from the pivot high before it when its price is higher and what is measured there is lower by the
    threshold or more. Pivot lows are the mirror image.

    Parameters
    ----------
    pivot : int, default=3
        Bars on either side of a pivot.
    reach : int, default=60
        Bars that two pivots may lie apart.
    measure : {'cvd', 'delta'}, default='cvd'
        What price is held against: the cumulative delta, or the delta of the pivot's bar alone.
    reset : str, default='none'
        When the cumulative delta and all pivots are forgotten: ``none``, ``month``, or an interval such as
        ``1d``.
    timezone : str or None, default=None
        IANA zone in which whole days, weeks and months begin; with a time of day, as in
        ``America/Chicago@17:00``, they begin at that; or trading hours, as in ``XNYS``. None for the bars'
        own hours, UTC where they have none.
    threshold : {'mean', 'percentile', 'absolute'}, default='mean'
        How far apart the measure must be: ``k`` times the mean of |delta| over the last ``window`` bars
        that traded, its ``percentile`` among them, or ``amount``.
    k : float, default=1.0
        The multiple.
    percentile : float, default=75.0
        From above 0 to 100; the percentile is an observed value.
    amount : float or None, default=None
        In base, with ``absolute`` only.
    window : int, default=60
        Bars that the mean or the percentile is of, before the current one; at least 2.

    Inputs
    ------
    high, low : price
        For pivots.
    taker_buy_volume, taker_sell_volume : base, >= 0
        Klines know them, so that this kind needs no trades.
    open_time : µs UTC
        For ``reset``.

    Lines
    -----
    flag : pure number
        -1 where a higher high came with less delta, 1 where a lower low came with more, else 0; of both at
        once the stronger, of equal ones none. Changes sign when buys and sells trade places and prices are
        upside down.
    strength : pure number
        The difference in what is measured over the threshold; 0 without a flag.

    The first value comes at bar ``window`` + 1 (at bar 1 with ``absolute``).

    Raises
    ------
    ParamError
        If a parameter is out of range, or another one is given.
    InputError
        If the data lacks an input.

    References
    ----------
    There is no canonical formula. ATAS's Delta Divergence asks for two bars up and one down with a
    negative delta instead.

    Examples
    --------
    >>> from tapeflow.core.samples import sample_bars
    >>> DeltaDivergence.over(sample_bars(300))["flag"].value_counts().sort_index().to_dict()
    {-1.0: 3, 0.0: 233, 1.0: 4}
    """

    lines = ("flag", "strength")
    params = {
        "pivot": 3,
        "reach": 60,
        "measure": "cvd",
        "reset": "none",
        "timezone": None,
        **threshold_params(k=1.0, percentile=75.0),
    }
    bounds = {
        "pivot": Bound(1, 1000, integer=True),
        "reach": Bound(1, 1_000_000, integer=True),
        "measure": Choice(*_MEASURES),
        "reset": Text(parse_session, "none, month or an interval such as 1d"),
        "timezone": DAYS,
        **THRESHOLD_BOUNDS,
    }
    sized = True
    inputs = ("high", "low", "taker_buy_volume", "taker_sell_volume", _RESET)
    measures = {
        "flag": Line("-1 bearish, 1 bullish divergence", odd=True),
        "strength": Line("difference in delta over the threshold"),
    }
    only_with = {**THRESHOLD_WITH, "timezone": With("reset", ("none", "bar"), but=True)}
    presets = (
        {"pivot": 1, "measure": "delta", "threshold": "percentile", "percentile": 30.0, "window": 20},
        {"pivot": 2, "reset": "1h", "threshold": "absolute", "amount": 0.02, "reach": 20},
    )
    param_units = {"amount": (0, 1)}
    mirror = "book"
    step = delta_divergence

    @classmethod
    def complaint(cls, params: Mapping[str, Any]) -> str:
        """The zone needs whole days, and an absolute threshold its amount."""
        return _RESET.complaint(params) or threshold_complaint(params)

    @classmethod
    def warmup(cls, **params: Any) -> int:
        """One more than the window."""
        return threshold_warmup(params)

    @classmethod
    def numbers(cls, params: Mapping[str, Any]) -> tuple[float, ...]:
        """Those of the threshold, pivot, reach, measure."""
        measure = float(_MEASURES.index(params["measure"]))
        return *threshold_numbers(params), float(params["pivot"]), float(params["reach"]), measure

    @classmethod
    def state_size(cls, **params: Any) -> int:
        """Pivots, the ring of bars, and the threshold."""
        return _RING + 3 * (2 * int(params["pivot"]) + 1) + threshold_size(int(params["window"]))

    @classmethod
    def init_state(cls, state: Floats, **params: Any) -> None:
        """No session yet."""
        state[_ID] = np.nan
