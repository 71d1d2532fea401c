"""Scripts written for backtrader, whole: feeds loaded, run, account read; in plain backtrader and over the fast loop.

Orders, the last value and what analyzers found must be equal. What each spends is CPU time of the process, the least
of some runs taken by turns; the ratio is plain over fast.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd

from tapeflow.fast import Cerebro

MINUTES = bt.TimeFrame.Minutes


class Cross(bt.Strategy):
    """The crossover of two means."""

    params = dict(fast=20, slow=50)

    def __init__(self) -> None:
        self.cross = bt.ind.CrossOver(*(bt.ind.SMA(period=n) for n in (self.p.fast, self.p.slow)))

    def next(self) -> None:
        if not self.position:
            if self.cross > 0:
                self.buy()
        elif self.cross < 0:
            self.close()


class Seldom(Cross):
    """Two slow means, which hardly ever cross."""

    params = dict(fast=1000, slow=4000)


class Bracket(Cross):
    """An entry with stop and target."""

    def next(self) -> None:
        if not self.position and self.cross > 0:
            price = self.data.close[0]
            self.buy_bracket(exectype=bt.Order.Market, stopprice=price * 0.99, limitprice=price * 1.01)


class Trail(Cross):
    """An entry with a stop that trails."""

    def next(self) -> None:
        if not self.position and self.cross > 0:
            self.buy()
            self.sell(exectype=bt.Order.StopTrail, trailpercent=0.01)


class Oscillator(bt.Strategy):
    """RSI and bands."""

    def __init__(self) -> None:
        self.rsi, self.bands = bt.ind.RSI(period=14), bt.ind.BollingerBands()

    def next(self) -> None:
        if not self.position and self.rsi[0] < 30 and self.data.close[0] < self.bands.bot[0]:
            self.buy()
        elif self.position and self.data.close[0] > self.bands.mid[0]:
            self.close()


class Rebalance(bt.Strategy):
    """Half of the account, once in a hundred bars."""

    def next(self) -> None:
        if len(self) % 100 == 0:
            self.order_target_percent(target=0.5)


class Pairs(bt.Strategy):
    """Two feeds by the score of their ratio."""

    def __init__(self) -> None:
        ratio = self.data0.close / self.data1.close
        self.score = (ratio - bt.ind.SMA(ratio, period=60)) / bt.ind.StdDev(ratio, period=60)

    def next(self) -> None:
        held, score = self.getposition(self.data0).size, self.score[0]
        if not held and abs(score) > 2:
            (self.sell if score > 0 else self.buy)(self.data0)
            (self.buy if score > 0 else self.sell)(self.data1)
        elif held and abs(score) < 0.2:
            self.close(self.data0)
            self.close(self.data1)


def bars(count: int, seed: int) -> pd.DataFrame:
    """A random walk in cents."""
    rng = np.random.default_rng(seed)
    close = np.round(100 * np.exp(np.cumsum(rng.normal(0, 1e-3, count))), 2)
    first = np.r_[100.0, close[:-1]]
    made = {"open": first, "high": np.maximum(first, close) + 0.05, "low": np.minimum(first, close) - 0.05}
    made |= {"close": close, "volume": np.full(count, 100.0), "openinterest": np.zeros(count)}
    return pd.DataFrame(made, index=pd.date_range("2020-01-01", periods=count, freq="min", name="datetime")).round(2)


def from_frame(frame: pd.DataFrame, file: Path) -> Any:
    """A feed of a table."""
    return bt.feeds.PandasData(dataname=frame, timeframe=MINUTES)


def from_file(frame: pd.DataFrame, file: Path) -> Any:
    """A feed of a file."""
    return bt.feeds.GenericCSVData(dataname=str(file), timeframe=MINUTES)


def analysed(cerebro: Any) -> None:
    """What many scripts add."""
    for name in ("SharpeRatio", "DrawDown", "TradeAnalyzer", "TimeReturn"):
        cerebro.addanalyzer(getattr(bt.analyzers, name))


Script = tuple[Any, Callable[[pd.DataFrame, Path], Any], int, Callable[[Any], None] | None]
SCRIPTS: dict[str, Script] = {
    "crossing of two means": (Cross, from_frame, 1, None),
    "the same from a CSV": (Cross, from_file, 1, None),
    "the same with four analyzers": (Cross, from_frame, 1, analysed),
    "trades seldom": (Seldom, from_frame, 1, None),
    "trades seldom, from a CSV": (Seldom, from_file, 1, None),
    "bracket": (Bracket, from_frame, 1, None),
    "trailing stop": (Trail, from_frame, 1, None),
    "RSI and bands": (Oscillator, from_frame, 1, None),
    "target percent": (Rebalance, from_frame, 1, None),
    "pairs, two feeds": (Pairs, from_frame, 2, None),
}


def run(kind: Any, script: Script, frames: list[pd.DataFrame], files: list[Path]) -> tuple[float, tuple[Any, ...]]:
    """CPU seconds of a script, and what it came to."""
    strategy, feed, count, more = script
    gc.collect()
    began = time.process_time()
    cerebro = kind()
    for frame, file in list(zip(frames, files, strict=True))[:count]:
        cerebro.adddata(feed(frame, file))
    cerebro.addstrategy(strategy)
    cerebro.broker.setcash(1_000_000.0)
    cerebro.broker.setcommission(commission=0.0002)
    if more is not None:
        more(cerebro)
    (made,) = cerebro.run()
    spent = time.process_time() - began
    orders = [(o.isbuy(), o.getstatusname(), o.executed.price, o.executed.size) for o in made._orders]
    found = [repr(one.get_analysis()) for one in made.analyzers]
    return spent, (repr(cerebro.broker.getvalue()), orders, found, getattr(cerebro, "reason", ""))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bars", type=int, default=50_000)
    parser.add_argument("--repeat", type=int, default=3)
    asked = parser.parse_args()
    frames = [bars(asked.bars, seed) for seed in (1, 2)]
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{i}.csv" for i in range(len(frames))]
        for frame, file in zip(frames, files, strict=True):
            frame.to_csv(file)
        print("| script | orders | backtrader, s | fast, s | ratio |\n| --- | ---: | ---: | ---: | ---: |")
        for name, script in SCRIPTS.items():
            turns = [[run(kind, script, frames, files) for kind in (bt.Cerebro, Cerebro)] for _ in range(asked.repeat)]
            plain, fast = turns[0]
            if plain[1] != fast[1]:
                raise SystemExit(f"{name}: not equal, or not fast: {fast[1][-1]}")
            least = [min(turn[i][0] for turn in turns) for i in (0, 1)]
            ratios.append(least[0] / least[1])
            print(f"| {name} | {len(plain[1][1]):,} | {least[0]:.2f} | {least[1]:.2f} | {ratios[-1]:.1f} |", flush=True)
    print(f"median {statistics.median(ratios):.1f}, least {min(ratios):.1f}, over {asked.bars:,} bars")


if __name__ == "__main__":
    main()
