"""A hundred settings of a crossing of two means on 100,000 bars, one core: the sweep beside vectorbt.

Both are given the same bars and trade the same orders: at the open after the crossing, a tenth of the equity, long
only. vectorbt gets all settings as columns of one call, as its manual has it. What each spends is CPU time of the whole
process, the median of some runs taken in turn; `--stock N` runs N of the settings through plain backtrader and
compares every figure bit for bit.
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from compiled import FEE, SHARE, measured, walk

from tapeflow.backtest.inputs.read import Source
from tapeflow.configs.loader import from_mapping
from tapeflow.core.bars import Bars
from tapeflow.research.sweep import Point, points_of, run_point
from tapeflow.research.sweep.folder import write_tables
from tapeflow.research.sweep.journal import Done, Journal
from tapeflow.research.sweep.shared_data import Known

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
    "sweep": {
        "indicators.fast.timeperiod": {"from": 5, "to": 50, "step": 5},
        "indicators.slow.timeperiod": {"from": 60, "to": 240, "step": 20},
    },
}


def ours(points: list[Point], bars: Bars) -> list[Done]:
    """The figures of every point, from nothing but bars and configs."""
    sources = {"main": Source(None, bars)}
    known = Known(sources)
    return [Done(point.number, run_point(point.config, sources, known), "") for point in points]


def whole(bars: Bars) -> list[Done]:
    """The same with everything a sweep does around it: points checked, finished ones kept, the table written."""
    points = points_of(from_mapping(CONFIG))
    with TemporaryDirectory() as folder:
        with Journal(Path(folder)) as journal:
            done = ours(points, bars)
            for one in done:
                journal.add([one])
        write_tables(Path(folder), points, {one.number: one for one in done})
    return done


def peer(points: list[Point], bars: Bars) -> dict[str, Callable[[], Any]]:
    """vectorbt: all points as columns; alone, and with the three figures that people sort by."""
    try:
        import vectorbt as vbt
    except ImportError:
        return {}
    import pandas as pd
    import talib

    index = pd.to_datetime(bars["close_time"], unit="us")
    opened, close = (pd.Series(np.array(bars[name]), index) for name in ("open", "close"))
    given = dict(price=opened, size=SHARE / 100, size_type="percent", fees=FEE, init_cash=1_000_000, freq="1min")

    def signals() -> Any:
        periods = {p.values[f"indicators.{name}.timeperiod"] for p in points for name in ("fast", "slow")}
        means = {period: talib.SMA(np.array(bars["close"]), period) for period in periods}
        above = np.zeros((len(bars), len(points)), dtype=bool)
        below = np.zeros((len(bars), len(points)), dtype=bool)
        for column, point in enumerate(points):
            fast, slow = (means[point.values[f"indicators.{name}.timeperiod"]] for name in ("fast", "slow"))
            above[1:, column], below[1:, column] = (fast > slow)[:-1], (fast < slow)[:-1]
        return vbt.Portfolio.from_signals(close, above, below, **given)

    def figures() -> Any:
        made = signals()
        return made.total_return(), made.sharpe_ratio(), made.max_drawdown()

    return {"vectorbt": signals, "vectorbt, three figures": figures}


def against_stock(points: list[Point], bars: Bars, count: int) -> int:
    """Run some points, spread over the grid, through plain backtrader; how many differ in any figure."""
    sources, wrong = {"main": Source(None, bars)}, 0
    known = Known(sources)
    for point in points[:: max(1, len(points) // count)][:count]:
        fast = run_point(point.config, sources, known)
        stock = run_point(point.config.model_copy(update={"engine": "stock"}), sources)
        wrong += any(not _same(fast[name], stock[name]) for name in stock if name != "engine")
    return wrong


def _same(a: Any, b: Any) -> bool:
    return bool(a == b) or (isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bars", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--stock", type=int, default=0, metavar="N")
    args = parser.parse_args()
    bars, points = walk(args.bars), points_of(from_mapping(CONFIG))
    rows = ours(points, bars)
    print(f"{len(points)} points on {args.bars:,} bars, {sum(row.row['trades'] for row in rows):,} round trips")
    steps = {"run_point": lambda: ours(points, bars), "the whole sweep": lambda: whole(bars)}
    spent = measured(steps | peer(points, bars), args.runs)
    for name, seconds in spent.items():
        middle = statistics.median(seconds)
        ratio = statistics.median(other / own for other, own in zip(seconds, spent["the whole sweep"], strict=True))
        speed = len(points) * args.bars / middle / 1e6
        print(f"{name:24} {middle:8.3f} s  {speed:8.2f} M bars/s  {ratio:6.2f} x the time of the whole sweep")
    if args.stock:
        print(f"{against_stock(points, bars, args.stock)} of {args.stock} points differ from plain backtrader")


if __name__ == "__main__":
    main()
