"""tapeflow: order-flow bars, indicators and strategies from every trade, through backtrader.

>>> import tapeflow as tf
>>> bars = tf.bars((), feed="SyntheticTape", bars="1m", days=0.01)
>>> from tapeflow.indicators import VWAP
>>> VWAP.over(bars).columns.tolist()
['vwap', 'std', 'upper1', 'lower1']
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import Result, audit, bars, compute, data, load, open_feed, record, result, run, sweep
    from .core.bars import Bars
    from .core.errors import TapeflowError
    from .core.kernels import levels_step, step
    from .feeds.base import Feed, KlineFeed, TapeFeed
    from .indicators.base import Indicator, Line
    from .strategies.base import Strategy

__all__ = [
    "Bars",
    "Feed",
    "Indicator",
    "KlineFeed",
    "Line",
    "Result",
    "Strategy",
    "TapeFeed",
    "TapeflowError",
    "audit",
    "bars",
    "compute",
    "data",
    "levels_step",
    "load",
    "open_feed",
    "record",
    "result",
    "run",
    "step",
    "sweep",
]

_PLACES = {
    "Bars": "core.bars",
    "Feed": "feeds.base",
    "Indicator": "indicators.base",
    "KlineFeed": "feeds.base",
    "Line": "indicators.base",
    "Strategy": "strategies.base",
    "TapeFeed": "feeds.base",
    "TapeflowError": "core.errors",
    "levels_step": "core.kernels",
    "step": "core.kernels",
}
"""Modules of the names that `api` does not make; each is imported when it is first asked for."""


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in __all__:
        return getattr(import_module(f".{_PLACES.get(name, 'api')}", __name__), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
