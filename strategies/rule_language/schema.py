"""Blocks of rules as YAML holds them: their legal shape, and the expressions in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...core.errors import nearest
from ...core.names import Names
from ...core.params import Bound, Json, Rule
from ..framework.answers import SIDES, Entry, Exit
from .expressions import Expression

_EXPRESSION = {"type": "string", "description": "an expression over columns and indicators' lines"}
Path = tuple[str, ...]


class ExpressionText:
    """Bound of a rule's expression; whether it is one is judged where its names are known."""

    def check(self, value: Any) -> str:
        """Empty when ``value`` is text."""
        return "" if isinstance(value, str) else f"must be {self.describe()}"

    def describe(self) -> str:
        """What a legal value is, in words."""
        return "an expression"

    def schema(self) -> Json:
        """JSON Schema of a legal value."""
        return dict(_EXPRESSION)


class NumberOrExpression(ExpressionText):
    """Bound of a number above 0 or an expression that gives one."""

    def check(self, value: Any) -> str:
        """Empty when ``value`` is text or such a number."""
        return (
            "" if isinstance(value, str) or not Bound(0, open_low=True).check(value) else f"must be {self.describe()}"
        )

    def describe(self) -> str:
        """What a legal value is, in words."""
        return "a number above 0 or an expression"

    def schema(self) -> Json:
        """JSON Schema of a legal value."""
        return {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, dict(_EXPRESSION)]}


class SideRule:
    """Bound of ``long`` and ``short``: null, or a mapping with ``enter`` and, if wished, ``exit``."""

    keys = ("enter", "exit")

    def check(self, value: Any) -> str:
        """Empty when ``value`` is legal, else what a legal one is."""
        if value is None:
            return ""
        if not isinstance(value, Mapping):
            return f"must be {self.describe()}"
        if text := _stranger(value, self.keys):
            return f"has an {text}"
        return "" if "enter" in value else "lacks the key 'enter'"

    def describe(self) -> str:
        """What a legal value is, in words."""
        return "a mapping of `enter` and, if wished, `exit`, each an expression, or null"

    def schema(self) -> Json:
        """JSON Schema of a legal value."""
        side = {
            "type": "object",
            "properties": {"enter": dict(_EXPRESSION), "exit": {**_EXPRESSION, "type": ["string", "null"]}},
            "required": ["enter"],
            "additionalProperties": False,
        }
        return {"anyOf": [side, {"type": "null"}]}


class Named:
    """Bound of what rules give names to: null, or a mapping whose values all keep one rule.

    Parameters
    ----------
    what : str
        The values, in words.
    rule : Rule
        Of each.
    """

    def __init__(self, what: str, rule: Rule) -> None:
        self._what, self._rule = what, rule

    def check(self, value: Any) -> str:
        """Empty when ``value`` is legal, else what a legal one is."""
        if value is None:
            return ""
        if not isinstance(value, Mapping) or not all(str(name).isidentifier() for name in value):
            return f"must be {self.describe()}"
        wrong = ((name, self._rule.check(one)) for name, one in value.items())
        return next((f"{name} {text}" for name, text in wrong if text), "")

    def describe(self) -> str:
        """What a legal value is, in words."""
        return f"{self._what} by name, or null"

    def schema(self) -> Json:
        """JSON Schema of a legal value."""
        return {"anyOf": [{"type": "object", "additionalProperties": self._rule.schema()}, {"type": "null"}]}


@dataclass(frozen=True)
class NamedRules:
    """Bound of ``entries`` and ``exits``: null, or rules by name, each with an expression for a side or for both.

    Parameters
    ----------
    more : mapping of str to Rule
        What a rule may hold besides ``long`` and ``short``.

    Examples
    --------
    >>> NamedRules({}).check({"fade": {"lnog": "close > open"}})
    "fade has an unknown key 'lnog', did you mean 'long'? (allowed: long, short)"
    """

    more: Mapping[str, Rule]

    @property
    def _rules(self) -> dict[str, Any]:
        return {**dict.fromkeys(SIDES, ExpressionText()), **self.more}

    def check(self, value: Any) -> str:
        """Empty when ``value`` is legal, else what a legal one is."""
        if value is None:
            return ""
        if not isinstance(value, Mapping) or not value:
            return f"must be {self.describe()}"
        return next(filter(None, (self._one(str(name), rule) for name, rule in value.items())), "")

    def _one(self, name: str, rule: Any) -> str:
        if not name.isidentifier():
            return f"names a rule '{name}'; a name must be letters, digits and _, and begin with a letter"
        if name in TAKEN:
            return f"names a rule '{name}', which orders of this strategy are called already; take another name"
        if not isinstance(rule, Mapping):
            return f"{name} must be a mapping of {', '.join(self._rules)}"
        if text := _stranger(rule, self._rules):
            return f"{name} has an {text}"
        if not any(side in rule for side in SIDES):
            return f"{name} lacks a side: give `long`, `short` or both"
        wrong = ((key, self._rules[key].check(rule[key])) for key in rule)
        return next((f"{name}.{key} {text}" for key, text in wrong if text), "")

    def describe(self) -> str:
        """What a legal value is, in words."""
        return f"rules by name, each a mapping of {', '.join(self._rules)}, or null"

    def schema(self) -> Json:
        """JSON Schema of a legal value."""
        rule = {
            "type": "object",
            "properties": {key: bound.schema() for key, bound in self._rules.items()},
            "anyOf": [{"required": [side]} for side in SIDES],
            "additionalProperties": False,
        }
        return {"anyOf": [{"type": "object", "minProperties": 1, "additionalProperties": rule}, {"type": "null"}]}


TAKEN = ("stop_loss", "take_profit", "trailing_stop", "time_stop")
"""What orders are called that no rule sends."""


@dataclass(frozen=True)
class Rulebook:
    """Every rule of a strategy, parsed, in the order in which they are looked at.

    Parameters
    ----------
    entries : tuple of Entry
        Entry rules.
    exits : tuple of Exit
        Exit rules.
    """

    entries: tuple[Entry, ...]
    exits: tuple[Exit, ...]

    @classmethod
    def of(cls, params: Mapping[str, Any], names: Names) -> Rulebook:
        """The rules in a strategy's parameters.

        Raises
        ------
        ExpressionError
            If one of them cannot be parsed.
        """

        names = known(params, names)

        def parsed(text: Any) -> Expression | None:
            return None if text is None else Expression(str(text), names)

        def sides(rule: Mapping[str, Any]) -> dict[str, Expression]:
            return {side: Expression(rule[side], names) for side in SIDES if side in rule}

        plain = {side: params.get(side) or {} for side in SIDES}
        named = (params.get("entries") or {}).items()
        leaving = (params.get("exits") or {}).items()
        return cls(
            (
                *(Entry(f"{s}.enter", sides({s: r["enter"]})) for s, r in plain.items() if r),
                *(
                    Entry(
                        name,
                        sides(r),
                        parsed(r.get("size")),
                        parsed(r.get("limit")),
                        int(r.get("valid", 1)),
                        parsed(r.get("stop")),
                    )
                    for name, r in named
                ),
            ),
            (
                *(Exit(f"{s}.exit", sides({s: r["exit"]})) for s, r in plain.items() if r.get("exit") is not None),
                *(Exit(name, sides(r), float(r.get("share", 1.0))) for name, r in leaving),
            ),
        )


def asked(params: Any) -> dict[str, Any]:
    """What a strategy's parameters, as attributes, say of rules."""
    keys = (*SIDES, "entries", "exits", "values", "names", "cooldown", "pyramiding")
    return {key: getattr(params, key) for key in keys}


def known(params: Mapping[str, Any], names: Names) -> Names:
    """``names``, the state of the position, and the numbers and expressions that parameters give names to."""
    return replace(names, values=params.get("values") or {}, state=True, expressions=params.get("names") or {})


def expressions(params: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Every expression in a strategy's parameters, and its place."""
    for side in SIDES:
        for key, text in (params.get(side) or {}).items():
            if text is not None or key == "enter":
                yield (side, key), text
    yield from ((("names", name), text) for name, text in (params.get("names") or {}).items())
    for block, keys in (("entries", (*SIDES, "size", "limit", "stop")), ("exits", SIDES)):
        for name, rule in (params.get(block) or {}).items():
            for key in keys:
                if isinstance(rule.get(key), str):
                    yield (block, name, key), rule[key]


def _stranger(value: Mapping[Any, Any], keys: Mapping[str, Any] | tuple[str, ...]) -> str:
    """Empty, or the first key that is none of ``keys``."""
    for key in value:
        if key not in keys:
            near = nearest(str(key), keys)
            hint = f", did you mean '{near}'?" if near else ""
            return f"unknown key '{key}'{hint} (allowed: {', '.join(keys)})"
    return ""
