"""Amounts in US dollars: the price of a quote currency, said or read, and what the rows of a profile came to."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.bars import Bars, Levels
from ..core.dollars import in_usd
from ..core.errors import ParamError
from ..core.plugins.registry import FEEDS
from ..core.quote_levels import in_quote

Values = NDArray[np.float64]


def priced(text: str, bars: Bars) -> Bars:
    """Bars with ``usd_rate``, US dollars in one unit of their quote currency.

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
    >>> priced("0.9995", Bars.of(open_time=[0, 1], close_time=[1, 2]))["usd_rate"].tolist()
    [0.9995, 0.9995]
    """
    return in_usd(bars, _prices(text))


def _prices(text: str) -> Bars | float:
    feed, colon, path = text.partition(":")
    if colon:
        cls: Any = FEEDS.find(feed)
        if cls.gives != "bars":
            raise ParamError(f"--usd {text}: {feed} gives trades; name a feed of klines")
        made: Bars = cls(path).bars()
        return made
    try:
        price = float(text)
    except ValueError:
        price = 0.0
    if not 0 < price < np.inf:
        raise ParamError(f"--usd: '{text}' must be a price above 0, or FEED:FILE, as in BinanceKlines:USDCUSDT-1m.csv")
    return price


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
