"""The portfolio block of a run: what feeds that share an account may hold together, and who comes first."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from ..core.units import parse_amount
from .units import percent
from .values import QUANTITY, Model


def _of_equity(value: Any) -> float | None:
    if value is None:
        return None
    amount = parse_amount(value)
    if amount.unit != "fraction" or not amount.value > 0:
        raise ValueError("must be a share of the equity above 0%, as in 150%")
    return amount.value


def _spelled(share: float | None) -> str | None:
    return None if share is None else f"{percent(share)}%"


def _expression(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


OfEquity = Annotated[
    float | None,
    BeforeValidator(_of_equity),
    PlainSerializer(_spelled),
    WithJsonSchema({"anyOf": [QUANTITY, {"type": "null"}]}),
]


class Portfolio(Model):
    """Limits of the positions that share an account; entries are cut to them, what closes is not."""

    max_positions: Annotated[int, Field(ge=1)] | None = Field(default=None, description="most positions at a time")
    rank: Annotated[str | None, BeforeValidator(_expression)] = Field(
        default=None, description="expression; of entries at one close the highest comes first"
    )
    gross: OfEquity = Field(default=None, description="most that all positions are worth, of the equity: 150%")
    net: OfEquity = Field(default=None, description="most that longs are worth less shorts, either way: 50%")
    each: OfEquity = Field(default=None, description="most that one position is worth, at its entry: 30%")

    @property
    def limits(self) -> dict[str, float]:
        """What is limited, by name."""
        asked = {name: getattr(self, name) for name in ("max_positions", "gross", "net", "each")}
        return {name: float(value) for name, value in asked.items() if value is not None}
