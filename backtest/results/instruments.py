"""What each instrument of a run brought, and how much of the account was in it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..recording.ledger import last_known
from .statistics import exposure_pct


def by_instrument(outcome: Any) -> dict[str, dict[str, Any]]:
    """Figures of each feed that was traded, for result.json.

    Profits are those of its fills, fees and payments and of what is open at the end, so that over all instruments they
    come to the account's, less interest on borrowed cash.

    Parameters
    ----------
    outcome : Outcome
        Of the run.
    """
    value = outcome.equity["value"]
    cuts = Counter((one.data, one.limit) for one in outcome.portfolio_cuts)
    made = {}
    for name, size in outcome.positions.items():
        rows = [row for row in outcome.record.orders.values() if row["data"] == name]
        profit = float(_profit(outcome, name)[-1]) if len(value) else 0.0
        made[name] = {
            "venue": venue_of(outcome.sources[name].feed),
            "trades": sum(trip.data == name for trip in outcome.trips),
            "net_profit": profit,
            "contribution_pct": 100.0 * profit / outcome.config.broker.cash,
            "fees_paid": math.fsum(row["commission"] for row in rows),
            "orders": len(rows),
            "exposure_pct": exposure_pct(size),
            **_gross(_worth(outcome, name, size), value),
            **({"cut": own} if (own := {why: n for (data, why), n in cuts.items() if data == name}) else {}),
            **_unlike(outcome.worth_terms[name]),
        }
    return made


def venue_of(feed: Any) -> str:
    """Where a feed's market is: its venue where it says one, else the provider that its class reads, and which market.

    >>> from tapeflow.feeds.synthetic import SyntheticTape
    >>> venue_of(SyntheticTape())
    'SyntheticTape'
    """
    params: Mapping[str, Any] = feed.p if isinstance(getattr(feed, "p", None), Mapping) else {}
    venue = params.get("venue") or getattr(feed, "venue", "") or type(feed).__name__
    return " ".join(str(one) for one in (venue, params.get("market")) if isinstance(one, str) and one)


def _unlike(terms: Any) -> dict[str, float]:
    """What a size is worth, where that is not one unit of price."""
    if terms.contract:
        return {"contract_size": terms.contract}
    return {"multiplier": terms.multiplier} if terms.multiplier != 1.0 else {}


def _profit(outcome: Any, name: str) -> Any:
    """At every row of the equity."""
    time, bars = outcome.equity["time"], outcome.sources[name].bars
    if name not in outcome.ledgers:
        return np.zeros(len(time))
    return outcome.ledgers[name].profit(time, bars["close_time"], bars["close"], outcome.worth_terms[name])


def _worth(outcome: Any, name: str, size: Any) -> Any:
    """What the position was worth, without sign, at every row of the equity."""
    bars = outcome.sources[name].bars
    close = last_known(bars["close"], bars["close_time"], outcome.equity["time"])
    return np.where(size != 0, np.abs(outcome.worth_terms[name].worth(size, close)), 0.0)


def _gross(worth: Any, value: Any) -> dict[str, float]:
    """How much of the equity the position was worth, over all bars and at most."""
    share = np.divide(100.0 * worth, value, out=np.zeros(len(value)), where=value > 0)
    return {
        "mean_gross_pct": float(np.mean(share)) if len(share) else 0.0,
        "max_gross_pct": float(share.max(initial=0)),
    }
