"""The sizer block of a run: how large an order is."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_serializer, model_validator

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


def _by_kind_too(schema: dict[str, Any]) -> None:
    """Beside a kind stand the parameters of its class, which only the run itself knows."""
    own = schema["properties"]
    del own["params"], schema["additionalProperties"]
    schema["if"], schema["then"] = {"required": ["kind"]}, {}
    schema["else"] = {"properties": dict.fromkeys(own, True), "additionalProperties": False}


class Sizer(Model):
    """How large an order is: by one of percent, fixed, volatility, kelly and risk, or by the class of a sizer."""

    model_config = ConfigDict(json_schema_extra=_by_kind_too)
    unwritten: ClassVar[frozenset[str]] = frozenset({"params"})

    kind: str | None = Field(
        default=None, description="class of a sizer, as bt.PercentSizer, whose parameters stand beside it"
    )
    params: dict[str, Any] = Field(default={}, description="its parameters; written beside kind")
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

    @model_validator(mode="before")
    @classmethod
    def _by_class(cls, value: Any) -> Any:
        """The parameters of a class from beside its kind."""
        if not isinstance(value, dict) or value.get("kind") is None:
            return value
        return {"kind": value["kind"], "params": {key: item for key, item in value.items() if key != "kind"}}

    @model_serializer(mode="wrap")
    def _as_written(self, written: Any) -> dict[str, Any]:
        """As YAML has it: of a class its kind and parameters alone."""
        made: dict[str, Any] = written(self)
        kind, params = made.pop("kind"), made.pop("params")
        return {"kind": kind, **params} if kind is not None else made

    @model_validator(mode="after")
    def _one(self) -> Sizer:
        if self.kind is not None:
            return self
        if self.params:
            raise ValueError("params go with a kind, and are written beside it")
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
