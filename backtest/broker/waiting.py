"""What waits in a bar without trades."""

from __future__ import annotations

from typing import Any

from . import order_rules


def would_trade(order: Any) -> bool:
    """Whether ``order`` would trade or trigger at the prices of its feed's current bar, had anybody traded there."""
    data, made = order.data, order.created
    return order_rules.would_trade(
        order.exectype, order.triggered, bool(order.executed.size), order.isbuy(), made.price, made.pricelimit,
        data.open[0], data.high[0], data.low[0],
    )  # fmt: skip
