"""Half a million bars of a crossing of two means, about 5,600 round trips: the compiled engine beside its peers.

All are given the same bars, are warm, and trade the same orders: at the open after the crossing, a tenth of the equity,
long only; vectorbt is given the means. Fills and profit are compared before anything is timed. What each spends is
CPU time of the whole process, the median of some runs.
"""

from __future__ import annotations

import argparse
import gc
import math
import statistics
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

from tapeflow.backtest.engines.compiled.answers import answers_in
from tapeflow.backtest.engines.compiled.loop import follow
from tapeflow.backtest.engines.compiled.record import Record
from tapeflow.backtest.engines.compiled.run import run_compiled
from tapeflow.backtest.engines.compiled.setup import RuleSignals, bits_of, desk_of, rules_of
from tapeflow.backtest.engines.compiled.state import REASONS, new_book
from tapeflow.backtest.engines.compiled.supported import settings_of, uses_of
from tapeflow.backtest.engines.compiled.tables import Tables
from tapeflow.backtest.inputs.read import Source
from tapeflow.configs.models import RunConfig
from tapeflow.core.bars import Bars
from tapeflow.core.clock import MINUTE
from tapeflow.core.plugins.registry import STRATEGIES

Steps = dict[str, Callable[[], Any]]
Peer = tuple[tuple[int, float], Steps]
"""Fills and final value, and what to measure."""

GIVEN = "run_compiled, given means"
FEE = 0.0005
SHARE = 10.0
CASH = 1_000_000
CONFIG = {
    "name": "crossing",
    "data": {"main": {"feed": "SyntheticTape"}},
    "indicators": {
        "fast": {"kind": "talib.SMA", "timeperiod": 20},
        "slow": {"kind": "talib.SMA", "timeperiod": 50},
    },
    "strategy": {"kind": "Rules", "params": {"long": {"enter": "fast > slow", "exit": "fast < slow"}}},
    "broker": {"cash": CASH, "fees": {"maker": FEE, "taker": FEE}},
    "sizer": {"percent": SHARE},
}


def walk(n: int, seed: int = 7) -> Bars:
    """Bars of a random walk."""
    rng = np.random.default_rng(seed)
    close = np.round(30_000 * np.exp(np.cumsum(rng.standard_normal(n) * 4e-4)), 1)
    opened = np.round(np.concatenate(([30_000.0], close[:-1])) * (1 + rng.standard_normal(n) * 3e-5), 1)
    top, low = np.maximum(opened, close), np.minimum(opened, close)
    reach = np.abs(rng.standard_normal((2, n))) * 2e-4
    time_ = 1_600_000_020_000_000 + np.arange(n) * MINUTE
    return Bars.of(
        open_time=time_,
        close_time=time_ + MINUTE,
        open=opened,
        high=np.round(top * (1 + reach[0]), 1),
        low=np.round(low * (1 - reach[1]), 1),
        close=close,
        volume=np.ones(n),
    )


def parts(config: RunConfig, bars: Bars) -> Steps:
    """The steps of a run, each on what the one before gave."""
    feeds, rules = {"main": bars}, STRATEGIES.find(config.strategy.kind)
    params = {**rules.defaults(), **config.strategy.params}
    tables = Tables(feeds, uses_of(config))
    said, market, first = (
        RuleSignals.of(answers_in(rules, params, tables.lines, settings_of(config))),
        tables.market,
        tables.first(),
    )
    bits, told = bits_of(said, market.foreign, market.shut("wait")), rules_of(config, said, bars, first)
    costs, account = np.array([FEE, FEE, 0.0, 0.0]), np.empty((3, len(bars)))

    def loop() -> Record:
        desk = desk_of(config, settings_of(config), bars, said, bits, first, None)
        book = new_book(config.broker.cash, costs, 16_384)
        book, _ = follow(book, None, None, desk, told, market.prices, first, account)
        return Record(book, bars["close_time"], account, "main", (*REASONS, *said.names))

    def everything() -> Any:
        made = run_compiled(config, {"main": Source(None, bars)})
        return made.record.orders, made.record.fills, made.equity

    means = {name: tables.lines[name] for name in config.indicators}
    given, bare = bars.assign(**means), config.model_copy(update={"indicators": {}})
    return {
        "lines of the means": lambda: Tables(feeds, uses_of(config)),
        "signals over arrays": lambda: answers_in(rules, params, tables.lines, settings_of(config)),
        "the loop": loop,
        "run_compiled": lambda: run_compiled(config, {"main": Source(None, bars)}),
        GIVEN: lambda: run_compiled(bare, {"main": Source(None, given)}),
        "with rows of orders": everything,
    }


def vectorbt(config: RunConfig, bars: Bars) -> Peer:
    """vectorbt's `Portfolio.from_signals`, filling at the next open; without its analysis, which it does on demand."""
    import pandas as pd
    import vectorbt as vbt

    lines = Tables({"main": bars}, uses_of(config)).lines
    fast, slow = lines["fast"], lines["slow"]
    above, below = (np.concatenate(([False], mask[:-1])) for mask in (fast > slow, fast < slow))
    index = pd.to_datetime(bars["close_time"], unit="us")
    opened, close = (pd.Series(bars[name], index) for name in ("open", "close"))
    given = dict(price=opened, size=SHARE / 100, size_type="percent", fees=FEE, init_cash=CASH, freq="1min")

    def signals() -> Any:
        return vbt.Portfolio.from_signals(close, above, below, **given)

    made = signals()
    outcome = len(made.orders.records), float(made.value().iloc[-1])
    return outcome, {"vectorbt from_signals": signals, "vectorbt and its curve": lambda: signals().value()}


def back_trader_cpp(config: RunConfig, bars: Bars) -> Peer:
    """back-trader-cpp, the engine of backtrader in C++; the strategy is Python, the means are its own."""
    import back_trader as bt
    import pandas as pd

    names = ("open", "high", "low", "close", "volume")
    index = pd.to_datetime(bars["close_time"], unit="us")
    frame = pd.DataFrame({name: bars[name] for name in names}, index=index)

    class Cross(bt.Strategy):  # type: ignore[misc]
        def __init__(self) -> None:
            self.fills = 0
            self.fast, self.slow = (
                bt.ind.SMA(self.data.close, period=use.params["timeperiod"]) for use in uses_of(config).values()
            )

        def notify_order(self, order: Any) -> None:
            self.fills += order.status == order.Completed

        def next(self) -> None:
            if not self.position:
                if self.fast[0] > self.slow[0]:
                    self.buy()
            elif self.fast[0] < self.slow[0]:
                self.close()

    def run() -> tuple[int, float]:
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.broker.setcash(CASH)
        cerebro.broker.setcommission(commission=FEE)
        cerebro.adddata(bt.feeds.PandasData(dataname=frame))
        cerebro.addsizer(bt.sizers.PercentSizer, percents=SHARE)
        cerebro.addstrategy(Cross)
        fills = cerebro.run()[0].fills
        return fills, cerebro.broker.getvalue()

    return run(), {"back-trader-cpp": run}


PEERS = {"vectorbt": vectorbt, "back_trader": back_trader_cpp}
"""By the name that each is imported as."""


def peers(config: RunConfig, bars: Bars, fills: int, value: float) -> Steps:
    """The steps of the peers that are installed, each of which made the same orders.

    Sizes are not quite the same: vectorbt's are a share at the price of the fill, the others' at the close before.
    """
    steps: Steps = {}
    for module, make in PEERS.items():
        if find_spec(module) is None:
            print(f"{module} is not installed: left out")
            continue
        (theirs, end), more = make(config, bars)
        if theirs != fills or not math.isclose(end - CASH, value - CASH, rel_tol=1e-3):
            sys.exit(f"{module} came to {theirs} fills and {end:,.2f}, tapeflow to {fills} and {value:,.2f}")
        steps |= more
    return steps


def measured(steps: Steps, runs: int) -> dict[str, list[float]]:
    """CPU seconds of each step, taken in turn after one run each that is not counted."""
    spent: dict[str, list[float]] = {name: [] for name in steps}
    for step in steps.values():
        step()
    for _ in range(runs):
        for name, step in steps.items():
            gc.collect()
            start = time.process_time()
            step()
            spent[name].append(time.process_time() - start)
    return spent


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bars", type=int, default=500_000)
    parser.add_argument("--runs", type=int, default=9)
    args = parser.parse_args()
    config, bars = RunConfig.model_validate(CONFIG), walk(args.bars)
    made = run_compiled(config, {"main": Source(None, bars)})
    fills, value = len(made.record.fills), float(made.equity["value"][-1])
    print(f"{args.bars:,} bars, {len(made.trips):,} round trips, {value:,.2f} at the end")
    spent = measured(parts(config, bars) | peers(config, bars, fills, value), args.runs)
    for name, seconds in spent.items():
        middle = statistics.median(seconds)
        ratio = statistics.median(other / own for other, own in zip(seconds, spent[GIVEN], strict=True))
        speed = args.bars / middle / 1e6
        print(f"{name:26} {1e3 * middle:8.1f} ms  {speed:8.2f} M bars/s  {ratio:6.2f} x the time of {GIVEN}")


if __name__ == "__main__":
    main()
