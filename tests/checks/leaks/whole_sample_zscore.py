"""An indicator that is normalised by the mean and deviation of the whole sample."""

from __future__ import annotations

from typing import Any

from tapeflow.indicators.framework.base import Indicator, Line


class WholeSampleZScore(Indicator):
    """Volume in deviations from its mean."""

    lines = ("z",)
    inputs = ("volume",)
    measures = {"z": Line("deviations from the mean")}

    def vec(self, volume: Any) -> Any:
        return (volume - volume.mean()) / volume.std()

    def lookback(self) -> None:
        return None
