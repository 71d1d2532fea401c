"""From named rules to what they say: entries by name, limit entries, adding to a position, leaving it in parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ...core.schema import ADJUSTMENT
from ..framework.answers import Answers, Entry, Exit
from ..framework.lines import Lines
from ..framework.plan import Plan, lines_of
from ..framework.programs import Key, Programs, Step
from ..framework.wake import Mask
from .schema import Rulebook, asked


def answers_of(book: Rulebook, lines: Lines) -> Answers:
    """What every rule of ``book`` says on every bar of ``lines``."""
    made = Answers(book.entries, book.exits, len(lines))
    if programs := dict(_programs(book)):
        made.programs = Programs.of(programs, lines)
    for rule in book.entries:
        usable: Mask | None = None
        for values, asked_for in ((made.size, rule.size), (made.limit, rule.limit), (made.stop, rule.stop)):
            if asked_for is not None and asked_for.program is None:
                values[rule.name] = asked_for.values(lines)
                if asked_for is not rule.size and ADJUSTMENT in lines.names.columns:
                    values[rule.name] = values[rule.name] / lines.column(("", ADJUSTMENT))
                known = np.nan_to_num(values[rule.name]) > 0
                usable = known if usable is None else usable & known
        for side, when in rule.sides.items():
            true = when.over(lines)
            made.true[rule.name, side] = true if usable is None else true & usable
    for leave in book.exits:
        made.true |= {(leave.name, side): when.over(lines) for side, when in leave.sides.items()}
    return made


def _programs(book: Rulebook) -> Iterator[tuple[Key, tuple[Step, ...]]]:
    """What of the rules goes by the state of the position."""
    rules: tuple[Entry | Exit, ...] = (*book.entries, *book.exits)
    for rule in rules:
        parts = {
            **rule.sides,
            **({"size": rule.size, "limit": rule.limit, "stop": rule.stop} if isinstance(rule, Entry) else {}),
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
        self._book = Rulebook.of(asked(strategy.p), lines_of(strategy, whole=self._whole()).names)

    def of_one(self) -> str:
        """What of its rules only one position knows, and no spread; empty for nothing."""
        resting = [rule.name for rule in self._book.entries if rule.limit is not None]
        told = [rule for rule, _ in (key for key, _ in _programs(self._book))]
        return f"{resting[0]} rests" if resting else f"{told[0]} reads the state of a position" if told else ""

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
