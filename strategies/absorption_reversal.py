"""Trade away from an extreme at which heavy flow met a wall."""

from __future__ import annotations

from ..core.params import Bound
from .framework.base import Strategy, Use
from .framework.lines import Lines
from .framework.signals import Signals
from .rule_language.rolling import highest, lowest


class AbsorptionReversal(Strategy):
    """Buy where heavy selling at a new low moved price no further, sell the mirror; leave at the next wall opposite.

    Somebody took all that was sold without giving way. Whether that somebody is done, or wants more, decides what
    comes next.

    The tape shows that price did not move, not why: resting orders are not seen, and an iceberg that is used up
    looks the same until the bar after.

    Parameters
    ----------
    bars : int, default=30
        Bars of which the absorbing bar must have the lowest low, or the highest high.
    stop_loss : amount, default="0.25%"
        Distance of a stop from the entry price.
    take_profit : amount, default="0.5%"
        Distance of a limit order from the entry price.
    trailing_stop : amount, default=None
        Distance of a stop that follows the close.
    time_stop : int, default=120
        Bars after which a position is closed at market.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> asked = SimpleNamespace(p=SimpleNamespace(**AbsorptionReversal.defaults() | {"bars": 2}))
    >>> lines = Lines.of(high=[9, 8, 9], low=[8, 7, 8], **{"absorption.flag": [0, 1, 1]})
    >>> AbsorptionReversal.signals(asked, lines).long_entry.tolist()
    [False, True, False]
    """

    params = dict(bars=30, stop_loss="0.25%", take_profit="0.5%", time_stop=120)
    bounds = dict(bars=Bound(1, 10_000, integer=True))
    uses = dict(absorption=Use("Absorption", {"k": 2.0, "window": 60}))

    def signals(self, lines: Lines) -> Signals:
        """Enter on the absorbing bar at an extreme; leave when the other side is absorbed."""
        flag, bars = lines["absorption.flag"], int(self.p.bars)
        at_low = lines["low"] <= lowest(lines["low"], bars)
        at_high = lines["high"] >= highest(lines["high"], bars)
        return Signals(
            long_entry=at_low & (flag > 0),
            long_exit=flag < 0,
            short_entry=at_high & (flag < 0),
            short_exit=flag > 0,
        )
