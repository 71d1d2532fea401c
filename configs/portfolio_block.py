"""The portfolio block of a run: what feeds that share an account may hold together, and who comes first."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from ..core.units import parse_amount
from .data_block import SESSION
from .risk_block import session_text
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
    if isinstance(value, dict | list):
        raise ValueError(
            "must be one expression, which is asked for each instrument, as in where(rank(close) <= 2, 0.4, 0)"
        )
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


SHARED = {"equal": "1", "inverse_volatility": "1 / std(change(log(close)), {window})"}
"""Weights that are shares of one whole, and what each is in proportion to."""
Expression = Annotated[str | None, BeforeValidator(_expression), WithJsonSchema({"type": ["string", "number", "null"]})]
OfEquity = Annotated[
    float | None,
    BeforeValidator(_of_equity),
    PlainSerializer(_spelled),
    WithJsonSchema({"anyOf": [QUANTITY, {"type": "null"}]}),
]


def _band(value: Any) -> float:
    amount = parse_amount(value)
    if (amount.unit != "fraction" and amount.value) or not 0 <= amount.value < 1:
        raise ValueError("must be a share of the equity from 0% to below 100%, as in 1%")
    return amount.value


def _leg(value: Any) -> Any:
    return value if isinstance(value, dict) else {"units": value}


class Leg(Model):
    """How much of an instrument goes with one of the first leg: units, or value; below 0 it is sold."""

    units: Expression = Field(default=None, description="units for one of the first leg: a number or an expression")
    value: Expression = Field(default=None, description="quote currency for one of the first leg's")

    @model_validator(mode="after")
    def _one_of_both(self) -> Leg:
        if (self.units is None) == (self.value is None):
            raise ValueError("needs one of units and value")
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core: Any, handler: Any) -> Any:
        made = handler(core)
        found = handler.resolve_ref_schema(made)
        own = {**found}
        found.clear()
        found |= {"description": own.pop("description", ""), "anyOf": [{"type": ["string", "number"]}, own]}
        return made

    @property
    def ratio(self) -> str:
        """The expression, read on the bars of the first leg."""
        return self.units or self.value or ""


class Rebalance(Model):
    """When positions are brought back to their weights, and how far they may be off."""

    every: Annotated[str, BeforeValidator(session_text), WithJsonSchema(SESSION)] = Field(
        default="1d", description="at the first close of each: 1d, 1w, month, 4h, with a time zone as sessions have it"
    )
    band: Annotated[
        float,
        BeforeValidator(_band),
        PlainSerializer(_spelled),
        WithJsonSchema({"anyOf": [QUANTITY, {"const": 0}]}),
    ] = Field(default=0.0, description="share of the equity that a position may be off and is left: 1%")


class Portfolio(Model):
    """Limits of the positions that share an account; entries are cut to them, what closes is not."""

    max_positions: Annotated[int, Field(ge=1)] | None = Field(default=None, description="most positions at a time")
    rank: Expression = Field(default=None, description="expression; of entries at one close the highest comes first")
    gross: OfEquity = Field(default=None, description="most that all positions are worth, of the equity: 150%")
    net: OfEquity = Field(default=None, description="most that longs are worth less shorts, either way: 50%")
    each: OfEquity = Field(default=None, description="most that one position is worth, at its entry: 30%")
    weights: Expression = Field(
        default=None,
        description="what is held instead of what rules enter: equal, inverse_volatility, or an expression that gives "
        "each instrument its share of the equity",
    )
    window: Annotated[int, Field(ge=2, le=1_000_000)] | None = Field(
        default=None, description="bars that inverse_volatility measures; 60 when left out"
    )
    rebalance: Rebalance = Rebalance()

    legs: dict[str, Annotated[Leg, BeforeValidator(_leg)]] = Field(
        default={},
        description="ratio of each feed of trade, which are entered and left together: {spot: 1, perp: -1}; the first, "
        "which is 1, decides",
    )

    @property
    def shared(self) -> bool:
        """Whether weights are shares of one whole."""
        return self.weights in SHARED

    @property
    def weighing(self) -> str:
        """The expression behind the weights."""
        return SHARED.get(self.weights or "", self.weights or "").format(window=self.window or 60)

    @property
    def limits(self) -> dict[str, float]:
        """What is limited, by name."""
        asked = {name: getattr(self, name) for name in ("max_positions", "gross", "net", "each")}
        return {name: float(value) for name, value in asked.items() if value is not None}
