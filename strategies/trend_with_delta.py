"""Follow a trend of moving averages when flow goes the same way."""

from __future__ import annotations

from ..core.params import Bound
from .framework.base import Strategy, Use
from .framework.lines import Lines
from .framework.signals import Signals
from .rule_language.rolling import crossover, crossunder


class TrendWithDelta(Strategy):
    """Trade a cross of two averages in a trending market when the takers of the last bars agree; out at the cross back.

    The averages and the strength of the trend are TA-Lib's (``talib.EMA``, ``talib.ADX``), the confirmation is the
    delta of the last bars.

    A cross of averages is late by construction, and delta mostly repeats what price has just done. The filter
    takes trades away; whether it takes the right ones is for a test on data that did not choose it.

    Parameters
    ----------
    trend : float, default=20.0
        Least ADX.
    stop_loss : amount, default=None
        Distance of a stop from the entry price.
    take_profit : amount, default=None
        Distance of a limit order from the entry price.
    trailing_stop : amount, default="0.6%"
        Distance of a stop that follows the close.
    time_stop : int, default=None
        Bars after which a position is closed at market.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> asked = SimpleNamespace(p=SimpleNamespace(**TrendWithDelta.defaults()))
    >>> lines = Lines.of(fast=[9, 11, 9], slow=[10, 10, 10], adx=[25] * 3, flow=[4, 5, 6])
    >>> made = TrendWithDelta.signals(asked, lines)
    >>> made.long_entry.tolist(), made.long_exit.tolist()
    ([False, True, False], [True, False, True])
    """

    params = dict(trend=20.0, trailing_stop="0.6%")
    bounds = dict(trend=Bound(0, 100))
    uses = dict(
        fast=Use("talib.EMA", {"timeperiod": 20}),
        slow=Use("talib.EMA", {"timeperiod": 60}),
        adx=Use("talib.ADX", {"timeperiod": 14}),
        flow=Use("CVD", {"reset": "30b"}),
    )

    def signals(self, lines: Lines) -> Signals:
        """Enter on a cross with trend and flow; leave on the other side of the slow average."""
        fast, slow, flow = lines["fast"], lines["slow"], lines["flow"]
        trending = lines["adx"] >= self.p.trend
        return Signals(
            long_entry=(crossover(fast, slow) == 1) & trending & (flow > 0),
            long_exit=fast < slow,
            short_entry=(crossunder(fast, slow) == 1) & trending & (flow < 0),
            short_exit=fast > slow,
        )
