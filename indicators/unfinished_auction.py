"""Unfinished auction: a high or a low at which both sides still traded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core.kernels import compiled, levels_step
from ..core.params import Bound
from .footprint import HEAD, ROW_TICKS, FootprintKind, edge, row_at
from .framework.base import Line
from .framework.inputs import LEVELS
from .kernels.open_levels import open_add, open_nearest, open_size, open_touch
from .kernels.price_rows import dense
from .kernels.value_area import NEAR
from .kernels.windows import Floats


@compiled
def _both(bought: float, sold: float, least: float) -> bool:
    weaker = min(bought, sold)
    return weaker > 0.0 and weaker >= least * (1.0 - NEAR)


@levels_step
def unfinished_auction(p: Any, x: Any, s: Any, y: Any, tick: Any, buy: Any, sell: Any) -> None:
    """Kernel; ``p`` is the least volume and the look-back, ``x`` the close."""
    least, lookback = p[0], int(p[1])
    room = 2 * lookback
    y[0] = y[1] = 0.0
    top = bottom = np.nan
    if len(tick) > 0:
        low, bought, sold = dense(tick, buy, sell, int(s[ROW_TICKS]))
        last = len(bought) - 1
        open_touch(s, HEAD, room, low, low + last)
        if _both(bought[last], sold[last], least):
            y[0], top = 1.0, low + last
        if _both(bought[0], sold[0], least):
            y[1], bottom = 1.0, low
    open_add(s, HEAD, room, top)
    open_add(s, HEAD, room, bottom if bottom != top else np.nan)
    here = row_at(s, x[0])
    above, below, count = open_nearest(s, HEAD, room, here)
    if above == above:
        y[2] = edge(s, int(above))
    if below == below:
        y[3] = edge(s, int(below))
    y[4] = count


class UnfinishedAuction(FootprintKind):
    """Bars whose highest or lowest row was both bought and sold, and which of them price has not come back to.

    An auction ends where one side gives up: at a finished high nobody sells aggressively any more, at a
    finished low nobody buys. Where both still trade, the extreme is unfinished until a later bar trades at
    its row or on both sides of it.

    Parameters
    ----------
    min_volume : float, default=0.0
        Least volume of the weaker side in the row, in the unit of the rows; it must be above 0 in any case.
    lookback : int, default=240
        Bars whose unfinished extremes are remembered, the current one included.
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
    close : price
        What above and below are seen from.

    Lines
    -----
    high, low : pure number
        1 where the bar's highest, or lowest, row is unfinished, else 0; 0 in a bar without trades.
    above : price
        Lower edge of the nearest unfinished row above that of the close; NaN where there is none.
    below : price
        The nearest below.
    count : pure number
        Unfinished rows remembered, the bar's own included, 0 and up.

    From the first bar on. All stay when buys and sells trade places.

    Raises
    ------
    ParamError
        If a parameter is out of range, or another one is given.
    InputError
        If the data has no levels, or ``row_size`` does not fit them.

    References
    ----------
    MarketDelta, footprint charts: an auction is unfinished where the extreme price of a bar has volume on
    both sides, and completed when the price trades again.

    Examples
    --------
    >>> import numpy as np
    >>> from tapeflow.core.bars import Bars, Levels
    >>> bought, sold = np.array([1.0, 2, 1, 0]), np.array([0.0, 1, 1, 3])
    >>> rows = Levels(np.array([0, 2, 4]), np.array([7, 8, 5, 6]), bought, sold, 1.0)
    >>> bars = Bars.of(open_time=[0, 60], close_time=[60, 120], close=[8.0, 6.0], levels=rows)
    >>> UnfinishedAuction.over(bars).iloc[1].to_dict()
    {'high': 0.0, 'low': 1.0, 'above': 8.0, 'below': 5.0, 'count': 2.0}
    """

    lines = ("high", "low", "above", "below", "count")
    params = {"min_volume": 0.0, "lookback": 240, "unit": "base", "row_size": None}
    bounds = {
        "min_volume": Bound(0),
        "lookback": Bound(1, 10_000, integer=True),
    }
    sized = True
    inputs = (LEVELS, "close")
    measures = {
        "high": Line("whether the highest row is unfinished"),
        "low": Line("whether the lowest row is unfinished"),
        "above": Line("nearest unfinished row above the close", price=1, sparse=True),
        "below": Line("nearest unfinished row below the close", price=1, sparse=True),
        "count": Line("unfinished rows remembered"),
    }
    presets = ({"min_volume": 0.01, "lookback": 5}, {"row_size": 10.0})
    param_units = {"min_volume": (0, 1), "row_size": (1, 0)}
    step = unfinished_auction

    @classmethod
    def numbers(cls, params: Mapping[str, Any]) -> tuple[float, ...]:
        """Least volume and look-back."""
        return float(params["min_volume"]), float(params["lookback"])

    @classmethod
    def state_size(cls, **params: Any) -> int:
        """The height of a row, and room for two rows a bar."""
        return HEAD + open_size(2 * int(params["lookback"]))

    @classmethod
    def init_state(cls, state: Floats, **params: Any) -> None:
        """Nothing waits yet."""
        state[HEAD + 1 :] = np.nan
