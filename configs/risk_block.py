"""The risk block of a run: limits that hold for any strategy."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from ..aggregation.sessions import Session
from ..core.distances import Protective, parse_distance
from ..core.units import parse_amount
from .data_block import SESSION
from .values import ANY_NUMBER, QUANTITY, Model


def _distance(value: Any) -> Any:
    if value is not None:
        try:
            parse_distance(value)
        except ValueError:
            raise ValueError(Protective().check(value)) from None
    return dict(value) if isinstance(value, dict) else value


def _loss(value: Any) -> Any:
    if value is not None:
        amount = parse_amount(value)
        if amount.unit == "ticks" or not amount.value > 0 or (amount.unit == "fraction" and amount.value > 1):
            raise ValueError(
                "must be an amount above 0: a share of the equity, as in 2%, or account currency, as in 500"
            )
    return value


def _most(value: Any) -> Any:
    if value is not None:
        amount = parse_amount(value)
        if amount.unit == "ticks" or not amount.value > 0:
            raise ValueError("must be above 0: a share of the equity, as in 50%, or a size, as in 1.5")
    return value


def session_text(value: Any) -> str:
    """As text, in which UTC stands where it was said, for days without a zone may be those of trading hours."""
    text = str(Session.of(value))
    said = ":" in value if isinstance(value, str) else "zone" in value
    return f"{text}:UTC" if said and ":" not in text else text


Place = Annotated[Any, BeforeValidator(_distance), WithJsonSchema(Protective().schema())]
Loss = Annotated[Any, BeforeValidator(_loss), WithJsonSchema({"anyOf": [ANY_NUMBER, QUANTITY, {"type": "null"}]})]
Most = Annotated[Any, BeforeValidator(_most), WithJsonSchema({"anyOf": [ANY_NUMBER, QUANTITY, {"type": "null"}]})]


class Risk(Model):
    """Limits that hold for any strategy; what is given here stands before the strategy's own parameters."""

    stop_loss: Place = Field(default=None, description="distance of a stop from the entry price")
    take_profit: Place = Field(default=None, description="distance of a limit order from the entry price")
    trailing_stop: Place = Field(default=None, description="distance of a stop that follows the close")
    time_stop: Annotated[int, Field(ge=1)] | None = Field(default=None, description="bars a position may last")
    daily_loss: Loss = Field(
        default=None, description="loss of a session at which all is closed until the next: 2% of its first equity, 500"
    )
    session: Annotated[str, BeforeValidator(session_text), WithJsonSchema(SESSION)] = Field(
        default="1d",
        description="what daily_loss counts, with a time zone and a start if wished, as in 1d:America/Chicago@17:00; "
        "days without a zone are those of the trading hours of the first feed, where it has some",
    )
    drawdown: Loss = Field(
        default=None, description="fall from the account's highest close at which all is closed for good: 20%, 5000"
    )
    max_position: Most = Field(default=None, description="largest position: 50% of the equity, or a size")

    def settings(self) -> dict[str, Any]:
        """What is set, by name."""
        return {name: value for name in type(self).model_fields if (value := getattr(self, name)) is not None}
