"""How far into its session a bar opens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.clock import DAY, grid_origin
from ...core.hours import TradingDays
from ...core.sessions import Days
from ..framework.inputs import Floats, Session


@dataclass(frozen=True)
class SinceOpen(Session):
    """Microseconds from the beginning of the session that a bar opens in to its open.

    Examples
    --------
    >>> SinceOpen().array({"session": "1h"}, np.array([0, 3_599_999_999, 3_600_000_007])).tolist()
    [0.0, 3599999999.0, 7.0]
    """

    def array(self, params: Mapping[str, Any], *columns: NDArray[Any]) -> Floats:
        """Of bars that open at these epoch µs; of sessions without a beginning, since the first of 1970."""
        times = columns[0].astype(np.int64)
        spec, days = self._read(params)
        if spec == "bar":
            return np.zeros(len(times))
        if spec == "none":
            return times.astype(np.float64)
        if not isinstance(spec, str) and days.plain:
            return ((times - grid_origin(spec)) % spec).astype(np.float64)
        numbers, place = np.unique(super().array(params, times), return_inverse=True)
        begins = np.array([_begin(spec, days, int(number)) for number in numbers], dtype=np.int64)
        return (times - begins[place]).astype(np.float64)

    def scalar(self, params: Mapping[str, Any], *values: float) -> float:
        """Of a bar that opens at this epoch µs."""
        return float(self.array(params, np.array(values))[0])


def _begin(spec: int | str, days: Days | TradingDays, number: int) -> int:
    """Where the session of this number begins, epoch µs."""
    if isinstance(spec, str):
        return days.begin(int(np.datetime64(number, "M").astype("datetime64[D]").astype(np.int64)))
    return days.begin(number * (spec // DAY) + grid_origin(spec) // DAY)
