"""Fade a stretch of price, but never against flow that looks informed."""

from __future__ import annotations

import numpy as np

from ..core.params import Bound
from .framework.base import Strategy, Use
from .framework.lines import Lines
from .framework.signals import Signals


class ToxicityFilter(Strategy):
    """Fade a close far from its recent mean while flow is not toxic, and leave at the mean or when it turns toxic.

    Who trades against a stretch lives from uninformed flow. One-sided flow in a wild market, which is what
    `FlowToxicity` measures, may know something; then none is faded, and a fade is given up.

    The filter only says when not to trade. It cannot make a fade that loses in quiet markets win, and toxicity comes
    after the fact as often as before it.

    Parameters
    ----------
    stretch : float, default=2.0
        Deviations from the mean at which a close is faded.
    calm : float, default=1.0
        Most toxicity, either sign, at which a stretch is faded.
    toxic : float, default=4.0
        Toxicity, either sign, from which on a position is given up.
    stop_loss : amount, default="0.5%"
        Distance of a stop from the entry price.
    take_profit : amount, default=None
        Distance of a limit order from the entry price.
    trailing_stop : amount, default=None
        Distance of a stop that follows the close.
    time_stop : int, default=120
        Bars after which a position is closed at market.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> asked = SimpleNamespace(p=SimpleNamespace(**ToxicityFilter.defaults()))
    >>> lines = Lines.of(stretch=[-2.5, -2.5, 0.1], toxicity=[0.2, 6.0, 0.2])
    >>> ToxicityFilter.signals(asked, lines).long_entry.tolist()
    [True, False, False]
    """

    params = dict(stretch=2.0, calm=1.0, toxic=4.0, stop_loss="0.5%", time_stop=120)
    bounds = dict(stretch=Bound(0, open_low=True), calm=Bound(0), toxic=Bound(0))
    uses = dict(stretch=Use("ZScore", {"of": "close", "window": 60}), toxicity=Use("FlowToxicity", {"window": 120}))

    def signals(self, lines: Lines) -> Signals:
        """Enter far from the mean in calm flow; leave at the mean, or in toxic flow."""
        z, toxicity = lines["stretch"], np.abs(lines["toxicity"])
        calm, toxic = toxicity < self.p.calm, toxicity >= self.p.toxic
        return Signals(
            long_entry=calm & (z < -self.p.stretch),
            long_exit=toxic | (z >= 0),
            short_entry=calm & (z > self.p.stretch),
            short_exit=toxic | (z <= 0),
        )
