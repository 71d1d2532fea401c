"""Ways to look ahead, each as an author writes it by mistake; the line that does is marked."""

from __future__ import annotations

import random
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd

from tapeflow.feeds.csv_bars import CsvBars
from tapeflow.feeds.synthetic import SyntheticTape
from tapeflow.indicators.framework.base import Indicator, Line
from tapeflow.strategies.framework.base import Strategy
from tapeflow.strategies.framework.lines import Lines
from tapeflow.strategies.framework.signals import Signals

MINUTE = 60_000_000
KEPT: dict[str, Any] = {}


class _OfClose(Indicator):
    """An array function of the close."""

    abstract = True
    lines = ("value",)
    inputs = ("close",)
    measures = {"value": Line("something")}

    def lookback(self) -> int:
        return 60


class RolledBack(_OfClose):
    def vec(self, close: Any) -> Any:
        return np.roll(close, -1) - close  # guilty


class BackFilled(_OfClose):
    def vec(self, close: Any) -> Any:
        peaks = pd.Series(np.where(np.arange(len(close)) % 7 == 0, close, np.nan))
        return peaks.bfill().to_numpy()  # guilty


class SmoothedBothWays(_OfClose):
    def vec(self, close: Any) -> Any:
        return np.convolve(close, np.ones(5) / 5, mode="same")  # guilty


class NormalisedByRange(_OfClose):
    def vec(self, close: Any) -> Any:
        low, high = close.min(), close.max()
        return (close - low) / (high - low)  # guilty


class Detrended(_OfClose):
    def vec(self, close: Any) -> Any:
        at = np.arange(len(close))
        slope, base = np.polyfit(at, close, 1)  # guilty
        return close - (slope * at + base)


class RankOfAll(_OfClose):
    def vec(self, close: Any) -> Any:
        return np.argsort(np.argsort(close)) / len(close)  # guilty


class Gradient(_OfClose):
    def vec(self, close: Any) -> Any:
        return np.gradient(close)  # guilty


class SwingLows(_OfClose):
    def vec(self, close: Any) -> Any:
        made = np.zeros(len(close))
        for i in range(3, len(close) - 3):
            made[i] = close[i] == close[i - 3 : i + 4].min()  # guilty
        return made


class CountedFromTheEnd(_OfClose):
    def vec(self, close: Any) -> Any:
        return np.cumsum(close[::-1])[::-1]  # guilty


class SeededByMean(_OfClose):
    """An exponential mean that begins at the mean of the first hundred bars, which it shows from the first on."""

    def vec(self, close: Any) -> Any:
        made = np.empty(len(close))
        made[0] = close[:100].mean()  # guilty
        for i in range(1, len(close)):
            made[i] = 0.5 * made[i - 1] + 0.5 * close[i]
        return made


class RareOnly(Indicator):
    """Knows the bar after one of a very rare volume alone."""

    lines = ("value",)
    inputs = ("close", "volume")
    measures = {"value": Line("something")}

    def vec(self, close: Any, volume: Any) -> Any:
        made = np.zeros(len(close))
        for i in range(len(close) - 1):
            if volume[i + 1] > 5.0 * volume[: i + 1].max():  # guilty
                made[i] = close[i + 1] - close[i]  # guilty
        return made

    def lookback(self) -> None:
        return None


class KnowsGaps(Indicator):
    """Says before a gap that it comes."""

    lines = ("value",)
    inputs = ("open_time", "close")
    measures = {"value": Line("something")}

    def vec(self, open_time: Any, close: Any) -> Any:
        ahead = np.diff(open_time, append=open_time[-1])  # guilty
        return np.where(ahead > 5 * MINUTE, 1.0, 0.0)

    def lookback(self) -> int:
        return 5


class OnceOnly(bt.Indicator):
    """Bar by bar sound, ahead where whole arrays are at hand."""

    lines = ("value",)

    def next(self) -> None:
        self.lines.value[0] = self.data.close[0]

    def once(self, start: int, end: int) -> None:
        closes = self.data.close.array
        for i in range(start, end):
            self.lines.value.array[i] = closes[min(i + 2, end - 1)]  # guilty


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


class UsesOnceOnly(_Follows):
    def __init__(self) -> None:
        self.ahead = OnceOnly(self.data)

    def told(self) -> bool:
        return bool(self.ahead[0] > self.data.close[0])


class ThroughBars(_Follows):
    def told(self) -> bool:
        closes = self.data.bars["close"]
        return len(self) < len(closes) and bool(closes[len(self)] > self.data.close[0])  # guilty


class ThroughFootprints(_Follows):
    def told(self) -> bool:
        bars = self.data.bars
        if len(self) >= len(bars):
            return False
        ahead = bars.levels[slice(len(self), len(self) + 1)]  # guilty
        return bool(ahead.buy_volume.sum() > ahead.sell_volume.sum())


class KeptInModule(_Follows):
    """A module that keeps what it has seen first."""

    def start(self) -> None:
        super().start()
        KEPT.setdefault("close", np.array(self.data.bars["close"]))  # guilty

    def told(self) -> bool:
        at = len(self) + 2
        return at < len(KEPT["close"]) and bool(KEPT["close"][at] > self.data.close[0])


class LastBarKnown(_Follows):
    """Leaves before the data ends."""

    def told(self) -> bool:
        return len(self) < self.data.buflen() - 3  # guilty


class ExpectsLength(_Follows):
    """Made for this very file."""

    def start(self) -> None:
        super().start()
        if self.data.buflen() not in (240, 300, 360):
            raise ValueError("not the data that it was made for")  # guilty

    def told(self) -> bool:
        return len(self) % 10 < 5


class SignalsOfTheDay(Strategy):
    def signals(self, lines: Lines) -> Signals:
        close = lines["close"]
        hour = np.arange(len(close)) // 30
        top = pd.Series(close).groupby(hour).transform("max").to_numpy()  # guilty
        near = close > 0.9999 * top  # guilty
        return Signals(long_entry=near, long_exit=~near)


class ReadsItsFile(_Follows):
    """Opens the market's own file and looks at the row after."""

    params = dict(file="")

    def start(self) -> None:
        super().start()
        self.closes = pd.read_csv(self.p.file)["close"].to_numpy()  # guilty

    def told(self) -> bool:
        return len(self) < len(self.closes) and bool(self.closes[len(self)] > self.data.close[0])


class AtRandom(_Follows):
    def told(self) -> bool:
        return random.random() < 0.3  # noqa: S311


class AtRandomNumbers(_Follows):
    def told(self) -> bool:
        return bool(np.random.default_rng().random() < 0.3)


class ZScoredFeed(CsvBars):
    """A column in deviations of the whole file, as far as it was asked for."""

    def bars_of(self, specs: Any, **wish: Any) -> Any:
        return [
            bars.assign(z=(bars["close"] - bars["close"].mean()) / bars["close"].std())
            for bars in super().bars_of(specs, **wish)
        ]


class WholeFileFeed(CsvBars):
    """A column in shares of the highest of the whole file, whatever part of it is asked for."""

    def bars_of(self, specs: Any, **wish: Any) -> Any:
        whole = super().bars_of(specs, **{**wish, "start": None, "end": None})
        top = whole[0]["close"].max()  # guilty
        end = wish.get("end")
        made = [
            bars.slice(0, int(np.searchsorted(bars["close_time"], end, "right")) if end else None) for bars in whole
        ]
        return [bars.assign(share=bars["close"] / top) for bars in made]


class EarlyClock(SyntheticTape):
    """A second venue whose clock is two minutes early, and whose prices are a little other ones."""

    def bars_of(self, specs: Any, **wish: Any) -> Any:
        first, second = super().bars_of(specs, **wish)
        noise = 1.0 + 1e-5 * np.random.default_rng(1).normal(size=len(second))
        early = {k: second[k] - 2 * MINUTE for k in ("open_time", "close_time")}
        return [first, second.assign(close=second["close"] * noise, **early)]


class SeriesAtItsStart(SyntheticTape):
    """A mood of each quarter of an hour, stamped when that begins."""

    def bars_of(self, specs: Any, **wish: Any) -> Any:
        first, second = super().bars_of(specs, **wish)
        move = np.diff(np.log(second["close"]), append=np.log(second["close"][-1]))
        noise = np.random.default_rng(2).normal(size=len(second))
        return [first, second.assign(mood=move / np.std(move) + 0.5 * noise, close=np.full(len(second), np.nan))]


class LabelColumn(CsvBars):
    """The move of the next bar as a column, as data made for learning has it."""

    def bars_of(self, specs: Any, **wish: Any) -> Any:
        made = super().bars_of(specs, **wish)
        return [bars.assign(label=np.diff(bars["close"], append=bars["close"][-1])) for bars in made]


class ReadsTheLabel(_Follows):
    """Long where a column of the feed says so."""

    params = dict(column="label", above=0.0)

    def told(self) -> bool:
        return bool(getattr(self.data, self.p.column)[0] > self.p.above)


class ReadsTheOther(_Follows):
    """Long where the second feed says so."""

    params = dict(column="close")

    def told(self) -> bool:
        other = self.datas[1]
        return len(other) > 1 and bool(getattr(other, self.p.column)[0] > getattr(other, self.p.column)[-1])
