"""The conversions of `core.ticks` as parts of compiled code: the same functions, woven in."""

from __future__ import annotations

from . import ticks
from .kernels import woven

price_at = woven(ticks.price_at)
row_near = woven(ticks.row_near)
on_grid = woven(ticks.on_grid)
settled = woven(ticks.settled)
row_under = woven(ticks.row_under)
