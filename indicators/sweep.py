"""Sweep: a run of price rows that aggressors of one side took almost alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.kernels import compiled, levels_step
from ..core.params import Bound
from .footprint import HEAD, ROW_TICKS, ThresholdKind, edge
from .framework.base import Line
from .kernels.price_rows import dense
from .kernels.thresholds import threshold_level, threshold_numbers, threshold_params, threshold_push, threshold_size
from .kernels.value_area import NEAR


@compiled
def _heaviest_run(own: Any, other: Any, rows: int, share: float, from_top: bool) -> tuple[float, int, int]:
    """Volume, first and last row of the heaviest one-sided run of at least ``rows`` rows; volume 0 without one."""
    best, first, last = 0.0, 0, -1
    volume, run = 0.0, 0
    for i in range(len(own) + 1):
        if i < len(own) and own[i] > 0.0 and own[i] >= (share - NEAR) * (own[i] + other[i]):
            volume += own[i]
            run += 1
            continue
        heavier = volume > best * (1.0 + NEAR) or (from_top and volume >= best * (1.0 - NEAR))
        if run >= rows and volume > 0.0 and heavier:
            best, first, last = volume, i - run, i - 1
        volume, run = 0.0, 0
    return best, first, last


@levels_step
def sweep(p: Any, x: Any, s: Any, y: Any, tick: Any, buy: Any, sell: Any) -> None:
    """Kernel; ``p`` as `threshold_numbers` says, then rows and share."""
    level = threshold_level(s, HEAD, p)
    if len(tick) == 0:
        if level > 0.0:
            y[0] = y[1] = 0.0
        return
    low, bought, sold = dense(tick, buy, sell, int(s[ROW_TICKS]))
    if level > 0.0:
        up, up_first, up_last = _heaviest_run(bought, sold, int(p[5]), p[6], False)
        down, down_first, down_last = _heaviest_run(sold, bought, int(p[5]), p[6], True)
        side = 0.0
        if up > down * (1.0 + NEAR):
            side = 1.0
        elif down > up * (1.0 + NEAR):
            side = -1.0
        y[0], y[1] = 0.0, max(up, down) / level
        if side != 0.0 and max(up, down) >= level * (1.0 - NEAR):
            y[0] = side
            y[2] = edge(s, low + (up_first if side > 0.0 else down_first))
            y[3] = edge(s, low + (up_last if side > 0.0 else down_last))
    total = bought.sum() + sold.sum()
    if total > 0.0:
        threshold_push(s, HEAD, p, total)


class Sweep(ThresholdKind):
    """Bars in which one side's aggressors took several neighbouring rows almost alone, and heavily.

    A run is of consecutive rows that each traded, and in each of which the side has at least its
    ``share``; its volume is what the side took there. There is no canonical formula; this one is ours,
    and every number in it is a parameter. A bar is judged when it is complete, against bars before it.

    Parameters
    ----------
    rows : int, default=3
        Least rows of a run.
    share : float, default=0.9
        Of a row's volume that the side took, above 0.5 to 1.
    threshold : {'mean', 'percentile', 'absolute'}, default='mean'
        What heavy is: ``k`` times the mean volume of the last ``window`` bars that traded, the ``percentile``
        of their volumes, or ``amount``.
    k : float, default=1.0
        The multiple.
    percentile : float, default=75.0
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

    Lines
    -----
    flag : pure number
        1 where buyers swept, -1 where sellers did, else 0; of two sweeps the heavier, of equal ones none.
        Changes sign when buys and sells trade places and prices are upside down.
    strength : pure number
        Volume of the heaviest run over the threshold, flagged or not; 0 without a run.
    low, high : price
        Lower edges of the lowest and the highest row of the sweep; NaN without a flag.

    The first value comes at bar ``window`` + 1 (at bar 1 with ``absolute``). A bar without trades is neither
    flagged nor among the last bars.

    Raises
    ------
    ParamError
        If a parameter is out of range, or another one is given.
    InputError
        If the data has no levels, or ``row_size`` does not fit them.

    Examples
    --------
    >>> import numpy as np
    >>> from tapeflow.core.bars import Bars, Levels
    >>> bought, sold = np.array([0.0, 5, 6, 4]), np.array([3.0, 0.5, 0, 0])
    >>> rows = Levels(np.array([0, 4]), np.arange(100, 104), bought, sold, 1.0)
    >>> bar = Bars.of(open_time=[0], close_time=[60_000_000], levels=rows)
    >>> Sweep.over(bar, threshold="absolute", amount=10.0).iloc[0].to_dict()
    {'flag': 1.0, 'strength': 1.5, 'low': 101.0, 'high': 103.0}
    """

    lines = ("flag", "strength", "low", "high")
    params = {"rows": 3, "share": 0.9, **threshold_params(k=1.0, percentile=75.0), "unit": "base", "row_size": None}
    bounds = {
        "rows": Bound(1, 10_000, integer=True),
        "share": Bound(0.5, 1, open_low=True),
    }
    sized = True
    measures = {
        "flag": Line("1 buyers swept, -1 sellers swept", odd=True),
        "strength": Line("volume of the heaviest run over the threshold"),
        "low": Line("lowest row of the sweep", price=1, mirror="high", sparse=True),
        "high": Line("highest row of the sweep", price=1, mirror="low", sparse=True),
    }
    presets = (
        {"threshold": "percentile", "percentile": 30.0, "window": 20, "rows": 1, "share": 0.7},
        {"threshold": "absolute", "amount": 0.03, "rows": 2, "share": 1.0},
        {"k": 0.25, "rows": 1, "row_size": 10.0},
    )
    step = sweep

    @classmethod
    def numbers(cls, params: Mapping[str, Any]) -> tuple[float, ...]:
        """Those of the threshold, rows and share."""
        return *threshold_numbers(params), float(params["rows"]), float(params["share"])

    @classmethod
    def state_size(cls, **params: Any) -> int:
        """The height of a row, and the threshold."""
        return HEAD + threshold_size(int(params["window"]))
