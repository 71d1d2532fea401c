"""What a quote currency is worth in US dollars, bar by bar."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .bars import Bars
from .clock import DAY, iso
from .errors import DataError
from .schema import USD_RATE


def last_known(prices: Bars, bars: Bars) -> NDArray[np.float64]:
    """The last close of ``prices`` known at the close of each of ``bars``.

    Raises
    ------
    DataError
        If none is known at the first close.

    Examples
    --------
    >>> usdt = Bars.of(open_time=[0, 60], close_time=[60, 120], close=[0.999, 1.001])
    >>> last_known(usdt, Bars.of(open_time=[0, 50], close_time=[119, 120])).tolist()
    [0.999, 1.001]
    """
    known = np.isfinite(prices["close"])
    times, closes = prices["close_time"][known], prices["close"][known]
    at = np.searchsorted(times, bars["close_time"], "right") - 1
    if len(at) and at[0] < 0:
        remedy = f"; the first is at {iso(int(times[0]))}, begin there (from, --from)" if len(times) else ", nor later"
        raise DataError(
            f"{prices.source or 'prices'}: no price is known at the close of {iso(int(bars['close_time'][0]))}{remedy}"
        )
    made: NDArray[np.float64] = closes[at]
    return made


def in_usd(bars: Bars, prices: Bars | float, called: str = "") -> Bars:
    """The same bars with ``usd_rate``: US dollars in one unit of the quote currency.

    Parameters
    ----------
    bars : Bars
        Whose volumes measures with ``unit: usd`` turn into dollars.
    prices : Bars or float
        The quote currency in dollars: bars, of which the last close known at each close counts, or a number above 0.
    called : str
        What the note calls the prices; their source when empty.

    Raises
    ------
    DataError
        If no price is known at the first close.

    Examples
    --------
    >>> in_usd(Bars.of(open_time=[0], close_time=[60]), 0.9991)["usd_rate"].tolist()
    [0.9991]
    """
    if not isinstance(prices, Bars):
        return bars.assign(**{USD_RATE: np.full(len(bars), float(prices))})
    rates = last_known(prices, bars)
    late = int(bars["close_time"][-1] - prices["close_time"][-1]) if len(bars) else 0
    made = bars.assign(**{USD_RATE: rates})
    if late <= DAY:
        return made
    stale = f"{called or prices.source or 'prices'} ends {late / DAY:.1f} days before the bars: its last price stands"
    return replace(made, notes=(*made.notes, stale))
