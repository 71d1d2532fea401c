"""The sizer block of a run: how large an order is."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from .values import Model, PositiveNumber


def _percent(value: Any) -> float | None:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    hit = re.fullmatch(r"\s*([0-9.]+)\s*%\s*", value) if isinstance(value, str) else None
    if not hit:
        raise ValueError("must be a number of percent, as in 10")
    return float(hit[1])


class Sizer(Model):
    """How large an order is: a share of the equity, or a fixed amount of base."""

    percent: Annotated[
        Annotated[float, Field(gt=0, le=100)] | None,
        BeforeValidator(_percent),
        WithJsonSchema({"type": ["number", "string", "null"], "exclusiveMinimum": 0, "maximum": 100}),
    ] = Field(default=None, description="percent of the equity")
    fixed: PositiveNumber | None = Field(default=None, description="base currency")

    @model_validator(mode="after")
    def _one(self) -> Sizer:
        if (self.percent is None) == (self.fixed is None):
            raise ValueError("needs exactly one of percent and fixed, as in {percent: 10}")
        return self
