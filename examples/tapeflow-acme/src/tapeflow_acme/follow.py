"""AcmeFollow: go with large buyers."""

from __future__ import annotations

from tapeflow.core.params import Bound
from tapeflow.strategies.base import Lines, Signals, Strategy, Use


class AcmeFollow(Strategy):
    """Buy when large trades dominate a bar that buyers drove, sell when they are gone.

    Parameters
    ----------
    share : float, default=0.5
        Smallest share of large trades.
    stop_loss : amount, default=None
        Distance of a stop from the entry price.
    take_profit : amount, default=None
        Distance of a limit order from the entry price.
    trailing_stop : amount, default=None
        Distance of a stop that follows the close.
    time_stop : int, default=None
        Bars after which a position is closed at market.
    """

    params = dict(share=0.5)
    bounds = dict(share=Bound(0, 1))
    uses = dict(large=Use("AcmeLargeShare"), delta=Use("VolumeDelta"))

    def signals(self, lines: Lines) -> Signals:
        """Follow, or leave."""
        large = lines["large"] >= self.p.share
        return Signals(long_entry=large & (lines["delta"] > 0), long_exit=lines["large"] < self.p.share)
