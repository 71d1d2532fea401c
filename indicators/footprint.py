"""Rows of a bar where one side overwhelms the other, and what the kinds that look for them have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ..core.bars import Bars, Levels
from ..core.kernels import compiled
from ..core.params import Bound, Choice, Rule
from ..core.quote_levels import LEVEL_UNITS
from ..core.tick_kernels import price_at, row_near, row_under
from ..core.ticks import grid_of
from .framework.base import Indicator
from .framework.inputs import LEVELS, Input
from .framework.sizing import levels_in_unit
from .kernels.price_rows import check_reach, dense, joined_ticks
from .kernels.thresholds import THRESHOLD_BOUNDS, THRESHOLD_WITH, threshold_complaint, threshold_warmup
from .kernels.value_area import NEAR
from .kernels.windows import Floats

COMPARE = ("diagonal", "horizontal")
ZERO = ("ignore", "infinite")
MISSING = ("ignore", "zero")
NUM, DEN, HOLDS, ROW_TICKS, HEAD = range(5)
"""Of a footprint kernel's state: a tick as a fraction, and whether it is a row that holds prices; the height of a row
in ticks."""

IMBALANCE_PARAMS: dict[str, Any] = {
    "ratio": 3.0,
    "min_volume": 0.0,
    "compare": "diagonal",
    "zero": "ignore",
    "missing": "ignore",
}
IMBALANCE_BOUNDS: dict[str, Rule] = {
    "ratio": Bound(0, open_low=True),
    "min_volume": Bound(0),
    "compare": Choice(*COMPARE),
    "zero": Choice(*ZERO),
    "missing": Choice(*MISSING),
}


class FootprintKind(Indicator):
    """What reads the rows of one bar at a time, at a height of its own.

    Its kernel's state begins with `NUM`, `DEN`, `HOLDS` and `ROW_TICKS`; further numbers follow from `state_size` on.
    """

    abstract = True
    inputs: ClassVar[tuple[Input, ...]] = (LEVELS,)
    bounds: ClassVar[dict[str, Rule]] = {
        "unit": Choice(*LEVEL_UNITS),
        "row_size": Bound(0, open_low=True, optional=True),
    }
    price_scale = 10.0

    @classmethod
    def input_names(cls, **params: Any) -> tuple[Input, ...]:
        """What is read of a bar, and behind it what the unit of its rows needs."""
        return (*super().input_names(**params), *LEVEL_UNITS[params["unit"]])

    @classmethod
    def levels_of(cls, bars: Bars, **params: Any) -> Levels:
        """The feed's levels in the unit asked for, if the height asked for fits them."""
        levels = levels_in_unit(super().levels_of(bars, **params), bars, params)
        height = joined_ticks(levels, params["row_size"], cls.kind, bars.source)
        check_reach(bars, levels, height, cls.kind, window=1, copies=2)
        return levels

    @classmethod
    def levels_state(cls, levels: Levels, **params: Any) -> Floats:
        """The height of a row, and what the kind asks for behind it."""
        state = cls.first_state(**params)
        state[NUM], state[DEN] = grid_of(levels.tick)
        state[HOLDS] = not levels.tick_known
        state[ROW_TICKS] = joined_ticks(levels, params["row_size"], cls.kind)
        return state

    @classmethod
    def state_size(cls, **params: Any) -> int:
        """The height of a row."""
        return HEAD


class ThresholdKind(FootprintKind):
    """What in the rows of a bar passes a threshold that looks back only."""

    abstract = True
    bounds = THRESHOLD_BOUNDS
    only_with = THRESHOLD_WITH
    param_units = {"amount": (0, 1), "row_size": (1, 0)}
    mirror = "book"

    @classmethod
    def complaint(cls, params: Mapping[str, Any]) -> str:
        """An absolute threshold needs its amount."""
        return threshold_complaint(params)

    @classmethod
    def warmup(cls, **params: Any) -> int:
        """One more than the window."""
        return threshold_warmup(params)


def imbalance_numbers(params: Mapping[str, Any]) -> tuple[float, ...]:
    """Ratio, least volume, and the rules by number."""
    rules = (("compare", COMPARE), ("zero", ZERO), ("missing", MISSING))
    return float(params["ratio"]), float(params["min_volume"]), *(float(v.index(params[k])) for k, v in rules)


@compiled
def _overwhelms(volume: float, other: float, there: bool, p: Any) -> bool:
    if not volume > 0.0 or volume < p[1] * (1.0 - NEAR):
        return False
    if not there and p[4] == 0.0:
        return False
    if not other > 0.0:
        return bool(p[3] == 1.0)
    return bool(volume >= p[0] * other * (1.0 - NEAR))


@compiled
def imbalances(p: Any, s: Any, tick: Any, buy: Any, sell: Any) -> tuple[int, Any, Any]:
    """The lowest row of a bar that traded, and from there up whether each is a buy and whether a sell imbalance.

    ``p`` begins with `imbalance_numbers`. Buys are weighed against the sells one row below, and sells against
    the buys one row above; horizontally, against those of the same row.
    """
    low, bought, sold = dense(tick, buy, sell, int(s[ROW_TICKS]))
    n, away = len(bought), 1 - int(p[2])
    buys, sells = np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.bool_)
    for i in range(n):
        below, above = i - away, i + away
        if below >= 0:
            buys[i] = _overwhelms(bought[i], sold[below], bought[below] + sold[below] > 0.0, p)
        else:
            buys[i] = _overwhelms(bought[i], 0.0, False, p)
        if above < n:
            sells[i] = _overwhelms(sold[i], bought[above], bought[above] + sold[above] > 0.0, p)
        else:
            sells[i] = _overwhelms(sold[i], 0.0, False, p)
    return low, buys, sells


@compiled
def edge(s: Any, row: int) -> float:
    """The lower edge of a row."""
    return float(price_at(row * int(s[ROW_TICKS]), s[NUM], s[DEN]))


@compiled
def row_at(s: Any, price: float) -> int:
    """The row that ``price`` lies in."""
    found = row_under(price, s[NUM], s[DEN]) if s[HOLDS] == 1.0 else row_near(price, s[NUM], s[DEN])
    return int(found) // int(s[ROW_TICKS])
