"""Diagonal imbalance: rows of a bar where aggressors of one side outnumber those they met."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.kernels import levels_step
from .footprint import IMBALANCE_BOUNDS, IMBALANCE_PARAMS, FootprintKind, edge, imbalance_numbers, imbalances
from .framework.base import Line


@levels_step
def diagonal_imbalance(p: Any, x: Any, s: Any, y: Any, tick: Any, buy: Any, sell: Any) -> None:
    """Kernel; ``p`` as `imbalance_numbers` says."""
    y[0] = y[1] = 0.0
    if len(tick) == 0:
        return
    low, buys, sells = imbalances(p, s, tick, buy, sell)
    for i in range(len(buys)):
        price = edge(s, low + i)
        if buys[i]:
            if y[0] == 0.0:
                y[2] = price
            y[0] += 1.0
            y[3] = price
        if sells[i]:
            if y[1] == 0.0:
                y[4] = price
            y[1] += 1.0
            y[5] = price


class DiagonalImbalance(FootprintKind):
    """Rows of the bar where one side's aggressors are a multiple of the other's, one row away.

        buy imbalance at row i:   bought[i] >= ratio · sold[i - 1]
        sell imbalance at row i:  sold[i] >= ratio · bought[i + 1]

    Who buys at an offer meets who sold at the bid, one row below; hence the diagonal. A row below is a
    row lower in price, whether or not anything traded there.

    Parameters
    ----------
    ratio : float, default=3.0
        The multiple, reached or exceeded; 3 is what platforms write as 300 %.
    min_volume : float, default=0.0
        Least volume of the stronger side, in the unit of the rows.
    compare : {'diagonal', 'horizontal'}, default='diagonal'
        One row away, or in the same row.
    zero : {'ignore', 'infinite'}, default='ignore'
        Whether a side that met nothing is no imbalance, or one of any ratio.
    missing : {'ignore', 'zero'}, default='ignore'
        Whether a row that did not trade cannot be compared with, or counts as zero, so that the rule
        ``zero`` applies.
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
    buy_count, sell_count : pure number
        Imbalanced rows by side, 0 and up; 0 in a bar without trades.
    buy_low, buy_high : price
        Lower edges of the lowest and the highest row with a buy imbalance; NaN where there is none.
    sell_low, sell_high : price
        The same of sell imbalances.

    From the first bar on. With prices upside down, buy and sell lines trade places when buys and sells do.

    Raises
    ------
    ParamError
        If a parameter is out of range, or another one is given.
    InputError
        If the data has no levels, or ``row_size`` does not fit them.

    References
    ----------
    NinjaTrader, Order Flow Volumetric Bars: price levels compared diagonally, with an imbalance ratio.

    Examples
    --------
    >>> import numpy as np
    >>> from tapeflow.core.bars import Bars, Levels
    >>> bought, sold = np.array([12.0, 40, 36, 50, 6]), np.array([30.0, 9, 4, 8, 2])
    >>> rows = Levels(np.array([0, 5]), np.arange(100, 105), bought, sold, 1.0)
    >>> bar = Bars.of(open_time=[0], close_time=[60_000_000], levels=rows)
    >>> DiagonalImbalance.over(bar)[["buy_count", "buy_low", "buy_high", "sell_count"]].iloc[0].tolist()
    [2.0, 102.0, 103.0, 0.0]
    >>> DiagonalImbalance.over(bar, ratio=1.3)["buy_low"].tolist()
    [101.0]
    """

    lines = ("buy_count", "sell_count", "buy_low", "buy_high", "sell_low", "sell_high")
    params = {**IMBALANCE_PARAMS, "unit": "base", "row_size": None}
    bounds = IMBALANCE_BOUNDS
    sized = True
    measures = {
        "buy_count": Line("rows with a buy imbalance", mirror="sell_count"),
        "sell_count": Line("rows with a sell imbalance", mirror="buy_count"),
        "buy_low": Line("lowest row with a buy imbalance", price=1, mirror="sell_high", sparse=True),
        "buy_high": Line("highest row with a buy imbalance", price=1, mirror="sell_low", sparse=True),
        "sell_low": Line("lowest row with a sell imbalance", price=1, mirror="buy_high", sparse=True),
        "sell_high": Line("highest row with a sell imbalance", price=1, mirror="buy_low", sparse=True),
    }
    presets = (
        {"ratio": 1.5, "zero": "infinite", "missing": "zero", "min_volume": 0.01},
        {"compare": "horizontal", "row_size": 10.0},
        {"zero": "infinite"},
    )
    param_units = {"min_volume": (0, 1), "row_size": (1, 0)}
    mirror = "book"
    step = diagonal_imbalance

    @classmethod
    def numbers(cls, params: Mapping[str, Any]) -> tuple[float, ...]:
        """Ratio, least volume and rules."""
        return imbalance_numbers(params)
