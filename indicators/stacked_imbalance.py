"""Stacked imbalance: several imbalanced rows of one side on top of each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..core.kernels import compiled, levels_step
from ..core.params import Bound
from .footprint import IMBALANCE_BOUNDS, IMBALANCE_PARAMS, FootprintKind, edge, imbalance_numbers, imbalances
from .framework.base import Line

_OWN = 5
"""Where in ``p`` the rows of a stack and the number of zones begin; before them lie the numbers of imbalances."""
_ZONES = ("buy_low", "buy_high", "sell_low", "sell_high")


@compiled
def _stacks(marks: Any, least: int) -> tuple[Any, Any]:
    """First row and number of rows of each run of at least ``least`` marks, from the bottom up."""
    first, rows = np.empty(len(marks), dtype=np.int64), np.empty(len(marks), dtype=np.int64)
    n = run = 0
    for i in range(len(marks) + 1):
        if i < len(marks) and marks[i]:
            run += 1
            continue
        if run >= least:
            first[n], rows[n] = i - run, run
            n += 1
        run = 0
    return first[:n], rows[:n]


@compiled
def _write(s: Any, y: Any, at: int, low: int, first: Any, rows: Any, zones: int, from_top: bool) -> None:
    """The zones with the most rows, the lowest of equal ones first, or the highest."""
    left = rows.copy()
    for zone in range(min(zones, len(rows))):
        best = -1
        for k in range(len(left)):
            if left[k] > 0 and (best < 0 or left[k] > left[best] or (from_top and left[k] == left[best])):
                best = k
        y[at + 4 * zone] = edge(s, low + first[best])
        y[at + 4 * zone + 1] = edge(s, low + first[best] + rows[best] - 1)
        left[best] = 0


@levels_step
def stacked_imbalance(p: Any, x: Any, s: Any, y: Any, tick: Any, buy: Any, sell: Any) -> None:
    """Kernel; ``p`` as `imbalance_numbers` says, then rows of a stack and zones."""
    y[0] = y[1] = 0.0
    if len(tick) == 0:
        return
    least, zones = int(p[_OWN]), int(p[_OWN + 1])
    low, buys, sells = imbalances(p, s, tick, buy, sell)
    first, rows = _stacks(buys, least)
    y[0] = len(first)
    _write(s, y, 2, low, first, rows, zones, False)
    first, rows = _stacks(sells, least)
    y[1] = len(first)
    _write(s, y, 4, low, first, rows, zones, True)


class StackedImbalance(FootprintKind):
    """Runs of consecutive rows of the bar with an imbalance of the same side.

    What an imbalance is, `DiagonalImbalance` says; a row next to another is the one a row higher or lower
    in price, whether or not anything traded there.

    Parameters
    ----------
    stack : int, default=3
        Least rows of a run.
    zones : int, default=1
        Runs of each side whose zones are given: those with the most rows; of equal ones the lowest first
        when bought, the highest first when sold.
    ratio : float, default=3.0
        The multiple, reached or exceeded; 3 is what platforms write as 300 %.
    min_volume : float, default=0.0
        Least volume of the stronger side, in the unit of the rows.
    compare : {'diagonal', 'horizontal'}, default='diagonal'
        One row away, or in the same row.
    zero : {'ignore', 'infinite'}, default='ignore'
        Whether a side that met nothing is no imbalance, or one of any ratio.
    missing : {'ignore', 'zero'}, default='ignore'
        Whether a row that did not trade cannot be compared with, or counts as zero.
    unit : {'base', 'quote', 'usd'}, default='base'
        Whether a row counts base volume or what it came to in quote currency, or in US dollars, as `VolumeProfile` has
        it; amounts among the parameters are in that unit.
    row_size : float or None, default=None
        Height of a row, a whole multiple of the feed's; None for the feed's own.

    Inputs
    ------
    levels : base
        Amount by price row and side.
    taker_buy_quote_volume, taker_sell_quote_volume : quote
        With ``unit="quote"``; with ``usd_rate`` besides where it is ``"usd"``.

    Lines
    -----
    buy_stacks, sell_stacks : pure number
        Runs by side, 0 and up; 0 in a bar without trades.
    buy_low1, buy_high1, buy_low2, buy_high2, … : price
        Lower edges of the lowest and the highest row of each zone; NaN where there is none.
    sell_low1, sell_high1, sell_low2, sell_high2, … : price
        The same of sell imbalances.

    From the first bar on. With prices upside down, buy and sell lines trade places when buys and sells do.

    Raises
    ------
    ParamError
        If a parameter is out of range, or another one is given.
    InputError
        If the data has no levels, or ``row_size`` does not fit them.

    References
    ----------
    Three rows are the least that platforms' guides agree on; see those of `DiagonalImbalance`.

    Examples
    --------
    >>> import numpy as np
    >>> from tapeflow.core.bars import Bars, Levels
    >>> bought, sold = np.array([1.0, 9, 8, 7, 1]), np.array([2.0, 2, 2, 2, 2])
    >>> rows = Levels(np.array([0, 5]), np.arange(100, 105), bought, sold, 0.5)
    >>> bar = Bars.of(open_time=[0], close_time=[60_000_000], levels=rows)
    >>> StackedImbalance.over(bar).iloc[0, :4].to_dict()
    {'buy_stacks': 1.0, 'sell_stacks': 0.0, 'buy_low1': 50.5, 'buy_high1': 51.5}
    >>> StackedImbalance.over(bar, stack=4)["buy_stacks"].tolist()
    [0.0]
    """

    lines = ("buy_stacks", "sell_stacks", "buy_low1", "buy_high1", "sell_low1", "sell_high1")
    params = {"stack": 3, "zones": 1, **IMBALANCE_PARAMS, "unit": "base", "row_size": None}
    bounds = {
        "stack": Bound(1, 1000, integer=True),
        "zones": Bound(1, 8, integer=True),
        **IMBALANCE_BOUNDS,
    }
    sized = True
    measures = {
        "buy_stacks": Line("runs of buy imbalances", mirror="sell_stacks"),
        "sell_stacks": Line("runs of sell imbalances", mirror="buy_stacks"),
        "buy_low": Line("lowest row of a run of buy imbalances", price=1, mirror="sell_high", sparse=True),
        "buy_high": Line("highest row of a run of buy imbalances", price=1, mirror="sell_low", sparse=True),
        "sell_low": Line("lowest row of a run of sell imbalances", price=1, mirror="buy_high", sparse=True),
        "sell_high": Line("highest row of a run of sell imbalances", price=1, mirror="buy_low", sparse=True),
    }
    presets = (
        {"stack": 1, "zones": 3, "ratio": 1.5, "zero": "infinite", "missing": "zero"},
        {"stack": 2, "zero": "infinite", "compare": "horizontal"},
    )
    param_units = {"min_volume": (0, 1), "row_size": (1, 0)}
    mirror = "book"
    step = stacked_imbalance

    @classmethod
    def line_names(cls, **params: Any) -> tuple[str, ...]:
        """Two counts, and four edges for each zone."""
        edges = (f"{name}{k}" for k in range(1, params["zones"] + 1) for name in _ZONES)
        return ("buy_stacks", "sell_stacks", *edges)

    @classmethod
    def line_measures(cls, **params: Any) -> dict[str, Line]:
        """The edges of a zone become those of the zone of the same number."""
        made = super().line_measures(**params)
        number = {name: name[len(name.rstrip("0123456789")) :] for name in made}
        return {name: replace(m, mirror=m.mirror + number[name]) for name, m in made.items()}

    @classmethod
    def numbers(cls, params: Mapping[str, Any]) -> tuple[float, ...]:
        """Those of imbalances, rows of a stack, zones."""
        return *imbalance_numbers(params), float(params["stack"]), float(params["zones"])
