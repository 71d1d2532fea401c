"""Follow another venue that moved first."""

from __future__ import annotations

import numpy as np

from ..core.params import Bound
from .framework.base import Strategy, Use
from .framework.lines import Lines
from .framework.signals import Signals
from .rule_language.rolling import change, zscore


class CrossVenueLead(Strategy):
    """Buy where the other venue has risen further than the traded one, with its takers buying; sell the mirror.

    The feed called ``leader`` is the other venue, as the perpetual beside the spot market. The gap is its return
    over some bars less the traded market's; it is traded when it is unusual and the leader's delta agrees, and
    closed when it is gone.

    A lead of bars is rare: between venues it is milliseconds, which bars cannot show and a taker's fee eats. Where
    bars do show one, look for a clock that is wrong before anything else.

    Parameters
    ----------
    bars : int, default=3
        Bars over which both returns are taken.
    window : int, default=120
        Bars against which the gap is held.
    unusual : float, default=2.0
        Deviations of the gap above its own mean that count.
    stop_loss : amount, default="0.3%"
        Distance of a stop from the entry price.
    take_profit : amount, default=None
        Distance of a limit order from the entry price.
    trailing_stop : amount, default=None
        Distance of a stop that follows the close.
    time_stop : int, default=30
        Bars after which a position is closed at market.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> few = CrossVenueLead.defaults() | {"bars": 1, "window": 4, "unusual": 1.0}
    >>> lines = Lines.of(close=[50, 50.1, 50, 50.1, 50], flow=[1] * 5, **{"leader.close": [100, 100, 100, 100, 101]})
    >>> CrossVenueLead.signals(SimpleNamespace(p=SimpleNamespace(**few)), lines).long_entry.tolist()
    [False, False, False, False, True]
    """

    params = dict(bars=3, window=120, unusual=2.0, stop_loss="0.3%", time_stop=30)
    bounds = dict(
        bars=Bound(1, 10_000, integer=True), window=Bound(2, 10_000, integer=True), unusual=Bound(0, open_low=True)
    )
    uses = dict(flow=Use("VolumeDelta", {"unit": "quote"}, "leader"))

    def signals(self, lines: Lines) -> Signals:
        """Enter with the gap and the leader's takers; leave when the gap is closed."""
        bars, flow = int(self.p.bars), lines["flow"]
        gap = change(np.log(lines["leader.close"]), bars) - change(np.log(lines["close"]), bars)
        z = zscore(gap, int(self.p.window))
        return Signals(
            long_entry=(z > self.p.unusual) & (flow > 0),
            long_exit=z <= 0,
            short_entry=(z < -self.p.unusual) & (flow < 0),
            short_exit=z >= 0,
        )
