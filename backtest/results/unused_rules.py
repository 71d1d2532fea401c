"""What never came of rules: sides with true entries and no trade, and conditions that were never true."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ...core.counting import counted
from ...core.names import Names
from ...strategies.framework.answers import SIDES, Answers, Entry
from ...strategies.framework.lines import Lines
from ...strategies.rule_language.conditions import conditions_of
from ...strategies.rule_language.expressions import Expression

MOST = 3
"""Conditions that are named of one rule."""


def unused_rules(said: Sequence[tuple[Answers, Lines]], record: Any, *, reverses: bool) -> Iterator[str]:
    """What a reader should hear of entries that brought nothing, in words.

    Parameters
    ----------
    said : sequence of (Answers, Lines)
        What the rules of each desk said on every bar, and of what they are made.
    record : Recorder
        What was traded.
    reverses : bool
        Whether a bar may leave one side and enter the other.
    """
    traded = {side for fill in record.fills if fill.opened for side in SIDES if (fill.opened > 0) == (side == "long")}
    idle = [side for side in SIDES if side not in traded]
    if not traded and not any(one.any_of(one.entries, side).any() for one, _ in said for side in SIDES):
        yield from _never_true(*said[0])
        return
    for side in idle:
        if bars := sum(int(np.count_nonzero(one.any_of(one.entries, side))) for one, _ in said):
            why = _why(said[0][0], record, side, reverses) if len(said) == 1 else ""
            yield f"{side} entries were true on {counted(bars, 'bar')}, and no {side} was traded{why}"


def _why(said: Answers, record: Any, side: str, reverses: bool) -> str:
    """What kept true entries of ``side`` from being traded, as far as it can be told."""
    way = "buy" if side == "long" else "sell"
    names = {rule.name for rule in said.entries}
    if sent := sum(row["side"] == way and row["reason"] in names for row in record.orders.values()):
        return f": {counted(sent, 'order was', 'orders were')} sent and none was filled"
    other, sign = ("short", -1) if side == "long" else ("long", 1)
    mine, theirs = said.any_of(said.entries, side), said.any_of(said.entries, other)
    held = np.asarray(record.equity[3]) * sign > 0
    made = []
    if (both := int(np.count_nonzero(mine & theirs))) > 0:
        made.append(f"on {both} {other} entries were true as well, and then none acts")
    if len(held) == len(mine) and (kept := int(np.count_nonzero(mine & held & ~theirs))):
        remedy = "" if reverses else "; with `reverse: true` a bar leaves one side and enters the other"
        made.append(f"on {kept} a {other} position was held{remedy}")
    return f": {', '.join(made)}" if made else ""


def _never_true(said: Answers, lines: Lines) -> Iterator[str]:
    rules = [(rule, side) for rule in said.entries for side in SIDES if rule.sides.get(side) is not None]
    if not rules:
        yield "no trade: signals() gave no entry on any bar"
    for rule, side in rules:
        name = rule.name if "." in rule.name else f"{rule.name}.{side}"
        yield f"no trade: {name} was never true: {_blame(rule, side, lines)}"


def _blame(rule: Entry, side: str, lines: Lines) -> str:
    """Which of a rule's conditions was never true, alone or with the others."""
    text = rule.sides[side].text
    names = rule.sides[side].names
    never = [told for part in conditions_of(text) if (told := _silence(part, names, lines))]
    if never:
        return ", ".join(never[:MOST]) + (f" and {len(never) - MOST} more" if len(never) > MOST else "")
    if rule.sides[side].over(lines).any():
        return "where its condition was, its size or price was not known or not above 0"
    return "each of its conditions was true at times, all of them on no bar"


def _silence(text: str, names: Names, lines: Lines) -> str:
    """What is to be said of a condition that is true on no bar; empty where it is on one, or goes by a position."""
    condition = Expression(text, names)
    if condition.over(lines).any():
        return ""
    return f"`{text}` on no bar" if np.isfinite(condition.values(lines)).any() else f"`{text}` was never known (NaN)"
