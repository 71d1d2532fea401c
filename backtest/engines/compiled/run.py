"""A config through the compiled engine."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np

from ....configs.models import RunConfig
from ....core.errors import DataError
from ....core.plugins.registry import STRATEGIES
from ....strategies.framework.answers import Answers
from ....strategies.framework.lines import Lines
from ....strategies.framework.signals import Signals
from ....strategies.rule_language.orders import answers_of
from ....strategies.rule_language.schema import Rulebook
from ....strategies.rules import Rules
from ...broker.choice import funded, funding_of, paying, rolling
from ...broker.costs import costs_of
from ...results.outcome import Outcome
from .loop import follow
from .lots import SCALE, SMALLEST, STEP, sizing
from .record import Record, booked
from .setup import RuleSignals, bits_of, costly_of, desk_of, margin_of, rules_of
from .state import REASONS, Floats, new_book
from .supported import is_named, settings_of, title_of_range, unsupported_reason, uses_of
from .tables import Tables

ASKED, EXACT = "it was asked for", "all that the strategy does can be worked out ahead"
"""Why this engine was taken."""


class NotCompiledError(DataError):
    """The compiled engine cannot run something exactly.

    Parameters
    ----------
    why : str
        What, and why.
    """

    def __init__(self, why: str) -> None:
        super().__init__(f"engine compiled: {why}")
        self.why = why


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
    tables = Tables({name: source.bars for name, source in sources.items()}, uses_of(config))
    record: Any = follow_config(config, config.traded.name, tables)
    strategy = SimpleNamespace(indicators={name: made for name, made in tables.indicators.items() if is_named(name)})
    if config.broker.borrow or funded(config) or paying(config) or rolling(config):
        strategy.broker = SimpleNamespace(flows=record.flows, funding=funding_of(config))
    return Outcome(config, dict(sources), strategy, record, "compiled", why)


def follow_config(config: RunConfig, name: str, tables: Tables) -> Record:
    """The run itself, of a ``config`` that compiled code can run, trading feed ``name`` of what was read."""
    strategy: Any = STRATEGIES.find(config.strategy.kind)
    params = {**strategy.defaults(), **config.strategy.params}
    settings = settings_of(config) | {"reverse": strategy.reversing(params)}
    if issubclass(strategy, Rules):
        settings |= {key: params.get(key) for key in ("exits", "cooldown", "pyramiding")}
    answers = answers_in(strategy, params, tables.lines)
    said = RuleSignals.of(answers)
    bars, market, first = tables.bars, tables.market, tables.first(config.trade_from)
    bits = bits_of(said, market.foreign, market.shut(config.fills.empty_bars))
    account = np.empty((3, len(bars)))
    book, costly = follow(
        new_book(config.broker.cash, _costs(config), room=1024 + len(bars) // 16),
        costly_of(config, bars),
        margin_of(config),
        desk_of(config, settings, bars, bits, first, lambda period: _true_range(tables, period)),
        rules_of(config, said, bars, first),
        market.prices,
        first,
        account,
    )
    titles, heard = (*REASONS, *said.names), bool(market.foreign[-1])
    record = Record(book, bars["close_time"], account, name, titles, heard=heard, booked=booked(costly))
    record.said = [(answers, tables.lines)]
    return record


def _costs(config: RunConfig) -> Floats:
    """What trading costs, and to what lots orders are cut."""
    lot = sizing(None, 1.0, config.traded.lot, config.traded.min_notional)
    return np.array([*costs_of(config.traded), lot[STEP], lot[SCALE], lot[SMALLEST]])


def _true_range(tables: Tables, period: int) -> Floats:
    return np.asarray(tables.indicators[title_of_range(period)].table[0])


def answers_in(strategy: Any, params: Mapping[str, Any], lines: Lines) -> Answers:
    """What the rules of the class ``strategy`` say on every bar, or its signals."""
    if issubclass(strategy, Rules) and strategy.by_rules(params):
        return answers_of(Rulebook.of(params, lines.names), lines)
    return Answers.of_signals(signals_of(strategy, params, lines), len(lines))


def signals_of(strategy: Any, params: Mapping[str, Any], lines: Lines) -> Signals:
    """What the class ``strategy`` says of all bars, asked without backtrader.

    Raises
    ------
    NotCompiledError
        If it asks for more than ``lines`` and its parameters.
    """
    asked: Any = object.__new__(strategy)
    asked.p = asked.params = SimpleNamespace(**params)
    try:
        made = asked.signals(lines)
    except AttributeError as err:
        if err.obj is asked or err.obj is strategy.lines:
            text = f"strategy {strategy.__name__} reads self.{err.name} in signals(), which only backtrader has"
            raise NotCompiledError(text) from None
        raise
    return made  # type: ignore[no-any-return]
