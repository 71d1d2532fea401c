"""Figures that stand in ``result.json`` beside the first ones, and why some of them are absent."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .benchmark import beside
from .calendars import by_hour, by_weekday, monthly
from .performance import NO_TRIP, Performance, drawdowns, performance
from .statistics import drawdown


def further(outcome: Any) -> Performance:
    """Growth, risk, and trades won and lost, which a sweep has of each point too.

    Parameters
    ----------
    outcome : Outcome
        A run in memory.
    """
    equity, since, start = outcome.equity, int(outcome.first["open_time"][outcome.begins]), outcome.config.broker.cash
    down = equity["drawdown"] if "drawdown" in equity else drawdown(equity["value"], start)
    return performance(equity["time"], equity["value"], down, start, since, outcome.trips, outcome.hours)


def tables(outcome: Any) -> dict[str, Any]:
    """What is told of a run alone: trades, drawdowns, months, hours, weekdays, the benchmark; and what is absent."""
    time, value, start = outcome.equity["time"], outcome.equity["value"], outcome.config.broker.cash
    made, mean, trips = Performance(), float(np.mean(value)), outcome.trips
    none = "" if trips else NO_TRIP
    made.put("expectancy_pct", float(np.mean([t.return_pct for t in trips])) if trips else math.nan, none)
    made.put("mean_bars_held", float(np.mean([t.bars for t in trips])) if trips else math.nan, none)
    made.put("turnover", _traded(outcome) / mean if mean > 0 else math.nan)
    name = outcome.config.benchmark or outcome.config.traded.name
    coin = "the account is kept in coin, and holding it is no trade" if outcome.config.traded.inverse else ""
    other = beside(time, value, start, name, outcome.sources[name].bars, outcome.hours, coin, outcome.config.trade_from)
    absent = outcome.further.absent | made.absent
    return {
        **made.figures,
        "drawdowns": drawdowns(time, outcome.equity["drawdown"], int(outcome.first["open_time"][outcome.begins])),
        "benchmark": other.figures,
        "monthly_returns_pct": monthly(time, value, start),
        "by_hour": by_hour(trips),
        "by_weekday": by_weekday(trips),
        "absent": absent | {f"benchmark.{figure}": why for figure, why in other.absent.items()},
    }


def _traded(outcome: Any) -> float:
    """The notional of all fills, in the account's currency."""
    inverse = {name: terms.contract for name, terms in outcome.config.terms.items() if terms.inverse}
    return math.fsum(
        row["executed_size"] * (inverse[row["data"]] / price if row["data"] in inverse else abs(price))
        for row in outcome.record.orders.values()
        if row["executed_size"] and (price := row["executed_price"])
    )
