"""Large trades: how many there were, which way they went, and their share of the flow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core.kernels import step
from ..core.params import Choice
from ..core.schema import SIZE_EDGES
from ..core.sizes import block_edges
from .framework.base import Indicator, Line
from .framework.sizing import needs_two
from .volume_delta import net_flow

_CLASSES = ("small", "medium", "large")
_THRESHOLDS = ("large", "medium")


@step
def large_trades(p: Any, x: Any, s: Any, y: Any) -> None:
    """Kernel without state; ``p`` is the lowest class, ``x`` notional and count by side and then by size."""
    bought, sold, count, total = 0.0, 0.0, 0.0, 0.0
    for k in range(3):
        total += x[k] + x[3 + k]
        if k >= p[0]:
            bought += x[k]
            sold += x[3 + k]
            count += x[6 + k] + x[9 + k]
    y[0], y[1] = count, net_flow(bought, sold)
    y[2] = (bought + sold) / total if total > 0.0 else np.nan


class LargeTrades(Indicator):
    """Rows of the tape at or above a size: their number, their net notional, their share of all notional.

    Bars know the notional of classes of size, not of single trades, so the threshold is an edge between
    classes: ``large`` counts from the upper one of the data block's ``size_edges`` on (1000 in quote currency
    unless set), ``medium`` from the lower one on (100). For another absolute threshold set ``size_edges: [5000,
    50000]``, for one that follows the market ``size_edges: [p90, p99]``, percentiles of the last 100,000 trades before
    each.

    Parameters
    ----------
    threshold : {'large', 'medium'}, default='large'
        The smallest class that counts.

    Inputs
    ------
    taker_buy_small_order_volume, taker_buy_medium_order_volume, taker_buy_large_order_volume : quote, >= 0
        Notional bought by class.
    taker_sell_small_order_volume, taker_sell_medium_order_volume, taker_sell_large_order_volume : quote, >= 0
        Notional sold by class.
    taker_buy_small_order_count, taker_buy_medium_order_count, taker_buy_large_order_count : count, >= 0
        Rows bought by class.
    taker_sell_small_order_count, taker_sell_medium_order_count, taker_sell_large_order_count : count, >= 0
        Rows sold by class.

    Lines
    -----
    count : pure number
        Rows of both sides. Stays when buys and sells trade places.
    net : quote
        Notional bought less sold in such rows. Changes sign when buys and sells trade places.
    share : pure number in [0, 1]
        Of the bar's notional; NaN in a bar without trades. Stays.

    All from the first bar on.

    Raises
    ------
    ParamError
        If ``threshold`` is none of its values, or another parameter is given.
    InputError
        If the data lacks an input, as klines do.

    References
    ----------
    Aperiodic, data set ``flow``: large orders are those of 1000 USD and more, medium ones from 100 on.

    Examples
    --------
    >>> from tapeflow.core.samples import sample_bars
    >>> LargeTrades.over(sample_bars(3, seed=1)).iloc[0].round(4).to_dict()
    {'count': 2.0, 'net': -76.6446, 'share': 0.4024}
    """

    lines = ("count", "net", "share")
    params = {"threshold": "large"}
    bounds = {"threshold": Choice(*_THRESHOLDS)}
    inputs = tuple(
        f"taker_{side}_{size}_order_{what}"
        for what in ("volume", "count")
        for side in ("buy", "sell")
        for size in _CLASSES
    )
    measures = {
        "count": Line("rows of at least the size"),
        "net": Line("notional bought less sold in them", price=1, size=1, odd=True),
        "share": Line("their share of the notional"),
    }
    presets = ({"threshold": "medium"},)
    step = large_trades

    @classmethod
    def disagreement(cls, params: Mapping[str, Any], block: Mapping[str, Any]) -> dict[str, str]:
        """Edges that part no small, medium and large rows."""
        said = needs_two(block_edges(block) or SIZE_EDGES)
        return {"threshold": said} if said else {}

    @classmethod
    def numbers(cls, params: Mapping[str, Any]) -> tuple[float, ...]:
        """The place of the smallest class that counts."""
        return (float(_CLASSES.index(params["threshold"])),)
