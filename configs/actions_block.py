"""The actions of a data block: where the splits and dividends of a stock stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from ..core.clock import parse_zone
from .values import Model, paths


def _zone(value: Any) -> str | None:
    if value is None:
        return None
    parse_zone(str(value))
    return str(value)


PATHS: dict[str, Any] = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}


class Actions(Model):
    """Splits and dividends of a stock."""

    path: Annotated[list[str], BeforeValidator(paths), WithJsonSchema(PATHS)] = Field(
        min_length=1,
        description="CSV files with date, split (2:1), dividend (cash for a share) and symbol; relative to this YAML",
    )
    symbol: str | None = Field(default=None, description="whose, where the files hold several")
    timezone: Annotated[str | None, BeforeValidator(_zone), WithJsonSchema({"type": ["string", "null"]})] = Field(
        default=None, description="where an ex-day begins at midnight, as in America/New_York; UTC when left out"
    )

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        return value if isinstance(value, Mapping | Actions) or value is None else {"path": value}

    @classmethod
    def __get_pydantic_json_schema__(cls, core: Any, handler: Any) -> Any:
        made = handler(core)
        found = handler.resolve_ref_schema(made)
        own = {**found}
        found.clear()
        found |= {"description": own.pop("description", ""), "anyOf": [*PATHS["anyOf"], own]}
        return made
