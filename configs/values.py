"""Kinds of values that a run's YAML holds, and the base of its blocks."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from ..core.clock import iso, parse_time
from ..core.units import parse_fraction

ANY_NUMBER = {"type": "number"}
QUANTITY = {"type": "string", "pattern": r"^[-+]?[0-9._]+(e[-+]?[0-9]+)?\s*(%|bps?|ticks?)?$"}


def _fee(value: Any) -> float:
    """A share of notional below 10 %: what is larger was meant in basis points."""
    made = parse_fraction(value)
    if not -0.1 < made < 0.1:
        raise ValueError("must be a fraction between -10% and 10%; five basis points are written 5bp")
    return made


def _names(value: Any) -> Any:
    """One name, or several, each once."""
    made = [value] if isinstance(value, str) else [] if value is None else value
    if isinstance(made, list) and (twice := [name for i, name in enumerate(made) if name in made[:i]]):
        raise ValueError(f"names {twice[0]} twice")
    return made


TradeNames = Annotated[
    list[str],
    BeforeValidator(_names),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]


Fee = Annotated[
    float,
    BeforeValidator(_fee),
    WithJsonSchema(
        {"anyOf": [ANY_NUMBER, QUANTITY], "description": "2bp, 0.05% or a plain fraction; negative is a rebate"}
    ),
]


def _share(value: Any) -> float:
    """A share of something, from nothing to all of it."""
    made = parse_fraction(value)
    if not 0 <= made <= 1:
        raise ValueError("must be from 0 to 100%; half a percent is written 0.5%")
    return made


Share = Annotated[
    float,
    BeforeValidator(_share),
    WithJsonSchema({"anyOf": [ANY_NUMBER, QUANTITY], "description": "0.5%, 50bp or a plain fraction"}),
]


def paths(value: Any) -> list[str]:
    """One path or several as a list."""
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list) or not all(isinstance(p, str) and p for p in given):
        raise ValueError("must be a path or a list of paths; * and ? stand for any characters")
    return given


Time = Annotated[
    int,
    BeforeValidator(parse_time),
    PlainSerializer(iso),
    WithJsonSchema(
        {
            "type": ["string", "number"],
            "description": "ISO date or date-time, or seconds or milliseconds since 1970; no zone means UTC",
        }
    ),
]
Name = Annotated[str, Field(pattern=r"^\w[\w.-]*$")]
Event = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")]
PositiveNumber = Annotated[float, Field(gt=0)]


class Model(BaseModel):
    """The base of every block: frozen, strict, nothing unknown, nothing infinite."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
    unwritten: ClassVar[frozenset[str]] = frozenset()
    """Fields that no YAML writes as keys."""


def keys(model: type[Model]) -> tuple[str, ...]:
    """The keys of a block as YAML writes them."""
    return tuple(key_fields(model))


def key_fields(model: type[Model]) -> dict[str, str]:
    """Each key as YAML writes it, and the attribute it becomes."""
    return {field.alias or name: name for name, field in model.model_fields.items()}
