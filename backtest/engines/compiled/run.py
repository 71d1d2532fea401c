"""A config through the compiled engine."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np

from ....configs.models import RunConfig
from ....core.plugins.registry import STRATEGIES
from ...broker.choice import funded, funding_of, paying, rolling
from ...results.outcome import Outcome
from .answers import NotCompiledError, answers_in
from .desk_cache import DeskCache
from .desks_record import DesksRun
from .desks_run import desk_settings, follow_account, is_shared, tables_of
from .loop import follow
from .record import Record, booked
from .setup import RuleSignals, bits_of, costly_of, costs_in, desk_of, margin_of, rules_of, true_range
from .state import REASONS, new_book
from .supported import is_named, unsupported_reason, uses_of
from .tables import Indicator, Tables

ASKED, EXACT = "it was asked for", "all that the strategy does can be worked out ahead"
"""Why this engine was taken."""


def by_engine(config: RunConfig, sources: Mapping[str, Any]) -> tuple[Outcome | None, str]:
    """The run in compiled code where ``config`` asks for that, or leaves the choice and it is exact; else why not.

    Raises
    ------
    NotCompiledError
        If it is asked for by name and cannot be.
    """
    if config.engine not in ("auto", "compiled"):
        return None, ""
    try:
        return run_compiled(config, sources, EXACT if config.engine == "auto" else ASKED), ""
    except NotCompiledError as err:
        if config.engine == "compiled":
            raise
        return None, err.why


def run_compiled(config: RunConfig, sources: Mapping[str, Any], why: str = ASKED) -> Outcome:
    """Run ``config`` over bars that were read, in compiled code; nothing is written.

    Parameters
    ----------
    config : RunConfig
        The run.
    sources : mapping of str to Source
        What was read for it.
    why : str
        Why this engine was taken, for the result.

    Raises
    ------
    NotCompiledError
        If the engine cannot run it exactly (`unsupported_reason`).
    DataError
        If there are too few bars for the warm-up.
    """
    if reason := unsupported_reason(config, sources):
        raise NotCompiledError(reason)
    feeds = {name: source.bars for name, source in sources.items()}
    if is_shared(config):
        return through_desks(config, sources, DeskCache(feeds), why)
    tables = Tables(feeds, uses_of(config))
    record: Any = follow_config(config, config.traded.name, tables)
    strategy = SimpleNamespace(indicators={name: made for name, made in tables.indicators.items() if is_named(name)})
    if config.broker.borrow or funded(config) or paying(config) or rolling(config):
        strategy.broker = SimpleNamespace(flows=record.flows, funding=funding_of(config))
    return Outcome(config, dict(sources), strategy, record, "compiled", why)


def follow_config(config: RunConfig, name: str, tables: Tables) -> Record:
    """The run itself, of a ``config`` that compiled code can run, trading feed ``name`` of what was read."""
    strategy: Any = STRATEGIES.find(config.strategy.kind)
    params, settings = desk_settings(config)
    answers = answers_in(strategy, params, tables.lines, settings)
    said = RuleSignals.of(answers)
    bars, market, first = tables.bars, tables.market, tables.first(config.trade_from)
    bits = bits_of(said, market.foreign, market.shut(config.fills.empty_bars))
    account = np.empty((3, len(bars)))
    book, costly = follow(
        new_book(config.broker.cash, costs_in(config), room=1024 + len(bars) // 16),
        costly_of(config, bars),
        margin_of(config),
        desk_of(config, settings, bars, said, bits, first, lambda period: true_range(tables, period)),
        rules_of(config, said, bars, first),
        market.prices,
        first,
        account,
    )
    titles, heard = (*REASONS, *said.names), bool(market.foreign[-1])
    record = Record(book, bars["close_time"], account, name, titles, heard=heard, booked=booked(costly))
    record.said = [(answers, tables.lines)]
    return record


def through_desks(config: RunConfig, sources: Mapping[str, Any], cache: DeskCache, why: str = EXACT) -> Outcome:
    """The run of desks that share an account; the indicators of the first keep their names."""
    tables = tables_of(config, cache)
    record = follow_account(config, tables, cache)
    made: dict[str, Indicator] = {}
    for feed, own in tables.items():
        tail = "" if feed == config.desks[0] else f"@{feed}"
        made |= {f"{name}{tail}": one.on(feed) for name, one in own.indicators.items() if is_named(name)}
    told: Any = record
    return Outcome(config, dict(sources), DesksRun(made, record), told, "compiled", why)
