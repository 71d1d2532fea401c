"""Bars of price rows for the tests of volume profiles, and the value area of one bar."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapeflow.core.bars import Bars, Levels
from tapeflow.core.clock import HOUR
from tapeflow.indicators.volume_profile import VolumeProfile

Rows = dict[int, float]


def bars_of(*rows: Rows, row_ticks: int = 1, tick: float = 1.0, **columns: Any) -> Bars:
    ticks = [t for bar in rows for t in sorted(bar)]
    volume = np.array([bar[t] for bar in rows for t in sorted(bar)], dtype=float)
    offsets = np.cumsum([0, *(len(bar) for bar in rows)])
    levels = Levels(offsets, np.array(ticks, dtype=np.int64), volume / 4, volume * 3 / 4, tick, row_ticks)
    opens = HOUR * np.arange(len(rows))
    return Bars.of(open_time=opens, close_time=opens + HOUR, levels=levels, **columns)


def area_of(rows: Rows, **params: Any) -> tuple[float, float, float]:
    """Point of control, then the lowest and the highest row of the value area."""
    poc, vah, val = VolumeProfile.table(bars_of(rows), window=1, **params)[:, 0].tolist()
    return poc, val, vah
