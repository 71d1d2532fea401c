"""Join a trend where it comes back to the mean price paid since the anchor."""

from __future__ import annotations

import numpy as np

from ..core.params import Bound
from .framework.base import Strategy, Use
from .framework.lines import Lines
from .framework.signals import Signals
from .rule_language.rolling import count


class AnchoredVWAPPullback(Strategy):
    """Buy a dip to a VWAP that price has kept above, when buyers answer there; sell the mirror.

    Since the anchor the average buyer is neither ahead nor behind at the VWAP, and is said to defend it. The
    position is closed at the first band on the far side, or when a close is lost beyond the band behind it.

    Where the anchor lies decides everything, and in hindsight a good one is always found. Fix it before looking.

    Parameters
    ----------
    bars : int, default=30
        Bars before, of which most must have closed on the trend's side of the VWAP.
    share : float, default=0.8
        How many of them, as a share.
    stop_loss : amount, default="0.4%"
        Distance of a stop from the entry price.
    take_profit : amount, default=None
        Distance of a limit order from the entry price.
    trailing_stop : amount, default=None
        Distance of a stop that follows the close.
    time_stop : int, default=180
        Bars after which a position is closed at market.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> asked = SimpleNamespace(p=SimpleNamespace(**AnchoredVWAPPullback.defaults() | {"bars": 2, "share": 1.0}))
    >>> vwap = {"vwap.vwap": [10] * 3, "vwap.upper1": [13] * 3, "vwap.lower1": [7] * 3}
    >>> lines = Lines.of(high=[12] * 3, low=[11, 11, 9], close=[11] * 3, delta=[1] * 3, **vwap)
    >>> made = AnchoredVWAPPullback.signals(asked, lines)
    >>> made.long_entry.tolist()
    [False, False, True]
    """

    params = dict(bars=30, share=0.8, stop_loss="0.4%", time_stop=180)
    bounds = dict(bars=Bound(1, 10_000, integer=True), share=Bound(0, 1))
    uses = dict(vwap=Use("VWAP", {"anchor": "1d", "bands": [1.0]}), delta=Use("VolumeDelta"))

    def signals(self, lines: Lines) -> Signals:
        """Enter on a touch that held; leave at either band."""
        close, delta, bars = lines["close"], lines["delta"], int(self.p.bars)
        vwap, upper, lower = lines["vwap.vwap"], lines["vwap.upper1"], lines["vwap.lower1"]
        side = np.where(np.isnan(vwap), np.nan, close - vwap)
        most = self.p.share * bars
        return Signals(
            long_entry=(count((side > 0) * 1.0, bars) >= most) & (lines["low"] <= vwap) & (side > 0) & (delta > 0),
            long_exit=(close >= upper) | (close < lower),
            short_entry=(count((side < 0) * 1.0, bars) >= most) & (lines["high"] >= vwap) & (side < 0) & (delta < 0),
            short_exit=(close <= lower) | (close > upper),
        )
