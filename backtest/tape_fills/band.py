"""The band of a run: what it came to under each assumption, as columns, figures and words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...configs.fills_block import duration_text
from ..recording.round_trips import RoundTrip
from .break_even import Survival
from .fill_model import HEADLINE

Key = tuple[str, str, int]
"""What two runs know a round trip by: its feed, its direction, and when the order that began it was sent."""


@dataclass
class Band:
    """One run under every assumption.

    Parameters
    ----------
    outcomes : mapping of str to Outcome
        By the name of the assumption, the pessimistic one first.
    survival : Survival or None
        What the edge survives; None where it was not looked for.
    tick : float
        Of the traded feed.
    """

    outcomes: dict[str, Any]
    survival: Survival | None
    tick: float

    @cached_property
    def values(self) -> dict[str, NDArray[np.float64]]:
        """Equity at each bar under each assumption."""
        return {name: outcome.record.equity[1][outcome.rows] for name, outcome in self.outcomes.items()}

    def equity(self) -> dict[str, NDArray[np.float64]]:
        """The lowest and the highest equity at each bar, as columns."""
        stacked = np.stack(list(self.values.values()))
        return {"value_low": stacked.min(axis=0), "value_high": stacked.max(axis=0)}

    def curves(self) -> dict[str, Any]:
        """Columns of band.parquet: the equity under each assumption, one row a bar."""
        headline = self.outcomes[HEADLINE]
        return {"time": headline.record.equity[0][headline.rows], **self.values}

    def trades(self) -> list[dict[str, float]]:
        """For each round trip the least and the most it earns after fees, where another run knows it; else NaN.

        An entry that another run sent too but that did not fill there earns 0 there.
        """
        others = [(_trips(o), _sent(o)) for name, o in self.outcomes.items() if name != HEADLINE]
        return [self._ends(trip, key, others) for key, trip in _keyed(self.outcomes[HEADLINE])]

    @staticmethod
    def _ends(trip: RoundTrip, key: Key, others: Sequence[tuple[dict[Key, RoundTrip], set[Key]]]) -> dict[str, float]:
        known = [trips[key].pnl_net if key in trips else 0.0 for trips, sent in others if key in trips or key in sent]
        if not known:
            return {"pnl_low": math.nan, "pnl_high": math.nan}
        return {"pnl_low": min(trip.pnl_net, *known), "pnl_high": max(trip.pnl_net, *known)}

    def executions(self) -> list[dict[str, Any]]:
        """Rows of fills.parquet: every fill under every assumption, with the exact times of its prints."""
        made = []
        for name, outcome in self.outcomes.items():
            orders = {ref: (row["ref"], row["data"]) for ref, row in outcome.record.orders.items()}
            for fill in outcome.strategy.broker.desk.executions:
                row = dict(zip(("time", "last_time", "size", "price", "maker"), fill[1:], strict=True))
                number, data = orders[fill.order]
                made.append({"assumption": name, "ref": number, "data": data, **row})
        return made

    @cached_property
    def profits(self) -> dict[str, float]:
        """Net profit under each assumption."""
        cash = self.outcomes[HEADLINE].config.broker.cash
        return {name: float(value[-1]) - cash for name, value in self.values.items()}

    def summary(self) -> dict[str, Any]:
        """What it adds to result.json."""
        found = self.survival or Survival(math.nan, math.nan, math.nan, math.nan)
        return {
            "net_profit_low": min(self.profits.values()),
            "net_profit_high": max(self.profits.values()),
            "survives_ticks": found.ticks,
            "survives_ms": found.ms,
            "survives_bp": found.bp,
            "fills": {
                "from": "tape",
                "headline": HEADLINE,
                "tick": self.tick,
                **{name: self._figures(name) for name in self.outcomes},
                "says": self.says(),
            },
        }

    def _figures(self, name: str) -> dict[str, Any]:
        outcome = self.outcomes[name]
        rows = outcome.record.orders.values()
        return {
            "net_profit": self.profits[name],
            "trades": len(outcome.trips),
            "orders": len(rows),
            "orders_filled": sum(bool(row["executed_size"]) for row in rows),
            "fees_paid": math.fsum(row["commission"] for row in rows),
        }

    def says(self) -> list[str]:
        """The band and what the edge survives, in words."""
        low = min(self.profits, key=self.profits.__getitem__)
        high = max(reversed(self.profits), key=self.profits.__getitem__)
        if self.profits[low] == self.profits[high]:
            made = [f"fills from the tape: net profit {self.profits[low]:,.2f} under every assumption"]
        else:
            ends = f"between {self.profits[low]:,.2f} ({low}) and {self.profits[high]:,.2f} ({high})"
            middle = "" if HEADLINE in (low, high) else f", {self.profits[HEADLINE]:,.2f} in the middle"
            made = [f"fills from the tape: net profit {ends}{middle}"]
        if self.profits["pessimistic"] > self.profits["optimistic"]:
            made.append("orders that fill late or never lose less here: the fills a queue grants are the worse ones")
        return made + ([self.survival.says()] if self.survival else [])

    def warnings(self) -> list[str]:
        """What a reader should know before believing the figures."""
        low, high = min(self.profits.values()), max(self.profits.values())
        if low < 0 < high:
            return ["whether this run earns anything depends on what is assumed of the queue"]
        return []

    def assumptions(self) -> list[str]:
        """How the tape filled orders, in words."""
        block = self.outcomes[HEADLINE].config.fills
        late = duration_text(block.latency) + (f" and {block.latency_jitter}" if block.latency_jitter else "")
        whole = block.participation == "unlimited"
        share = "whatever its size" if whole else f"for {block.participation:.0%} of its size"
        return [
            f"Orders arrive {late} after the close they were decided at; from then on a print can fill one, {share}.",
            "Market orders take the first prints; the pessimist pays the mean spread too at prints of the other side.",
            "Limit orders: the optimist fills at a touch; the middle, which the figures show, when "
            f"{block.queue:g} × the volume that lately broke a price has printed at theirs; the pessimist when the "
            f"tape trades {block.ticks_through} {'tick' if block.ticks_through == 1 else 'ticks'} beyond.",
            "A stop triggers on the print that crosses it and is a market order after the latency; what comes first "
            "within a bar, stop or target, is what the tape says. Cancelling takes no time.",
            "Times of orders and fills are the closes of their bars; fills.parquet has those of the prints.",
        ]


def _keyed(outcome: Any) -> list[tuple[Key, RoundTrip]]:
    """Round trips with what another run knows them by."""
    created = {row["ref"]: row["created_time"] for row in outcome.record.orders.values()}
    begun: dict[tuple[str, int, str], int] = {}
    for fill in outcome.record.fills:
        if fill.opened:
            direction = "long" if fill.opened > 0 else "short"
            begun.setdefault((fill.data, fill.bar, direction), created[fill.ref])
    return [((t.data, t.direction, begun[t.data, t.first_bar, t.direction]), t) for t in outcome.trips]


def _trips(outcome: Any) -> dict[Key, RoundTrip]:
    return dict(_keyed(outcome))


def _sent(outcome: Any) -> set[Key]:
    """What orders were sent and never filled, as the entries they would have been."""
    rows = outcome.record.orders.values()
    way = {"buy": "long", "sell": "short"}
    return {(row["data"], way[row["side"]], row["created_time"]) for row in rows if not row["executed_size"]}
