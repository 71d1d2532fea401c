"""Taker ratio: buyers against sellers, in volume and in count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.kernels import step
from .framework.base import Indicator, Line
from .framework.inputs import Input

_VOLUMES: tuple[Input, ...] = ("taker_buy_volume", "taker_sell_volume")
_COUNTS: tuple[Input, ...] = ("taker_buy_count", "taker_sell_count")


@step
def taker_ratio(p: Any, x: Any, s: Any, y: Any) -> None:
    """Kernel without state; ``x`` is volume bought and sold, then, where known, rows bought and sold."""
    for k in range(len(x) // 2):
        buys, sells = x[2 * k], x[2 * k + 1]
        y[k] = buys / sells if sells > 0.0 else np.nan
        y[2 + k] = buys / (buys + sells) if buys + sells > 0.0 else np.nan


class TakerRatio(Indicator):
    """What buyers took as a multiple of what sellers took, and as a share of both.

        ratio = buys / sells,   share = buys / (buys + sells)

    Inputs
    ------
    taker_buy_volume, taker_sell_volume : base, >= 0
        Amount by side.
    taker_buy_count, taker_sell_count : count, >= 0
        Rows of the tape by side. Klines do not know them: the two count lines are NaN there.

    Lines
    -----
    ratio : pure number
        Of volumes. NaN where nothing was sold at market, never infinite.
    count_ratio : pure number
        Of counts; NaN likewise.
    share : pure number in [0, 1]
        Of volumes; NaN in a bar without trades.
    count_share : pure number in [0, 1]
        Of counts; NaN likewise.

    All from the first bar on. When buys and sells trade places a ratio becomes its inverse, a share what is left
    of 1.

    Raises
    ------
    ParamError
        If ``size`` is no size, or another parameter is given.
    InputError
        If the data lacks the volumes.

    References
    ----------
    Aperiodic, data set ``flow``: ``taker_buy_sell_ratio``, ``taker_buy_sell_count_ratio``,
    ``taker_buy_sell_percentage``, ``taker_buy_sell_count_percentage``. Its percentages are fractions too; its
    ratios become infinite without sells.

    Examples
    --------
    >>> import pandas as pd
    >>> bars = pd.DataFrame(
    ...     dict(
    ...         taker_buy_volume=[3.0, 2, 0], taker_sell_volume=[1.0, 0, 0],
    ...         taker_buy_count=[1.0, 4, 0], taker_sell_count=[2.0, 0, 0],
    ...     ),
    ...     index=pd.date_range("2024-01-01", periods=3, freq="1min"),
    ... )
    >>> lines = TakerRatio.over(bars)
    >>> lines["ratio"].tolist(), lines["count_ratio"].tolist(), lines["share"].tolist()
    ([3.0, nan, nan], [0.5, nan, nan], [0.75, 1.0, nan])
    """

    lines = ("ratio", "count_ratio", "share", "count_share")
    sized = True
    inputs = (*_VOLUMES, *_COUNTS)
    measures = {
        "ratio": Line("volume bought for one unit sold", becomes="inverse", sparse=True),
        "count_ratio": Line("rows bought for one row sold", becomes="inverse", sparse=True),
        "share": Line("share of the volume that was bought", becomes="complement"),
        "count_share": Line("share of the rows that were bought", becomes="complement"),
    }
    step = taker_ratio

    @classmethod
    def resolve_auto(cls, params: dict[str, Any], carries: Callable[[str], bool]) -> dict[str, Any]:
        """Leave the counts out where the feed does not know them."""
        return {**params, "counts": all(carries(str(c)) for c in _COUNTS)}

    @classmethod
    def input_names(cls, **params: Any) -> tuple[Input, ...]:
        """The volumes, and the counts where they are known."""
        return (*_VOLUMES, *_COUNTS) if params.get("counts", True) else _VOLUMES
