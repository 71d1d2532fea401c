"""The instrument block of a data block: what one contract is, and how a position in it is margined."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ..core.brackets import Bracket
from .broker_block import Funding
from .values import Model, PositiveNumber, Share

Leverage = Annotated[float, Field(ge=1, le=1000)]
_SAME = 1e-6
"""Share of a floor by which a deduction may be off, as venues round theirs."""


class MarginBracket(Model):
    """Maintenance from a notional on, as a row of a venue's table."""

    floor: Annotated[float, Field(ge=0)] = Field(
        description="notional of the position, in account currency, from which these hold; 0 in the first"
    )
    rate: Share = Field(description="share of the notional that has to be left")
    deduction: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="taken off, so that nothing leaps at the floor; worked out when left out"
    )
    leverage: Leverage | None = Field(default=None, description="most that is allowed")


class Instrument(Model):
    """What one contract is, and how a position in it is margined."""

    margin: Literal["spot", "linear", "inverse"] = Field(
        default="spot",
        description="spot: paid in full, or borrowed above leverage 1; linear: margined and settled in quote currency; "
        "inverse: in coin, sizes are contracts",
    )
    contract_size: PositiveNumber | None = Field(
        default=None, description="linear: base currency in one contract; inverse: quote currency in one contract"
    )
    leverage: Leverage = Field(default=1.0, description="notional per unit of margin")
    maintenance: Share = Field(default=0.005, description="share of the notional below which a position is closed")
    brackets: list[MarginBracket] = Field(
        default=[], description="maintenance by notional, ascending, instead of one share"
    )
    collateral: Literal["cross", "isolated"] = Field(
        default="cross", description="what is at stake: the whole account, or the margin posted for the position"
    )
    liquidation_fee: Share = Field(default=0.0, description="share of the notional that a forced close costs besides")
    negative_prices: bool = Field(
        default=False,
        description="whether the market may trade at 0 and below, as oil did in April 2020; margin spot, with sizes, "
        "fees and distances that are no shares of a price",
    )
    funding: Funding | None = Field(
        default=None, description="what this instrument pays, where several are traded: a rate every 8 h, or dumps"
    )

    @model_validator(mode="after")
    def _fits(self) -> Instrument:
        if self.margin == "spot" and self.contract_size is not None:
            raise ValueError("contract_size is for margin linear or inverse; spot trades the coin itself")
        if self.margin == "spot" and self.collateral == "isolated":
            raise ValueError("collateral isolated is for margin linear or inverse")
        if self.margined and self.negative_prices:
            raise ValueError("negative_prices goes with margin spot and leverage 1: margin is a share of the price")
        if self.margined and not self.brackets and self.maintenance >= 1 / self.leverage:
            raise ValueError(
                f"maintenance {self.maintenance:.3%} is not below 1 / leverage {1 / self.leverage:.3%}: "
                "a position would be closed as it is opened"
            )
        return self

    @model_validator(mode="after")
    def _by_brackets(self) -> Instrument:
        if not self.brackets:
            return self
        if not self.margined:
            raise ValueError("brackets are for margin linear or inverse, or spot above leverage 1")
        if "maintenance" in self.model_fields_set:
            raise ValueError("brackets have their own rates; leave out maintenance")
        for text in self._wrong():
            raise ValueError(text)
        return self

    def _wrong(self) -> Iterator[str]:
        """What is wrong with the brackets."""
        floors, rates = [b.floor for b in self.brackets], [b.rate for b in self.brackets]
        limits = [b.leverage for b in self.brackets if b.leverage is not None]
        if floors[0] != 0 or floors != sorted(set(floors)):
            yield f"brackets must have ascending floors from 0 on (got {_listed(floors)})"
        if rates != sorted(set(rates)):
            yield f"brackets must have ascending rates (got {', '.join(f'{rate:.4%}' for rate in rates)})"
        if limits != sorted(limits, reverse=True):
            yield f"brackets must not allow more leverage on a larger notional (got {_listed(limits)})"
        for i, (bracket, row) in enumerate(zip(self.brackets, self.table, strict=True), 1):
            if bracket.deduction is not None and abs(bracket.deduction - row.deduction) > _SAME * bracket.floor:
                yield (
                    f"brackets: deduction {bracket.deduction:g} makes the maintenance leap at the floor {row.floor:g} "
                    f"of bracket {i}; {row.deduction:g} does not, and is taken when left out"
                )
            if row.rate >= 1 / min(self.leverage, row.leverage):
                yield (
                    f"brackets: rate {row.rate:.3%} of bracket {i} is not below 1 / leverage "
                    f"{1 / min(self.leverage, row.leverage):.3%}: a position would be closed as it is opened; give the "
                    "bracket the most leverage that it allows"
                )
        if self.leverage > self.table[0].leverage:
            yield f"leverage {self.leverage:g} is more than any bracket allows, {self.table[0].leverage:g} at most"

    @property
    def table(self) -> list[Bracket]:
        """The brackets with every deduction; one row where there is one rate."""
        if not self.brackets:
            return [Bracket(self.maintenance)]
        made: list[Bracket] = []
        for b in self.brackets:
            leap = b.floor * (b.rate - made[-1].rate) + made[-1].deduction if made else 0.0
            made.append(Bracket(b.rate, leap, b.floor, math.inf if b.leverage is None else b.leverage))
        return made

    @property
    def margined(self) -> bool:
        """Whether there is margin to keep, and so a liquidation price."""
        return self.margin != "spot" or self.leverage > 1

    def lot(self, given: float | None) -> float | None:
        """Smallest step of a size: ``given``, else one contract where sizes come in contracts."""
        if given is None and self.margin == "inverse":
            return 1.0
        return self.contract_size if given is None and self.margin == "linear" else given

    def contract(self, of_feed: object) -> float:
        """Size of one contract; the feed's where the block gives none; NaN where neither does."""
        found = self.contract_size if self.contract_size is not None else of_feed
        return float(found) if isinstance(found, int | float) else math.nan


def _listed(numbers: list[float]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)
