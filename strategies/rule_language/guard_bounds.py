"""Bounds of what protects the positions of rules: a stop, a trailing stop, targets, break-even."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ...core.distances import Protective, parse_distance
from ...core.errors import unknown
from ...core.params import Json
from ...core.units import parse_amount, parse_fraction
from ..framework.guards import CLOSES, HIGHS, is_expression

MOST = 20
"""Targets of one position."""
_SHARE: Json = {"type": ["number", "string"], "description": "above 0, at most 100 %, as in 0.5 or 50%"}


class DistanceOrPrice:
    """Bound of a distance from the price of the entry, or of an expression that gives a price; or None.

    Examples
    --------
    >>> DistanceOrPrice().check("lowest(low, 9)"), DistanceOrPrice().check("-1%")[:9]
    ('', 'must be a')
    """

    def check(self, value: Any) -> str:
        """Empty when ``value`` is legal, else what a legal one is."""
        return "" if is_expression(value) and not _is_distance(value) else self._wrong(Protective().check(value))

    @staticmethod
    def _wrong(text: str) -> str:
        return f"{text}; or an expression that gives a price" if text.startswith("must be") else text

    def describe(self) -> str:
        """What a legal value is, in words."""
        return f"{Protective().describe()}; or an expression that gives a price"

    def schema(self) -> Json:
        """JSON Schema of a legal value."""
        return Protective().schema()  # of which text is any text


class Targets(DistanceOrPrice):
    """Bound of a target, or of several, each for a share of the position.

    Examples
    --------
    >>> Targets().check([{"at": "1%", "share": "50%"}, {"at": "2%", "share": 0.6}])
    'has shares of 110 % in all, more than the position'
    >>> Targets().check([{"at": "1%", "shaer": "50%"}])
    "[1] has an unknown key 'shaer', did you mean 'share'? (allowed: at, share)"
    """

    def check(self, value: Any) -> str:
        """Empty when ``value`` is legal, else what a legal one is."""
        if not isinstance(value, list | tuple):
            return super().check(value)
        if not 0 < len(value) <= MOST:
            return f"must be a target, or a list of {{at, share}}, of {MOST} at most"
        if text := next((f"[{i + 1}] {text}" for i, one in enumerate(value) if (text := self._one(one))), ""):
            return text
        total = math.fsum(parse_fraction(one["share"]) for one in value)
        return f"has shares of {100 * total:.6g} % in all, more than the position" if total > 1 + 1e-9 else ""

    def _one(self, value: Any) -> str:
        if text := _keys(value, ("at", "share"), ("at", "share")):
            return text
        if text := super().check(value["at"]) or ("" if value["at"] is not None else "must be a distance or a price"):
            return f"at {text}"
        try:
            share = parse_fraction(value["share"])
        except ValueError:
            share = math.nan
        return "" if 0 < share <= 1 else f"share must be above 0 and at most 100 %, as in 50% (got {value['share']})"

    def schema(self) -> Json:
        """JSON Schema of a legal value."""
        one = _mapping({"at": super().schema(), "share": _SHARE}, ("at", "share"))
        return {"anyOf": [super().schema(), {"type": "array", "minItems": 1, "maxItems": MOST, "items": one}]}


class Trailing(DistanceOrPrice):
    """Bound of a trailing stop: a distance from closes, or what it follows ``by`` and at which ``distance``.

    Examples
    --------
    >>> Trailing().check({"by": "highs"}), Trailing().check({"by": "lowest(low, 9)"})
    ('follows highs at no distance: give `distance`', '')
    """

    def check(self, value: Any) -> str:
        """Empty when ``value`` is legal, else what a legal one is."""
        if not isinstance(value, Mapping) or "atr" in value:
            return Protective().check(value)
        if text := _keys(value, ("by", "distance"), ("by",)):
            return text
        by, distance = value["by"], value.get("distance")
        if by not in (CLOSES, HIGHS) and not is_expression(by):
            return f"by must be {CLOSES}, {HIGHS} or an expression that gives a price (got {by})"
        if distance is None and by in (CLOSES, HIGHS):
            return f"follows {by} at no distance: give `distance`"
        text = Protective().check(distance)
        return f"distance {text}" if text else ""

    def describe(self) -> str:
        """What a legal value is, in words."""
        return f"{Protective().describe()}; or {{by: {CLOSES}, {HIGHS} or an expression, distance: …}}"

    def schema(self) -> Json:
        """JSON Schema of a legal value."""
        by = {"type": "string", "description": f"{CLOSES}, {HIGHS} or an expression that gives a price"}
        made = Protective().schema()
        return {"anyOf": [made, _mapping({"by": by, "distance": made}, ("by",))]}


class BreakEvenAfter:
    """Bound of when a stop is moved to the price of the entry: a distance, or ``after`` one, and ``to`` where.

    Examples
    --------
    >>> BreakEvenAfter().check({"after": "1%", "to": "2bp"}), BreakEvenAfter().check("1 %%")[:7]
    ('', 'must be')
    """

    def check(self, value: Any) -> str:
        """Empty when ``value`` is legal, else what a legal one is."""
        if not isinstance(value, Mapping) or "atr" in value:
            return Protective().check(value)
        if text := _keys(value, ("after", "to"), ("after",)):
            return text
        if text := Protective().check(value["after"]) or ("" if value["after"] is not None else "must be a distance"):
            return f"after {text}"
        try:
            parse_amount(value.get("to", 0))
        except ValueError as err:
            return f"to: {err}"
        return ""

    def describe(self) -> str:
        """What a legal value is, in words."""
        return "a distance, or {after: a distance, to: how far beyond the price of the entry}"

    def schema(self) -> Json:
        """JSON Schema of a legal value."""
        to = {"type": ["string", "number"], "description": "how far beyond the price of the entry, 0 when left out"}
        made = Protective().schema()
        return {"anyOf": [made, _mapping({"after": made, "to": to}, ("after",))]}


def _is_distance(value: Any) -> bool:
    try:
        parse_distance(value)
    except ValueError:
        return False
    return True


def _keys(value: Any, known: tuple[str, ...], needed: tuple[str, ...]) -> str:
    """What is wrong with the keys of a mapping; empty for nothing."""
    if not isinstance(value, Mapping):
        return f"must be a mapping of {', '.join(known)}"
    if stranger := next((key for key in value if key not in known), None):
        return f"has an {unknown('key', str(stranger), known)}"
    return next((f"lacks the key '{key}'" for key in needed if key not in value), "")


def _mapping(properties: Json, required: tuple[str, ...]) -> Json:
    return {"type": "object", "properties": properties, "required": [*required], "additionalProperties": False}
