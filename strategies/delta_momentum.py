"""Follow one-sided taker flow that price agrees with."""

from __future__ import annotations

from typing import Any

from ..core.params import Bound
from .framework.base import Strategy, Use


class DeltaMomentum(Strategy):
    """Go with the takers when several bars of one-sided delta push price to that side of the VWAP.

    Parameters
    ----------
    share : float, default=0.2
        Smallest delta of each bar as a share of its volume.
    bars : int, default=3
        Bars in a row that must show it.
    stop_loss : amount, default=None
        Distance of a stop from the entry price.
    take_profit : amount, default=None
        Distance of a limit order from the entry price.
    trailing_stop : amount, default="0.4%"
        Distance of a stop that follows the close.
    time_stop : int, default=120
        Bars after which a position is closed at market.
    """

    params = dict(share=0.2, bars=3, trailing_stop="0.4%", time_stop=120)
    bounds = dict(share=Bound(0, 1), bars=Bound(1, 100, integer=True))
    uses = dict(delta=Use("VolumeDelta"), vwap=Use("VWAP", {"anchor": "60b"}))
    delta: Any
    vwap: Any

    def next(self) -> None:
        """Leave when a bar's flow turns against the position, enter with a run of one-sided bars."""
        percent, size = self.delta.lines.percent, self.position.size
        if size:
            if percent[0] * size < -self.p.share * abs(size):
                self.exit(reason="flow turned")
            else:
                self.timed_out()
            return
        if len(self) < self.p.bars:
            return
        run = [percent[-i] for i in range(self.p.bars)]
        above = self.data.close[0] > self.vwap.lines.vwap[0]
        if min(run) >= self.p.share and above:
            self.enter_long()
        elif max(run) <= -self.p.share and not above:
            self.enter_short()
