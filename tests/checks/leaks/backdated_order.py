"""A strategy that decides on a fast feed and orders on a slow one, whose bar opened long before."""

from __future__ import annotations

from tapeflow.strategies.framework.base import Strategy


class BackdatedOrder(Strategy):
    """The first feed is the slow one: its next bar fills at its open, which the fast feed has left behind."""

    def next(self) -> None:
        slow, fast = self.datas
        rose = fast.close[0] > slow.close[0] + 20.0
        if rose and not self.position:
            self.enter_long()
        elif self.position and fast.close[0] < slow.close[0]:
            self.exit()
