"""The research block of a run: how its data are split, what is searched, and what is chosen by which figure."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from ..core.clock import DAY, HOUR, MONTH, interval_text, parse_interval
from .values import Model, Share

_SPAN_SAYS = "a time as in 60d, 8w or 12h"


def _span(value: Any) -> int:
    """Microseconds of a span that is written as a number and a unit."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= HOUR:
        return value  # as it was read before
    made = parse_interval(str(value))
    if made == MONTH or made < HOUR:
        raise ValueError(f"must be {_SPAN_SAYS}, an hour at least (got '{value}')")
    return made


def _purge(value: Any) -> int | str:
    return "auto" if value == "auto" else 0 if value in (0, "0", "none") else _span(value)


Span = Annotated[int, BeforeValidator(_span), WithJsonSchema({"type": "string", "description": _SPAN_SAYS})]
Purge = Annotated[
    int | Literal["auto"],
    BeforeValidator(_purge),
    WithJsonSchema({"type": ["string", "integer"], "description": f"auto, 0, or {_SPAN_SAYS}"}),
]
_PURGED = "what is left out between the part that is chosen on and the part that is not: the longest trade, by itself"


class WalkForward(Model):
    """Choose on one part, run the choice on the next, move on."""

    train: Span = Field(description="how long a choice is made on")
    test: Span = Field(description="how long it runs then, and how far the next one moves on")
    anchored: bool = Field(default=False, description="whether every choice is made on all since the beginning")
    purge: Purge = Field(default="auto", description=_PURGED)


class KFold(Model):
    """Choose on all parts but one, run the choice on that one."""

    folds: Annotated[int, Field(ge=2, le=100)] = Field(description="how many parts")
    purge: Purge = Field(default="auto", description=_PURGED)

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        return {"folds": value} if isinstance(value, int) else value


class CPCV(Model):
    """Choose on all parts but some, for every way in which these can be picked."""

    groups: Annotated[int, Field(ge=3, le=40)] = Field(description="how many parts")
    test: Annotated[int, Field(ge=1)] = Field(default=2, description="how many are kept from each choice")
    purge: Purge = Field(default="auto", description=_PURGED)

    @model_validator(mode="after")
    def _fewer(self) -> CPCV:
        if self.test * 2 > self.groups:
            raise ValueError(f"test: at most half of the {self.groups} groups (got {self.test})")
        return self


class Split(Model):
    """How the data are parted; one of three ways."""

    walk_forward: WalkForward | None = None
    kfold: KFold | None = None
    cpcv: CPCV | None = None

    @model_validator(mode="after")
    def _one(self) -> Split:
        if sum(getattr(self, name) is not None for name in type(self).model_fields) != 1:
            raise ValueError("give one of walk_forward, kfold and cpcv")
        return self

    @property
    def purge(self) -> int | str:
        """What is left out, in µs, or ``auto``."""
        one: Any = self.walk_forward or self.kfold or self.cpcv
        return one.purge  # type: ignore[no-any-return]


class Search(Model):
    """Which points of the sweep are tried."""

    grid: Literal[True] | None = Field(default=None, description="all")
    random: Annotated[int, Field(ge=1)] | None = Field(default=None, description="so many, drawn without repetition")
    tpe: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="so many for each fold, each batch led by those before (Optuna's TPE); walk_forward only",
    )
    seed: Annotated[int, Field(ge=0)] = Field(default=0, description="of what is drawn")
    batch: Annotated[int, Field(ge=1)] = Field(default=16, description="points of tpe that are asked for at a time")

    @model_validator(mode="after")
    def _one(self) -> Search:
        if sum(one is not None for one in (self.grid, self.random, self.tpe)) != 1:
            raise ValueError("give one of grid: true, random: 500 and tpe: 300")
        return self


class Research(Model):
    """A study: the points of ``sweep``, chosen on one part of the data and run on another."""

    split: Split
    holdout: Share = Field(default=0.0, description="the last part, which no choice sees; opened once, by name")
    search: Search = Search(grid=True)
    select: str = Field(default="sharpe", description="what is chosen by, the highest: figures, numbers and + - * / **")
    constraints: list[str] = Field(default=[], description="comparisons that a choice must meet, as in trades >= 30")

    @model_validator(mode="after")
    def _some(self) -> Research:
        if self.holdout >= 0.9:
            raise ValueError(f"holdout: below 90% (got {self.holdout:.0%})")
        if self.search.tpe is not None and self.split.walk_forward is None:
            raise ValueError("search.tpe: goes with split.walk_forward, whose every choice has one part to search on")
        return self


def span_text(us: int) -> str:
    """A span as it is written.

    >>> span_text(60 * DAY), span_text(36 * HOUR)
    ('60d', '36h')
    """
    return f"{us // DAY}d" if us and us % DAY == 0 else interval_text(us)
