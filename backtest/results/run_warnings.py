"""What a reader should know before believing the figures of a run, in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.counting import counted
from ...core.plugins.registry import STRATEGIES
from ...strategies.framework.held import remarks_of
from ..inputs.read import Source
from ..recording.ledger import last_known
from ..recording.own_indicators import params_of
from . import account_figures
from .caveats import damage_warning
from .decimals import decimals
from .entry_bars import inside_warning
from .far_levels import far_levels
from .far_prices import far_prices
from .lock import readers
from .readings import readings
from .unused_rules import unused_rules

DAMAGE = ("void", "quarantined", "disorder", "duplicates")
"""Counts of a feed that a reader should hear of."""
SYNTHETIC = "the tape is synthetic: it shows how things work, not what they earn"
OPEN = "the run ends with an open position; it is valued at the last close"


def warnings_of(outcome: Any) -> list[str]:
    """All warnings of a run, the gravest first.

    Parameters
    ----------
    outcome : Outcome
        A run in memory.
    """
    config, orders = outcome.config, outcome.record.orders
    return [
        *account_figures.ruin(outcome.record.ruined_at, outcome.equity),
        *notes(outcome.sources),
        *remarks_of(config.plugins),
        *config.notes,
        *remarks(outcome),
        *readings(config, outcome.sources, outcome.dealt),
        *damaged_rows(outcome.sources),
        *far_prices(outcome.sources, outcome.record.fills),
        *_damage(outcome),
        *account_figures.shortfalls(config, orders),
        *account_figures.warnings(orders),
        *account_figures.strains(config, outcome.equity, _short(outcome)),
        *_left_out(outcome.strategy),
        *outcome.unused(),
        *_inside(outcome),
        *_waits(*outcome.record.waits),
        *_without_fees(config.terms, outcome.dealt),
        *ends(outcome),
        *(outcome.band.warnings() if outcome.band else ()),
    ]


def notes(sources: Mapping[str, Source]) -> Iterator[str]:
    """What feeds noted of their bars."""
    return (f"{name}: {note}" for name, source in sources.items() for note in source.bars.notes)


def remarks(outcome: Any) -> Iterator[str]:
    """What indicators say of their parameters and their feed."""
    for name, indicator in outcome.made.items():
        source = outcome.sources.get(outcome.followed(indicator))
        if source is not None and hasattr(indicator, "remarks"):
            yield from (f"{name}: {text}" for text in indicator.remarks(source.bars, **params_of(indicator)))


def damaged_rows(sources: Mapping[str, Source]) -> Iterator[str]:
    """Rows of files that were left out or moved."""
    read = readers(sources)
    return (f"{n}: {f.counts[what]:,} rows {what}" for n, f in read.items() for what in DAMAGE if f.counts.get(what))


def unused(outcome: Any) -> Iterator[str]:
    """What never came of the strategy's rules, and which of their prices lie where no market goes."""
    desks = getattr(outcome.strategy, "desks", [outcome.strategy])
    plans = [plan for desk in desks if (plan := getattr(desk, "_plan", None)) is not None]
    said = getattr(outcome.record, "said", ()) or [plan.said() for plan in plans]
    if said:
        kind: Any = STRATEGIES.find(outcome.config.strategy.kind)
        reverses = kind.reversing({**kind.defaults(), **outcome.config.strategy.params})
        yield from unused_rules(said, outcome.record, reverses=reverses)
        yield from far_levels(said)


def ends(outcome: Any) -> list[str]:
    """What a run ends with, and whether its trades were made up."""
    return [OPEN] * any(outcome.left().values()) + [SYNTHETIC] * outcome.synthetic


def _damage(outcome: Any) -> Iterator[str]:
    """What of the profit came from damaged bars."""
    places = decimals(account_figures.currency(outcome.config), outcome.config.broker.cash)
    if told := damage_warning(outcome.damaged, math.fsum(t.pnl_net for t in outcome.trips), places):
        yield told


def _left_out(strategy: Any) -> Iterator[str]:
    """Orders that a portfolio cut, and spreads that it left out or lost."""
    for name, number in getattr(strategy, "portfolio_cut", {}).items():
        yield f"{counted(number, 'order was', 'orders were')} cut or left out by portfolio.{name}"
    spreads = getattr(strategy, "legs", {})
    if broken := spreads.get("broken"):
        yield f"{counted(broken, 'spread')} lost a leg, and the others were closed at market"
    if missed := spreads.get("missed"):
        why = "a leg had no bar then, or was too small an order"
        yield f"{counted(missed, 'entry', 'entries')} of the spread left out: {why}"


def _inside(outcome: Any) -> Iterator[str]:
    """What rests on an assumption inside the bars of entries."""
    if outcome.protects_inside:
        config = outcome.config
        if told := inside_warning(outcome.inside, account_figures.currency(config), config.broker.cash):
            yield told


def _waits(orders: int, bars: int) -> Iterator[str]:
    if orders:
        yield (
            f"{counted(orders, 'order')} waited where nobody traded, for {counted(bars, 'bar')} in all "
            "(fills.empty_bars: wait)"
        )


def _without_fees(terms: Mapping[str, Any], dealt: Iterable[str]) -> Iterator[str]:
    """Feeds that are traded without a fee of any kind."""
    free = [name for name in dealt if terms[name].fees.none]
    if len(free) == len([*dealt]):
        yield "no fees are set: the figures are before fees"
    elif free:
        yield f"no fees are set for {', '.join(free)}: what is traded there is before fees"


def _short(outcome: Any) -> NDArray[np.float64]:
    """What is sold short of all feeds is worth, one value a row of the equity."""
    time = outcome.equity["time"]
    made: NDArray[np.float64] = np.zeros(len(time))
    for name, size in outcome.positions.items():
        bars = outcome.sources[name].bars
        close = last_known(bars["close"], bars["close_time"], time)
        made += np.where(size < 0, -size * close, 0.0)
    return made
