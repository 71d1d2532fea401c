"""Every function of TA-Lib as an indicator: ``kind: talib.RSI``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, reduce
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..core.errors import PluginError
from ..core.params import Bound, Rule
from ..core.plugins.registry import INDICATORS
from .framework.base import Indicator, Line
from .framework.dependencies import READS
from .framework.inputs import Input
from .framework.meta import IndicatorMeta

Floats = NDArray[np.float64]
_REFUSED = {"MAVP": "it reads a series of periods, which no feed has"}


class _TaLib(Indicator):
    """What all functions of TA-Lib share; `make` gives the class of one.

    Over whole arrays TA-Lib's batch call is used, bar by bar its stream, which gives the same bits
    and keeps its own state. A NaN among the inputs ends the output: it is NaN from there on, where
    TA-Lib itself would go on with NaN or, silently, with numbers that mean nothing.
    """

    function: ClassVar[str] = ""
    fixed_inputs: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def input_names(cls, **params: Any) -> tuple[Input, ...]:
        """The columns in the order of the function's arguments."""
        chosen = iter(cls.line_params)
        return tuple(str(params[next(chosen)]) if name == "" else name for name in cls.fixed_inputs)

    @classmethod
    def complaint(cls, params: Mapping[str, Any]) -> str:
        """What TA-Lib refuses, by name where one parameter alone is to blame."""
        own = cls.options(params)
        if not own or cls._reach(own) >= 0:
            return ""
        defaults = cls.options(cls.defaults())
        alone = [k for k, v in own.items() if v != defaults[k] and cls._reach({**defaults, k: v}) < 0]
        shown = ", ".join(f"{k}={own[k]!r}" for k in alone or own)
        return f"{shown} must be within TA-Lib's range"

    @classmethod
    def options(cls, params: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters that are the function's own."""
        defaults = cls.defaults()
        own = {k: v for k, v in params.items() if k in defaults and k not in cls.line_params}
        return {k: int(v) if isinstance(defaults[k], int) else float(v) for k, v in own.items()}

    @classmethod
    def warmup(cls, **params: Any) -> int:
        """TA-Lib's look-back and one."""
        return cls._reach(cls.options(params)) + 1

    @classmethod
    def _reach(cls, options: Mapping[str, Any]) -> int:
        return _lookback(cls.function, *options.items())

    def vec(self, *columns: Floats) -> Floats:
        """The batch call over the part of the columns that has no NaN."""
        import talib

        options = self.options(self.resolved)
        width, n = len(self.line_names(**self.resolved)), len(columns[0])
        start, end = _whole(columns)
        first = start + self._reach(options)
        if end <= first:
            return np.full((width, n), np.nan)
        made = getattr(talib, self.function)(*(c[start:end] for c in columns), **options)
        table = np.empty((width, n))
        table[:, start:end] = made
        table[:, :first] = table[:, end:] = np.nan
        np.copyto(table, np.nan, where=~np.isfinite(table))
        return table

    @classmethod
    def run_with(cls, made: Any, fed: list[Any]) -> Any:
        """What runs it under backtrader."""
        from .framework.talib_stream import StreamRun  # late: brings TA-Lib

        return StreamRun(made, fed)


def _whole(columns: tuple[Floats, ...]) -> tuple[int, int]:
    """The first run of rows without NaN."""
    holes: NDArray[np.bool_] = np.isnan(reduce(np.add, columns))
    if not holes.any():
        return 0, len(holes)
    start = int(np.argmin(holes)) if not holes.all() else len(holes)
    after = np.flatnonzero(holes[start:])
    return start, start + int(after[0]) if len(after) else len(holes)


@cache
def _lookback(function: str, *options: tuple[str, Any]) -> int:
    """The bars that TA-Lib's function looks back on."""
    import talib.abstract

    return int(talib.abstract.Function(function, **dict(options)).lookback)


@cache
def make(name: str) -> Any:
    """The indicator class of TA-Lib's function ``name``.

    Its parameters are TA-Lib's own, and for each price it is free to read the name of a column, or of another
    indicator's line as ``name.line``: ``input`` (``close`` by default), or ``input0`` and ``input1``. Its lines are
    TA-Lib's outputs in lower case; an only output is called after the function.

    Raises
    ------
    KeyError
        If TA-Lib has no such function; with the names it has.
    PluginError
        If the function does not fit a feed of bars.

    Examples
    --------
    >>> from tapeflow.core.samples import sample_bars
    >>> RSI, MACD = make("RSI"), make("MACD")
    >>> RSI.over(sample_bars(100), timeperiod=20)["rsi"].round(3).iloc[-1:].tolist()
    [48.721]
    >>> MACD.line_names()
    ('macd', 'macdsignal', 'macdhist')
    """
    import talib
    import talib.abstract

    functions = talib.get_functions()
    if name in _REFUSED:
        raise PluginError(f"indicator 'talib.{name}' is not offered: {_REFUSED[name]}")
    if name not in functions:
        raise KeyError(name, tuple(f"talib.{f}" for f in sorted(set(functions) - set(_REFUSED))))
    return _class_of(name, talib.abstract.Function(name).info)


def _class_of(name: str, info: Mapping[str, Any]) -> Any:
    prices, fixed = _inputs(info["input_names"])
    outputs = info["output_names"]
    lines = tuple(name.lower() if len(outputs) == 1 else str(o).lower() for o in outputs)
    options = dict(info["parameters"])
    overlay = "Output scale same as input" in (info["function_flags"] or ()) and "close" in (*fixed, *prices.values())
    title, kind = info["display_name"], f"talib.{name}"
    body = {
        "__module__": __name__,
        "__doc__": f"{title}, as TA-Lib computes it ({info['group']}).",
        "made_by": (make, (name,)),
        "kind": kind,
        "function": name,
        "lines": lines,
        "params": {**prices, **options},
        "bounds": {**dict.fromkeys(prices, READS), **{k: _rule(v) for k, v in options.items()}},
        "line_params": tuple(prices),
        "fixed_inputs": fixed,
        "inputs": tuple(next(iter([*prices.values()])) if c == "" else c for c in fixed),
        "measures": {line: Line(f"{title}: {line}", unit="as TA-Lib", overlay=overlay) for line in lines},
    }
    return IndicatorMeta(kind, (_TaLib,), body)


def _inputs(named: Mapping[str, Any]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Prices that are free to choose, by parameter, and all inputs in order, those left empty."""
    prices: dict[str, str] = {}
    order: list[str] = []
    for role, columns in named.items():
        if isinstance(columns, str):
            prices[role.replace("price", "input")] = columns
            order.append("")
        else:
            order += columns
    return prices, tuple(order)


def _rule(default: Any) -> Rule:
    return Bound(integer=isinstance(default, int))


INDICATORS.add_family("talib", make)
