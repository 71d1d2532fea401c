"""From named rules to what they say: entries by name, limit entries, adding to a position, leaving it in parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ...core.errors import InputError
from ...core.schema import ADJUSTMENT
from ..framework.answers import Answers, Entry, Exit
from ..framework.lines import Lines
from ..framework.plan import Plan, lines_of
from ..framework.programs import Key, Programs, Step
from ..framework.protection import settings_of
from ..framework.wake import Mask
from .schema import Rulebook, asked


def answers_of(book: Rulebook, lines: Lines) -> Answers:
    """What every rule of ``book`` says on every bar of ``lines``."""
    made = Answers(book.entries, book.exits, len(lines))
    if programs := dict(_programs(book)):
        made.programs = Programs.of(programs, lines)
    for rule in book.entries:
        parts: list[tuple[Any, Any, Any]] = [(made.size, rule.name, rule.size), (made.limit, rule.name, rule.limit)]
        parts += [(made.stop, rule.name, rule.stop)]
        parts += [(made.levels, (rule.name, what), price) for what, price in rule.levels.items()]
        _answer(made, rule, parts, lines)
    for leave in book.exits:
        _answer(made, leave, [(made.limit, leave.name, leave.limit)], lines)
    return made


def _answer(made: Answers, rule: Entry | Exit, parts: list[tuple[Any, Any, Any]], lines: Lines) -> None:
    """Note where ``rule`` is true, and its ``parts``: a table, a key in it, and the expression of what it is to hold.

    Where a part is not known or not above 0, the rule does not act.
    """
    usable: Mask | None = None
    for values, key, asked_for in parts:
        if asked_for is not None and asked_for.program is None:
            values[key] = asked_for.values(lines)
            if values is not made.size and ADJUSTMENT in lines.names.columns:
                values[key] = values[key] / lines.column(("", ADJUSTMENT))
            known = np.nan_to_num(values[key]) > 0
            usable = known if usable is None else usable & known
    for side, when in rule.sides.items():
        true = when.over(lines)
        made.true[rule.name, side] = true if usable is None else true & usable


def _programs(book: Rulebook) -> Iterator[tuple[Key, tuple[Step, ...]]]:
    """What of the rules goes by the state of the position."""
    rules: tuple[Entry | Exit, ...] = (*book.entries, *book.exits)
    for rule in rules:
        parts = {
            **rule.sides,
            **({"size": rule.size, "stop": rule.stop} if isinstance(rule, Entry) else {}),
            "limit": rule.limit,
        }
        for what, expression in parts.items():
            if expression is not None and expression.program is not None:
                yield (rule.name, what), expression.program


class RulePlan(Plan):
    """Named rules, followed bar by bar.

    Parameters
    ----------
    strategy : Rules
        Whose, started.
    """

    def __init__(self, strategy: Any) -> None:
        super().__init__(strategy, strategy.p.cooldown, strategy.p.pyramiding)
        names = lines_of(strategy, whole=self._whole()).names
        self._book = Rulebook.of(asked(strategy.p), names, settings_of(strategy))
        if (why := self._book.asks_of_the_broker()) and not hasattr(strategy.broker, "end_reducing"):
            raise InputError(f"{type(strategy).__name__}: {why} tapeflow's broker; backtrader's own has no such orders")
        guard = strategy._protection
        guard.reads, guard.apart = self._price_now, self._book.apart

    def of_one(self) -> str:
        """What of its rules only one position knows, and no spread; empty for nothing."""
        rules: tuple[Entry | Exit, ...] = (*self._book.entries, *self._book.exits)
        resting = [f"{rule.name} rests" for rule in rules if rule.limit is not None]
        own = [f"{rule.name} has protection of its own" for rule in self._book.entries if rule.levels]
        told = [f"{rule} reads the state of a position" for (rule, _), _ in _programs(self._book)]
        return next(iter((*resting, *own, *told)), "")

    def answer(self, lines: Lines) -> Answers:
        """What the rules say."""
        return answers_of(self._book, lines)


def reasons(params: Mapping[str, Any]) -> Iterator[str]:
    """What of ``params`` goes beyond one entry and one exit a side."""
    yield from (f"named {block}" for block in ("entries", "exits") if params.get(block))
    if params.get("cooldown"):
        yield "a cooldown"
    if (params.get("pyramiding") or 1) > 1:
        yield "pyramiding"
