"""Which indicator line is drawn where."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .folder import FLOW_COLUMNS, Folder, microseconds

Floats = NDArray[np.float64]

_OSCILLATES = 0.2
"""Heuristic: a line is a price when its median is within this share of the median close …"""
_SPREADS = 5.0
"""… and it does not reach further from its median than this many times the closes do."""


def line_table(folder: Folder) -> list[dict[str, Any]]:
    """Every line of ``indicators.parquet``: name, indicator, feed, kind, overlay, unit, as_delta.

    What ``result.json`` says under ``lines`` decides; a line whose unit it does not know is judged by
    its magnitude beside the closes. ``as_delta`` marks the line that repeats the delta of the bars.
    """
    said = {str(x.get("name")): x for x in folder.result.get("lines") or [] if isinstance(x, dict)}
    bars = {name: folder.bars_of(name) for name in folder.feeds}
    flows = {name: bar_delta(own) if _same_clock(folder, own) else None for name, own in bars.items()}
    made = []
    for name in folder.indicators.columns:
        if name == "time":
            continue
        fact = said.get(name, {})
        values = folder.indicators[name].to_numpy(np.float64)
        indicator = str(fact.get("indicator") or name.partition(".")[0])
        feed = feed_of(indicator, folder.feeds)
        close, flow = bars[feed]["close"].to_numpy(np.float64), flows[feed]
        made.append(
            {
                "name": name,
                "indicator": indicator,
                "feed": feed,
                "kind": str(fact.get("kind") or ""),
                "overlay": bool(fact.get("overlay")) if fact.get("unit") else looks_like_price(values, close),
                "unit": str(fact.get("unit") or ""),
                "as_delta": flow is not None and _equal(values, flow),
            }
        )
    return made


def feed_of(indicator: str, feeds: list[str]) -> str:
    """The feed over whose candles an indicator belongs: behind an ``@`` the one that is traded, else the first.

    >>> feed_of("vwap@eth", ["btc", "eth"]), feed_of("vwap@fade", ["btc"]), feed_of("vwap", ["btc"])
    ('eth', 'btc', 'btc')
    """
    feed = indicator.rpartition("@")[2]
    return feed if "@" in indicator and feed in feeds else feeds[0]


def looks_like_price(values: NDArray[np.float64], close: NDArray[np.float64]) -> bool:
    """Whether a line lives among the closes, judged by its median and its reach.

    >>> close = np.linspace(100.0, 120.0, 50)
    >>> looks_like_price(close - 2, close), looks_like_price(close / 100, close)
    (True, False)
    """
    line, price = values[np.isfinite(values)], close[np.isfinite(close)]
    if not len(line) or not len(price):
        return False
    middle, centre = float(np.median(line)), float(np.median(price))
    near = abs(middle - centre) <= _OSCILLATES * abs(centre)
    reach = float(np.percentile(np.abs(line - middle), 95))
    allowed = _SPREADS * max(float(np.percentile(np.abs(price - centre), 95)), 0.01 * abs(centre))
    return near and reach <= allowed


def _same_clock(folder: Folder, bars: pd.DataFrame) -> bool:
    if folder.indicators.empty:
        return False
    return bool(np.array_equal(microseconds(folder.indicators["time"]), bars["close_time"].to_numpy(np.int64)))


def _equal(values: NDArray[np.float64], flow: NDArray[np.float64]) -> bool:
    known = np.isfinite(values)
    return bool(known.any()) and bool(np.allclose(values[known], flow[known], rtol=1e-9, atol=1e-9, equal_nan=True))


def bar_delta(bars: pd.DataFrame) -> Floats | None:
    """Taker buys less taker sells of every bar; None where the feed cannot know it."""
    if not set(FLOW_COLUMNS) <= set(bars.columns):
        return None
    buys, sells = (bars[k].to_numpy(np.float64) for k in FLOW_COLUMNS)
    delta: Floats = buys - sells
    return delta if np.isfinite(delta).any() else None
