"""Go with the side that ran over several rows of the book in one bar."""

from __future__ import annotations

from .framework.base import Strategy, Use
from .framework.lines import Lines
from .framework.signals import Signals
from .rule_language.rolling import when


class StackedImbalanceContinuation(Strategy):
    """Buy a rising bar with a stack of buy imbalances, sell the mirror; leave when price closes beyond the stack.

    Rows in a row at which one side overwhelmed the other are taken for a zone that will be defended; the trade is
    wrong once the zone is lost.

    What counts as a stack hangs on the height of a row and on the ratio. With rows that are too low every bar has
    one, and with rows too high none; neither says anything about the next bar.

    Parameters
    ----------
    stop_loss : amount, default="0.4%"
        Distance of a stop from the entry price.
    take_profit : amount, default="0.6%"
        Distance of a limit order from the entry price.
    trailing_stop : amount, default=None
        Distance of a stop that follows the close.
    time_stop : int, default=60
        Bars after which a position is closed at market.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> asked = SimpleNamespace(p=SimpleNamespace(**StackedImbalanceContinuation.defaults()))
    >>> stacks = {"stacked.buy_stacks": [1, 0, 0], "stacked.sell_stacks": [0, 0, 0]}
    >>> zones = {"stacked.buy_low1": [10, 0, 0], "stacked.sell_high1": [0, 0, 0]}
    >>> lines = Lines.of(open=[9, 12, 11], close=[12, 11, 9], **stacks, **zones)
    >>> made = StackedImbalanceContinuation.signals(asked, lines)
    >>> made.long_entry.tolist(), made.long_exit.tolist()
    ([True, False, False], [False, False, True])
    """

    params = dict(stop_loss="0.4%", take_profit="0.6%", time_stop=60)
    uses = dict(stacked=Use("StackedImbalance", {"stack": 3, "ratio": 3.0}))

    def signals(self, lines: Lines) -> Signals:
        """Enter with the stack and the bar; leave behind the last stack."""
        opened, close = lines["open"], lines["close"]
        bought, sold = lines["stacked.buy_stacks"], lines["stacked.sell_stacks"]
        up = (bought > 0) & (sold == 0) & (close > opened)
        down = (sold > 0) & (bought == 0) & (close < opened)
        return Signals(
            long_entry=up,
            long_exit=close < when(lines["stacked.buy_low1"], up.astype(float)),
            short_entry=down,
            short_exit=close > when(lines["stacked.sell_high1"], down.astype(float)),
        )
