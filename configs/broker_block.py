"""The broker block of a run: money, and what trading costs."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, InstanceOf, PlainSerializer, WithJsonSchema

from .units import Slippage
from .values import ANY_NUMBER, QUANTITY, Fee, Model, PositiveNumber


class Fees(Model):
    """What a fill costs, as a share of its notional."""

    maker: Fee = Field(default=0.0, description="limit orders that rested")
    taker: Fee = Field(default=0.0, description="orders that took liquidity")


class Broker(Model):
    """Money, and what trading costs."""

    cash: PositiveNumber = Field(default=100_000.0, description="quote currency at the start")
    fees: Fees = Fees()
    slippage: Annotated[
        InstanceOf[Slippage],
        BeforeValidator(Slippage.parse),
        PlainSerializer(str),
        WithJsonSchema({"anyOf": [{**ANY_NUMBER, "minimum": 0}, QUANTITY]}),
    ] = Field(default=Slippage(), description="1tick, 1bp, or a price")
