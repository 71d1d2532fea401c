"""The genuine engine beside plain backtrader and backtesting.py, each run in a process of its own."""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

BARS = {"cross": 500_000, "sparse": 500_000, "flow": 500_000}
SHORT = 20_000
"""Bars of a run of plain backtrader, whose time is in proportion to them."""
FAST, SLOW = 20, 50
RARE = 1_000


def market(n: int) -> Any:
    """Random bars with every canonical column that takes a number."""
    from tapeflow.core.bars import Bars
    from tapeflow.core.clock import MINUTE

    rng = np.random.default_rng(7)
    close = 30_000 * np.exp(np.cumsum(rng.normal(0, 4e-4, n)))
    opened = np.concatenate((close[:1], close[:-1]))
    reach = np.abs(rng.normal(0, 5.0, (2, n)))
    volume = rng.exponential(10.0, n)
    bought = volume * rng.uniform(0.2, 0.8, n)
    opens = 1_600_000_020_000_000 + np.arange(n) * MINUTE
    return Bars.of(
        open_time=opens,
        close_time=opens + MINUTE,
        open=opened,
        close=close,
        high=np.maximum(opened, close) + reach[0],
        low=np.minimum(opened, close) - reach[1],
        volume=volume,
        quote_volume=volume * close,
        trades=rng.integers(1, 500, n),
        taker_buy_volume=bought,
        taker_sell_volume=volume - bought,
        taker_buy_quote_volume=bought * close,
        taker_sell_quote_volume=(volume - bought) * close,
    )


def strategies() -> dict[str, Any]:
    """The three ideas, as anybody would write them for backtrader."""
    import backtrader as bt

    from tapeflow.strategies.base import Strategy, Use
    from tapeflow.strategies.wake import Wake

    class Cross(bt.Strategy):
        """Long while the fast average is above the slow one."""

        def __init__(self) -> None:
            self.cross = bt.ind.CrossOver(
                bt.ind.SMA(self.data.close, period=FAST), bt.ind.SMA(self.data.close, period=SLOW)
            )

        def next(self) -> None:
            if not self.position:
                if self.cross[0] > 0:
                    self.buy(size=1)
            elif self.cross[0] < 0:
                self.close()

    class Sparse(Strategy):
        """In on every thousandth bar, out half-way to the next."""

        def next(self) -> None:
            if len(self) % RARE == 0:
                self.buy(size=1)
            elif len(self) % RARE == RARE // 2:
                self.close()

        def wake(self) -> Wake:
            """Both bars, whatever is held."""
            at = np.arange(1, self.data.buflen() + 1)
            mask = (at % RARE == 0) | (at % RARE == RARE // 2)
            return Wake(mask, mask, mask)

    class Flow(Strategy):
        """Fade a stretch from the VWAP; ten order-flow indicators are read on every bar."""

        uses = dict(
            vwap=Use("VWAP", {"anchor": "1d", "bands": [1.0]}),
            hour=Use("VWAP", {"anchor": "60b"}),
            delta=Use("VolumeDelta"),
            signed=Use("SignedVolume"),
            calm=Use("FlowToxicity", {"window": 60}),
            calmer=Use("FlowToxicity", {"window": 240}),
            flow=Use("CVD"),
            impact=Use("KyleLambda"),
            dry=Use("Amihud"),
            rsi=Use("talib.RSI"),
        )

        def next(self) -> None:
            close, vwap = self.data.close[0], self.vwap.lines
            told = [made.lines[0][0] for made in (self.hour, self.flow, self.impact, self.dry)]
            if self.position.size:
                if close >= vwap.vwap[0] or self.rsi.lines[0][0] > 70:
                    self.close()
            elif close < vwap.lower1[0] and max(self.calm.lines[0][0], self.calmer.lines[0][0]) < 1 and all(told):
                self.delta.lines[0][0] > 0 and self.signed.lines[0][0] > 0 and self.buy(size=1)

    return {"cross": Cross, "sparse": Sparse, "flow": Flow}


def backtrader_run(name: str, n: int, cerebro: Any, feed: Callable[[Any], Any]) -> dict[str, Any]:
    """CPU seconds of a run, loading its feed included, with what it came to."""
    from tapeflow.backtest.broker import make_broker
    from tapeflow.backtest.record import Recorder

    bars, kind = market(n), strategies()[name]
    cerebro.broker = make_broker(10_000_000, maker=0.0002, taker=0.0005)
    cerebro.broker.cerebro = cerebro
    cerebro.adddata(feed(bars))
    cerebro.addanalyzer(Recorder, _name="record")
    cerebro.addstrategy(kind)
    before = time.process_time()
    record = cerebro.run()[0].analyzers.record
    value = record.equity[1]
    spent = time.process_time() - before
    return {"seconds": spent, "bars": n, "fills": len(record.fills), "value": float(value[-1])}


def fast(name: str, n: int) -> dict[str, Any]:
    """Tapeflow's engine."""
    from tapeflow.backtest.engine import FastCerebro
    from tapeflow.core.lines import bar_data

    backtrader_run(name, 2_000, FastCerebro(stdstats=False), bar_data)
    return backtrader_run(name, n, FastCerebro(stdstats=False), bar_data)


def stock(name: str, n: int) -> dict[str, Any]:
    """Plain backtrader on tapeflow's feed."""
    import backtrader as bt

    from tapeflow.core.lines import bar_data

    backtrader_run(name, 2_000, bt.Cerebro(stdstats=False), bar_data)
    return backtrader_run(name, n, bt.Cerebro(stdstats=False), bar_data)


def default(name: str, n: int) -> dict[str, Any]:
    """Plain backtrader as its manual has it: PandasData and the standard observers."""
    import backtrader as bt
    import pandas as pd

    def frame(bars: Any) -> Any:
        columns = {k: bars[k] for k in ("open", "high", "low", "close", "volume")}
        index = pd.to_datetime(bars["close_time"], unit="us")
        return bt.feeds.PandasData(dataname=pd.DataFrame(columns, index=index))

    return backtrader_run(name, n, bt.Cerebro(), frame)


def by_next(name: str, n: int) -> dict[str, Any]:
    """Plain backtrader with indicators that have only ``next``, as most that are written for it have."""
    import backtrader as bt

    from tapeflow.core.lines import bar_data
    from tapeflow.core.registry import INDICATORS

    for use in strategies()[name].uses.values():
        kind: Any = INDICATORS.find(use.kind)
        kind.once, kind.preonce = bt.Indicator.once_via_next, bt.Indicator.preonce_via_prenext
        kind.oncestart = bt.Indicator.oncestart_via_nextstart
    return backtrader_run(name, n, bt.Cerebro(stdstats=False), bar_data)


def backtesting(name: str, n: int) -> dict[str, Any]:
    """backtesting.py, whose bars are a frame and whose orders fill at the next open too."""
    import pandas as pd
    from backtesting import Backtest, Strategy
    from backtesting.lib import crossover

    class Cross(Strategy):  # type: ignore[misc]
        def init(self) -> None:
            close = pd.Series(self.data.Close)
            self.fast, self.slow = (self.I(lambda w=w: close.rolling(w).mean()) for w in (FAST, SLOW))

        def next(self) -> None:
            if not self.position:
                if crossover(self.fast, self.slow):
                    self.buy(size=1)
            elif crossover(self.slow, self.fast):
                self.position.close()

    class Sparse(Strategy):  # type: ignore[misc]
        def init(self) -> None:
            pass

        def next(self) -> None:
            at = len(self.data)
            if at % RARE == 0:
                self.buy(size=1)
            elif at % RARE == RARE // 2:
                self.position.close()

    bars = market(n)
    columns = {k.title(): bars[k] for k in ("open", "high", "low", "close", "volume")}
    frame = pd.DataFrame(columns, index=pd.to_datetime(bars["close_time"], unit="us"))
    kind = {"cross": Cross, "sparse": Sparse}[name]
    test = Backtest(frame, kind, cash=10_000_000, commission=0.0005, finalize_trades=False)
    before = time.process_time()
    made = test.run()
    return {"seconds": time.process_time() - before, "bars": n, "fills": 2 * int(made["# Trades"])}


ENGINES: dict[str, Callable[[str, int], dict[str, Any]]] = {
    "tapeflow": fast,
    "backtesting.py": backtesting,
    "backtrader": stock,
    "backtrader, as it comes": default,
    "backtrader, by next": by_next,
}


def contenders(name: str) -> dict[str, int]:
    """Who runs ``name``, over how many bars."""
    made = {"tapeflow": BARS[name], "backtrader": SHORT}
    if name != "flow" and importlib.util.find_spec("backtesting"):
        made["backtesting.py"] = BARS[name]
    if name == "cross":
        made["backtrader, as it comes"] = SHORT
    if name == "flow":
        made["backtrader, by next"] = SHORT // 4
    return made


def alone(engine: str, name: str, n: int) -> dict[str, Any]:
    """One run in a process of its own."""
    made = subprocess.run(
        [sys.executable, "-W", "ignore", __file__, "--engine", engine, "--case", name, "--bars", str(n)],
        check=True,
        capture_output=True,
        text=True,
    )
    told: dict[str, Any] = json.loads(made.stdout.splitlines()[-1])
    return told


def compare(name: str, runs: int) -> None:
    """Print bars a second of each, the median over runs taken in turn, and ratios to tapeflow."""
    rounds = [{who: alone(who, name, n) for who, n in contenders(name).items()} for _ in range(runs)]
    speeds = {who: statistics.median(r[who]["bars"] / r[who]["seconds"] for r in rounds) for who in rounds[0]}
    for who, speed in speeds.items():
        ratios = [
            r["tapeflow"]["bars"] / r["tapeflow"]["seconds"] / (r[who]["bars"] / r[who]["seconds"]) for r in rounds
        ]
        fills = rounds[0][who]["fills"]
        print(f"{name:8} {who:24} {speed:12,.0f} bars/s  {fills:6} fills  {statistics.median(ratios):8.1f} x slower")


def main() -> None:
    """Compare everything, or run one engine once."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--engine", choices=ENGINES)
    asked.add_argument("--case", choices=BARS)
    asked.add_argument("--bars", type=int, default=SHORT)
    asked.add_argument("--runs", type=int, default=3)
    given = asked.parse_args()
    if given.engine:
        print(json.dumps(ENGINES[given.engine](given.case, given.bars)))
        return
    for name in [given.case] if given.case else BARS:
        compare(name, given.runs)


if __name__ == "__main__":
    main()
