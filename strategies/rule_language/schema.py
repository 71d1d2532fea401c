"""Blocks of rules as YAML holds them: their legal shape, and the expressions in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...core.errors import nearest
from ...core.names import Names
from ...core.params import Bound, Json, Rule
from ..framework.answers import SIDES, VALID, Entry, Exit
from ..framework.guards import SETTINGS, Guards
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
    """Bound of ``long`` and ``short``: null, or a mapping with ``enter`` and, if wished, ``exit`` and protection.

    Parameters
    ----------
    more : mapping of str to Rule
        What protects a position of this side.
    """

    keys = ("enter", "exit")

    def __init__(self, more: Mapping[str, Rule]) -> None:
        self._more = more

    def check(self, value: Any) -> str:
        """Empty when ``value`` is legal, else what a legal one is."""
        if value is None:
            return ""
        if not isinstance(value, Mapping):
            return f"must be {self.describe()}"
        if text := _stranger(value, (*self.keys, *self._more)):
            return f"has an {text}"
        if "enter" not in value:
            return "lacks the key 'enter'"
        wrong = ((key, self._more[key].check(value[key])) for key in value if key in self._more)
        return next((_told(key, text) for key, text in wrong if text), "")

    def describe(self) -> str:
        """What a legal value is, in words."""
        return "a mapping of `enter` and, if wished, `exit`, each an expression, or null"

    def schema(self) -> Json:
        """JSON Schema of a legal value."""
        side = {
            "type": "object",
            "properties": {
                "enter": dict(_EXPRESSION),
                "exit": {**_EXPRESSION, "type": ["string", "null"]},
                **{key: bound.schema() for key, bound in self._more.items()},
            },
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
        return next((_told(f"{name}.{key}", text) for key, text in wrong if text), "")

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
    def of(cls, params: Mapping[str, Any], names: Names, settings: Mapping[str, Any] | None = None) -> Rulebook:
        """The rules in a strategy's parameters, whose positions ``settings`` protect where a rule says nothing else.

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

        def leaving(name: str, rule: Mapping[str, Any]) -> Exit:
            share, valid = float(rule.get("share", 1.0)), int(rule.get("valid", 1))
            return Exit(name, sides(rule), share, parsed(rule.get("limit")), valid)

        def entering(name: str, rule: Mapping[str, Any]) -> Entry:
            guards, texts = protected(rule, settings or {})
            return Entry(
                name,
                sides(rule),
                **{part: parsed(rule.get(part)) for part in ("size", "limit", "stop")},
                valid=int(rule.get("valid", 1)),
                guards=guards,
                levels={what: Expression(text, names) for what, text in texts.items()},
                tif=rule.get("tif", VALID),
                post_only=bool(rule.get("post_only")),
            )

        exits = (Exit(f"{s}.exit", sides({s: r["exit"]})) for s, r in _plain(params) if r.get("exit") is not None)
        return cls(
            tuple(entering(name, rule) for name, rule in entries_of(params)),
            (*exits, *(leaving(name, rule) for name, rule in (params.get("exits") or {}).items())),
        )

    def asks_of_the_broker(self) -> str:
        """What of the rules needs a broker that knows more than backtrader's, in words; empty for nothing."""
        if self.apart:
            return "targets in parts and limit exits need"
        return "post_only and tif: ioc need" if any(one.post_only or one.tif == "ioc" for one in self.entries) else ""

    @property
    def apart(self) -> bool:
        """Whether orders that leave stand each for itself, rather than cancel one another."""
        parts = any(rule.guards is not None and rule.guards.in_parts for rule in self.entries)
        return parts or any(rule.limit is not None for rule in self.exits)


def _plain(params: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The rules under ``long`` and ``short``."""
    yield from ((side, params[side]) for side in SIDES if params.get(side))


def entries_of(params: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Entry rules by their names, as they would stand under ``entries``."""
    yield from ((f"{side}.enter", {**rule, side: rule["enter"]}) for side, rule in _plain(params))
    yield from (params.get("entries") or {}).items()


def places_of_entries(params: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The same as they are written, by where they stand."""
    yield from (((side,), rule) for side, rule in _plain(params))
    yield from ((("entries", name), rule) for name, rule in (params.get("entries") or {}).items())


def protected(rule: Mapping[str, Any], settings: Mapping[str, Any]) -> tuple[Guards, dict[str, str]]:
    """What protects the position of an entry: what the rule says itself, else ``settings``."""
    return Guards.of({**settings, **{name: rule[name] for name in SETTINGS if name in rule}})


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
            if key == "enter" or (key == "exit" and text is not None):
                yield (side, key), text
    yield from ((("names", name), text) for name, text in (params.get("names") or {}).items())
    for block, keys in (("entries", (*SIDES, "size", "limit", "stop")), ("exits", (*SIDES, "limit"))):
        for name, rule in (params.get(block) or {}).items():
            for key in keys:
                if isinstance(rule.get(key), str):
                    yield (block, name, key), rule[key]


def prices(params: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every expression that gives a price which protects a position, and its place."""
    for path, rule in (((), params), *places_of_entries(params)):
        try:
            texts = protected(rule, {})[1]
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # its bound says what is wrong
        for what, text in texts.items():
            name, _, number = what.partition(".")
            further: tuple[str | int, ...] = ("by",) if name == "trailing_stop" else ()
            yield (*path, name, *((int(number) - 1, "at") if number else further)), text


def _told(place: str, text: str) -> str:
    """What is wrong with a value, behind its place."""
    return f"{place}{text}" if text.startswith("[") else f"{place} {text}"


def _stranger(value: Mapping[Any, Any], keys: Mapping[str, Any] | tuple[str, ...]) -> str:
    """Empty, or the first key that is none of ``keys``."""
    for key in value:
        if key not in keys:
            near = nearest(str(key), keys)
            hint = f", did you mean '{near}'?" if near else ""
            return f"unknown key '{key}'{hint} (allowed: {', '.join(keys)})"
    return ""
