"""Ride from one edge of the last value area to the other once price is accepted back inside."""

from __future__ import annotations

import numpy as np

from ..core.params import Bound
from .framework.base import Strategy, Use
from .framework.lines import Lines
from .framework.signals import Signals
from .rule_language.rolling import count, shifted


class ValueAreaRotation(Strategy):
    """Buy when price that was below the last session's value area stays inside it, up to its top; sell the mirror.

    The field calls it the 80 % rule: back inside for two periods, price is said to cross the whole area. On the
    way it has to get past the point of control, and with ``at_poc`` that is where the position is closed.

    The 80 % were counted on one market decades ago, and every platform draws another value area
    (`VolumeProfile` names them). Test it, do not trust the name.

    Parameters
    ----------
    bars : int, default=15
        Closes in a row inside the value area, after one outside, that count as acceptance.
    at_poc : bool, default=False
        Whether to leave at the point of control instead of the far edge.
    stop_loss : amount, default="0.4%"
        Distance of a stop from the entry price.
    take_profit : amount, default=None
        Distance of a limit order from the entry price.
    trailing_stop : amount, default=None
        Distance of a stop that follows the close.
    time_stop : int, default=240
        Bars after which a position is closed at market.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> asked = SimpleNamespace(p=SimpleNamespace(**ValueAreaRotation.defaults() | {"bars": 2}))
    >>> area = {"profile.val": [10] * 4, "profile.poc": [12] * 4, "profile.vah": [14] * 4}
    >>> made = ValueAreaRotation.signals(asked, Lines.of(close=[9, 10, 11, 14], **area))
    >>> made.long_entry.tolist(), made.long_exit.tolist()
    ([False, False, True, False], [True, False, False, True])
    """

    params = dict(bars=15, at_poc=False, stop_loss="0.4%", time_stop=240)
    bounds = dict(bars=Bound(1, 10_000, integer=True))
    uses = dict(profile=Use("VolumeProfile", {"session": "1d", "previous": True}))

    def signals(self, lines: Lines) -> Signals:
        """Enter on acceptance; leave at the far side, or when the area is left where it was entered."""
        close, bars = lines["close"], int(self.p.bars)
        poc, high, low = lines["profile.poc"], lines["profile.vah"], lines["profile.val"]
        inside = np.where(np.isnan(high), np.nan, (close >= low) & (close <= high))
        accepted, before = count(inside, bars) == bars, shifted(close, bars)
        top, bottom = (poc, poc) if self.p.at_poc else (high, low)
        return Signals(
            long_entry=accepted & (before < low) & (close < top),
            long_exit=(close >= top) | (close < low),
            short_entry=accepted & (before > high) & (close > bottom),
            short_exit=(close <= bottom) | (close > high),
        )
