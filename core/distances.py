"""Distances of protection from a price: an amount, or so many average true ranges."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import unknown
from .params import Json
from .units import Amount, parse_amount

PERIOD = 14
_LONGEST = 100_000
_FORM = re.compile(r"\s*((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*atr\s*(?:\(\s*(\d+)\s*\))?\s*", re.IGNORECASE)
_SAYS = (
    "an amount above 0, as in 20bp, 0.5%, 10ticks or 25, or average true ranges, as in 2 atr or {atr: 2, period: 14}"
)


@dataclass(frozen=True)
class Atr:
    """So many average true ranges, as Wilder smooths them.

    Parameters
    ----------
    multiple : float
        Above 0.
    period : int
        Bars; at least 2.

    References
    ----------
    .. [1] J. W. Wilder, "New Concepts in Technical Trading Systems", 1978.
    """

    multiple: float
    period: int = PERIOD


Measure = Amount | Atr


def parse_distance(value: Any) -> Measure:
    """``2 atr``, ``2 atr(20)`` and ``{atr: 2, period: 20}`` are true ranges; else what `parse_amount` makes of it.

    Raises
    ------
    ValueError
        If ``value`` is none of these.

    Examples
    --------
    >>> parse_distance("2 atr"), parse_distance({"atr": 1.5, "period": 20})
    (Atr(multiple=2.0, period=14), Atr(multiple=1.5, period=20))
    >>> parse_distance("0.5%")
    Amount(value=0.005, unit='fraction')
    """
    if isinstance(value, Amount | Atr):
        return value
    if isinstance(value, Mapping):
        return _of_mapping(value)
    hit = _FORM.fullmatch(value) if isinstance(value, str) else None
    if hit:
        return _checked(float(hit[1]), int(hit[2] or PERIOD))
    made = parse_amount(value)
    if not 0 < made.value < math.inf:
        raise ValueError(f"must be {_SAYS}")
    return made


def _of_mapping(value: Mapping[str, Any]) -> Atr:
    for key in value:
        if key not in ("atr", "period"):
            raise ValueError(unknown("key", str(key), ("atr", "period")))
    multiple, period = value.get("atr"), value.get("period", PERIOD)
    if not _is(multiple, int | float) or not _is(period, int):
        raise ValueError(f"must be {_SAYS}")
    return _checked(float(multiple), period)  # type: ignore[arg-type]


def _is(value: Any, kinds: Any) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool)


def _checked(multiple: float, period: int) -> Atr:
    if not 0 < multiple < math.inf:
        raise ValueError("must be more than 0 average true ranges")
    if not 2 <= period <= _LONGEST:
        raise ValueError(f"must have a period of 2 to {_LONGEST} bars")
    return Atr(multiple, period)


@dataclass(frozen=True)
class Protective:
    """Bound of a parameter that holds a distance from a price, or None.

    Examples
    --------
    >>> Protective().check("2 atr"), Protective().check("-1%")[:24]
    ('', 'must be an amount above ')
    """

    def check(self, value: Any) -> str:
        """Empty when ``value`` is legal, else what a legal one is."""
        if value is None:
            return ""
        try:
            parse_distance(value)
        except ValueError as err:
            text = str(err)
            return text if text.startswith(("must", "unknown")) else f"must be {self.describe()}"
        return ""

    def describe(self) -> str:
        """What a legal value is, in words."""
        return _SAYS

    def schema(self) -> Json:
        """JSON Schema of a legal value."""
        ranges: Json = {
            "type": "object",
            "properties": {
                "atr": {"type": "number", "exclusiveMinimum": 0, "description": "how many average true ranges"},
                "period": {"type": "integer", "minimum": 2, "maximum": _LONGEST, "default": PERIOD},
            },
            "required": ["atr"],
            "additionalProperties": False,
        }
        return {"anyOf": [{"type": ["string", "number", "null"]}, ranges], "description": _SAYS}
