"""Many desks that share an account: bars of all instruments a second in the compiled loop, beside the loop of one desk.

A crossing of two means that are given as columns, with at most a tenth of the positions at a time, so that the loop is
measured and not the indicators. Instruments have equal stamps, or 30 % of their bars at random are missing. What is
reported is the least CPU time of some runs.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np

from tapeflow.backtest.engines.compiled.answers import answers_in
from tapeflow.backtest.engines.compiled.desk_cache import DeskCache
from tapeflow.backtest.engines.compiled.desks_run import desk_settings, follow_account, tables_of
from tapeflow.backtest.engines.compiled.run import follow_config
from tapeflow.backtest.engines.compiled.setup import RuleSignals
from tapeflow.backtest.engines.compiled.supported import uses_of
from tapeflow.backtest.engines.compiled.tables import Tables
from tapeflow.configs.models import RunConfig
from tapeflow.core.bars import Bars
from tapeflow.core.clock import MINUTE
from tapeflow.core.plugins.registry import STRATEGIES

RULES = {"long": {"enter": "crossover(fast, slow)", "exit": "fast < slow"}}


def walk(n: int, seed: int, holes: float) -> Bars:
    """Bars of a random walk with two means, some left out."""
    rng = np.random.default_rng(seed)
    close = np.round(100 * np.exp(np.cumsum(rng.standard_normal(n) * 4e-4)), 2)
    opened = np.concatenate((close[:1], close[:-1]))
    total = np.cumsum(np.concatenate((np.zeros(50), close)))
    time_ = 1_600_000_020_000_000 + np.arange(n) * MINUTE
    columns = {
        "open_time": time_,
        "close_time": time_ + MINUTE,
        "open": opened,
        "high": np.maximum(opened, close) + 0.01,
        "low": np.minimum(opened, close) - 0.01,
        "close": close,
        "volume": np.ones(n),
        "fast": (total[50:] - total[30:-20]) / 20,
        "slow": (total[50:] - total[:-50]) / 50,
    }
    keep = rng.random(n) >= holes
    return Bars.of(**{name: column[keep] for name, column in columns.items()})


def config_of(count: int) -> RunConfig:
    """A run of so many desks; of one without an account of its own."""
    names = [f"i{k}" for k in range(count)]
    raw: dict[str, Any] = {
        "name": "desks",
        "data": {name: {"feed": "SyntheticTape", "lot": 0.001} for name in names},
        "strategy": {"kind": "Rules", "params": RULES},
        "broker": {"cash": 1_000_000, "fees": {"maker": 0.0005, "taker": 0.0005}},
        "sizer": {"percent": 5.0},
    }
    if count > 1:
        raw |= {"trade": names, "portfolio": {"max_positions": max(1, count // 10), "rank": "fast / slow"}}
    return RunConfig.model_validate(raw)


def best(run: Any, runs: int) -> float:
    """Seconds of the quickest of some runs, after one that is not counted."""
    run()
    spent = []
    for _ in range(runs):
        start = time.process_time()
        run()
        spent.append(time.process_time() - start)
    return min(spent)


def measured(count: int, n: int, holes: float, runs: int) -> tuple[int, int, float]:
    """Bars of all instruments, orders, and seconds of a run whose signals are known."""
    feeds = {f"i{k}": walk(n, k, holes) for k in range(count)}
    config, cache = config_of(count), DeskCache(feeds)
    tables = tables_of(config, cache)
    record = follow_account(config, tables, cache)
    seconds = best(lambda: follow_account(config, tables, cache), runs)
    return sum(map(len, feeds.values())), len(record.whole), seconds


def single(n: int, runs: int) -> tuple[float, float]:
    """Seconds of a run of one feed in its own loop, and in that of desks; both ask the rules anew."""
    feeds, config = {"i0": walk(n, 0, 0.0)}, config_of(1)
    tables, cache = Tables(feeds, uses_of(config)), DeskCache(feeds)
    rules, (params, settings) = STRATEGIES.find(config.strategy.kind), desk_settings(config)

    def shared() -> None:
        RuleSignals.of(answers_in(rules, params, tables.lines, settings))
        follow_account(config, {"i0": tables}, cache)

    return best(lambda: follow_config(config, "i0", tables), runs), best(shared, runs)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instruments", type=int, default=50)
    parser.add_argument("--bars", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5)
    asked = parser.parse_args()
    for holes in (0.0, 0.3):
        bars, orders, seconds = measured(asked.instruments, asked.bars, holes, asked.runs)
        print(
            f"{asked.instruments} instruments, {holes:.0%} missing: {bars:,} bars, {orders:,} orders, "
            f"{seconds * 1e3:.0f} ms, {bars / seconds / 1e6:.1f} M bars·instruments/s"
        )
    own, shared = single(asked.bars * 5, asked.runs)
    print(
        f"one instrument, {asked.bars * 5:,} bars: {own * 1e3:.1f} ms in its own loop, {shared * 1e3:.1f} ms as a desk"
    )


if __name__ == "__main__":
    main()
