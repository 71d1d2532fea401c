"""Trade the turn when a new extreme of price comes with less flow than the one before."""

from __future__ import annotations

from ..core.params import Bound
from .framework.base import Strategy, Use
from .framework.lines import Lines
from .framework.signals import Signals


class CVDDivergence(Strategy):
    """Buy a lower low that cumulative delta does not confirm, sell a higher high; leave at the opposite divergence.

    A pivot is known some bars after it, and the divergence is flagged then, not at the extreme: charts that draw
    it at the pivot show a trade nobody could have made.

    Divergences are frequent, and trends leave many behind them before one of them is the turn. The stop decides
    what is left.

    Parameters
    ----------
    strength : float, default=1.0
        Least strength of the divergence, in thresholds of the indicator.
    stop_loss : amount, default="0.3%"
        Distance of a stop from the entry price.
    take_profit : amount, default="0.6%"
        Distance of a limit order from the entry price.
    trailing_stop : amount, default=None
        Distance of a stop that follows the close.
    time_stop : int, default=180
        Bars after which a position is closed at market.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> asked = SimpleNamespace(p=SimpleNamespace(**CVDDivergence.defaults()))
    >>> lines = Lines.of(**{"divergence.flag": [0, 1, -1], "divergence.strength": [0, 1.5, 2.0]})
    >>> made = CVDDivergence.signals(asked, lines)
    >>> made.long_entry.tolist(), made.long_exit.tolist()
    ([False, True, False], [False, False, True])
    """

    params = dict(strength=1.0, stop_loss="0.3%", take_profit="0.6%", time_stop=180)
    bounds = dict(strength=Bound(1))
    uses = dict(divergence=Use("DeltaDivergence", {"pivot": 5, "window": 60}))

    def signals(self, lines: Lines) -> Signals:
        """Act on the bar on which the divergence is known."""
        flag, strong = lines["divergence.flag"], lines["divergence.strength"] >= self.p.strength
        bullish, bearish = strong & (flag > 0), strong & (flag < 0)
        return Signals(long_entry=bullish, long_exit=bearish, short_entry=bearish, short_exit=bullish)
