"""What waits in a bar without trades."""

from __future__ import annotations

from typing import Any

import backtrader as bt

LIMITED = (bt.Order.StopLimit, bt.Order.StopTrailLimit)
AT_MARKET = (bt.Order.Stop, bt.Order.StopTrail)


def would_trade(order: Any) -> bool:
    """Whether ``order`` would trade or trigger at the prices of its feed's current bar, had anybody traded there."""
    data, kind, made = order.data, order.exectype, order.created
    if kind == bt.Order.Market or (kind in AT_MARKET and order.executed.size):
        return True
    if kind == bt.Order.Limit or (kind in LIMITED and order.triggered):
        limit = made.price if kind == bt.Order.Limit else made.pricelimit
        reached = (limit >= data.low[0], limit >= data.open[0]), (limit <= data.high[0], limit <= data.open[0])
        return any(reached[0 if order.isbuy() else 1])
    if kind in LIMITED or kind in AT_MARKET:
        stop = made.price
        reached = (stop <= data.high[0], stop <= data.open[0]), (stop >= data.low[0], stop >= data.open[0])
        return any(reached[0 if order.isbuy() else 1])
    return False
