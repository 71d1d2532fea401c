"""A strategy whose signals compare each bar's volume with the mean of the whole sample."""

from __future__ import annotations

from tapeflow.strategies.framework.base import Strategy
from tapeflow.strategies.framework.lines import Lines
from tapeflow.strategies.framework.signals import Signals


class WholeSampleSignal(Strategy):
    """Buys bars of more than the usual volume, sells after bars of less."""

    def signals(self, lines: Lines) -> Signals:
        busy = lines["volume"] > lines["volume"].mean()
        return Signals(long_entry=busy, long_exit=~busy)
