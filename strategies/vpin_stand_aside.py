"""Follow breakouts, and stand aside while VPIN says that flow is toxic."""

from __future__ import annotations

from ..core.params import Bound
from .framework.base import Strategy, Use
from .framework.lines import Lines
from .framework.signals import Signals
from .rule_language.rolling import highest, lowest, shifted


class VPINStandAside(Strategy):
    """Trade a break of the last bars' range unless VPIN is high in its own history; then hold nothing at all.

    VPIN was proposed as a warning for makers: where informed flow is likely, spreads widen and books empty. Here
    it is only an off switch.

    Whether VPIN warns before a crash or only sums up the volume of one has been disputed ever since, and its
    value hangs on how volume is cut into buckets.

    Parameters
    ----------
    bars : int, default=60
        Bars before whose high or low is broken; half of them make the exit.
    most : float, default=0.9
        Rank of VPIN in its history from which on to stand aside.
    stop_loss : amount, default="0.5%"
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
    >>> asked = SimpleNamespace(p=SimpleNamespace(**VPINStandAside.defaults() | {"bars": 2}))
    >>> lines = Lines.of(high=[9, 9, 10], low=[8, 8, 8], close=[9, 9, 10], **{"vpin.cdf": [0.5, 0.5, 0.5]})
    >>> VPINStandAside.signals(asked, lines).long_entry.tolist()
    [False, False, True]
    """

    params = dict(bars=60, most=0.9, stop_loss="0.5%", time_stop=240)
    bounds = dict(bars=Bound(2, 10_000, integer=True), most=Bound(0, 1))
    uses = dict(vpin=Use("VPIN", {"per_day": 200.0, "average": 240, "buckets": 20, "history": 60}))

    def signals(self, lines: Lines) -> Signals:
        """Enter on a break in calm flow; leave on a break back, or when flow is toxic."""
        close, high, low, rank = lines["close"], lines["high"], lines["low"], lines["vpin.cdf"]
        bars, half = int(self.p.bars), int(self.p.bars) // 2
        calm, toxic = rank < self.p.most, rank >= self.p.most
        return Signals(
            long_entry=calm & (close > shifted(highest(high, bars), 1)),
            long_exit=toxic | (close < shifted(lowest(low, half), 1)),
            short_entry=calm & (close < shifted(lowest(low, bars), 1)),
            short_exit=toxic | (close > shifted(highest(high, half), 1)),
        )
