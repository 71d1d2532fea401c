"""Taker volume: what buyers and sellers took, what makers gave, and at what price."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.kernels import step
from .framework.base import Indicator, Line


@step
def taker_volume(p: Any, x: Any, s: Any, y: Any) -> None:
    """Kernel without state; ``x`` is bought, sold, and the notional of each."""
    y[0], y[1], y[2], y[3] = x[0], x[1], x[2], x[3]
    y[4], y[5], y[6], y[7] = x[1], x[0], x[3], x[2]
    y[8] = x[2] / x[0] if x[0] > 0.0 else np.nan
    y[9] = x[3] / x[1] if x[1] > 0.0 else np.nan


class TakerVolume(Indicator):
    """Volume of the bar by side, for takers and makers, with the mean price of each side.

        taker buys = maker sells,   taker sells = maker buys,   volume = buys + sells

    Every trade has one taker and one maker, so the makers' lines are the takers' of the other side.

    Inputs
    ------
    taker_buy_volume, taker_sell_volume : base, >= 0
        Amount by side of the taker.
    taker_buy_quote_volume, taker_sell_quote_volume : quote, >= 0
        Notional by side of the taker.

    Lines
    -----
    buy, sell : base
        What takers bought and sold.
    buy_quote, sell_quote : quote
        Its notional.
    maker_buy, maker_sell : base
        What makers bought and sold.
    maker_buy_quote, maker_sell_quote : quote
        Its notional.
    buy_vwap, sell_vwap : price
        Mean price of what takers bought and sold; NaN where they did not.

    All from the first bar on. Each becomes its counterpart when buys and sells trade places.

    Raises
    ------
    ParamError
        If ``size`` is no size, or another parameter is given.
    InputError
        If the data lacks an input.

    References
    ----------
    Binance, answer on kline and taker volumes: ``taker_sell = volume - taker_buy = maker_buy``, in base and quote.

    Examples
    --------
    Two orders on a book, a sale of 3.0 for 1.25 and a purchase of 5.0 for 2.12:

    >>> import pandas as pd
    >>> bars = pd.DataFrame(
    ...     dict(
    ...         taker_buy_volume=[5.0], taker_sell_volume=[3.0],
    ...         taker_buy_quote_volume=[2.12], taker_sell_quote_volume=[1.25],
    ...     ),
    ...     index=pd.date_range("2024-01-01", periods=1, freq="1min"),
    ... )
    >>> lines = TakerVolume.over(bars).iloc[0].round(6)
    >>> lines[["buy", "sell", "maker_buy", "buy_vwap", "sell_vwap"]].to_dict()
    {'buy': 5.0, 'sell': 3.0, 'maker_buy': 3.0, 'buy_vwap': 0.424, 'sell_vwap': 0.416667}
    """

    lines = (
        *("buy", "sell", "buy_quote", "sell_quote"),
        *("maker_buy", "maker_sell", "maker_buy_quote", "maker_sell_quote"),
        *("buy_vwap", "sell_vwap"),
    )
    sized = True
    inputs = ("taker_buy_volume", "taker_sell_volume", "taker_buy_quote_volume", "taker_sell_quote_volume")
    measures = {
        "buy": Line("amount takers bought", size=1, mirror="sell"),
        "sell": Line("amount takers sold", size=1, mirror="buy"),
        "buy_quote": Line("notional takers bought", price=1, size=1, mirror="sell_quote"),
        "sell_quote": Line("notional takers sold", price=1, size=1, mirror="buy_quote"),
        "maker_buy": Line("amount makers bought", size=1, mirror="maker_sell"),
        "maker_sell": Line("amount makers sold", size=1, mirror="maker_buy"),
        "maker_buy_quote": Line("notional makers bought", price=1, size=1, mirror="maker_sell_quote"),
        "maker_sell_quote": Line("notional makers sold", price=1, size=1, mirror="maker_buy_quote"),
        "buy_vwap": Line("mean price of what takers bought", price=1, mirror="sell_vwap", sparse=True),
        "sell_vwap": Line("mean price of what takers sold", price=1, mirror="buy_vwap", sparse=True),
    }
    step = taker_volume
