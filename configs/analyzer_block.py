"""One of the analyzers of a run."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field, model_validator

from .values import Model


class AnalyzerBlock(Model):
    """An analyzer by its class, what it found into result.json. Keys beyond these are its parameters."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"type": ["object", "string"]})

    kind: str = Field(description="class name of the analyzer, as bt.SharpeRatio, or of a plugin's")
    name: str | None = Field(default=None, description="what result.json calls it; its kind when left out")

    @model_validator(mode="before")
    @classmethod
    def _by_kind(cls, value: Any) -> Any:
        """A bare kind."""
        return {"kind": value} if isinstance(value, str) else value

    @property
    def title(self) -> str:
        """What result.json calls it.

        >>> AnalyzerBlock(kind="bt.SharpeRatio").title
        'SharpeRatio'
        """
        return self.name or self.kind.removeprefix("bt.")

    @property
    def params(self) -> dict[str, Any]:
        """The analyzer's parameters, as given."""
        return dict(self.model_extra or {})
