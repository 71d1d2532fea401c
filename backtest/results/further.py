"""Figures that stand in ``result.json`` beside those that a sweep compares its points by."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .benchmark import beside
from .calendars import by_hour, by_weekday, monthly
from .performance import performance


def further(outcome: Any) -> dict[str, Any]:
    """Performance, turnover, what came by month, hour and weekday, the benchmark, and why some of it is absent.

    Parameters
    ----------
    outcome : Outcome
        A run in memory.
    """
    time, value, start = outcome.equity["time"], outcome.equity["value"], outcome.config.broker.cash
    made = performance(time, value, start, int(outcome.first["open_time"][0]), outcome.trips, outcome.hours)
    made.put("turnover", _traded(outcome) / float(np.mean(value)) if np.mean(value) > 0 else math.nan)
    name = outcome.config.benchmark or outcome.config.traded.name
    coin = "the account is kept in coin, and holding it is no trade" if outcome.config.traded.inverse else ""
    other = beside(time, value, start, name, outcome.sources[name].bars, outcome.hours, coin)
    return {
        **made.figures,
        "benchmark": other.figures,
        "monthly_returns_pct": monthly(time, value, start),
        "by_hour": by_hour(outcome.trips),
        "by_weekday": by_weekday(outcome.trips),
        "absent": made.absent | {f"benchmark.{figure}": why for figure, why in other.absent.items()},
    }


def _traded(outcome: Any) -> float:
    """The notional of all fills, in the account's currency."""
    inverse = {name: terms.contract for name, terms in outcome.config.terms.items() if terms.inverse}
    return math.fsum(
        row["executed_size"] * (inverse[row["data"]] / price if row["data"] in inverse else abs(price))
        for row in outcome.record.orders.values()
        if row["executed_size"] and (price := row["executed_price"])
    )
