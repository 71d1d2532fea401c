"""A config through the compiled engine."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import DataError
from ...core.registry import STRATEGIES
from ...core.ticks import grid_of
from ...core.units import Amount, parse_amount
from ...strategies.limits import LOSS
from ...strategies.lines import Lines
from ...strategies.rule_blocks import Rulebook
from ...strategies.rule_plan import Answers, reasons
from ...strategies.rules import Rules
from ...strategies.signals import Masks
from ..brokers.choice import funded, funding_of, own_funding_of, paying, rolling
from ..brokers.liquidation import LIQUIDATION
from ..costs import costs_of
from ..result import Outcome
from .choice import is_named, is_plain, settings_of, title_of_range, uses_of, why_not
from .layout import Floats, new_book
from .lots import SCALE, SMALLEST, STEP, sizing
from .record import Record, booked
from .rulebook import follow_book
from .rules import BARS, DEN, FOREIGN, NUM, REASONS, SHUT, STOP_SHARE, TARGET_SHARE, TRAIL_SHARE, follow
from .setup import Said, bits_of, costly_of, desk_of, margin_of, rules_of
from .tables import Tables

_PROTECTION = {"stop_loss": STOP_SHARE, "trailing_stop": TRAIL_SHARE, "take_profit": TARGET_SHARE}


ASKED, EXACT = "it was asked for", "what the strategy does is known ahead, and all of it is compiled"
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


def by_engine(config: Any, sources: Mapping[str, Any]) -> tuple[Outcome | None, str]:
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


def run_compiled(config: Any, sources: Mapping[str, Any], why: str = ASKED) -> Outcome:
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
        If the engine cannot run it exactly (`why_not`).
    DataError
        If there are too few bars for the warm-up.
    """
    if reason := why_not(config, sources):
        raise NotCompiledError(reason)
    tables = Tables({name: source.bars for name, source in sources.items()}, uses_of(config))
    record: Any = follow_config(config, next(iter(sources)), tables)
    strategy = SimpleNamespace(indicators={name: made for name, made in tables.indicators.items() if is_named(name)})
    if config.broker.borrow or funded(config) or paying(config) or rolling(config):
        rates = {"funding": funding_of(config), "own_funding": own_funding_of(config)}
        strategy.broker = SimpleNamespace(flows=record.flows, **rates)
    return Outcome(config, dict(sources), strategy, record, "compiled", why)


def follow_config(config: Any, name: str, tables: Tables) -> Record:
    """The run itself, of a ``config`` that compiled code can run, trading feed ``name`` of what was read."""
    strategy: Any = STRATEGIES.find(config.strategy.kind)
    params = {**strategy.defaults(), **config.strategy.params}
    if named := by_name(strategy, params):
        said = Said.of_book(*book_of(params, tables.lines))
    else:
        masks = signals_of(strategy, params, tables.lines)
        if is_plain(config, settings_of(config)) and not tables.market.shut(config.fills.empty_bars).any():
            return _follow_signals(config, name, tables, masks)
        said = Said.of_masks(masks)
    return _follow_rules(config, name, tables, said, named=named)


def _follow_signals(config: Any, name: str, tables: Tables, masks: Masks) -> Record:
    """The shorter way: one entry and one exit a side, costs and sizes that need no more than the fill itself.

    A market order fills on the bar after, so that none is out there when the next is decided on.
    """
    block, bars, foreign = next(iter(config.data.values())), tables.bars, tables.market.foreign
    account = np.empty((3, len(bars)))
    book = follow(
        new_book(config.broker.cash, _costs(config), room=1024 + len(bars) // 64),
        tables.market.prices,
        as_bits(masks, foreign),
        tables.first(),
        sizing(config.sizer.percent, config.sizer.fixed, block.lot, block.min_notional),
        protection(settings_of(config), block.tick),
        account,
    )
    return Record(book, bars["close_time"], account, name, REASONS, heard=bool(foreign[-1]))


def _follow_rules(config: Any, name: str, tables: Tables, said: Said, *, named: bool) -> Record:
    """The longer way: any rules, costs, limits and sizes."""
    bars, foreign, first = tables.bars, tables.market.foreign, tables.first()
    settings = {**settings_of(config), **(rules_in(config) if named else {})}
    bits = with_shut(bits_of(said, foreign), tables.market.shut(config.fills.empty_bars))
    account = np.empty((3, len(bars)))
    book, costly = follow_book(
        new_book(config.broker.cash, _costs(config), room=1024 + len(bars) // 64),
        costly_of(config, bars),
        margin_of(config),
        desk_of(config, settings, bars, bits, first, lambda period: _true_range(tables, period)),
        rules_of(config, said, bars, first),
        tables.market.prices,
        first,
        account,
    )
    titles = (*REASONS, LOSS, LIQUIDATION, *said.names)
    return Record(book, bars["close_time"], account, name, titles, heard=bool(foreign[-1]), booked=booked(costly))


def _costs(config: Any) -> Floats:
    """What trading costs, and to what lots orders are cut."""
    block = next(iter(config.data.values()))
    lot = sizing(None, 1.0, block.step, block.min_notional)
    return np.array([*costs_of(config), lot[STEP], lot[SCALE], lot[SMALLEST]])


def _true_range(tables: Tables, period: int) -> Floats:
    return np.asarray(tables.indicators[title_of_range(period)].table[0])


def by_name(strategy: Any, params: Mapping[str, Any]) -> bool:
    """Whether a strategy is `Rules` that go beyond one entry and one exit a side."""
    return issubclass(strategy, Rules) and any(reasons(params))


def book_of(params: Mapping[str, Any], lines: Lines) -> tuple[Rulebook, Answers]:
    """The rules in ``params``, and what they say on every bar."""
    book = Rulebook.of(params, lines.names)
    return book, Answers(book, lines)


def rules_in(config: Any) -> dict[str, Any]:
    """What the parameters of `Rules` say besides expressions."""
    return {key: config.strategy.params.get(key) for key in ("exits", "cooldown", "pyramiding")}


def signals_of(strategy: Any, params: Mapping[str, Any], lines: Lines) -> Masks:
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
    masks: Masks = made.filled(len(lines))
    return masks


def as_bits(masks: Masks, foreign: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Signals of each bar as bits, and whether bars of other feeds alone come before it."""
    made = foreign.astype(np.uint8) << np.uint8(FOREIGN)
    for bit, mask in enumerate((masks.long_entry, masks.short_entry, masks.long_exit, masks.short_exit)):
        made[:-1] |= mask.view(np.uint8) << np.uint8(bit)
    return made


def with_shut(bits: NDArray[np.uint8], shut: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """``bits`` of bars, those among them in which orders wait marked."""
    bits[: len(shut)] |= shut.view(np.uint8) << np.uint8(SHUT)
    return bits


def protection(params: Mapping[str, Any], tick: float | None) -> Floats:
    """The protection of `strategies.risk` as numbers of `rules.follow`."""
    made = np.zeros(9)
    for name, at in _PROTECTION.items():
        if params.get(name) is not None:
            amount: Amount = parse_amount(params[name])
            shared = amount.unit == "fraction"
            made[at + (not shared)] = amount.value if shared else amount.at(math.nan, tick)
    made[NUM], made[DEN] = grid_of(tick)
    made[BARS] = params.get("time_stop") or 0
    return made
