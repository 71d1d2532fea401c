"""Tick volume: what traded above, below and at the price of the trade before."""

from __future__ import annotations

from typing import Any

from ..core.kernels import step
from .framework.base import Indicator, Line

_COLUMNS = tuple(f"{move}_{what}" for what in ("volume", "count") for move in ("uptick", "downtick", "unchanged"))


@step
def tick_volume(p: Any, x: Any, s: Any, y: Any) -> None:
    """Kernel without state; ``x`` is volumes, then rows, of upticks, downticks and the rest."""
    for k in range(6):
        y[1 + k] = x[k]
    if x[0] + x[1] > 0.0:
        y[0] = (x[0] - x[1]) / (x[0] + x[1])


class TickVolume(Indicator):
    """Volume and rows by the tick test: up, down or unchanged against the row before.

        tick_imbalance = (uptick_volume - downtick_volume) / (uptick_volume + downtick_volume)

    It needs no aggressor, so it stands beside the delta where sides are inferred or doubted.

    Inputs
    ------
    uptick_volume, downtick_volume, unchanged_volume : base, >= 0
        Amount by the tick test; the row before may lie in the bar before. Only bars cut from trades know them.
    uptick_count, downtick_count, unchanged_count : count, >= 0
        Rows likewise.

    Lines
    -----
    tick_imbalance : pure number in [-1, 1]
        NaN in a bar whose price never moved.
    uptick_volume, downtick_volume, unchanged_volume : base
        They add up to the bar's volume.
    uptick_count, downtick_count, unchanged_count : count
        They add up to its rows.

    All from the first bar on. They stay when buys and sells trade places.

    Raises
    ------
    ParamError
        If any parameter is given.
    InputError
        If the data lacks an input, as klines lack all of them.

    References
    ----------
    Aperiodic, data set ``updownticks``. The tick test: Lee and Ready, "Inferring trade direction from intraday data",
    Journal of Finance 46 (1991); here an unchanged price stays unchanged and takes no earlier tick's sign.

    Examples
    --------
    >>> import pandas as pd
    >>> bars = pd.DataFrame(
    ...     dict(
    ...         uptick_volume=[3.0, 0], downtick_volume=[1.0, 0], unchanged_volume=[5.0, 2],
    ...         uptick_count=[2.0, 0], downtick_count=[1.0, 0], unchanged_count=[4.0, 1],
    ...     ),
    ...     index=pd.date_range("2024-01-01", periods=2, freq="1min"),
    ... )
    >>> TickVolume.over(bars)["tick_imbalance"].tolist()
    [0.5, nan]
    """

    lines = ("tick_imbalance", *_COLUMNS)
    inputs = _COLUMNS
    measures = {
        "tick_imbalance": Line("upticks less downticks, as a share of both", sparse=True),
        "uptick_volume": Line("amount that traded above the row before", size=1),
        "downtick_volume": Line("amount that traded below the row before", size=1),
        "unchanged_volume": Line("amount that traded at the price of the row before", size=1),
        "uptick_count": Line("rows above the row before", unit="count"),
        "downtick_count": Line("rows below the row before", unit="count"),
        "unchanged_count": Line("rows at the price of the row before", unit="count"),
    }
    step = tick_volume
