"""Order size flow: who took how much in small, medium and large orders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.kernels import step
from ..core.params import Json
from ..core.schema import SIZE_EDGES
from ..core.sizes import block_edges
from .framework.base import Indicator, Line
from .framework.sizing import needs_two

EDGES = {"aperiodic": SIZE_EDGES, "amberdata": (1_000.0, 10_000.0)}
"""Notional edges between small, medium and large that providers use."""
_GROUPS = tuple((side, size) for side in ("buy", "sell") for size in ("small", "medium", "large"))
_MIRROR = {"buy": "sell", "sell": "buy"}


@dataclass(frozen=True)
class SizeEdgeRule:
    """A rule: the name of a provider's edges, two ascending amounts, or null.

    Examples
    --------
    >>> SizeEdgeRule().check("aperiodic"), SizeEdgeRule().check([100, 50])
    ('', "must be 'aperiodic', 'amberdata', two ascending amounts of quote currency, or null")
    """

    def check(self, value: Any) -> str:
        """Empty when ``value`` is legal, else what a legal one is."""
        return "" if value is None or _edges(value) else f"must be {self.describe()}"

    def describe(self) -> str:
        """What a legal value is, in words."""
        return f"{', '.join(map(repr, EDGES))}, two ascending amounts of quote currency, or null"

    def schema(self) -> Json:
        """JSON Schema of a legal value."""
        amounts = {"type": "array", "items": {"type": "number", "exclusiveMinimum": 0}, "minItems": 2, "maxItems": 2}
        return {"anyOf": [{"enum": [*EDGES, None]}, amounts]}


def _edges(value: Any) -> tuple[float, ...]:
    """Two edges; none where ``value`` is no legal one."""
    if isinstance(value, str):
        return EDGES.get(value, ())
    if not isinstance(value, list | tuple) or len(value) != 2:
        return ()
    legal = all(isinstance(v, int | float) and not isinstance(v, bool) for v in value)
    return tuple(map(float, value)) if legal and 0 < value[0] < value[1] < float("inf") else ()


@step
def order_size_flow(p: Any, x: Any, s: Any, y: Any) -> None:
    """Kernel without state; ``x`` is notional, then count, each by side and then by size, lowest first."""
    for k in range(12):
        y[k] = x[k]
        side = k - k % 3
        total = x[side] + x[side + 1] + x[side + 2]
        y[12 + k] = x[k] / total if total > 0.0 else np.nan


def _measures() -> dict[str, Line]:
    made: dict[str, Line] = {}
    forms = (
        ("", "notional of {} orders, {} at market", 1, False),
        ("_count", "{} orders, {} at market", 0, False),
        ("_share", "share of {} orders in the notional {} at market", 0, True),
        ("_count_share", "share of {} orders in those {} at market", 0, True),
    )
    for suffix, says, power, sparse in forms:
        for side, size in _GROUPS:
            meaning = says.format(size, "bought" if side == "buy" else "sold")
            mirror = f"{_MIRROR[side]}_{size}{suffix}"
            made[f"{side}_{size}{suffix}"] = Line(meaning, power, power, mirror=mirror, sparse=sparse)
    return made


class OrderSizeFlow(Indicator):
    """Notional and number of small, medium and large orders of each side, and their shares of the side.

        share = notional of the class / notional of all classes of the side

    An order is a row of the tape: a raw trade, or what the venue joined into one (an aggTrade). Its class is
    decided by its own notional when the bars are made, ``[lower, upper)``; bars hold the sums alone, so no
    indicator can move the edges afterwards. To have others, set ``size_edges`` of the data block (or of `bars()`).

    Parameters
    ----------
    edges : str, list of float or None, default=None
        Edges the bars are said to have, as a check: a run whose data block has others is refused. ``aperiodic``
        is [100, 1000]; ``amberdata`` is [1000, 10000], with that provider's two upper classes in one; null asks
        nothing.

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
    buy_small, buy_medium, buy_large, sell_small, sell_medium, sell_large : quote
        Notional.
    buy_small_count, buy_medium_count, buy_large_count, sell_small_count, sell_medium_count : pure number
        Rows.
    sell_large_count : pure number
        Rows.
    buy_small_share, buy_medium_share, buy_large_share, sell_small_share, sell_medium_share : pure number in [0, 1]
        Of the side's notional; NaN where the side took nothing.
    sell_large_share : pure number in [0, 1]
        The same.
    buy_small_count_share, buy_medium_count_share, buy_large_count_share : pure number in [0, 1]
        Of the side's rows; NaN likewise.
    sell_small_count_share, sell_medium_count_share, sell_large_count_share : pure number in [0, 1]
        The same.

    All from the first bar on. A buy line becomes its sell line when buys and sells trade places.

    Raises
    ------
    ParamError
        If ``edges`` is no legal value, or another parameter is given.
    InputError
        If the data lacks an input, as klines do.

    References
    ----------
    Aperiodic, data set ``flow``, the 24 ``…_order_…`` fields. Its page divides notional by base volume for the
    percentages; here notional is divided by notional, so that the three shares of a side add up to 1.
    Amberdata, spot VWAP: classes 0-1k, 1k-10k, 10k-100k, 100k+ USD, without a word on the edges themselves.

    Examples
    --------
    >>> from tapeflow.core.samples import sample_bars
    >>> lines = OrderSizeFlow.over(sample_bars(3, seed=1), edges="aperiodic")
    >>> lines[["sell_small", "sell_medium", "sell_large", "sell_large_share"]].iloc[0].round(4).tolist()
    [0.0, 1453.4633, 1138.0854, 0.4392]
    """

    lines = tuple(_measures())
    params = {"edges": None}
    bounds = {"edges": SizeEdgeRule()}
    inputs = tuple(f"taker_{side}_{size}_order_{what}" for what in ("volume", "count") for side, size in _GROUPS)
    measures = _measures()
    presets = ({"edges": "aperiodic"}, {"edges": "amberdata"})
    step = order_size_flow

    @classmethod
    def numbers(cls, params: Mapping[str, Any]) -> tuple[float, ...]:
        """None: the edges are in the columns."""
        return ()

    @classmethod
    def disagreement(cls, params: Mapping[str, Any], block: Mapping[str, Any]) -> dict[str, str]:
        """Edges that the data block does not have."""
        asked, given = _edges(params["edges"]), block_edges(block) or SIZE_EDGES
        if said := needs_two(given):
            return {"edges": said}
        if not asked or asked == given:
            return {}
        wish = f"[{asked[0]:g}, {asked[1]:g}]"
        held = ", ".join(edge if isinstance(edge, str) else f"{edge:g}" for edge in given)
        return {"edges": f"are {wish}, but size_edges of the data are [{held}]: set them to {wish}"}
