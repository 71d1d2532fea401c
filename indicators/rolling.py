"""Rolling: a statistic of the last values of a column or of another indicator's line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.kernels import step
from ..core.params import Bound, Choice, With
from ..core.schema import BAR_COLUMNS
from .framework.base import Indicator, Line
from .framework.dependencies import READS
from .framework.inputs import Input
from .kernels.sorted_windows import sorted_at, sorted_count, sorted_median, sorted_push, sorted_size
from .kernels.windows import (
    deviation,
    total_count,
    total_push,
    total_size,
    total_value,
    window_count,
    window_moments,
    window_push,
    window_size,
)

_FUNCTIONS = ("sum", "mean", "std", "min", "max", "median")
_SUM, _MEAN, _STD, _MIN, _MAX = 0.0, 1.0, 2.0, 3.0, 4.0
_SIZES = {"sum": total_size, "mean": window_size, "std": window_size}


@step
def rolling(p: Any, x: Any, s: Any, y: Any) -> None:
    """Kernel; ``p`` is window, function, values before the first result, ddof."""
    n, function, least = int(p[0]), p[1], p[2]
    if function == _SUM:
        total_push(s, 0, n, x[0])
        if total_count(s, 0) >= least:
            y[0] = total_value(s, 0)
    elif function <= _STD:
        window_push(s, 0, n, x[0], 1.0)
        if window_count(s, 0) >= least:
            w, mean, squares = window_moments(s, 0)
            y[0] = mean if function == _MEAN else deviation(mean, squares, w - p[3])
    else:
        sorted_push(s, 0, n, x[0])
        held = sorted_count(s, 0)
        if held >= least:
            if function == _MIN:
                y[0] = sorted_at(s, 0, n, 0)
            elif function == _MAX:
                y[0] = sorted_at(s, 0, n, int(held) - 1)
            else:
                y[0] = sorted_median(s, 0, n)


class Rolling(Indicator):
    """Mean, sum, extreme, median or deviation of the last values of a column or of another indicator's line.

    Parameters
    ----------
    of : str, default='close'
        What is read: a column, or another indicator of the run by its name (its main line) or as ``name.line``.
    function : {'sum', 'mean', 'std', 'min', 'max', 'median'}, default='mean'
        Which statistic.
    window : int, default=20
        Values in one result, the current one included.
    min_periods : int or None, default=None
        Values before the first result; at least 1. None: ``window``.
    ddof : {0, 1}, default=1
        What is taken off the count under the root of ``std``: 1 sample, 0 population.

    Inputs
    ------
    close : as it is
        Or what ``of`` names.

    Lines
    -----
    value : price, or the unit of what is read
        ``std`` is 0 where it is rounding noise, and NaN of one value with ``ddof=1``. A NaN input gives NaN and is no
        observation.

    From the ``min_periods``-th value on.

    Raises
    ------
    ParamError
        If a parameter is out of range, or another one is given.
    InputError
        If the data lacks what ``of`` names.

    References
    ----------
    pandas, ``Series.rolling``, whose names these are; here values are merged and never subtracted.

    Examples
    --------
    >>> import pandas as pd
    >>> values = pd.Series([1.0, 3.0, 2.0, 6.0])
    >>> {f: round(float(Rolling.over(values, function=f, window=3)["value"].iloc[-1]), 4) for f in ("sum", "std")}
    {'sum': 11.0, 'std': 2.0817}
    """

    lines = ("value",)
    params = {"of": "close", "function": "mean", "window": 20, "min_periods": None, "ddof": 1}
    bounds = {
        "of": READS,
        "function": Choice(*_FUNCTIONS),
        "window": Bound(1, 1_000_000, integer=True),
        "min_periods": Bound(1, 1_000_000, integer=True, optional=True),
        "ddof": Choice(0, 1),
    }
    inputs = ("close",)
    line_params = ("of",)
    measures = {"value": Line("statistic of the last values", price=1)}
    only_with = {"ddof": With("function", ("std",))}
    presets = (
        {"of": "volume", "function": "sum"},
        {"of": "quote_volume", "function": "std", "window": 30, "min_periods": 5, "ddof": 0},
        {"function": "min", "window": 7},
        {"function": "max", "window": 7, "min_periods": 1},
        {"of": "another.line", "function": "median", "window": 8},
    )
    step = rolling

    @classmethod
    def complaint(cls, params: Mapping[str, Any]) -> str:
        """No more values than the window holds."""
        window, least = params["window"], params["min_periods"]
        return f"min_periods must be at most the window, {window} (got {least})" if (least or 0) > window else ""

    @classmethod
    def input_names(cls, **params: Any) -> tuple[Input, ...]:
        """What ``of`` names."""
        return (params["of"],)

    @classmethod
    def line_measures(cls, **params: Any) -> dict[str, Line]:
        """``value`` has the dimension of the column that is read."""
        full = cls.resolve(params)
        column, function = BAR_COLUMNS.get(full["of"]), full["function"]
        if column is None:
            return {"value": Line(f"{function} of {full['of']}", unit="as its input", sparse=True)}
        overlay = None if function in ("mean", "min", "max", "median") else False
        meaning, unit = f"{function} of {column.name}", column.unit
        return {"value": Line(meaning, column.price, column.size, unit=unit, overlay=overlay, sparse=True)}

    @classmethod
    def warmup(cls, **params: Any) -> int:
        """The values before the first result, and this one."""
        return int(params["min_periods"] or params["window"])

    @classmethod
    def numbers(cls, params: Mapping[str, Any]) -> tuple[float, ...]:
        """Window, the function's place in the list, values before the first result, ddof."""
        least = params["min_periods"] or params["window"]
        return float(params["window"]), float(_FUNCTIONS.index(params["function"])), float(least), float(params["ddof"])

    @classmethod
    def state_size(cls, **params: Any) -> int:
        """One window."""
        return _SIZES.get(params["function"], sorted_size)(int(params["window"]))
