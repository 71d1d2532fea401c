"""The compiled engine: backtrader's broker and the signals of a strategy in one loop, equal to backtrader bit for bit.

It runs `Rules` and every strategy class with ``signals()``, with any number of feeds of which the first is traded, and
with every limit, sizer and cost of an account in quote currency. What it cannot do exactly it refuses by name.
"""

from .run import NotCompiledError, by_engine, run_compiled
from .supported import unsupported_reason

__all__ = ["NotCompiledError", "by_engine", "run_compiled", "unsupported_reason"]
