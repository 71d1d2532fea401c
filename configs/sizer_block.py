"""The sizer block of a run: how large an order is."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from .values import Model, PositiveNumber

KINDS = ("percent", "fixed", "volatility", "kelly", "risk")
COMPANIONS = {"window": ("volatility",), "trades": ("kelly",), "start": ("kelly",), "most": KINDS[2:]}
"""Keys that only some sizers have a use for."""


def _percent(value: Any) -> float | None:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    hit = re.fullmatch(r"\s*([0-9.]+)\s*%\s*", value) if isinstance(value, str) else None
    if not hit:
        raise ValueError("must be a number of percent, as in 10")
    return float(hit[1])


_SHOWN = {"type": ["number", "string", "null"], "exclusiveMinimum": 0}
Percent = Annotated[
    Annotated[float, Field(gt=0, le=100)] | None,
    BeforeValidator(_percent),
    WithJsonSchema({**_SHOWN, "maximum": 100}),
]
Leveraged = Annotated[
    Annotated[float, Field(gt=0, le=100_000)] | None,
    BeforeValidator(_percent),
    WithJsonSchema({**_SHOWN, "maximum": 100_000}),
]


class Sizer(Model):
    """How large an order is: by exactly one of percent, fixed, volatility, kelly and risk."""

    percent: Leveraged = Field(default=None, description="percent of the equity; above 100 needs instrument.leverage")
    fixed: PositiveNumber | None = Field(default=None, description="base currency; contracts where margin is inverse")
    volatility: Leveraged = Field(default=None, description="percent a year that the position is to move the account")
    window: Annotated[int, Field(ge=2, le=1_000_000)] = Field(
        default=60, description="bars that realised volatility is taken from"
    )
    kelly: Annotated[float, Field(gt=0, le=1)] | None = Field(
        default=None, description="fraction of the Kelly bet, by the run's own finished round trips"
    )
    trades: Annotated[int, Field(ge=2)] = Field(default=30, description="finished round trips before kelly is reckoned")
    start: Leveraged = Field(default=1.0, description="percent of the equity until kelly is reckoned")
    risk: Percent = Field(default=None, description="percent of the equity lost where the stop fills; needs a stop")
    most: Leveraged = Field(
        default=None, description="percent of the equity that a position may be; 100 times the leverage when left out"
    )

    @model_validator(mode="after")
    def _one(self) -> Sizer:
        asked = [name for name in KINDS if getattr(self, name) is not None]
        if len(asked) != 1:
            raise ValueError(f"needs exactly one of {', '.join(KINDS)}, as in {{percent: 10}}")
        for name, users in COMPANIONS.items():
            default = type(self).model_fields[name].default
            if asked[0] not in users and getattr(self, name) != default:
                raise ValueError(f"{name} goes with {' or '.join(users)}, not with {asked[0]}")
        if self.start is None:
            raise ValueError("start must be a number of percent, as in 1")
        return self
