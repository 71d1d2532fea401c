"""The genuine engine beside plain backtrader, its forks and backtesting.py, each run in a process of its own.

Fills and final value are compared before anything is timed. Peers run where they are installed, or in the environment
that ``--peers`` names, as ``--peers elsewhere/bin/python``.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
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
CASH, FEE = 10_000_000, 0.0005
MINUTE = 60_000_000


def columns(n: int) -> dict[str, Any]:
    """Random bars with every canonical column that takes a number."""
    rng = np.random.default_rng(7)
    close = 30_000 * np.exp(np.cumsum(rng.normal(0, 4e-4, n)))
    opened = np.concatenate((close[:1], close[:-1]))
    reach = np.abs(rng.normal(0, 5.0, (2, n)))
    volume = rng.exponential(10.0, n)
    bought = volume * rng.uniform(0.2, 0.8, n)
    opens = 1_600_000_020_000_000 + np.arange(n) * MINUTE
    return dict(
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


def frame(n: int) -> Any:
    """The same as a pandas frame."""
    import pandas as pd

    made = columns(n)
    index = pd.to_datetime(made["close_time"], unit="us")
    return pd.DataFrame({k: made[k] for k in ("open", "high", "low", "close", "volume")}, index=index)


def strategies() -> dict[str, Any]:
    """The three ideas, as anybody would write them for backtrader."""
    import backtrader as bt

    from tapeflow.strategies.framework.base import Strategy, Use
    from tapeflow.strategies.framework.wake import SkipHint

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

        def wake(self) -> SkipHint:
            """Both bars, whatever is held."""
            at = np.arange(1, self.data.buflen() + 1)
            mask = (at % RARE == 0) | (at % RARE == RARE // 2)
            return SkipHint(mask, mask, mask)

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
    from tapeflow.backtest.broker.base import make_broker
    from tapeflow.backtest.recording.recorder import Recorder
    from tapeflow.core.bars import Bars

    bars, kind = Bars.of(**columns(n)), strategies()[name]
    cerebro.broker = make_broker(CASH, maker=0.0002, taker=FEE)
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
    from tapeflow.backtest.engines.fast import FastCerebro
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

    return backtrader_run(name, n, bt.Cerebro(), lambda bars: bt.feeds.PandasData(dataname=frame(len(bars))))


def by_next(name: str, n: int) -> dict[str, Any]:
    """Plain backtrader with indicators that have only ``next``, as most that are written for it have."""
    import backtrader as bt

    from tapeflow.core.lines import bar_data
    from tapeflow.core.plugins.registry import INDICATORS

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

    kind = {"cross": Cross, "sparse": Sparse}[name]
    test = Backtest(frame(n).rename(columns=str.title), kind, cash=CASH, commission=FEE, finalize_trades=False)
    before = time.process_time()
    made = test.run()
    spent, trades = time.process_time() - before, made["_strategy"]
    fills = 2 * len(trades.closed_trades) + len(trades.trades)
    return {"seconds": spent, "bars": n, "fills": fills, "value": float(made["Equity Final [$]"])}


def fork(package: str) -> Callable[[str, int], dict[str, Any]]:
    """What runs a package with the interface of backtrader, on a frame, without observers."""

    def go(name: str, n: int) -> dict[str, Any]:
        bt: Any = importlib.import_module(package)

        def notify_order(self: Any, order: Any) -> None:
            self.fills += order.status == order.Completed

        class Cross(bt.Strategy):  # type: ignore[misc]
            def __init__(self) -> None:
                self.fills = 0
                means = (bt.ind.SMA(self.data.close, period=period) for period in (FAST, SLOW))
                self.cross = bt.ind.CrossOver(*means)

            def next(self) -> None:
                if not self.position:
                    if self.cross[0] > 0:
                        self.buy(size=1)
                elif self.cross[0] < 0:
                    self.close()

        class Sparse(bt.Strategy):  # type: ignore[misc]
            def __init__(self) -> None:
                self.fills = 0

            def next(self) -> None:
                if len(self) % RARE == 0:
                    self.buy(size=1)
                elif len(self) % RARE == RARE // 2:
                    self.close()

        Cross.notify_order = Sparse.notify_order = notify_order
        cerebro, bars = bt.Cerebro(stdstats=False), "dataframe" if package == "backtrader_next" else "dataname"
        cerebro.broker.setcash(CASH)
        cerebro.broker.setcommission(commission=FEE)
        cerebro.adddata(bt.feeds.PandasData(**{bars: frame(n)}))
        cerebro.addstrategy({"cross": Cross, "sparse": Sparse}[name])
        before = time.process_time()
        made = cerebro.run()[0]
        spent = time.process_time() - before
        return {"seconds": spent, "bars": n, "fills": made.fills, "value": cerebro.broker.getvalue()}

    return go


ENGINES: dict[str, Callable[[str, int], dict[str, Any]]] = {
    "tapeflow": fast,
    "backtesting.py": backtesting,
    "back-trader-cpp": fork("back_trader"),
    "backtrader-next": fork("backtrader_next"),
    "backtrader": stock,
    "backtrader, as it comes": default,
    "backtrader, by next": by_next,
}
PEERS = {"backtesting.py": "backtesting", "back-trader-cpp": "back_trader", "backtrader-next": "backtrader_next"}
"""What each is imported as."""
SLOW_PEERS = ("backtrader-next",)
HAS = "import importlib.util, sys; sys.exit(importlib.util.find_spec(sys.argv[1]) is None)"


def contenders(name: str) -> dict[str, int]:
    """Who runs ``name``, over how many bars."""
    made = {"tapeflow": BARS[name], "backtrader": SHORT}
    if name != "flow":
        made |= {peer: SHORT if peer in SLOW_PEERS else BARS[name] for peer in PEERS}
    if name == "cross":
        made["backtrader, as it comes"] = SHORT
    if name == "flow":
        made["backtrader, by next"] = SHORT // 4
    return made


def homes(elsewhere: str) -> dict[str, str]:
    """The interpreter of each engine that there is."""
    made = dict.fromkeys(ENGINES, sys.executable)
    for peer, module in PEERS.items():
        pythons = [python for python in (sys.executable, elsewhere) if python]
        having = (p for p in pythons if subprocess.run([p, "-c", HAS, module]).returncode == 0)
        made[peer] = next(having, "")
        if not made[peer]:
            print(f"{peer} is not installed: left out")
    return {who: python for who, python in made.items() if python}


def alone(python: str, engine: str, name: str, n: int) -> dict[str, Any]:
    """One run in a process of its own."""
    made = subprocess.run(
        [python, "-W", "ignore", __file__, "--engine", engine, "--case", name, "--bars", str(n)],
        check=True,
        capture_output=True,
        text=True,
    )
    told: dict[str, Any] = json.loads(made.stdout.splitlines()[-1])
    return told


def agree(name: str, pythons: dict[str, str]) -> None:
    """Stop unless all come to the same fills and value: plain backtrader bit for bit, others up to rounding."""
    for who, python in pythons.items():
        n = min(contenders(name)[who], SHORT)
        ours, theirs = (alone(p, e, name, n) for p, e in ((sys.executable, "tapeflow"), (python, who)))
        same = math.isclose(ours["value"], theirs["value"], rel_tol=1e-12 if who in PEERS else 0.0)
        if ours["fills"] != theirs["fills"] or not same:
            sys.exit(f"{name}: {who} comes to {theirs}, tapeflow to {ours}")


def compare(name: str, pythons: dict[str, str], runs: int) -> None:
    """Print bars a second of each, the median over runs taken in turn, and ratios to tapeflow."""
    who_runs = {who: n for who, n in contenders(name).items() if who in pythons}
    agree(name, {who: pythons[who] for who in who_runs})
    rounds = [{who: alone(pythons[who], who, name, n) for who, n in who_runs.items()} for _ in range(runs)]
    speeds = [{who: made["bars"] / made["seconds"] for who, made in each.items()} for each in rounds]
    for who in who_runs:
        speed, best = (f(each[who] for each in speeds) for f in (statistics.median, max))
        ratio = statistics.median(each["tapeflow"] / each[who] for each in speeds)
        print(
            f"{name:8} {who:24} {speed:12,.0f} bars/s {best:12,.0f} at best  {rounds[0][who]['fills']:6} fills  "
            f"tapeflow is {ratio:7.2f} x as fast"
        )


def main() -> None:
    """Compare everything, or run one engine once."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--engine", choices=ENGINES)
    asked.add_argument("--case", choices=BARS)
    asked.add_argument("--bars", type=int, default=SHORT)
    asked.add_argument("--runs", type=int, default=3)
    asked.add_argument("--peers", default="", metavar="PYTHON", help="of another environment, with more peers")
    given = asked.parse_args()
    if given.engine:
        print(json.dumps(ENGINES[given.engine](given.case, given.bars)))
        return
    pythons = homes(given.peers)
    for name in [given.case] if given.case else BARS:
        compare(name, pythons, given.runs)


if __name__ == "__main__":
    main()
