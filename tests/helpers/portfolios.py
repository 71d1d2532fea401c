"""Several made-up feeds of one run, and that run."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapeflow.backtest.inputs.read import Source
from tapeflow.backtest.results.outcome import Outcome
from tapeflow.backtest.runner import simulate
from tapeflow.configs.loader import from_mapping
from tapeflow.core.bars import Bars
from tapeflow.core.clock import HOUR
from tapeflow.tests.helpers.trading import random_walk

GRIDS = ["equal", "holes", "late", "odd"]
CROSS = {"long": {"enter": "close > mean", "exit": "close < mean"}, "short": {"enter": "close < mean - 1"}}
MEAN = {"mean": {"kind": "talib.SMA", "timeperiod": 7}}


class _Feed:
    files: tuple[Any, ...] = ()
    counts: dict[str, int] = {}
    knows_prices = True


def markets(grid: str, count: int = 3, bars: int = 150) -> dict[str, Bars]:
    """Feeds of the same hours, or with holes, of which some list late and end early, or between the hours."""
    made = {}
    for k, name in enumerate("abcdefgh"[:count]):
        own, rng = random_walk(10 + k, bars), np.random.default_rng(k)
        keep = np.ones(bars, bool) if grid in ("equal", "odd") else rng.random(bars) > 0.3
        if grid == "late" and k:
            keep &= (np.arange(bars) >= 20 * k) & (np.arange(bars) < bars - 10 * k)
        shift = k * HOUR // 7 if grid == "odd" else 0
        columns = {c: v[keep] + (shift if c.endswith("_time") else 0) for c, v in own.columns.items()}
        made[name] = Bars.of(**columns)
    return made


def run(given: dict[str, Bars], engine: str = "stock", **more: Any) -> Outcome:
    blocks: dict[str, Any] = {
        name: {"feed": "CsvBars", "path": f"{name}.csv", "tick": 0.01, "lot": 0.1**k, "fees": {"taker": f"{k + 2}bp"}}
        for k, name in enumerate(given)
    }
    raw: dict[str, Any] = {"name": "t", "engine": engine, "data": blocks, "broker": {"cash": 1e6}}
    raw |= {} if "weights" in more.get("portfolio", ()) else {"sizer": {"fixed": 1.0}}
    raw |= {"indicators": MEAN, "strategy": {"kind": "Rules", "params": CROSS}}
    asked = {key: value for key, value in (raw | more).items() if value is not None}
    return simulate(from_mapping(asked), {name: Source(_Feed(), bars) for name, bars in given.items()})


def alone(made: Outcome, name: str) -> list[dict[str, Any]]:
    """The orders of one feed, numbered by themselves."""
    rows = [row for row in made.record.orders.values() if row["data"] == name]
    return [{**row, "ref": i} for i, row in enumerate(rows, 1)]
