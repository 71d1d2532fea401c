"""The strategies block of a run: several strategies beside each other, each with money and positions of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from ..core.units import parse_amount
from .errors import Complaint
from .portfolio_block import Portfolio
from .risk_block import Risk
from .sizer_block import Sizer
from .values import ANY_NUMBER, QUANTITY, Model, TradeNames

OWN = ("trade", "risk", "sizer", "portfolio")
"""Blocks of a run that each strategy may have for itself; it has the run's where it says nothing."""


def _capital(value: Any) -> Any:
    if value is not None:
        amount = parse_amount(value)
        if amount.unit == "ticks" or not amount.value > 0 or (amount.unit == "fraction" and amount.value > 1):
            raise ValueError("must be above 0: a share of broker.cash, as in 50%, or account currency, as in 5000")
    return value


class StrategyEntry(Model):
    """One of several strategies of a run."""

    kind: str = Field(default="Rules", description="class name of the strategy, or module:Class")
    params: dict[str, Any] = Field(default={}, description="the strategy's parameters")
    trade: TradeNames = Field(default=[], description="feeds that it trades; those of the run when left out")
    capital: Annotated[
        Any, BeforeValidator(_capital), WithJsonSchema({"anyOf": [ANY_NUMBER, QUANTITY, {"type": "null"}]})
    ] = Field(
        default=None,
        description="its own money: a share of broker.cash, or account currency; when left out an equal part of what "
        "the others leave",
    )
    risk: Risk | None = Field(default=None, description="its own risk block; the run's when left out")
    sizer: Sizer | None = Field(default=None, description="its own sizer; the run's when left out")
    portfolio: Portfolio | None = Field(default=None, description="its own portfolio block; the run's when left out")


def capitals(entries: Mapping[str, StrategyEntry], cash: float) -> dict[str, float]:
    """The money of each strategy.

    Examples
    --------
    >>> asked = {"trend": "50%", "fade": 2000, "tilt": None, "rest": None}
    >>> capitals({name: StrategyEntry(capital=one) for name, one in asked.items()}, 10_000.0)
    {'trend': 5000.0, 'fade': 2000.0, 'tilt': 1500.0, 'rest': 1500.0}
    """
    made = {name: _money(entry.capital, cash) for name, entry in entries.items()}
    rest = [name for name, money in made.items() if money is None]
    left = cash - sum(money for money in made.values() if money is not None)
    return {name: left / len(rest) if money is None else money for name, money in made.items()}


def _money(capital: Any, cash: float) -> float | None:
    if capital is None:
        return None
    amount = parse_amount(capital)
    return float(amount.value * cash if amount.unit == "fraction" else amount.value)


def as_alone(raw: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What a run of one of the strategies alone would say."""
    entry = raw["strategies"][name]
    made = {key: value for key, value in raw.items() if key not in ("strategies", "sweep", "research", "events")}
    weighed = isinstance(entry.get("portfolio"), Mapping) and entry["portfolio"].get("weights") is not None
    if not weighed or "kind" in entry or "params" in entry:
        made["strategy"] = {"kind": "Rules", **{key: entry[key] for key in ("kind", "params") if key in entry}}
    return made | {key: entry[key] for key in OWN if entry.get(key) is not None}


def moved(complaints: Iterator[Complaint], name: str, entry: Mapping[str, Any]) -> Iterator[Complaint]:
    """Complaints about a run of one strategy alone, with their places in the run of all."""
    for one in complaints:
        first, *rest = one.path or ("",)
        if first == "strategy":
            yield replace(one, path=("strategies", name, *rest))
        elif first in OWN and entry.get(first) is not None:
            yield replace(one, path=("strategies", name, *one.path))
        else:
            yield one


def wrong_capital(entries: Mapping[str, StrategyEntry], cash: float) -> Iterator[Complaint]:
    """Strategies that ask for more money than there is."""
    made = capitals(entries, cash)
    if any(money <= 0 for money in made.values()):
        text = "asks for all of broker.cash, and nothing is left for those without: give each its capital"
        yield Complaint(("strategies",), text, on_key=True)
    elif (asked := sum(made.values())) > cash * (1 + 1e-9):
        text = f"asks for {asked:,.2f} of capital, and broker.cash is {cash:,.2f}"
        yield Complaint(("strategies",), text, on_key=True)
