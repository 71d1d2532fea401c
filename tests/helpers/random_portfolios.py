"""Random runs of several desks that share an account, for all engines."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapeflow.backtest.inputs.read import Source
from tapeflow.configs.models import RunConfig
from tapeflow.core.bars import Bars
from tapeflow.core.clock import MINUTE
from tapeflow.tests.helpers.compiled_desks import CHANCE, any_of, random_limits, random_rules, random_sizer
from tapeflow.tests.helpers.compiled_runs import random_amount, random_bars, random_costs

GRIDS = ("equal", "holes", "coarse", "late", "odd")
ACROSS = ("rank(close) <= 2", "close / open > mean_of(close / open)", "of('a', close > open)", "s0 > 0")


def random_stamps(rng: np.random.Generator, grid: str, close: np.ndarray[Any, Any], k: int) -> Any:
    """Which of the closes a feed has, and how far it is off the others."""
    n = len(close)
    keep, shift = np.ones(n, bool), 0
    if grid == "holes":
        keep = rng.random(n) > 0.3
    elif grid == "coarse" and k % 2:
        keep = np.arange(n) % 5 == 4
    elif grid == "late" and k:
        keep = (np.arange(n) >= int(rng.integers(0, n // 2))) & (np.arange(n) < n - int(rng.integers(0, n // 3)))
    elif grid == "odd":
        keep, shift = rng.random(n) > 0.15, k * MINUTE // 7
    keep[int(rng.integers(n))] = True
    return keep, shift


def random_markets(rng: np.random.Generator, n: int, count: int, grid: str) -> dict[str, Bars]:
    """Feeds on one clock, with holes, of coarser bars, listed late, or between each other's bars."""
    clock = random_bars(rng, n)["close_time"]
    made = {}
    for k, name in enumerate("abcdefgh"[:count]):
        keep, shift = random_stamps(rng, grid, clock, k)
        bars = random_bars(rng, int(keep.sum()))
        close = clock[keep] + shift
        rates = rng.choice([0.02, 0.1, 0.4, 0.9], 4)
        own = len(close)
        noise = np.where(rng.random((4, own)) < 0.1, np.nan, rng.random((4, own)) < rates[:, None])
        volume = np.where(rng.random(own) < 0.1, 0.0, np.round(rng.lognormal(0, 1, own) * 30, 2))
        opened = np.concatenate((close[:1] - MINUTE, close[:-1]))
        more = {f"s{i}": noise[i] for i in range(4)}
        made[name] = bars.assign(close_time=close, open_time=opened, volume=volume, **more)
    return made


def random_portfolio(rng: np.random.Generator) -> dict[str, Any]:
    """Limits of positions, and who comes first."""
    made: dict[str, Any] = {}
    if rng.random() < 0.5:
        made["max_positions"] = int(rng.integers(1, 4))
    if rng.random() < 0.5:
        made["rank"] = any_of(rng, "change(close, 3) / close", "s0", "-close", "where(s1 > 0, close, s1)")
    for name, values in (("gross", (60, 120)), ("net", (20, 80)), ("each", (10, 35))):
        if rng.random() < CHANCE:
            made[name] = f"{any_of(rng, *values)}%"
    return made


def random_signals(rng: np.random.Generator, indicators: dict[str, Any]) -> dict[str, Any]:
    """Rules of both sides, which may look at other desks, or named ones."""
    first = any_of(rng, *ACROSS) + (" and close > mean" if indicators and rng.random() < 0.5 else "")
    sides: dict[str, Any] = {
        "long": {"enter": f"s0 > 0 and {first}", "exit": "s1 > 0"}, "short": {"enter": "s2 > 0", "exit": "s3 > 0"}
    }  # fmt: skip
    if rng.random() < 0.3:
        sides.pop(any_of(rng, "long", "short"))
    made = sides | (random_rules(rng) if rng.random() < 0.6 else {})
    return made | {name: random_amount(rng) for name in ("stop_loss", "take_profit", "trailing_stop")}


def random_desks(rng: np.random.Generator, n: int) -> tuple[RunConfig, dict[str, Source]]:
    """A run of one to five desks in which each part is plain or is not."""
    grid, count = any_of(rng, *GRIDS), int(rng.integers(1, 6))
    given = random_markets(rng, n, count + int(rng.random() < CHANCE), grid)
    trade = [*given][:count]
    rng.shuffle(trade)
    indicators: dict[str, Any] = {}
    if rng.random() < 0.5:
        indicators["mean"] = {"kind": "talib.SMA", "timeperiod": int(rng.integers(2, 9))}
        if rng.random() < 0.3:
            indicators["mean"]["data"] = any_of(rng, *given)
    params = random_signals(rng, indicators)
    params["time_stop"] = any_of(rng, None, 1, 5, 20)
    risk = random_limits(rng)
    if rng.random() < CHANCE:
        risk["drawdown"] = any_of(rng, "2%", "10%", 60)
    data: dict[str, Any] = {}
    for name in given:
        maker, taker, share, fixed = random_costs(rng)
        data[name] = {
            "feed": "SyntheticTape",
            "tick": float(rng.choice([0.25, 0.1])),
            "lot": any_of(rng, None, 0.001, 0.1, 1.0),
            "min_notional": any_of(rng, 0.0, 0.0, 60.0),
            "fees": {"maker": maker, "taker": taker},
            "slippage": f"{share:.4%}" if share else fixed,
        }
    raw = {
        "name": "random",
        "data": data,
        "trade": trade,
        "indicators": indicators,
        "strategy": {"kind": "Rules", "params": params},
        "broker": {"cash": float(rng.choice([500.0, 3000.0, 10_000.0]))},
        "sizer": random_sizer(rng, {**params, **risk}),
        "risk": risk,
        "portfolio": random_portfolio(rng) if rng.random() < 0.7 else {},
        "fills": {"inside": any_of(rng, "worse", "better", "next_bar"), "empty_bars": any_of(rng, "wait", "fill")},
    }
    first = {trade[0]: given[trade[0]], **given}
    return RunConfig.model_validate(raw), {name: Source(None, bars) for name, bars in first.items()}
