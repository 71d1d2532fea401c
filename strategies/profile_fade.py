"""Fade a probe beyond the value area back to the point of control."""

from __future__ import annotations

from typing import Any

from ..core.params import Bound
from .framework.base import Strategy, Use


class ProfileFade(Strategy):
    """Sell a close back inside the value area after a probe above it, buy the mirror; out at the POC.

    The probe must have failed by the tape too: the bar that comes back in has delta against the probe.

    Parameters
    ----------
    share : float, default=0.0
        Smallest delta against the probe as a share of the bar's volume.
    stop_loss : amount, default="0.4%"
        Distance of a stop from the entry price.
    take_profit : amount, default=None
        Distance of a limit order from the entry price.
    trailing_stop : amount, default=None
        Distance of a stop that follows the close.
    time_stop : int, default=180
        Bars after which a position is closed at market.
    """

    params = dict(share=0.0, stop_loss="0.4%", time_stop=180)
    bounds = dict(share=Bound(0, 1))
    uses = dict(profile=Use("VolumeProfile", {"window": 240}), delta=Use("VolumeDelta"))
    profile: Any
    delta: Any

    def next(self) -> None:
        """Close at the point of control; while flat, look for a probe that failed."""
        close, before = self.data.close[0], self.data.close[-1]
        lines, size = self.profile.lines, self.position.size
        if size:
            if (close >= lines.poc[0]) if size > 0 else (close <= lines.poc[0]):
                self.exit(reason="poc")
            else:
                self.timed_out()
            return
        percent = self.delta.lines.percent[0]
        if before > lines.vah[-1] and lines.poc[0] < close <= lines.vah[0] and percent < -self.p.share:
            self.enter_short()
        elif before < lines.val[-1] and lines.val[0] <= close < lines.poc[0] and percent > self.p.share:
            self.enter_long()
