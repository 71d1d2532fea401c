"""Exhaustion: a new extreme at which hardly anyone is aggressive any more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core.kernels import compiled, levels_step
from ..core.params import Bound
from .footprint import HEAD, ROW_TICKS, ThresholdKind
from .framework.base import Line
from .framework.inputs import LEVELS
from .kernels.price_rows import dense
from .kernels.thresholds import threshold_level, threshold_numbers, threshold_params, threshold_push, threshold_size
from .kernels.value_area import NEAR


@compiled
def _missing(value: float, level: float) -> float:
    """The share of ``level`` that ``value`` lacks; NaN where it is more, or ``level`` is nothing."""
    if not level > 0.0 or value > level * (1.0 + NEAR):
        return np.nan
    return max(1.0 - value / level, 0.0)


@levels_step
def exhaustion(p: Any, x: Any, s: Any, y: Any, tick: Any, buy: Any, sell: Any) -> None:
    """Kernel; ``p`` as `threshold_numbers` says, then rows, look-back and a threshold's state size; ``x`` high, low."""
    rows, lookback = int(p[5]), int(p[6])
    tops, bottoms = HEAD, HEAD + int(p[7])
    ring = bottoms + int(p[7])
    seen = int(s[ring])
    bought = sold = 0.0
    if len(tick) > 0:
        _, buys, sells = dense(tick, buy, sell, int(s[ROW_TICKS]))
        n = len(buys)
        for i in range(max(n - rows, 0), n):
            bought += buys[i]
        for i in range(min(rows, n)):
            sold += sells[i]
    highest, lowest = -np.inf, np.inf
    for k in range(min(seen, lookback)):
        highest, lowest = max(highest, s[ring + 1 + 2 * k]), min(lowest, s[ring + 2 + 2 * k])
    top_level, bottom_level = threshold_level(s, tops, p), threshold_level(s, bottoms, p)
    if seen >= lookback and top_level == top_level and bottom_level == bottom_level:
        y[0] = y[1] = 0.0
        if len(tick) > 0:
            spent_buyers = _missing(bought, top_level) if x[0] > highest else np.nan
            spent_sellers = _missing(sold, bottom_level) if x[1] < lowest else np.nan
            if spent_buyers == spent_buyers and not spent_buyers <= spent_sellers:
                y[0], y[1] = -1.0, spent_buyers
            elif spent_sellers == spent_sellers and not spent_sellers <= spent_buyers:
                y[0], y[1] = 1.0, spent_sellers
    if len(tick) > 0:
        threshold_push(s, tops, p, bought)
        threshold_push(s, bottoms, p, sold)
        at = ring + 1 + 2 * (seen % lookback)
        s[at], s[at + 1] = x[0], x[1]
        s[ring] = seen + 1


class Exhaustion(ThresholdKind):
    """Bars that reach a new high with hardly a buyer, or a new low with hardly a seller.

    At a new high, what was bought in the bar's highest rows is weighed against what bars before it bought
    in theirs; at a new low, what was sold in the lowest rows against what was sold there before. There
    is no canonical formula; this one is ours, and every number in it is a parameter. A bar is judged
    when it is complete, against bars before it.

    Parameters
    ----------
    lookback : int, default=20
        Bars that traded, before the current one, whose highest high or lowest low must be passed.
    rows : int, default=2
        Rows at the extreme whose volume counts.
    threshold : {'mean', 'percentile', 'absolute'}, default='mean'
        What hardly anyone is: at most ``k`` times the mean of the last ``window`` bars that traded, at most
        their ``percentile``, or at most ``amount``.
    k : float, default=0.25
        The multiple.
    percentile : float, default=10.0
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
    high, low : price
        For new extremes.

    Lines
    -----
    flag : pure number
        -1 where buyers are exhausted at a new high, 1 where sellers are at a new low, else 0. Changes sign
        when buys and sells trade places and prices are upside down.
    strength : pure number in [0, 1]
        How much of the threshold is missing: 1 where nobody was aggressive, 0 without a flag. Where both
        extremes are exhausted the stronger is flagged, and neither of equal ones.

    The first value comes at bar ``window`` + 1 or ``lookback`` + 1, whichever is later. A bar without trades
    is neither flagged nor among the last bars.

    Raises
    ------
    ParamError
        If a parameter is out of range, or another one is given.
    InputError
        If the data has no levels or lacks an input, or ``row_size`` does not fit the levels.

    Examples
    --------
    >>> from tapeflow.core.samples import sample_bars
    >>> Exhaustion.over(sample_bars(300), lookback=10)["flag"].value_counts().sort_index().to_dict()
    {-1.0: 4, 0.0: 226, 1.0: 10}
    """

    lines = ("flag", "strength")
    params = {"lookback": 20, "rows": 2, **threshold_params(k=0.25, percentile=10.0), "unit": "base", "row_size": None}
    bounds = {
        "lookback": Bound(1, 10_000, integer=True),
        "rows": Bound(1, 10_000, integer=True),
    }
    sized = True
    inputs = (LEVELS, "high", "low")
    measures = {
        "flag": Line("-1 buyers exhausted, 1 sellers exhausted", odd=True),
        "strength": Line("share of the threshold that is missing"),
    }
    presets = (
        {"threshold": "percentile", "percentile": 40.0, "window": 20, "lookback": 3, "rows": 1},
        {"threshold": "absolute", "amount": 0.05, "lookback": 2, "row_size": 10.0},
        {"k": 1.0, "lookback": 1},
    )
    step = exhaustion

    @classmethod
    def warmup(cls, **params: Any) -> int:
        """One more than the longer of window and look-back."""
        return max(super().warmup(**params), int(params["lookback"]) + 1)

    @classmethod
    def numbers(cls, params: Mapping[str, Any]) -> tuple[float, ...]:
        """Those of the threshold, rows, look-back, and how much state a threshold takes."""
        size = float(threshold_size(int(params["window"])))
        return *threshold_numbers(params), float(params["rows"]), float(params["lookback"]), size

    @classmethod
    def state_size(cls, **params: Any) -> int:
        """The height of a row, two thresholds, and the highs and lows of the look-back."""
        return HEAD + 2 * threshold_size(int(params["window"])) + 1 + 2 * int(params["lookback"])
