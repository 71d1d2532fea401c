"""An indicator that knows a five-minute bar from its first minute on."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapeflow.indicators.framework.base import Indicator, Line


class LabelledAtStart(Indicator):
    """Close of the five-minute bar that each minute belongs to."""

    lines = ("slow",)
    inputs = ("open_time", "close")
    measures = {"slow": Line("close of five minutes", price=1)}

    def vec(self, open_time: Any, close: Any) -> Any:
        group = open_time // 300_000_000
        last = np.searchsorted(group, group, side="right") - 1
        return close[last]

    def lookback(self) -> int:
        return 5
