"""What a run's account went through besides fills: funding, interest and forced closing, in figures and in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from ...configs.models import RunConfig
from ...configs.terms import Terms
from ...core.clock import iso
from ...core.counting import counted
from ...core.schema import DIVIDEND
from ..broker.choice import funded, paying, rolling
from ..broker.liquidation import LIQUIDATION
from ..recording.round_trips import RoundTrip

KINDS = ("funding", "borrow", "dividend", "roll")


Orders = Mapping[int, Mapping[str, Any]]
NEARLY = 1.0 - 1e-9
"""Sizes nearer than this are the same but for rounding."""


def flows_of(strategy: Any) -> list[Any]:
    """What positions paid and received while they were held, in time order."""
    return sorted(getattr(getattr(strategy, "broker", None), "flows", ()), key=lambda flow: flow.time)


def dividends_of(trips: Iterable[RoundTrip], flows: Iterable[Any]) -> list[float]:
    """What each round trip was paid in dividends, below 0 where it paid them; profits do not contain it."""
    paid = [flow for flow in flows if flow.kind == DIVIDEND]
    return [
        math.fsum(f.amount for f in paid if f.data == trip.data and trip.entry_time <= f.time < trip.exit_time)
        for trip in trips
    ]


def inputs(strategy: Any) -> dict[str, Any]:
    """Files that the account's costs were read from, by what they are."""
    broker = getattr(strategy, "broker", None)
    rates = getattr(broker, "funding", {}).values()
    files = dict.fromkeys(file for one in rates for file in getattr(one, "files", ()))
    return {"funding": tuple(files)} if files else {}


def coin_contracts(config: RunConfig) -> dict[str, float]:
    """Quote currency in one contract of each feed that is settled in coin."""
    return {name: terms.contract for name, terms in config.terms.items() if terms.inverse}


def currency(config: RunConfig) -> str:
    """What the account is kept in: ``coin`` where the traded instrument is settled in it, else ``quote``."""
    return "coin" if config.traded.inverse else "quote"


def figures(config: RunConfig, strategy: Any, orders: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    """Numbers of result.json about what the run's costs and instrument brought, where it has them."""
    money, instrument = config.broker, config.traded.instrument
    flows, made = flows_of(strategy), {}
    for kind, asked in zip(
        KINDS, (bool(funded(config)), bool(money.borrow), paying(config), rolling(config)), strict=True
    ):
        if asked:
            amounts = [flow.amount for flow in flows if flow.kind == kind]
            made[kind] = {"payments": len(amounts), "net": math.fsum(amounts)}
    if instrument.margined:
        made["liquidations"] = sum(row["reason"] == LIQUIDATION for row in orders.values())
    return made


def rolls(sources: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Where continuous series went from contract to contract, within the bars of the run."""
    made: list[dict[str, Any]] = []
    for name, source in sources.items():
        begin, end = int(source.bars["open_time"][0]), int(source.bars["close_time"][-1])
        within = (roll for roll in getattr(source.feed, "rolls", ()) if begin <= roll.time < end)
        made += [{"data": name, **asdict(roll), "time": iso(roll.time)} for roll in within]
    return made


def cut(orders: Orders) -> int:
    """How many entries were filled for less than their size, because the account could pay for no more."""
    return sum(row["status"] == "completed" and row["executed_size"] < row["size"] * NEARLY for row in orders.values())


def refused(orders: Orders) -> int:
    """How many orders were refused, for want of cash or margin or because the account was ruined."""
    return sum(row["status"] in ("margin", "rejected") for row in orders.values())


def ruin(at: int | None, equity: Mapping[str, Any]) -> list[str]:
    """The sentence on an account that came to be worth nothing."""
    if at is None:
        return []
    worth = float(equity["value"][np.searchsorted(equity["time"], at, side="right") - 1])
    return [
        f"ruined at {iso(at)}: the account was worth {worth:,.2f}; everything was closed at the next open at which "
        "anybody traded, and nothing was sent after"
    ]


def strains(config: RunConfig, equity: Mapping[str, Any], sold: Any) -> Iterator[str]:
    """What an account without margin carried that no venue would have let it carry."""
    if config.traded.margined:
        return
    value = equity["value"]
    exposure = np.divide(sold, value, out=np.zeros(len(value)), where=(sold > 0) & (value > 0))
    if (worst := round(float(exposure.max(initial=0.0)), 2)) > 1.0:
        yield (
            f"a short position was worth up to {worst:.2f} × the equity, beyond a leverage of 1: a cash account is not "
            "called for margin; instrument: {margin: linear, leverage: …} closes by force what cannot be held"
        )
    if (least := float(equity["cash"].min(initial=0.0))) < 0:
        yield f"cash fell to {least:,.2f}: fees, interest or a covered short took more than there was"


def shortfalls(config: RunConfig, orders: Orders) -> Iterator[str]:
    """What the account could not pay for."""
    if less := cut(orders):
        entries = counted(less, "entry was", "entries were")
        yield f"{entries} cut to what cash, fees and slippage allow; a smaller sizer.percent leaves room"
    if lacking := sum(row["status"] == "margin" for row in orders.values()):
        brackets = config.traded.instrument.brackets
        more = ", or beyond what the brackets allow" if brackets else ""
        yield (
            f"{counted(lacking, 'order was', 'orders were')} refused for lack of cash{more}: a smaller size or more "
            "cash helps, and entries that sizer.percent sizes are cut to what the account can pay"
        )


def warnings(orders: Orders) -> Iterator[str]:
    """What orders tell that a reader should know."""
    rows = list(orders.values())
    if closed := sum(row["reason"] == LIQUIDATION for row in rows):
        yield f"{counted(closed, 'position was', 'positions were')} closed by force at the liquidation price"


def assumptions(config: RunConfig, dealt: Iterable[str]) -> Iterator[str]:
    """How costs and margin were taken, in words; of the feeds ``dealt`` in, the first of which is the traded one."""
    said: list[str] = []
    for name in dealt:
        own = [*_costs(config.terms[name])]
        yield from (f"{name}: {text}" if said else text for text in own if text not in said)
        said = said or own
    yield from _holding(config)
    if config.traded.margined:
        yield from _margins(config, dealt)
    if missing := _missing(config):
        yield f"{missing[:1].upper()}{missing[1:]} {'are' if 'and' in missing else 'is'} not simulated."
    if config.risk.daily_loss is not None:
        yield (
            f"Daily loss: at a loss of {config.risk.daily_loss} in a session ({config.risk.session}), measured at "
            "closes, everything is closed at the next open and nothing is opened until the next session."
        )
    if config.risk.drawdown is not None:
        yield (
            f"Drawdown: at a fall of {config.risk.drawdown} from the account's highest close, everything is closed at "
            "the next open and nothing is opened any more."
        )


def _costs(terms: Terms) -> Iterator[str]:
    """What trading one feed costs, in words."""
    fees, impact = terms.fees, terms.impact
    yield f"Fees: {fees.maker:.4%} for limit orders that rested, {fees.taker:.4%} for all others."
    yield from _fee_schedule(fees)
    yield f"Slippage: {terms.slippage} against every market order and stop, also beyond the bar's range."
    if impact is not None:
        yield (
            f"Market impact: {impact.coefficient:g} × volatility × √(size / volume), both of the "
            f"{impact.window} bars before the fill."
        )
    if terms.participation is not None:
        yield f"Own fills are at most {terms.participation:.2%} of a bar's volume; the rest waits for the next bar."


def _margins(config: RunConfig, dealt: Iterable[str]) -> Iterator[str]:
    """How each instrument is margined, in words; what is said of the first is not said again."""
    said = _margin(config.traded.instrument)
    yield said
    for name in dealt:
        if (own := _margin(config.terms[name].instrument)) != said:
            yield f"{name}: {own}"


def _fee_schedule(fees: Any) -> Iterator[str]:
    if fees.tiers:
        yield "Fees fall with the notional of own fills in the 30 days before: " + "; ".join(
            f"from {tier.volume:,.0f} {tier.maker:.4%} and {tier.taker:.4%}" for tier in fees.tiers
        )
    if fees.per_contract or fees.minimum:
        yield f"Besides, {fees.per_contract:g} a contract; a fill costs at least {fees.minimum:g}."


def _holding(config: RunConfig) -> Iterator[str]:
    for name, funding in funded(config).items():
        rates = f"{funding.rate:.4%} every {funding.every}" if funding.rate is not None else "as dumped"
        of = f" of {name}" if len(config.data) > 1 else ""
        yield f"Funding{of}: {rates}, on what is held at the close of the bar in which it falls due, at that close."
    if paying(config):
        yield (
            "Splits: prices and sizes are in shares of the first day. Dividends are cash at the open of the ex-day, on "
            "what was held at the close before, shorts pay them; signals read prices adjusted for those so far, and "
            "orders that rest are left as they are."
        )
    if rolling(config):
        yield (
            "Rolls: a position goes from contract to contract at the open of the first bar of the new one, before any "
            "order; the gap is no profit, and two fills cost a taker's fee and slippage each."
        )
    if config.broker.borrow:
        yield f"Borrow: {config.broker.borrow:.2%} a year, simple, on what is sold short and on borrowed cash."


def _missing(config: RunConfig) -> str:
    """What is left out of the account, in words."""
    margined = config.traded.margined
    has = {"funding": funded(config), "borrow": config.broker.borrow, "liquidation": margined}
    left = [name for name, here in has.items() if not here]
    return " and ".join(part for part in (", ".join(left[:-1]), *left[-1:]) if part)


def _maintenance(instrument: Any) -> str:
    if not instrument.brackets:
        return f"maintenance {instrument.maintenance:.3%}"
    rates = [bracket.rate for bracket in instrument.brackets]
    return f"maintenance by {len(rates)} brackets of notional from {rates[0]:.3%} to {rates[-1]:.3%}"


def _margin(instrument: Any) -> str:
    currency = "coin" if instrument.margin == "inverse" else "quote currency"
    return (
        f"Margin: {instrument.margin}, {instrument.collateral}, leverage {instrument.leverage:g}, "
        f"{_maintenance(instrument)}; the account is in {currency}. A bar whose range reaches the liquidation price "
        "closes the position there, after nearer stops and before targets; last prices stand for mark prices."
    )
