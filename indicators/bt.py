"""backtrader's own indicators, by their names: ``bt.RSI``, ``bt.MACDHisto``, ``bt.BollingerBands``."""

from __future__ import annotations

from functools import cache
from typing import Any

import backtrader as bt

from ..core.params import plain_values
from ..core.plugins.registry import INDICATORS
from .framework.base import joined

ABSTRACT = {"Indicator", "MovingAverageBase", "PeriodN", "OperationN", "BaseApplyN", "Oscillator", "OscillatorMixIn"}
"""Bases of others."""
CALLED = {"ApplyN", "FindFirstIndex", "FindLastIndex", "ReduceN"}
"""Those that are given a function, which YAML cannot hold."""
BY_LINE = {"ExpSmoothingDynamic", "ExponentialSmoothingDynamic"}
"""Those of which a parameter is a line."""
BROKEN = {"DV2", "CointN", "OLS_BetaN", "OLS_Slope_InterceptN", "OLS_TransformationN"}
"""Those that fail in backtrader itself, or need libraries that it does not bring."""
OTHERWISE = {"DemarkPivotPoint", "Ichimoku"}
"""Those that show other values bar by bar than over all bars at once: the second has a line of later closes."""
TWO_LINES = {"CrossDown", "CrossOver", "CrossUp", "NZD", "NonZeroDifference"}
"""Those of two lines, which rules write as comparisons."""


@cache
def names() -> tuple[str, ...]:
    """All that work on a feed alone, with numbers for parameters."""
    left = ABSTRACT | CALLED | BY_LINE | BROKEN | OTHERWISE | TWO_LINES
    found = {name for name, kind in vars(bt.indicators).items() if _is_one(kind) and kind.__name__ == name}
    return tuple(sorted(found - left))


@cache
def make(name: str) -> Any:
    """backtrader's indicator ``name`` as one of ours: of its lines and parameters, computed by its own code.

    Raises
    ------
    KeyError
        If there is none, or it does not work on a feed alone.

    Examples
    --------
    >>> from tapeflow.core.samples import sample_bars
    >>> bars = sample_bars(3)
    >>> made = make("SMA").over(bars, period=3)["sma"].iloc[-1]
    >>> bool(abs(made - bars["close"].mean()) < 1e-9), make("BollingerBands").line_names()
    (True, ('mid', 'top', 'bot'))
    """
    if name not in names():
        raise KeyError(name, tuple(f"bt.{one}" for one in names()))
    kind = f"bt.{name}"
    plain = getattr(bt.indicators, name)
    own = {"kind": kind, "made_by": (make, (name,)), "defaults": classmethod(_defaults)}
    return joined(plain, kind, __module__=__name__, __qualname__=kind, **own)


def _defaults(cls: Any) -> dict[str, Any]:
    """Parameters that YAML can hold; those that are classes and functions stay backtrader's."""
    return {k: v for k, v in plain_values(dict(cls.params._getitems())).items() if not k.startswith("_")}


def _is_one(kind: Any) -> bool:
    return isinstance(kind, bt.indicator.MetaIndicator)


INDICATORS.add_family("bt", make)
