"""An indicator that smooths with a window centred at the bar."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapeflow.indicators.framework.base import Indicator, Line


class CentredWindow(Indicator):
    """Mean close of five bars: two before, the bar itself, two after."""

    lines = ("mean",)
    inputs = ("close",)
    measures = {"mean": Line("mean close", price=1)}

    def vec(self, close: Any) -> Any:
        padded = np.pad(close, 2, mode="edge")
        return np.convolve(padded, np.full(5, 0.2), mode="valid")

    def lookback(self) -> int:
        return 5
