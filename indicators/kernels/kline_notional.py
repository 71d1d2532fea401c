"""Notional of bars that do not carry it: their volume at one price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..framework.inputs import Floats

REMEDY = "give the feed a column of that name, or ask for from_klines: hlc3"
"""For measures that can guess it."""


@dataclass(frozen=True)
class KlineNotional:
    """Volume times the one price that a bar is taken to have traded at.

    Parameters
    ----------
    method : {'uniform', 'close', 'hlc3'}
        All at the close; at the mean of high, low and close; or spread evenly from low to high, whose mean is the
        middle of the two.

    Examples
    --------
    >>> high, low, close, volume = (np.array([v]) for v in (12.0, 9.0, 10.5, 2.0))
    >>> [KlineNotional(m).array({}, high, low, close, volume).tolist() for m in ("uniform", "close", "hlc3")]
    [[21.0], [21.0], [21.0]]
    >>> KlineNotional("close").scalar({}, 12.0, 9.0, 11.5, 2.0)
    23.0
    """

    method: str
    needs: tuple[str, ...] = ("high", "low", "close", "volume")

    def array(self, params: Mapping[str, Any], *columns: NDArray[Any]) -> Floats:
        """Of every bar."""
        high, low, close, volume = columns
        made: Floats = np.asarray(self._price(high, low, close) * volume, dtype=np.float64)
        return made

    def scalar(self, params: Mapping[str, Any], *values: float) -> float:
        """Of one bar."""
        high, low, close, volume = values
        return float(self._price(high, low, close) * volume)

    def _price(self, high: Any, low: Any, close: Any) -> Any:
        if self.method == "uniform":
            return (low + high) / 2.0
        return (low + high + close) / 3.0 if self.method == "hlc3" else close
