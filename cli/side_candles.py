"""Kiyotaka's candles by side: prices and volume of what buyers took, and of what sellers took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..core.bars import Bars
from ..core.errors import DataError, ParamError
from ..core.plugins.registry import FEEDS
from ..feeds.one_side import OneSide

SIDES = {"BUY": 1, "SELL": -1}
_PRICES = ("open", "high", "low", "close")


def bars_by_side(
    feed: str, paths: Sequence[Any], params: Mapping[str, Any], option: Mapping[str, Any]
) -> dict[str, Bars]:
    """Bars of each side's trades alone; a side that took nothing is left out.

    Parameters
    ----------
    feed : str
        Class name of a feed of trades.
    paths, params
        Its files and parameters; they are read once for each side.
    option : mapping
        ``specs``, ``start`` and ``end``, as `TapeFeed.bars_of` takes them.

    Raises
    ------
    ParamError
        If the feed gives klines, which do not tell prices by side.
    """
    cls: Any = FEEDS.find(feed)
    if cls.gives != "tape":
        raise ParamError(f"--id type=TRADE_AGG: {feed} gives klines, and single trades alone tell prices by side")
    made = {}
    for name, side in SIDES.items():
        own = OneSide(cls(paths, **params), side)
        try:
            made[name] = own.bars_of(**option)[0]
        except DataError as err:
            if own.without_rows() not in str(err):
                raise
    return made


def side_candles(
    bars: Bars, sides: Mapping[str, Bars], known: Mapping[str, Any], interval: str, *, usd: Any = None
) -> dict[str, Any]:
    """Kiyotaka's ``TRADE_AGG``: a series a side of open, high, low, close and volume, oldest first.

    Parameters
    ----------
    bars : Bars
        The intervals that are wanted, which are intervals of time.
    sides : mapping of str to Bars
        As `bars_by_side` gives them. An interval in which a side took nothing has no point in its series.
    known : mapping
        What the ``id`` says of the market.
    interval : str
        In the provider's words.
    usd : ndarray or None
        Dollars in one unit of the quote currency, for each bar: volumes are dollars then.

    Raises
    ------
    ParamError
        If the bars are no intervals of time, which alone are the same of both sides.
    """
    if len(bars) and len({int(t) for t in bars["close_time"] - bars["open_time"]}) > 1:
        raise ParamError(f"--bars {bars.spec}: --id type=TRADE_AGG has intervals of time, as in --bars 1h")
    return {
        "series": [
            {
                "id": {**known, "type": "TRADE_AGG", "interval": interval, "side": name},
                "points": _points(bars, own, usd),
            }
            for name, own in sides.items()
        ]
    }


def _points(bars: Bars, own: Bars, usd: Any) -> list[dict[str, Any]]:
    """The points of one side, at the intervals of ``bars`` in which it took something."""
    at = np.searchsorted(bars["open_time"], own["open_time"])
    inside = (at < len(bars)) & (own["volume"] > 0)
    rows = np.flatnonzero(inside)[bars["open_time"][at[inside]] == own["open_time"][inside]]
    volume = own["volume"] if usd is None else own["quote_volume"]
    worth = np.ones(len(bars)) if usd is None else usd
    return [
        {
            "Point": {
                **{price: float(own[price][i]) for price in _PRICES},
                "volume": float(volume[i] * worth[at[i]]),
                "timestamp": {"s": int(own["open_time"][i]) // 1_000_000},
            }
        }
        for i in rows.tolist()
    ]
