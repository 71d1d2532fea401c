"""Several desks of one account through the compiled engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ....aggregation.sessions import Session
from ....configs.models import RunConfig
from ....configs.portfolio_block import Portfolio
from ....core.names import beside
from ....core.plugins.registry import STRATEGIES
from ....core.units import parse_amount
from ....strategies.rule_language.expressions import Expression
from ....strategies.rules import Rules as RuleStrategy
from . import account_limits as of
from .account_limits import Limits
from .answers import NotCompiledError, answers_in
from .ceilings import LIMITS
from .desk_cache import DeskCache
from .desks_loop import follow_desks, judged_at
from .desks_record import DesksRecord
from .market import Market, read_only
from .setup import bits_of, costs_in, desk_of, rules_of, session_starts, true_range
from .state import REASONS, Floats
from .supported import settings_of, uses_of
from .tables import Tables
from .timeline import Timeline


class OneDesk(NamedTuple):
    """What the loop is given of a desk.

    Parameters
    ----------
    arrays : tuple of tuple of ndarray
        Its `Desk`, its `Rules`, its prices, and what its entries come in order of, the lowest first; empty for none.
    costs : ndarray of float64
        What trading it costs.
    first : int
        The first bar on which its rules are asked.
    said : tuple
        What they say on every bar, and of what they are made.
    names : tuple of str
        What its orders are for.
    """

    arrays: tuple[tuple[Any, ...], ...]
    costs: Floats
    first: int
    said: tuple[Any, Any]
    names: tuple[str, ...]


def is_shared(config: RunConfig) -> bool:
    """Whether a run is that of an account with limits of its own, or of several desks."""
    return len(config.desks) > 1 or config.portfolio != Portfolio() or config.risk.drawdown is not None


def tables_of(config: RunConfig, cache: DeskCache) -> dict[str, Tables]:
    """The columns and lines of each desk, which see each other."""
    uses = uses_of(config)
    made = {name: cache.tables(config, name, uses) for name in config.desks}
    names = beside({name: tables.lines.names for name, tables in made.items()})
    for name, tables in made.items():
        tables.know(names[name], lambda feed: made[feed].lines)
    return made


def desk_settings(config: RunConfig) -> tuple[dict[str, Any], dict[str, Any]]:
    """The strategy's parameters, defaults spelled out; and what protects and limits its positions."""
    kind: Any = STRATEGIES.find(config.strategy.kind)
    params = {**kind.defaults(), **config.strategy.params}
    settings = settings_of(config) | {"reverse": kind.reversing(params)}
    if issubclass(kind, RuleStrategy):
        settings |= {key: params.get(key) for key in ("cooldown", "pyramiding")}
    return params, settings


def alone(config: RunConfig, feed: str) -> RunConfig:
    """The run of one desk, with nothing of the others."""
    block = config.terms[feed].block
    only: dict[str, Any] = {"trade": [feed], "data": {block: config.data[block]}, "portfolio": Portfolio()}
    return config.model_copy(update=only)


def _one(config: RunConfig, feed: str, tables: Tables, cache: DeskCache) -> OneDesk:
    """What the loop is given of the desk on ``feed``."""
    own, rank = alone(config, feed), config.portfolio.rank
    params, settings = desk_settings(config)
    kind, market, bars = STRATEGIES.find(config.strategy.kind), tables.market, tables.bars
    answers, said = cache.signals(config, feed, tables, lambda: answers_in(kind, params, tables.lines, settings))
    first = tables.first(config.trade_from)
    bits = bits_of(said, market.foreign, market.shut(config.fills.empty_bars))
    desk = desk_of(
        own, settings | {"daily_loss": None}, bars, said, bits, first, lambda period: true_range(tables, period)
    )
    rules = rules_of(own, said, bars, first)
    place = np.zeros(0)
    if rank is not None:
        ranks = np.broadcast_to(Expression(rank, tables.lines.names).values(tables.lines), len(bars))
        place = np.where(np.isnan(ranks), np.inf, -ranks)
    arrays = (desk, rules, market.prices, (read_only(place),))
    return OneDesk(arrays, costs_in(own), first, (answers, tables.lines), said.names)


def follow_account(config: RunConfig, tables: Mapping[str, Tables], cache: DeskCache) -> DesksRecord:
    """The run itself."""
    desks = [_one(config, feed, own, cache) for feed, own in tables.items()]
    markets, line = [own.market for own in tables.values()], cache.timeline(config, tables)
    closes = [market.bars["close_time"] for market in markets]
    first = np.array([one.first for one in desks])
    most = np.array([config.portfolio.limits.get(name, np.nan) for name in LIMITS])
    orders, account, ruined, cuts = follow_desks(
        config.broker.cash,
        np.array([one.costs for one in desks]),
        [one.arrays for one in desks],
        first,
        line,
        _limits(config, markets, line, first),
        most if config.portfolio.limits else most[:0],
    )
    if ruined and not line.even:
        raise NotCompiledError("an account of feeds with bars at other times came to nothing: backtrader closes it")
    foreign, titles = [market.foreign for market in markets], (*REASONS, *desks[0].names)
    record = DesksRecord(orders, [*tables], closes, foreign, line.times, account, titles, ruined)
    record.said = [one.said for one in desks]
    record.cuts = cuts
    return record


def _limits(config: RunConfig, markets: Sequence[Market], line: Timeline, first: NDArray[np.int64]) -> Limits:
    """What closes everything that the account holds."""
    settings, sessions = settings_of(config), np.zeros(line.length, np.uint8)
    numbers, state = np.zeros(4), np.zeros(of.FALLEN + 1)
    state[[of.WORTH, of.FIRST_WORTH, of.PEAK]] = config.broker.cash
    for name, place in (("daily_loss", of.LOSS), ("drawdown", of.FALL)):
        if settings.get(name) is not None:
            amount = parse_amount(settings[name])
            numbers[place], numbers[place + 1] = amount.value, amount.unit == "fraction"
    if numbers[of.LOSS]:
        session = Session.parse(settings.get("session", "1d"), markets[0].bars.hours)
        steps, opened = judged_at(line, first, [market.bars["open_time"] for market in markets])
        sessions[[steps[i] for i in session_starts(opened, 0, session)]] = 1
    leaving = np.full((2, len(markets)), -1, np.int64)
    return numbers if numbers.any() else numbers[:0], state, leaving, sessions
