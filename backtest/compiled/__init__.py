"""The compiled engine: backtrader's broker and the strategy `Rules` in one loop, equal to plain backtrader bit for bit.

It covers one feed and every type of order of `backtest.broker.Broker`. What it cannot do exactly it refuses by name.
"""

from .run import run_compiled, why_not
from .verify import verify

__all__ = ["run_compiled", "verify", "why_not"]
