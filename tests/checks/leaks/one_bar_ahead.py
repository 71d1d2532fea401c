"""A strategy that reads the next bar by a positive index."""

from __future__ import annotations

from tapeflow.strategies.framework.base import Strategy


class OneBarAhead(Strategy):
    """Buys before bars that close higher."""

    def next(self) -> None:
        if len(self) + 1 >= self.data.buflen():
            return
        rises = self.data.close[1] > self.data.close[0]
        if rises and not self.position:
            self.enter_long()
        elif self.position and not rises:
            self.exit()
