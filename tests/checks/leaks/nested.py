"""A strategy whose moving average is taken over an indicator that leaks, deep inside."""

from __future__ import annotations

import backtrader as bt

from tapeflow.strategies.framework.base import Strategy


class Ahead(bt.Indicator):
    """The close one bar ahead."""

    lines = ("ahead",)

    def next(self) -> None:
        line = self.data.close
        self.lines.ahead[0] = line.array[min(line.idx + 1, len(line.array) - 1)]

    def once(self, start: int, end: int) -> None:
        closes = self.data.close.array
        for i in range(start, end):
            self.lines.ahead.array[i] = closes[min(i + 1, end - 1)]


class Nested(Strategy):
    """Follows the average of what it should not know."""

    def __init__(self) -> None:
        self.average = bt.indicators.SMA(Ahead(self.data), period=5)

    def next(self) -> None:
        above = self.data.close[0] > self.average[0]
        if not self.position and not above:
            self.enter_long()
        elif self.position and above:
            self.exit()
