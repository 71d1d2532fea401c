"""Trade towards the nearest point of control that price has not been back to."""

from __future__ import annotations

import numpy as np

from ..core.params import Bound
from .framework.base import Strategy, Use
from .framework.lines import Lines
from .framework.signals import Signals
from .rule_language.rolling import shifted


class NakedPOCMagnet(Strategy):
    """Go to a naked point of control that is near, when flow goes there too; leave when it has been touched.

    Prices at which most was traded once are said to draw price back. Near, and with delta on its side, such a
    level is taken as a target; of one above and one below, the nearer.

    Any price is revisited if one waits long enough, so the share of levels that are reached proves nothing. What
    counts is what was lost on the way.

    Parameters
    ----------
    reach : float, default=0.004
        Most distance of the level from the close, as a share of it.
    least : float, default=0.0005
        Least distance, below which there is nothing to gain.
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
    >>> asked = SimpleNamespace(p=SimpleNamespace(**NakedPOCMagnet.defaults()))
    >>> levels = {"naked.above": [1002.0, 1002.0], "naked.below": [float("nan")] * 2}
    >>> lines = Lines.of(high=[1001, 1003], low=[999, 1000], close=[1000] * 2, flow=[5, -1], **levels)
    >>> made = NakedPOCMagnet.signals(asked, lines)
    >>> made.long_entry.tolist(), made.long_exit.tolist()
    ([True, False], [False, True])
    """

    params = dict(reach=0.004, least=0.0005, stop_loss="0.4%", time_stop=240)
    bounds = dict(reach=Bound(0, 1, open_low=True), least=Bound(0, 1))
    uses = dict(naked=Use("NakedPOC", {"session": "1d"}), flow=Use("CVD", {"reset": "30b"}))

    def signals(self, lines: Lines) -> Signals:
        """Enter towards the nearer level; leave on the bar that trades at the level of the bar before."""
        close, flow = lines["close"], lines["flow"]
        up, down = lines["naked.above"] / close - 1, 1 - lines["naked.below"] / close
        nearer_up = np.isnan(down) | (up < down)
        nearer_down = np.isnan(up) | (down < up)
        return Signals(
            long_entry=(flow > 0) & nearer_up & (up >= self.p.least) & (up <= self.p.reach),
            long_exit=lines["high"] >= shifted(lines["naked.above"], 1),
            short_entry=(flow < 0) & nearer_down & (down >= self.p.least) & (down <= self.p.reach),
            short_exit=lines["low"] <= shifted(lines["naked.below"], 1),
        )
