"""The compiled engine: backtrader's broker and the signals of a strategy in one loop, equal to backtrader bit for bit.

It runs `Rules` and every strategy class with ``signals()``, on one feed with every limit, sizer and cost of an account
in quote currency, and on several that share one with fees and slippage that are shares of notional. What it cannot do
exactly it refuses by name.
"""

from .answers import NotCompiledError
from .run import by_engine, run_compiled
from .supported import unsupported_reason

__all__ = ["NotCompiledError", "by_engine", "run_compiled", "unsupported_reason"]
