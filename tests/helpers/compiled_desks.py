"""Random runs with named rules, limits, sizers and costs of every kind, for all three engines."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapeflow.backtest.inputs.read import Source
from tapeflow.configs.models import RunConfig
from tapeflow.tests.helpers.compiled_runs import random_amount, random_feeds, random_run
from tapeflow.tests.helpers.rule_words import random_exit, random_protection, random_standing

CHANCE = 0.35
LIMIT = "where(position == 0, close, entry_price) - 0.2"


def any_of(rng: np.random.Generator, *values: Any) -> Any:
    """One of some values, whatever their kinds."""
    return values[int(rng.integers(len(values)))]


def random_desk(rng: np.random.Generator, n: int) -> tuple[RunConfig, dict[str, Source]]:
    """A run in which each part is plain or is not."""
    config, sources = random_run(rng, n)
    raw, bars = config.resolved(), sources["main"].bars
    volume = np.where(rng.random(n) < 0.1, 0.0, np.round(rng.lognormal(0, 1, n) * any_of(rng, 1, 30), 2))
    bars = bars.assign(volume=volume)
    params = raw["strategy"]["params"]
    if rng.random() < 0.6:
        params |= random_rules(rng, words=True)
    raw["risk"] = random_limits(rng)
    raw["sizer"] = random_sizer(rng, {**params, **raw["risk"]})
    if not {**params, **raw["risk"]}.get("stop_loss"):
        for rule in (params, *(params.get("entries") or {}).values()):
            rule.pop("break_even", None)
    raw["broker"] |= random_costs(rng, raw["broker"])
    if rng.random() < CHANCE:
        raw["data"]["main"] |= random_instrument(rng)
        raw["broker"].pop("borrow", None)
        raw["sizer"] = {key: value * 3 if key in ("percent", "fixed") else value for key, value in raw["sizer"].items()}
    feeds = random_feeds(rng, bars) if rng.random() < CHANCE else {}
    raw["data"] |= {name: {"feed": "SyntheticTape"} for name in feeds}
    sources = {"main": Source(None, bars)} | {name: Source(None, own) for name, own in feeds.items()}
    return RunConfig.model_validate(raw), sources


def random_instrument(rng: np.random.Generator) -> dict[str, Any]:
    """Margin, but none settled in coin."""
    made: dict[str, Any] = {"leverage": any_of(rng, 3, 10, 50), "maintenance": any_of(rng, "0.4%", "1.5%")}
    if rng.random() < CHANCE:
        made.pop("maintenance")
        table = [(0, "0.5%", 125), (8_000, "1%", 20), (20_000, "2.5%", 5)]
        made["brackets"] = [{"floor": floor, "rate": rate, "leverage": most} for floor, rate, most in table]
    if rng.random() < CHANCE:
        made["funding"] = {"rate": 0.0007, "every": "4h"}
    if rng.random() < 0.7:
        made |= {"margin": "linear", "collateral": any_of(rng, "cross", "isolated"), "contract_size": 0.001}
    if rng.random() < CHANCE:
        made["liquidation_fee"] = "0.5%"
    return {"instrument": made}


def random_rules(rng: np.random.Generator, *, words: bool = False) -> dict[str, Any]:
    """Entries and exits by name, with sizes, limits and shares; adding to positions; cooling down."""
    made: dict[str, Any] = {"cooldown": int(rng.choice([0, 0, 3, 11])), "pyramiding": int(rng.choice([1, 1, 2, 4]))}
    entries: dict[str, Any] = {}
    for i in range(int(rng.integers(0, 4))):
        first = any_of(rng, "s0 > 0 and close > open", "s0 > 0 and (position == 0 or pnl > 0)", "not position < 0")
        rule = {"long": first} if rng.random() < 0.7 else {}
        if not rule or rng.random() < 0.5:
            rule["short"] = any_of(rng, "s2 > 0 and close < open", "s2 > 0", "prev(s2, 1) > 0")
        if rng.random() < CHANCE:
            by_state = "where(position == 0, 1, 0.5)"
            rule["size"] = any_of(rng, 0.5, 2, "abs(close - open)", "volume / 3", by_state, "where(pnl > 0, 2, 1)")
        if rng.random() < 0.5:
            rule |= {
                "limit": any_of(rng, "close - 0.7", "(high + low) / 2", "close + 0.3", LIMIT),
                "valid": int(rng.integers(1, 6)),
            }
        if rng.random() < 0.25:
            rule |= {
                "stop": any_of(rng, "high + 0.2", "(high + low) / 2", "close - 0.4"),
                "valid": int(rng.integers(1, 6)),
            }
        entries[f"entry{i}"] = random_standing(rng, rule) | random_protection(rng, CHANCE / 2) if words else rule
    exits: dict[str, Any] = {}
    for i in range(int(rng.integers(0, 3))):
        long = any_of(rng, "s1 > 0", "s1 > 0 and bars_held >= 2", "drawdown > 0.01", "pnl < -0.02 or close > peak")
        short = any_of(rng, "s3 > 0", "s3 > 0 and pnl > 0", "close > peak + 1 or bars_held > 9")
        rule = {"long": long, "short": short, "share": any_of(rng, 0.3, 0.5, 1.0)}
        exits[f"exit{i}"] = random_exit(rng, rule) if words and rng.random() < CHANCE else rule
    made |= {"entries": entries or None, "exits": exits or None}
    return made | random_protection(rng, CHANCE / 3) if words else made


def random_limits(rng: np.random.Generator) -> dict[str, Any]:
    """A risk block."""
    made: dict[str, Any] = {}
    for name in ("stop_loss", "take_profit", "trailing_stop"):
        if rng.random() < CHANCE:
            made[name] = any_of(rng, "2 atr", "0.7 atr(5)", {"atr": 1.5, "period": 3}, random_amount(rng))
    if rng.random() < CHANCE:
        made["time_stop"] = int(rng.integers(1, 12))
    if rng.random() < CHANCE:
        made |= {"daily_loss": any_of(rng, "1%", "0.2%", 30), "session": any_of(rng, "1d", "8h", "1h")}
    if rng.random() < CHANCE:
        made["max_position"] = any_of(rng, "15%", "60%", 0.5, 3)
    return made


def random_sizer(rng: np.random.Generator, settings: dict[str, Any]) -> dict[str, Any]:
    """Any sizer."""
    kinds: list[dict[str, Any]] = [
        {"percent": 30.0},
        {"fixed": 1.5},
        {"volatility": 40.0, "window": int(rng.integers(2, 20))},
        {"kelly": 0.5, "trades": 3, "start": 20.0},
        {"kelly": 1.0, "trades": 2, "most": 50.0},
    ]
    if any(settings.get(name) is not None for name in ("stop_loss", "trailing_stop")):
        kinds += [{"risk": 0.5}, {"risk": 2.0, "most": 70.0}]
    return any_of(rng, *kinds)


def random_costs(rng: np.random.Generator, plain: dict[str, Any]) -> dict[str, Any]:
    """What a broker block has besides maker, taker and plain slippage."""
    made: dict[str, Any] = {}
    fees = dict(plain["fees"])
    if rng.random() < CHANCE:
        first, second = sorted(float(v) for v in rng.choice(5000, 2, replace=False) + 1)
        fees["tiers"] = [{"volume": first, "maker": 0.0001, "taker": 0.0004}, {"volume": second, "maker": -0.0001}]
    if rng.random() < CHANCE:
        fees |= {"per_contract": 0.01}
    if rng.random() < CHANCE:
        fees |= {"minimum": 0.05}
    made["fees"] = fees
    if rng.random() < CHANCE:
        made["slippage"] = any_of(rng, "10% range", "3 % of range", "2ticks")
    if rng.random() < CHANCE:
        made["impact"] = {"coefficient": float(rng.choice([0.5, 1.0])), "window": int(rng.integers(3, 15))}
    if rng.random() < CHANCE:
        made["participation"] = any_of(rng, 0.05, 0.5)
    if rng.random() < CHANCE:
        made["funding"] = {"rate": float(rng.choice([0.0003, -0.001])), "every": any_of(rng, "1h", "8h")}
    if rng.random() < CHANCE:
        made["borrow"] = 0.3
    return made
