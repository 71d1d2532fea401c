"""Market impact: how far an order moves the price against itself."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class SquareRoot:
    """The square-root law: impact as a share of the price is coefficient · σ · √(size / volume).

    σ is the standard deviation (ddof 1) of the log returns and the volume the mean of those bars that came before the
    bar of the fill. Over n bars both σ² and the volume grow with n, so that the length of the bars cancels out.

    Parameters
    ----------
    coefficient : float
        Near 1 across markets in the literature.
    window : int
        Bars.

    References
    ----------
    .. [1] N. Torre, "BARRA Market Impact Model Handbook", 1997.
    .. [2] B. Tóth et al., "Anomalous price impact and the critical nature of liquidity in financial markets",
       Physical Review X 1, 021006, 2011.
    .. [3] J.-P. Bouchaud, J. Bonart, J. Donier and M. Gould, "Trades, Quotes and Prices", Cambridge, 2018, ch. 12.

    Examples
    --------
    >>> round(SquareRoot(1.0, 100).of(0.002, 50.0, 2.0), 6)
    0.0004
    """

    coefficient: float
    window: int

    def of(self, sigma: float, volume: float, size: float) -> float:
        """Impact of ``size`` as a share of the price; NaN where nothing trades."""
        return self.coefficient * sigma * math.sqrt(size / volume) if volume > 0 else math.nan

    def share(self, data: Any, size: float) -> float:
        """Impact of an order for ``size``, in base currency, at the current bar of ``data``.

        NaN where the bars before had no volume; 0 before three of them are known.
        """
        bars = min(self.window, len(data) - 1)
        if bars < 3:
            return 0.0
        closes = np.array(data.close.get(ago=-1, size=min(bars + 1, len(data) - 1)))
        sigma = float(np.std(np.diff(np.log(closes)), ddof=1))
        return self.of(sigma, math.fsum(data.volume.get(ago=-1, size=bars)) / bars, size)
