"""Sides that a source does not tell: the tick rule on trades, bulk volume classification on bars."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...core.bars import Bars
from ...core.params import Choice
from ...core.schema import Quality
from ...core.tape import Tape
from .sort_and_dedup import flagged

TAPE_RULES = Choice("none", "tick", "bulk")
BAR_RULES = Choice("none", "bulk")
WINDOW = 50
"""Price changes behind the deviation that bulk classification measures in."""


def tick_rule(price: NDArray[np.float64], before: tuple[float, int]) -> tuple[NDArray[np.int8], tuple[float, int]]:
    """Sides by the last change of the price: +1 after a rise, −1 after a fall, 0 before the first change.

    Parameters
    ----------
    price : ndarray of float64
        Prices in time order.
    before : tuple of float and int
        The price before them (NaN for none) and the side it had.

    Returns
    -------
    tuple
        The sides, and what stands before the next prices.

    References
    ----------
    Lee, C., Ready, M. (1991). Inferring Trade Direction from Intraday Data. Journal of Finance 46(2), 733-746.

    Examples
    --------
    >>> tick_rule(np.array([10.0, 10.0, 11.0, 11.0, 9.0]), (math.nan, 0))[0].tolist()
    [0, 0, 1, 1, -1]
    """
    if not len(price):
        return np.empty(0, np.int8), before
    change = np.nan_to_num(np.sign(np.diff(price, prepend=before[0])))
    last = np.maximum.accumulate(np.where(change != 0, np.arange(len(price)), -1))
    made = np.where(last >= 0, change[last], before[1]).astype(np.int8)
    return made, (float(price[-1]), int(made[-1]))


def by_ticks(tapes: Iterable[Tape]) -> Iterator[Tape]:
    """The same tapes; rows without a side get that of the tick rule and the flag ``INFERRED_SIDE``."""
    before: tuple[float, int] = (math.nan, 0)
    for tape in tapes:
        made, before = tick_rule(tape.price, before)
        unknown = tape.side == 0
        told = replace(tape, side=np.where(unknown, made, tape.side).astype(np.int8))
        yield flagged(told, np.where(unknown, int(Quality.INFERRED_SIDE), 0))


def buy_share(close: NDArray[np.float64], window: int = WINDOW) -> NDArray[np.float64]:
    """Share of a bar's volume that was bought, by how far the close moved: Φ(Δclose / σ).

    σ is the deviation (ddof 1) of the last ``window`` changes, that of the bar included, so nothing of later bars
    is seen. A bar that did not move is half bought; NaN before there are two changes.

    References
    ----------
    Easley, D., López de Prado, M., O'Hara, M. (2012). Bulk Classification of Trading Activity.

    Examples
    --------
    >>> buy_share(np.array([10.0, 11.0, 10.0, 10.0])).round(4).tolist()
    [nan, nan, 0.2398, 0.5]
    """
    made = np.full(len(close), np.nan)
    change = np.diff(close)
    for i in range(2, len(close)):
        past = change[max(0, i - window) : i]
        if change[i - 1] == 0:
            made[i] = 0.5
        elif (deviation := float(np.std(past, ddof=1))) > 0:
            made[i] = 0.5 * math.erfc(-float(change[i - 1]) / deviation / math.sqrt(2))
    return made


def by_bulk(bars: Bars) -> Bars:
    """The same bars; volume whose side the source does not tell is split by `buy_share`, flagged ``INFERRED_SIDE``."""
    share, made = buy_share(bars["close"]), {}
    told = np.nan_to_num(bars["taker_buy_volume"]) + np.nan_to_num(bars["taker_sell_volume"])
    unknown = bars["volume"] - told > 1e-9 * bars["volume"]
    for total, buy, sell in (
        ("volume", "taker_buy_volume", "taker_sell_volume"),
        ("quote_volume", "taker_buy_quote_volume", "taker_sell_quote_volume"),
    ):
        bought, sold = np.nan_to_num(bars[buy]), np.nan_to_num(bars[sell])
        rest = bars[total] - bought - sold
        made[buy] = np.where(unknown, bought + rest * share, np.where(np.isnan(bars[total]), bars[buy], bought))
        made[sell] = np.where(unknown, sold + rest * (1 - share), np.where(np.isnan(bars[total]), bars[sell], sold))
    flags = np.where(unknown, int(Quality.INFERRED_SIDE), 0)
    return bars.assign(**made, quality=bars["quality"] | flags)
