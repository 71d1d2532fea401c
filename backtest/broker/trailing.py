"""On which prices the trigger of a trailing stop lies."""

from __future__ import annotations

from typing import Any

import backtrader as bt

from ...core.steps import steps_of
from ...core.ticks import Grid, grid_of

PROTECTS = "trailing_stop"
"""What an order is for that a run sends to protect a position."""


def trailing_grid(order: Any) -> Grid:
    """The tick that ``order`` trails on: its feed's, if it protects a position; else none, as backtrader has it."""
    protects = order.exectype == bt.Order.StopTrail and order.info.get("reason") == PROTECTS
    return grid_of(steps_of(order.data).tick if protects else None)


def trail_on_tick(order: Any) -> None:
    """Move the trigger of ``order`` onto the nearest price of the tick that it trails on.

    Rounding keeps the order of prices, so that the trigger is never moved back.
    """
    order.created.price = trailing_grid(order).on(order.created.price)
