"""The broker block of a run: money, and what trading and holding cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, InstanceOf, PlainSerializer, WithJsonSchema, model_validator

from ..core.clock import parse_interval
from .units import RANGE, Slippage
from .values import ANY_NUMBER, QUANTITY, Fee, Model, PositiveNumber, Share, paths

Amount = Annotated[float, Field(ge=0)]


class Tier(Model):
    """Fees from a volume on."""

    volume: Amount = Field(description="notional traded in the 30 days before, from which these fees hold")
    maker: Fee = Field(default=0.0, description="limit orders that rested")
    taker: Fee = Field(default=0.0, description="orders that took liquidity")


class Fees(Model):
    """What a fill costs, as a share of its notional, and besides."""

    maker: Fee = Field(default=0.0, description="limit orders that rested")
    taker: Fee = Field(default=0.0, description="orders that took liquidity")
    tiers: list[Tier] = Field(default=[], description="lower fees by volume, ascending; below the first the two above")
    per_contract: Amount = Field(default=0.0, description="account currency for each contract traded, besides")
    minimum: Amount = Field(default=0.0, description="least that a fill costs, in account currency; rebates are none")

    @model_validator(mode="after")
    def _ascending(self) -> Fees:
        volumes = [tier.volume for tier in self.tiers]
        if volumes != sorted(set(volumes)):
            raise ValueError("tiers must have ascending volumes")
        return self

    @property
    def none(self) -> bool:
        """Whether no fill ever costs a fee, whatever its kind."""
        rates = [self.maker, self.taker, *(rate for tier in self.tiers for rate in (tier.maker, tier.taker))]
        return not any((*rates, self.per_contract, self.minimum))


def _interval(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be an interval, as in 8h")
    parse_interval(value)
    return value


class Funding(Model):
    """What longs pay to shorts on a perpetual: a venue's own rates, or one rate."""

    path: Annotated[
        list[str],
        BeforeValidator(paths),
        WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
    ] = Field(default=[], description="fundingRate dumps, * and ? allowed; relative to the folder of this YAML")
    rate: Fee | None = Field(default=None, description="the same rate each time; above 0 longs pay shorts")
    every: Annotated[str, BeforeValidator(_interval)] = Field(
        default="8h", description="how often `rate` is paid, counted from midnight UTC"
    )

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        return value if isinstance(value, Mapping | Funding) or value is None else {"rate": value}

    @model_validator(mode="after")
    def _one(self) -> Funding:
        if bool(self.path) == (self.rate is not None):
            raise ValueError("needs exactly one of path and rate, as in {rate: 1bp, every: 8h}")
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core: Any, handler: Any) -> Any:
        made = handler(core)
        found = handler.resolve_ref_schema(made)
        own = {**found}
        found.clear()
        found |= {"description": own.pop("description", ""), "anyOf": [ANY_NUMBER, QUANTITY, own]}
        return made

    @property
    def interval(self) -> int:
        """Time between payments of ``rate``, µs."""
        return parse_interval(self.every)


class Impact(Model):
    """How far an order moves the price against itself: coefficient × volatility × √(size / volume)."""

    coefficient: PositiveNumber = Field(default=1.0, description="about 1 on most markets")
    window: Annotated[int, Field(ge=3, le=100_000)] = Field(
        default=100, description="bars before the fill whose volatility and volume count"
    )


SlippageText = Annotated[
    InstanceOf[Slippage],
    BeforeValidator(Slippage.parse),
    PlainSerializer(str),
    WithJsonSchema({"anyOf": [{**ANY_NUMBER, "minimum": 0}, QUANTITY, RANGE]}),
]
"""Slippage as a YAML has it."""


class Broker(Model):
    """Money, and what trading and holding cost."""

    cash: PositiveNumber = Field(
        default=100_000.0, description="at the start, in account currency: quote; coin where the instrument is inverse"
    )
    fees: Fees = Fees()
    slippage: SlippageText = Field(
        default=Slippage(), description="1tick, 1bp, a price, or a share of the bar's range as in 10% range"
    )
    impact: Impact | None = Field(default=None, description="square-root market impact, besides slippage")
    participation: Share | None = Field(default=None, description="most of a bar's volume that own orders may be")
    funding: Funding | None = Field(default=None, description="of the traded feed: a rate every 8 h, or dumps")
    borrow: Share = Field(default=0.0, description="annual rate on what is sold short and on borrowed cash; spot only")

    @model_validator(mode="after")
    def _fills(self) -> Broker:
        if self.participation == 0:
            raise ValueError("participation 0 lets nothing fill; leave it out for no limit")
        return self
