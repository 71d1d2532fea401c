"""Follow the takers who trade large."""

from __future__ import annotations

from ..core.params import Bound
from .framework.base import Strategy, Use
from .framework.lines import Lines
from .framework.signals import Signals


class LargeTradeFollow(Strategy):
    """Go with large taker orders when their net notional is out of the ordinary; leave when it turns.

    Who is in a hurry with size is thought to know, or to be followed by more of the same order. ``net`` of
    `LargeTrades` is held against its own last hours.

    Large here is a row of the tape: an order split by its owner is not seen, and aggregated trades hold several.
    Much size is hedging, and means nothing for the price.

    Parameters
    ----------
    unusual : float, default=2.5
        Deviations of the net notional above its own mean that count.
    share : float, default=0.3
        Least share of large orders in all notional of the bar.
    stop_loss : amount, default="0.3%"
        Distance of a stop from the entry price.
    take_profit : amount, default="0.5%"
        Distance of a limit order from the entry price.
    trailing_stop : amount, default=None
        Distance of a stop that follows the close.
    time_stop : int, default=45
        Bars after which a position is closed at market.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> asked = SimpleNamespace(p=SimpleNamespace(**LargeTradeFollow.defaults()))
    >>> lines = Lines.of(unusual=[3.0, 3.0, -3.0], **{"large.share": [0.5, 0.1, 0.5]})
    >>> made = LargeTradeFollow.signals(asked, lines)
    >>> made.long_entry.tolist(), made.long_exit.tolist()
    ([True, False, False], [False, False, True])
    """

    params = dict(unusual=2.5, share=0.3, stop_loss="0.3%", take_profit="0.5%", time_stop=45)
    bounds = dict(unusual=Bound(0, open_low=True), share=Bound(0, 1))
    uses = dict(large=Use("LargeTrades"), unusual=Use("ZScore", {"of": "large.net", "window": 120}))

    def signals(self, lines: Lines) -> Signals:
        """Enter with unusual net notional; leave when it is as unusual the other way."""
        z, many = lines["unusual"], lines["large.share"] >= self.p.share
        bought, sold = many & (z > self.p.unusual), many & (z < -self.p.unusual)
        return Signals(long_entry=bought, long_exit=sold, short_entry=sold, short_exit=bought)
