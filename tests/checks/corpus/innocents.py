"""Code that looks odd and does not look ahead."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd

from tapeflow.feeds.synthetic import SyntheticTape
from tapeflow.indicators.framework.base import Indicator, Line
from tapeflow.strategies.framework.base import Strategy
from tapeflow.strategies.framework.lines import Lines
from tapeflow.strategies.framework.signals import Signals


class _OfClose(Indicator):
    """An array function of the close."""

    abstract = True
    lines = ("value",)
    inputs = ("close",)
    measures = {"value": Line("something")}

    def lookback(self) -> None:
        return None


class Exponential(_OfClose):
    def vec(self, close: Any) -> Any:
        return pd.Series(close).ewm(span=20, adjust=False).mean().to_numpy()


class ShiftedMean(_OfClose):
    def vec(self, close: Any) -> Any:
        return pd.Series(close).rolling(20).mean().shift(1).to_numpy()


class Expanding(_OfClose):
    def vec(self, close: Any) -> Any:
        return pd.Series(close).expanding().std().to_numpy()


class BySpectrum(_OfClose):
    """A mean of the past by a transform of the whole: the last digits know how long the data is."""

    def vec(self, close: Any) -> Any:
        n = len(close)
        kernel = np.zeros(2 * n)
        kernel[: min(8, n)] = 1.0 / 8.0
        made = np.fft.irfft(np.fft.rfft(close, 2 * n) * np.fft.rfft(kernel), 2 * n)[:n]
        made[:7] = np.nan
        return made


class DevelopingHigh(Indicator):
    lines = ("top",)
    inputs = ("open_time", "high")
    measures = {"top": Line("highest of the hour so far", price=1)}

    def vec(self, open_time: Any, high: Any) -> Any:
        return pd.Series(high).groupby(open_time // 3_600_000_000).cummax().to_numpy()

    def lookback(self) -> int:
        return 60


class ReversedTwice(_OfClose):
    def vec(self, close: Any) -> Any:
        return np.minimum.accumulate(close[::-1][::-1])


class Confirmed(_OfClose):
    """A swing that is told when three bars after it have closed."""

    def vec(self, close: Any) -> Any:
        made = np.zeros(len(close))
        for i in range(6, len(close)):
            made[i] = close[i - 3] == close[i - 6 : i + 1].min()
        return made


class _Follows(Strategy):
    """Long while it is told so."""

    def told(self) -> bool:
        raise NotImplementedError

    def next(self) -> None:
        wanted = self.told()
        if wanted and not self.position:
            self.enter_long()
        elif self.position and not wanted:
            self.exit()


class SeededChance(_Follows):
    def start(self) -> None:
        super().start()
        self.rng = np.random.default_rng(5)

    def told(self) -> bool:
        return bool(self.rng.random() < 0.3)


class PreparedAhead(_Follows):
    """Works out a mean of the past for all bars at once, before the first."""

    def start(self) -> None:
        super().start()
        self.means = pd.Series(self.data.bars["close"]).rolling(10, min_periods=1).mean().to_numpy()

    def told(self) -> bool:
        return bool(self.data.close[0] > self.means[len(self) - 1])


class DeclaredFile(_Follows):
    """Reads its settings from a file beside it, and says so."""

    reads = "settings.json"

    def start(self) -> None:
        super().start()
        self.every = json.loads((Path(__file__).parent / "settings.json").read_text())["every"]

    def told(self) -> bool:
        return len(self) % self.every < self.every // 2


class CountsWins(_Follows):
    """Keeps count of what it was told of its trades."""

    def __init__(self) -> None:
        self.won = 0

    def notify_trade(self, trade: Any) -> None:
        super().notify_trade(trade)
        self.won += bool(trade.isclosed and trade.pnl > 0)

    def told(self) -> bool:
        return (len(self) + self.won) % 8 < 4


class LooksBack(_Follows):
    def __init__(self) -> None:
        self.mean = bt.indicators.EMA(self.data.close, period=12)

    def told(self) -> bool:
        return len(self) > 3 and bool(self.data.close[-2] < self.mean[0])


class RefusesWild(_Follows):
    """Would fail where prices double within a bar, which they do not."""

    def told(self) -> bool:
        if len(self) > 1 and self.data.close[0] > 2.0 * self.data.close[-1]:
            raise ValueError("no market moves so")
        return bool(self.data.close[0] > self.data.open[0])


class CausalSignals(Strategy):
    def signals(self, lines: Lines) -> Signals:
        close = pd.Series(lines["close"])
        up = (close > close.rolling(15).median()).to_numpy()
        return Signals(long_entry=up, long_exit=~up)


class LeadingVenue(SyntheticTape):
    """A second venue that follows the first by a part of each move, one minute later; the first leads, honestly."""

    def bars_of(self, specs: Any, **wish: Any) -> Any:
        first, second = super().bars_of(specs, **wish)
        moves = np.diff(np.log(first["close"]), prepend=np.log(first["close"][0]))
        late = 0.6 * moves + 0.4 * np.concatenate([[0.0], moves[:-1]])
        noise = 2e-5 * np.random.default_rng(3).normal(size=len(moves))
        close = first["close"][0] * np.exp(np.cumsum(late + noise))
        return [second.assign(close=close, open=close, high=close, low=close), first]


class ReadsTheFollower(_Follows):
    def told(self) -> bool:
        other = self.datas[1]
        return len(other) > 1 and bool(other.close[0] > other.close[-1])
