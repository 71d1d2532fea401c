"""Amounts in US dollars: the price of a quote currency, said or read, and what the rows of a profile came to."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.bars import Bars, Levels
from ..core.clock import iso
from ..core.errors import DataError, ParamError
from ..core.plugins.registry import FEEDS
from ..core.quote_levels import in_quote

Values = NDArray[np.float64]


def dollar_prices(text: str, bars: Bars) -> Values:
    """US dollars in one unit of the quote currency, for each bar.

    Parameters
    ----------
    text : str
        A number, 1 where the quote currency is taken for the dollar itself, or ``FEED:FILE``: a feed of klines of the
        quote currency in dollars, of which each bar takes the last close known at its own.
    bars : Bars
        The bars that are priced.

    Raises
    ------
    ParamError
        If ``text`` is neither.
    DataError
        If the klines begin behind the first bar.

    Examples
    --------
    >>> dollar_prices("0.9995", Bars.of(open_time=[0, 1], close_time=[1, 2])).tolist()
    [0.9995, 0.9995]
    """
    feed, colon, path = text.partition(":")
    if colon:
        cls: Any = FEEDS.find(feed)
        if cls.gives != "bars":
            raise ParamError(f"--usd {text}: {feed} gives trades; name a feed of klines")
        return _last_known(cls(path).bars(), bars)
    try:
        price = float(text)
    except ValueError:
        price = 0.0
    if not 0 < price < np.inf:
        raise ParamError(f"--usd: '{text}' must be a price above 0, or FEED:FILE, as in BinanceKlines:USDCUSDT-1m.csv")
    return np.full(len(bars), price)


def _last_known(prices: Bars, bars: Bars) -> Values:
    at = np.searchsorted(prices["close_time"], bars["close_time"], "right") - 1
    if len(at) and at[0] < 0:
        raise DataError(
            f"{prices.source}: begins at {iso(int(prices['open_time'][0]))}; no price is known at the close of "
            f"{iso(int(bars['close_time'][0]))}"
        )
    made: Values = prices["close"][at]
    return made


def in_dollars(levels: Levels, bars: Bars, prices: Values) -> Levels:
    """Price rows whose volumes are US dollars, as `core.quote_levels.in_quote` makes them.

    Parameters
    ----------
    levels : Levels
        Of the bars.
    bars : Bars
        With ``taker_buy_quote_volume`` and ``taker_sell_quote_volume``.
    prices : ndarray
        Dollars in one unit of the quote currency, for each bar.
    """
    return in_quote(levels, bars["taker_buy_quote_volume"], bars["taker_sell_quote_volume"], worth=prices)
