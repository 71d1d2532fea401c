"""Where the stop and the target of each trade lay when it ended, read off the orders."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .folder import microseconds

_KINDS = {"stop": ("stop_loss", "trailing_stop"), "target": ("take_profit",)}
"""By the column, the reasons that its orders give."""


def with_guards(trades: pd.DataFrame, orders: pd.DataFrame) -> pd.DataFrame:
    """The trades with the price of the last stop and the last target that was sent while each was held.

    NaN where there was none. An order knows its last price alone, so that of a stop that trailed it is where it ended.
    """
    if trades.empty or not {"price", "created_time", "reason"} <= set(orders.columns):
        return trades
    return trades.assign(**{column: _last(trades, orders, reasons) for column, reasons in _KINDS.items()})


def _last(trades: pd.DataFrame, orders: pd.DataFrame, reasons: tuple[str, ...]) -> NDArray[np.float64]:
    made = np.full(len(trades), np.nan)
    known = orders[orders["reason"].isin(reasons) & orders["price"].notna() & orders["created_time"].notna()]
    for feed, own in known.groupby("data"):
        own = own.sort_values("created_time", kind="stable")
        sent, price = microseconds(own["created_time"]), own["price"].to_numpy(np.float64)
        rows = np.flatnonzero(trades["data"].astype(str) == str(feed))
        entered, left = (microseconds(trades[f"{end}_time"].iloc[rows]) for end in ("entry", "exit"))
        # What was sent on the bar of the exit guards the next trade, unless this one began and ended there.
        at = np.searchsorted(sent, np.maximum(left, entered + 1), side="left") - 1
        held = (at >= 0) & (sent[np.maximum(at, 0)] >= entered)
        made[rows[held]] = price[at[held]]
    return made
