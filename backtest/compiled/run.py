"""A config through the compiled engine, and what that engine cannot do exactly."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np

from ...core.errors import DataError
from ...core.registry import INDICATORS, STRATEGIES
from ...core.units import Amount, parse_amount
from ...strategies.rules import Rules
from ..costs import costs_of
from ..result import Outcome
from ..sizers import DEFAULT_LOT
from .layout import Floats, new_book
from .lots import MOST_DECIMALS, decimals, sizing
from .record import Record
from .rules import BARS, REASONS, STOP_SHARE, TARGET_SHARE, TICK, TRAIL_SHARE, follow
from .tables import Lines, market, unusable

_PROTECTION = {"stop_loss": STOP_SHARE, "trailing_stop": TRAIL_SHARE, "take_profit": TARGET_SHARE}


def why_not(config: Any, sources: Mapping[str, Any] | None = None) -> str:
    """Why the compiled engine cannot run ``config`` exactly; empty when it can.

    Parameters
    ----------
    config : RunConfig
        The run.
    sources : mapping of str to Source, optional
        What was read for it, where that is known.
    """
    if len(config.feeds) > 1:
        return "more than one feed"
    if STRATEGIES.find(config.strategy.kind) is not Rules:
        return f"strategy {config.strategy.kind} decides in Python; only Rules is compiled"
    traded = next(iter(config.data.values()))
    if decimals(traded.lot or DEFAULT_LOT) > MOST_DECIMALS:
        return f"a lot of {traded.lot} has more decimals than a double"
    amounts = [config.strategy.params.get(name) for name in _PROTECTION]
    if not traded.tick and any(parse_amount(v).unit == "ticks" for v in amounts if v is not None):
        return "protection in ticks, but the data block has no tick"
    for name, block in config.indicators.items():
        if (level := _level(INDICATORS.find(block.kind))) in ("next", "lines"):
            return f"indicator {name} ({block.kind}) is computed by backtrader, bar by bar ({level})"
    return unusable(next(iter(sources.values())).bars) if sources else ""


def _level(cls: Any) -> str:
    return str(cls.level())


def run_compiled(config: Any, sources: Mapping[str, Any]) -> Outcome:
    """Run ``config`` over bars that were read, in compiled code; nothing is written.

    Parameters
    ----------
    config : RunConfig
        The run.
    sources : mapping of str to Source
        What was read for it.

    Raises
    ------
    DataError
        If the engine cannot run it exactly (`why_not`), or there are too few bars for the warm-up.
    """
    if why := why_not(config, sources):
        raise DataError(f"engine compiled: {why}")
    (name, source), *_ = sources.items()
    lines = Lines(source.bars, config.indicators)
    lines.check(name)
    record = _follow(config, name, lines)
    strategy = SimpleNamespace(indicators=lines.indicators)
    made: Any = record
    return Outcome(config=config, sources=dict(sources), strategy=strategy, record=made, engine="compiled")


def _follow(config: Any, name: str, lines: Lines) -> Record:
    """The run itself."""
    block, params, bars = next(iter(config.data.values())), config.strategy.params, lines.bars
    size = sizing(config.sizer.percent, config.sizer.fixed, block.lot, block.min_notional)
    account = np.empty((3, len(bars)))
    book = follow(
        new_book(config.broker.cash, np.array(costs_of(config)), room=1024 + len(bars) // 64),
        market(bars, lines.stamps),
        lines.signals(params),
        lines.first,
        size,
        protection(params, block.tick),
        account,
    )
    return Record(book, bars["close_time"], account, name, REASONS)


def protection(params: Mapping[str, Any], tick: float | None) -> Floats:
    """The protection of `strategies.risk` as numbers of `rules.follow`."""
    made = np.zeros(8)
    for name, at in _PROTECTION.items():
        if params.get(name) is not None:
            amount: Amount = parse_amount(params[name])
            shared = amount.unit == "fraction"
            made[at + (not shared)] = amount.value if shared else amount.at(math.nan, tick)
    made[TICK], made[BARS] = tick or 0.0, params.get("time_stop") or 0
    return made
