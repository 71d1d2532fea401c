"""AcmeLargeShare: how much of a bar came in large trades."""

from __future__ import annotations

from typing import Any

from tapeflow.core.kernels import step
from tapeflow.indicators.base import Indicator, Line


@step
def large_share(p: Any, x: Any, s: Any, y: Any) -> None:
    """Kernel; ``x`` is the notional of large buys and sells, and of all."""
    if x[2] > 0.0:
        y[0] = (x[0] + x[1]) / x[2]


class AcmeLargeShare(Indicator):
    """Share of a bar's notional that came in large trades.

        share = (large buys + large sells) / quote_volume

    Inputs
    ------
    taker_buy_large_order_volume, taker_sell_large_order_volume, quote_volume : quote, >= 0
        Notional of large rows by side, and of all.

    Lines
    -----
    share : pure number in [0, 1]
        NaN in a bar without trades.

    One value a bar, from the first on. Stays when buys and sells trade places.

    Raises
    ------
    ParamError
        If a parameter is given; it has none.
    InputError
        If the feed knows no trade sizes, as klines do not.

    References
    ----------
    Acme's own.

    Examples
    --------
    >>> from tapeflow.core.samples import sample_bars
    >>> frame = AcmeLargeShare.over(sample_bars(50, seed=1))
    >>> bool(frame["share"].dropna().between(0, 1).all())
    True
    """

    lines = ("share",)
    inputs = ("taker_buy_large_order_volume", "taker_sell_large_order_volume", "quote_volume")
    measures = dict(share=Line("large notional over all notional"))
    step = large_share
