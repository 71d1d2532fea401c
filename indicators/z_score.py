"""Z-score: how far a value lies from the middle of its recent past, in its own deviations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core.kernels import compiled, step
from ..core.params import Bound, Choice, With
from .framework.base import Indicator, Line
from .framework.dependencies import READS
from .framework.inputs import Input
from .kernels.sorted_windows import sorted_count, sorted_median, sorted_push, sorted_size, sorted_spread
from .kernels.windows import FLAT, window_count, window_moments, window_push, window_size, z_score

_TO_DEVIATION = 1.4826
"""What the median distance from the median of a normal variable is multiplied by to be its deviation."""


@compiled
def _robust(s: Any, n: int, value: float, least: float) -> float:
    if sorted_count(s, 0) < least:
        return np.nan
    middle = sorted_median(s, 0, n)
    spread = _TO_DEVIATION * sorted_spread(s, 0, n, middle)
    return (value - middle) / spread if spread > FLAT * abs(middle) else np.nan


@compiled
def _plain(s: Any, value: float, least: float, ddof: float) -> float:
    if window_count(s, 0) < least:
        return np.nan
    w, mean, squares = window_moments(s, 0)
    return z_score(value, mean, squares, w - ddof)


@step
def z_score_step(p: Any, x: Any, s: Any, y: Any) -> None:
    """Kernel; ``p`` is window (0: all), ddof, observations before the first value, current included, robust."""
    n, current = int(p[0]), p[3] == 1.0
    if p[4] == 1.0:
        made = np.nan if current else _robust(s, n, x[0], p[2])
        sorted_push(s, 0, n, x[0])
        y[0] = _robust(s, n, x[0], p[2]) if current else made
    else:
        made = np.nan if current else _plain(s, x[0], p[2], p[1])
        window_push(s, 0, n, x[0], 1.0)
        y[0] = _plain(s, x[0], p[2], p[1]) if current else made


class ZScore(Indicator):
    """Deviations that a column, or another indicator's line, lies above its own recent mean.

        z = (x - mean) / deviation,   robust: (x - median) / (1.4826 · median |x - median|)

    over the last ``window`` values, of this bar and before.

    Parameters
    ----------
    of : str, default='close'
        What is measured: a column, or another indicator of the run by its name (its main line) or as ``name.line``.
    window : int or None, default=240
        Values in one mean and deviation; at least 2. None: all so far.
    min_periods : int or None, default=None
        Values before the first result; at least 2. None: ``window``, or 2.
    ddof : {0, 1}, default=1
        What is taken off the count under the deviation's root: 1 sample, 0 population. Not used when ``robust``.
    include_current : bool, default=True
        Whether the value measured is one of those it is measured by. Left out, an outlier stays large; counted, it
        cannot exceed (n - 1) / sqrt(n).
    robust : bool, default=False
        Whether median and median distance stand for mean and deviation; needs a ``window``.

    Inputs
    ------
    close : as it is
        Or what ``of`` names.

    Lines
    -----
    z : pure number
        NaN where the deviation is 0. A NaN input gives NaN and is no observation.

    From the ``min_periods``-th value on, one later without ``include_current``.

    Raises
    ------
    ParamError
        If a parameter is out of range, or another one is given.
    InputError
        If the data lacks what ``of`` names.

    References
    ----------
    Iglewicz, B., Hoaglin, D. C. (1993). How to Detect and Handle Outliers. ASQC Quality Press. For ``robust``.

    Examples
    --------
    >>> import pandas as pd
    >>> values = pd.Series([1.0, 2.0, 4.0, 3.0, 9.0])
    >>> ZScore.over(values, window=3)["z"].round(4).tolist()
    [nan, nan, 1.0911, 0.0, 1.1406]
    >>> ZScore.over(values, window=3, robust=True, include_current=False)["z"].round(4).tolist()
    [nan, nan, nan, 0.6745, 4.0469]
    """

    lines = ("z",)
    params = {
        "of": "close",
        "window": 240,
        "min_periods": None,
        "ddof": 1,
        "include_current": True,
        "robust": False,
    }
    bounds = {
        "of": READS,
        "window": Bound(2, 1_000_000, integer=True, optional=True),
        "min_periods": Bound(2, 1_000_000, integer=True, optional=True),
        "ddof": Choice(0, 1),
    }
    inputs = ("close",)
    line_params = ("of",)
    measures = {"z": Line("deviations above its own mean", sparse=True)}
    only_with = {"ddof": With("robust", (False,))}
    presets = (
        {"of": "twap_trade", "window": 20, "ddof": 0, "include_current": False},
        {"of": "volume", "window": 20, "robust": True, "min_periods": 7},
        {"window": None, "include_current": False},
        {"of": "another.line", "window": 15, "robust": True, "include_current": False},
    )
    step = z_score_step

    @classmethod
    def complaint(cls, params: Mapping[str, Any]) -> str:
        """A median needs a window, and no more values than it holds."""
        window, least = params["window"], params["min_periods"]
        if window is None and params["robust"]:
            return "robust needs a window"
        if window is not None and least is not None and least > window:
            return f"min_periods must be at most the window, {window} (got {least})"
        return ""

    @classmethod
    def input_names(cls, **params: Any) -> tuple[Input, ...]:
        """What ``of`` names."""
        return (params["of"],)

    @classmethod
    def warmup(cls, **params: Any) -> int:
        """The values before the first result, and this one."""
        return int(cls.numbers(params)[2]) + (not params["include_current"])

    @classmethod
    def numbers(cls, params: Mapping[str, Any]) -> tuple[float, ...]:
        """Window (0: all), ddof, values before the first result, current included, robust."""
        window = params["window"] or 0
        least = params["min_periods"] or window or 2
        flags = float(params["include_current"]), float(params["robust"])
        return float(window), float(params["ddof"]), float(least), *flags

    @classmethod
    def state_size(cls, **params: Any) -> int:
        """One window."""
        window = int(params["window"] or 0)
        return sorted_size(window) if params["robust"] else window_size(window)
