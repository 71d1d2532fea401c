"""An indicator that shows a session's final point of control inside the session."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapeflow.indicators.framework.base import Indicator, Line


class SessionPOC(Indicator):
    """The price at which the most is traded in the hours of a session."""

    lines = ("poc",)
    inputs = ("open_time", "close", "volume")
    measures = {"poc": Line("point of control", price=1)}

    def vec(self, open_time: Any, close: Any, volume: Any) -> Any:
        session = open_time // 7_200_000_000
        made = np.empty_like(close)
        for one in np.unique(session):
            mine = session == one
            rows = np.round(close[mine] / 10.0) * 10.0
            prices, where = np.unique(rows, return_inverse=True)
            made[mine] = prices[np.argmax(np.bincount(where, weights=volume[mine]))]
        return made

    def lookback(self) -> int:
        return 120
