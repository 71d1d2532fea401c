"""Percentile: the rank of a value among its recent past."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.kernels import step
from ..core.params import Bound, Choice
from .framework.base import Indicator, Line
from .framework.dependencies import READS
from .framework.inputs import Input
from .kernels.sorted_windows import sorted_below, sorted_count, sorted_push, sorted_size, sorted_upto

_TIES = ("weak", "strict", "mean")


@step
def percentile(p: Any, x: Any, s: Any, y: Any) -> None:
    """Kernel; ``p`` is window, values before the first result, and what equal values count."""
    n = int(p[0])
    sorted_push(s, 0, n, x[0])
    held = sorted_count(s, 0)
    if held < p[1]:
        return
    below, upto = sorted_below(s, 0, n, x[0]), sorted_upto(s, 0, n, x[0])
    if p[2] == 0.0:
        y[0] = upto / held
    elif p[2] == 1.0:
        y[0] = below / held
    else:
        y[0] = (below + upto) / (2.0 * held)


class Percentile(Indicator):
    """Share of the last values of a column, or of another indicator's line, that the current one reaches.

    The current value is one of them, and none is of a later bar.

    Parameters
    ----------
    of : str, default='close'
        What is ranked: a column, or another indicator of the run by its name (its main line) or as ``name.line``.
    window : int, default=240
        Values it is ranked among; at least 2.
    min_periods : int or None, default=None
        Values before the first result; at least 1. None: ``window``.
    ties : {'weak', 'strict', 'mean'}, default='weak'
        Which values count: those not above it, those below it, or the mean of both.

    Inputs
    ------
    close : as it is
        Or what ``of`` names.

    Lines
    -----
    percentile : pure number in [0, 1]
        A NaN input gives NaN and is no observation.

    From the ``min_periods``-th value on.

    Raises
    ------
    ParamError
        If a parameter is out of range, or another one is given.
    InputError
        If the data lacks what ``of`` names.

    References
    ----------
    Easley, D., López de Prado, M., O'Hara, M. (2012), who read VPIN by its empirical distribution: ``ties='weak'``.

    Examples
    --------
    >>> import pandas as pd
    >>> values = pd.Series([1.0, 3.0, 2.0, 2.0, 9.0])
    >>> Percentile.over(values, window=4, min_periods=1)["percentile"].round(3).tolist()
    [1.0, 1.0, 0.667, 0.75, 1.0]
    """

    lines = ("percentile",)
    params = {"of": "close", "window": 240, "min_periods": None, "ties": "weak"}
    bounds = {
        "of": READS,
        "window": Bound(2, 1_000_000, integer=True),
        "min_periods": Bound(1, 1_000_000, integer=True, optional=True),
        "ties": Choice(*_TIES),
    }
    inputs = ("close",)
    line_params = ("of",)
    measures = {"percentile": Line("rank among its own past")}
    presets = (
        {"of": "volume", "window": 20, "ties": "mean", "min_periods": 3},
        {"of": "another.line", "window": 15, "ties": "strict"},
    )
    step = percentile

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
    def warmup(cls, **params: Any) -> int:
        """The values before the first result, and this one."""
        return int(params["min_periods"] or params["window"])

    @classmethod
    def numbers(cls, params: Mapping[str, Any]) -> tuple[float, ...]:
        """Window, values before the first result, and the place of ``ties`` in the list."""
        least = params["min_periods"] or params["window"]
        return float(params["window"]), float(least), float(_TIES.index(params["ties"]))

    @classmethod
    def state_size(cls, **params: Any) -> int:
        """One window."""
        return sorted_size(int(params["window"]))
