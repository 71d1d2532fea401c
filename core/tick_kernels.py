"""The conversions of `core.ticks` as parts of compiled code: the same functions, woven in."""

from __future__ import annotations

from . import ticks
from .kernels import njit_inline

price_at = njit_inline(ticks.price_at)
row_near = njit_inline(ticks.row_near)
on_grid = njit_inline(ticks.on_grid)
settled = njit_inline(ticks.settled)
row_under = njit_inline(ticks.row_under)
