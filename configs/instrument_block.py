"""The instrument block of a data block: what one contract is, and how a position in it is margined."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field, model_validator

from .values import Model, PositiveNumber, Share


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
    leverage: float = Field(default=1.0, ge=1, le=1000, description="notional per unit of margin")
    maintenance: Share = Field(default=0.005, description="share of the notional below which a position is closed")
    collateral: Literal["cross", "isolated"] = Field(
        default="cross", description="what is at stake: the whole account, or the margin posted for the position"
    )
    liquidation_fee: Share = Field(default=0.0, description="share of the notional that a forced close costs besides")

    @model_validator(mode="after")
    def _fits(self) -> Instrument:
        if self.margin == "spot" and self.contract_size is not None:
            raise ValueError("contract_size is for margin linear or inverse; spot trades the coin itself")
        if self.margin == "spot" and self.collateral == "isolated":
            raise ValueError("collateral isolated is for margin linear or inverse")
        if self.margined and self.maintenance >= 1 / self.leverage:
            raise ValueError(
                f"maintenance {self.maintenance:.3%} is not below 1 / leverage {1 / self.leverage:.3%}: "
                "a position would be closed as it is opened"
            )
        return self

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
