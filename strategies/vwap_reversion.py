"""Fade a stretch from the session's VWAP when flow turns and is not toxic."""

from __future__ import annotations

from typing import Any

from ..core.params import Bound
from .framework.base import Strategy, Use


class VWAPReversion(Strategy):
    """Buy below the lower VWAP band when buyers come back, sell above the upper one when sellers do.

    A stretch with toxic flow is information rather than noise, so none is faded while
    ``toxicity`` is above ``calm``. The position is closed at the VWAP.

    Parameters
    ----------
    calm : float, default=1.0
        Highest toxicity, in products of standard deviations, at which a stretch is faded.
    stop_loss : amount, default="0.5%"
        Distance of a stop from the entry price.
    take_profit : amount, default=None
        Distance of a limit order from the entry price.
    trailing_stop : amount, default=None
        Distance of a stop that follows the close.
    time_stop : int, default=240
        Bars after which a position is closed at market.
    """

    params = dict(calm=1.0, stop_loss="0.5%", time_stop=240)
    bounds = dict(calm=Bound())
    uses = dict(
        vwap=Use("VWAP", {"anchor": "1d", "bands": [2.0]}),
        delta=Use("VolumeDelta"),
        toxicity=Use("FlowToxicity", {"window": 240}),
    )
    vwap: Any
    delta: Any
    toxicity: Any

    def next(self) -> None:
        """Close at the VWAP; while flat, look for a stretch that flow no longer supports."""
        close, vwap = self.data.close[0], self.vwap.lines
        size = self.position.size
        if size:
            back = close >= vwap.vwap[0] if size > 0 else close <= vwap.vwap[0]
            if back:
                self.exit(reason="vwap")
            else:
                self.timed_out()
        elif self.toxicity.lines.toxicity[0] < self.p.calm:
            delta = self.delta.lines.delta[0]
            if close < vwap.lower1[0] and delta > 0:
                self.enter_long()
            elif close > vwap.upper1[0] and delta < 0:
                self.enter_short()
