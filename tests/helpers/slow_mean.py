"""A mean that only backtrader computes, bar by bar."""

from __future__ import annotations

from tapeflow.indicators.base import Indicator, Line


class SlowMean(Indicator):
    """Mean of the last five closes."""

    lines = ("mean",)
    inputs = ("close",)
    measures = dict(mean=Line("mean close", price=1))

    def __init__(self) -> None:
        self.addminperiod(5)

    def next(self) -> None:
        """The mean of a bar."""
        self.l.mean[0] = sum(self.data.close.get(size=5)) / 5
