"""Absorption: heavy one-sided aggression that does not move the price."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.kernels import levels_step
from ..core.params import Bound
from ..core.tick_kernels import price_at
from .footprint import DEN, HEAD, NUM, ROW_TICKS, ThresholdKind
from .framework.base import Line
from .framework.inputs import LEVELS
from .kernels.thresholds import threshold_level, threshold_numbers, threshold_params, threshold_push, threshold_size
from .kernels.value_area import NEAR

_BALANCED = 1e-14
"""Sums of equal amounts in another order differ by about this share; such a delta is 0."""


@levels_step
def absorption(p: Any, x: Any, s: Any, y: Any, tick: Any, buy: Any, sell: Any) -> None:
    """Kernel; ``p`` as `threshold_numbers` says, then the rows of progress; ``x`` is open and close."""
    bought, sold = buy.sum(), sell.sum()
    delta = bought - sold
    if abs(delta) <= _BALANCED * (bought + sold):
        delta = 0.0
    heavy = abs(delta)
    level = threshold_level(s, HEAD, p)
    if level > 0.0:
        side = 1.0 if delta > 0.0 else -1.0
        y[0], y[1] = 0.0, heavy / level
        progress = side * (x[1] - x[0])
        if heavy >= level * (1.0 - NEAR) and progress <= price_at((p[5] + NEAR) * int(s[ROW_TICKS]), s[NUM], s[DEN]):
            y[0] = -side
    if bought + sold > 0.0:
        threshold_push(s, HEAD, p, heavy)


class Absorption(ThresholdKind):
    """Bars in which aggressors of one side met a wall: a heavy delta, and no progress in its direction.

        |delta| >= threshold   and   sign(delta) · (close - open) <= progress rows

    There is no canonical formula; this one is ours, and every number in it is a parameter. A bar is
    judged when it is complete, against bars before it.

    Parameters
    ----------
    progress : float, default=0.0
        Rows that the close may lie from the open in the direction of the delta; 0 for none.
    threshold : {'mean', 'percentile', 'absolute'}, default='mean'
        What a heavy delta is: ``k`` times the mean of |delta| over the last ``window`` bars that traded,
        its ``percentile`` among them, or ``amount``.
    k : float, default=2.0
        The multiple.
    percentile : float, default=95.0
        From above 0 to 100; the percentile is an observed value.
    amount : float or None, default=None
        In the unit of the rows, with ``absolute`` only.
    window : int, default=60
        Bars that the mean or the percentile is of, before the current one; at least 2.
    unit : {'base', 'quote', 'usd'}, default='base'
        Whether a row counts base volume or what it came to in quote currency, or in US dollars, as `VolumeProfile` has
        it; amounts among the parameters are in that unit.
    row_size : float or None, default=None
        Height of a row, a whole multiple of the feed's; None for the feed's own.

    Inputs
    ------
    levels : base
        Amount by price row and side.
    taker_buy_quote_volume, taker_sell_quote_volume : quote
        With ``unit="quote"``; with ``usd_rate`` besides where it is ``"usd"``.
    open, close : price
        For the progress.

    Lines
    -----
    flag : pure number
        1 where selling was absorbed, -1 where buying was, else 0. Changes sign when buys and sells trade
        places and prices are upside down.
    strength : pure number
        |delta| over the threshold, flagged or not; 0 and up.

    The first value comes at bar ``window`` + 1 (at bar 1 with ``absolute``); NaN where the threshold is 0.
    A bar without trades is neither flagged nor among the last bars.

    Raises
    ------
    ParamError
        If a parameter is out of range, or another one is given.
    InputError
        If the data has no levels or lacks an input, or ``row_size`` does not fit the levels.

    Examples
    --------
    >>> from tapeflow.core.samples import sample_bars
    >>> lines = Absorption.over(sample_bars(300), window=30)
    >>> lines["flag"].value_counts().sort_index().to_dict()
    {-1.0: 14, 0.0: 249, 1.0: 7}
    >>> bool((lines["strength"][lines["flag"] == 1] >= 1).all())
    True
    """

    lines = ("flag", "strength")
    params = {"progress": 0.0, **threshold_params(k=2.0, percentile=95.0), "unit": "base", "row_size": None}
    bounds = {
        "progress": Bound(0),
    }
    sized = True
    inputs = (LEVELS, "open", "close")
    measures = {
        "flag": Line("1 selling absorbed, -1 buying absorbed", odd=True),
        "strength": Line("absolute delta over the threshold"),
    }
    presets = (
        {"threshold": "percentile", "percentile": 80.0, "window": 20, "progress": 1.0},
        {"threshold": "absolute", "amount": 0.05, "progress": 2.0, "row_size": 10.0},
    )
    step = absorption

    @classmethod
    def numbers(cls, params: Mapping[str, Any]) -> tuple[float, ...]:
        """Those of the threshold, and the progress."""
        return *threshold_numbers(params), float(params["progress"])

    @classmethod
    def state_size(cls, **params: Any) -> int:
        """The height of a row, and the threshold."""
        return HEAD + threshold_size(int(params["window"]))
