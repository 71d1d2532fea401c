"""An indicator whose value area is the session's final one instead of the one that develops."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapeflow.indicators.framework.base import Indicator, Line


class FinalValueArea(Indicator):
    """Prices between which 70 % of a session's volume lies."""

    lines = ("vah", "val")
    inputs = ("open_time", "close", "volume")
    measures = {"vah": Line("upper edge", price=1), "val": Line("lower edge", price=1)}

    def vec(self, open_time: Any, close: Any, volume: Any) -> Any:
        session = open_time // 14_400_000_000
        high, low = np.empty_like(close), np.empty_like(close)
        for one in np.unique(session):
            mine = np.flatnonzero(session == one)
            order = mine[np.argsort(close[mine], kind="stable")]
            share = np.cumsum(volume[order]) / volume[order].sum()
            low[mine] = close[order[np.searchsorted(share, 0.15)]]
            high[mine] = close[order[np.searchsorted(share, 0.85)]]
        return high, low

    def lookback(self) -> int:
        return 240
