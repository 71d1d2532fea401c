"""A strategy that reads the next bar by a positive index, also at the last bar, where there is none."""

from __future__ import annotations

from tapeflow.strategies.framework.base import Strategy


class BeyondTheEnd(Strategy):
    """Buys before bars that close higher."""

    def next(self) -> None:
        if self.data.close[1] > self.data.close[0] and not self.position:
            self.enter_long()
