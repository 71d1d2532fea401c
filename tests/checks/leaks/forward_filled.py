"""An indicator that resamples with pandas, whose labels are left edges, and fills forward."""

from __future__ import annotations

from typing import Any

import pandas as pd

from tapeflow.indicators.framework.base import Indicator, Line


class ForwardFilled(Indicator):
    """High of a quarter of an hour, as a frame that was resampled and filled gives it."""

    lines = ("top",)
    inputs = ("open_time", "high")
    measures = {"top": Line("highest price of the quarter of an hour", price=1)}

    def vec(self, open_time: Any, high: Any) -> Any:
        minutes = pd.Series(high, index=pd.to_datetime(open_time.astype("i8"), unit="us"))
        slow = minutes.resample("15min").max()
        return slow.reindex(minutes.index, method="ffill").to_numpy()

    def lookback(self) -> int:
        return 15
