"""What a run came to: figures, warnings and assumptions, before anything is written."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ..core.bars import Bars
from ..core.clock import iso
from .lock import make_lock, readers
from .quality import profit_from_damaged
from .record import Recorder
from .round_trips import RoundTrip, pair
from .statistics import drawdown, summarise

DAMAGE = ("void", "quarantined", "disorder", "duplicates")
"""Counts of a feed that a reader should hear of."""


@dataclass(frozen=True)
class Result:
    """A finished run.

    Parameters
    ----------
    folder : Path
        Where its files lie.
    summary : dict
        The content of result.json.
    """

    folder: Path
    summary: dict[str, Any]


@dataclass
class Outcome:
    """A run in memory, before anything is written.

    Parameters
    ----------
    config : RunConfig
        What ran.
    sources : mapping of str to Source
        What it ran on.
    strategy : Strategy
        After the run, with its indicators.
    record : Recorder
        What it did.
    engine : str
        How it ran.
    engine_reason : str
        Why that way.
    """

    config: Any
    sources: dict[str, Any]
    strategy: Any
    record: Recorder
    engine: str = "backtrader"
    engine_reason: str = ""

    @cached_property
    def trips(self) -> list[RoundTrip]:
        """Finished round trips."""
        return pair(self.record.fills)

    @cached_property
    def equity(self) -> dict[str, Any]:
        """Columns of equity.parquet, one row a bar."""
        time, value, cash, position = self.record.equity
        start = self.config.broker.cash
        return {
            "time": time,
            "value": value,
            "cash": cash,
            "position": position,
            "drawdown": drawdown(value, start),
        }

    @property
    def first(self) -> Bars:
        """Bars of the traded feed."""
        bars: Bars = next(iter(self.sources.values())).bars
        return bars

    def summary(self) -> dict[str, Any]:
        """Content of result.json."""
        equity = self.equity
        rows = self.record.orders.values()
        fees = math.fsum(row["commission"] for row in rows)
        figures = summarise(
            equity["time"], equity["value"], equity["position"], self.config.broker.cash, self.trips, fees
        )
        return {
            "name": self.config.name,
            "strategy": self.config.strategy.kind,
            "engine": self.engine,
            "engine_reason": self.engine_reason,
            "bars": len(self.first),
            "start": iso(int(self.first["open_time"][0])),
            "end": iso(int(self.first["close_time"][-1])),
            "orders": len(self.record.orders),
            **figures,
            "profit_from_damaged": profit_from_damaged(self.trips, {n: s.bars for n, s in self.sources.items()}),
            "open_position": float(equity["position"][-1]),
            "lines": self.lines(),
            "warnings": self.warnings(),
            "assumptions": self.assumptions(),
        }

    def lines(self) -> list[dict[str, Any]]:
        """Every indicator line with its kind, its unit and whether it is a price."""
        made = []
        for name, indicator in self.strategy.indicators.items():
            measures = indicator.line_measures(**indicator.p._getkwargs())
            for alias in indicator.lines.getlinealiases():
                measure = measures[alias]
                made.append(
                    {
                        "name": f"{name}.{alias}",
                        "indicator": name,
                        "kind": indicator.kind,
                        "overlay": measure.overlay,
                        "unit": measure.unit,
                    }
                )
        return made

    def warnings(self) -> list[str]:
        """What a reader should know before believing the figures."""
        made = [f"{name}: {note}" for name, source in self.sources.items() for note in source.bars.notes]
        for name, feed in readers(self.sources).items():
            counts = feed.counts
            made += [f"{name}: {counts[what]:,} rows {what}" for what in DAMAGE if counts.get(what)]
        if rejected := sum(row["status"] in ("margin", "rejected") for row in self.record.orders.values()):
            made.append(f"{rejected} orders were refused for lack of cash")
        fees = self.config.broker.fees
        if not fees.maker and not fees.taker:
            made.append("no fees are set: the figures are before costs")
        if self.equity["position"][-1]:
            made.append("the run ends with an open position; it is valued at the last close")
        if type(next(iter(self.sources.values())).feed).__name__.startswith("Synthetic"):
            made.append("the tape is synthetic: it shows how things work, not what they earn")
        return made

    def assumptions(self) -> list[str]:
        """How fills, costs and time were taken, in words."""
        broker = self.config.broker
        return [
            "A bar is known at its close and not before; what a bar's close orders fills at the next bar's open.",
            "Times of orders and fills are the closes of their bars.",
            "Stops and limits fill within the bar's range; when a bar touches stop and target, the stop fills.",
            f"Fees: {broker.fees.maker:.4%} for limit orders that rested, {broker.fees.taker:.4%} for all others.",
            f"Slippage: {broker.slippage} against every market order and stop, also beyond the bar's range.",
            "Orders are filled whole, whatever the bar's volume; funding, borrow and liquidation are not simulated.",
            "The Sharpe ratio uses no risk-free rate and a year of 365 days.",
        ]

    def lock(self) -> dict[str, Any]:
        """Content of run.lock."""
        return make_lock(self.config, self.sources, self.engine)
