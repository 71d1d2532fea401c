"""Half a million bars of a crossing of two means, about 5,600 round trips: the compiled engine beside vectorbt.

Both are given the same bars and the same means, are warm, and trade the same orders: at the open after the crossing,
a tenth of the equity, long only. What each spends is CPU time of the whole process, the median of some runs.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from tapeflow.backtest.compiled.choice import uses_of
from tapeflow.backtest.compiled.layout import new_book
from tapeflow.backtest.compiled.lots import sizing
from tapeflow.backtest.compiled.record import Record
from tapeflow.backtest.compiled.rules import REASONS, follow
from tapeflow.backtest.compiled.run import as_bits, protection, run_compiled, signals_of
from tapeflow.backtest.compiled.tables import Tables, market
from tapeflow.backtest.runner import Source
from tapeflow.configs.models import RunConfig
from tapeflow.core.bars import Bars
from tapeflow.core.clock import MINUTE
from tapeflow.core.registry import STRATEGIES

FEE = 0.0005
SHARE = 10.0
CONFIG = {
    "name": "crossing",
    "data": {"main": {"feed": "SyntheticTape"}},
    "indicators": {
        "fast": {"kind": "talib.SMA", "timeperiod": 20},
        "slow": {"kind": "talib.SMA", "timeperiod": 50},
    },
    "strategy": {"kind": "Rules", "params": {"long": {"enter": "fast > slow", "exit": "fast < slow"}}},
    "broker": {"cash": 1_000_000, "fees": {"maker": FEE, "taker": FEE}},
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


def parts(config: RunConfig, bars: Bars) -> dict[str, Callable[[], Any]]:
    """The steps of a run, each on what the one before gave."""
    feeds, rules = {"main": bars}, STRATEGIES.find(config.strategy.kind)
    params = {**rules.defaults(), **config.strategy.params}
    tables, table = Tables(feeds, uses_of(config)), market(bars)
    bits, first = as_bits(signals_of(rules, params, tables.lines), tables.foreign()), tables.first()
    numbers = sizing(config.sizer.percent, None, None, 0.0)
    guards, costs, account = protection({}, None), np.array([FEE, FEE, 0.0, 0.0]), np.empty((3, len(bars)))

    def loop(out: Any = account) -> Record:
        book = follow(new_book(config.broker.cash, costs, 16_384), table, bits, first, numbers, guards, out)
        return Record(book, bars["close_time"], account, "main", REASONS)

    def everything() -> Any:
        made = run_compiled(config, {"main": Source(None, bars)})
        return made.record.orders, made.record.fills, made.equity

    return {
        "lines of the means": lambda: Tables(feeds, uses_of(config)),
        "signals over arrays": lambda: signals_of(rules, params, tables.lines),
        "the loop": loop,
        "the loop, no curve": lambda: loop(np.empty((3, 0))),
        "run_compiled": lambda: run_compiled(config, {"main": Source(None, bars)}),
        "with rows of orders": everything,
    }


def peer(config: RunConfig, bars: Bars) -> dict[str, Callable[[], Any]]:
    """vectorbt's `Portfolio.from_signals`, filling at the next open; without its analysis, which it does on demand."""
    try:
        import vectorbt as vbt
    except ImportError:
        return {}
    import pandas as pd

    lines = Tables({"main": bars}, uses_of(config)).lines
    fast, slow = lines["fast"], lines["slow"]
    above, below = (np.concatenate(([False], mask[:-1])) for mask in (fast > slow, fast < slow))
    index = pd.to_datetime(bars["close_time"], unit="us")
    opened, close = (pd.Series(bars[name], index) for name in ("open", "close"))
    given = dict(price=opened, size=SHARE / 100, size_type="percent", fees=FEE, init_cash=1_000_000, freq="1min")

    def signals() -> Any:
        return vbt.Portfolio.from_signals(close, above, below, **given)

    return {
        "vectorbt from_signals": signals,
        "vectorbt and its curve": lambda: signals().value(),
    }


def measured(steps: dict[str, Callable[[], Any]], runs: int) -> dict[str, float]:
    """Median CPU seconds of each step, taken in turn."""
    spent: dict[str, list[float]] = {name: [] for name in steps}
    for step in steps.values():
        step()
    for _ in range(runs):
        for name, step in steps.items():
            gc.collect()
            start = time.process_time()
            step()
            spent[name].append(time.process_time() - start)
    return {name: statistics.median(values) for name, values in spent.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bars", type=int, default=500_000)
    parser.add_argument("--runs", type=int, default=9)
    args = parser.parse_args()
    config, bars = RunConfig.model_validate(CONFIG), walk(args.bars)
    made = run_compiled(config, {"main": Source(None, bars)})
    print(f"{args.bars:,} bars, {len(made.trips):,} round trips, {made.equity['value'][-1]:,.2f} at the end")
    for name, seconds in measured(parts(config, bars) | peer(config, bars), args.runs).items():
        print(f"{name:24} {1e3 * seconds:8.1f} ms  {args.bars / seconds / 1e6:8.1f} M bars/s")


if __name__ == "__main__":
    main()
