"""Random words of rules: protection of single entries, limit exits, how long orders stand."""

from __future__ import annotations

from typing import Any

import numpy as np

CHANCE = 0.4
DISTANCES = ("0.4%", "1%", "3ticks", 1.5, 4, "1.5 atr(5)", {"atr": 2, "period": 3})
BELOW, ABOVE = ("lowest(low, 3)", "close - 2", "low - 0.4"), ("highest(high, 3)", "close + 2", "high + 0.4")


def one_of(rng: np.random.Generator, *values: Any) -> Any:
    """One of some values, whatever their kinds."""
    return values[int(rng.integers(len(values)))]


def random_protection(rng: np.random.Generator, chance: float = CHANCE) -> dict[str, Any]:
    """What protects a position, as an entry or the strategy may say."""
    made: dict[str, Any] = {}
    if rng.random() < chance:
        made["stop_loss"] = one_of(rng, *DISTANCES, *BELOW, *ABOVE, None)
    if rng.random() < chance:
        made["take_profit"] = random_targets(rng)
    if rng.random() < chance:
        by = one_of(rng, "closes", "highs", *BELOW, *ABOVE)
        distance = one_of(rng, *DISTANCES) if by in ("closes", "highs") or rng.random() < 0.5 else None
        followed = {"by": by} if distance is None else {"by": by, "distance": distance}
        made["trailing_stop"] = one_of(rng, *DISTANCES, followed, followed)
    if rng.random() < chance:
        made["time_stop"] = int(rng.integers(1, 12))
    if made.get("stop_loss") is not None and rng.random() < 0.6:
        after = one_of(rng, "0.2%", 1, "0.5 atr(5)")
        made["break_even"] = one_of(rng, after, {"after": after, "to": one_of(rng, "2bp", 0.5, -0.4, "1tick")})
    return made


def random_targets(rng: np.random.Generator) -> Any:
    """One target, or several with shares."""
    places = (*DISTANCES, *ABOVE)
    if rng.random() < CHANCE:
        return one_of(rng, *places)
    shares = one_of(rng, [0.5, 0.5], ["50%", "30%", 0.2], [0.4, 0.3], ["35%"], [0.34, 0.33, 0.33])
    return [{"at": one_of(rng, *places), "share": share} for share in shares]


def random_standing(rng: np.random.Generator, rule: dict[str, Any]) -> dict[str, Any]:
    """How long an order of an entry stands, and whether it may take liquidity."""
    if not {"limit", "stop"} & {*rule}:
        return rule
    made = dict(rule)
    limited = "limit" in rule and "stop" not in rule
    if rng.random() < CHANCE:
        made.pop("valid", None)
        made["tif"] = one_of(rng, "gtc", "day", *(["ioc"] if limited else []))
    if limited and made.get("tif") != "ioc" and rng.random() < CHANCE:
        made["post_only"] = one_of(rng, True, False)
    return made


def random_exit(rng: np.random.Generator, rule: dict[str, Any]) -> dict[str, Any]:
    """An exit that may be a limit order."""
    if rng.random() < CHANCE:
        return rule
    limit = one_of(rng, *ABOVE, "close", "(high + low) / 2", "where(position > 0, entry_price + 1, entry_price - 1)")
    return {**rule, "limit": limit, "valid": int(rng.integers(1, 6))}
