"""What is legal in each block of a run alone, but not together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..core.errors import unknown
from ..core.plugins.registry import FEEDS, INDICATORS, STRATEGIES
from .errors import Complaint, KeyPath
from .models import RunConfig, StrategyBlock
from .plugin import declared
from .portfolio_block import Portfolio, Rebalance
from .sizer_block import Sizer
from .terms import Terms


def contradictions(config: RunConfig) -> Iterator[Complaint]:
    """Everything in ``config``, a `RunConfig`, that goes against another part of it."""
    traded = config.traded
    instrument, money, sizer = traded.instrument, config.broker, config.sizer
    largest = 100.0 * instrument.leverage
    for name in ("percent", "most", "start"):
        if (asked := getattr(sizer, name)) is not None and asked > largest:
            text = f"is more than 100 times the leverage of the traded feed, {instrument.leverage:g} (got {asked:g})"
            yield Complaint(("sizer", name), text)
    if money.borrow and instrument.margin != "spot":
        yield Complaint(("broker", "borrow"), f"is for margin spot; margin {instrument.margin} borrows nothing")
    if money.funding is not None and instrument.funding is not None:
        yield Complaint(("broker", "funding"), "is of the traded feed, whose instrument has funding of its own")
    if config.fills.tape and money.participation is not None:
        text = "is of a bar's volume; the tape has its own: fills: {from: tape, participation: 25%}"
        yield Complaint(("broker", "participation"), text, on_key=True)
    yield from _desks(config)
    if config.benchmark is not None and config.benchmark not in config.feeds:
        yield Complaint(("benchmark",), unknown("feed", config.benchmark, config.feeds))
    titles = [one.title for one in config.analyzers]
    for i, title in enumerate(titles):
        if title in titles[:i]:
            yield Complaint(("analyzers", i), f"'{title}' stands twice: give the second a name of its own")
    if titles and (len(config.desks) > 1 or config.portfolio != Portfolio()):
        text = "follow one strategy, and with trade or portfolio each feed has one: leave them out"
        yield Complaint(("analyzers",), text, on_key=True)
    for desk in (config.terms[name] for name in config.desks):
        yield from _rolling(config, desk)
        if desk.instrument.negative_prices:
            yield from _below_0(config, desk)
        yield from _protection(config, desk)
    yield from _logs_below_0(config)


def beside_each_other(config: RunConfig) -> Iterator[Complaint]:
    """What several strategies of a run cannot have."""
    for name in ("daily_loss", "drawdown"):
        if getattr(config.risk, name) is not None:
            text = "is of one account, and each of strategies has its own: give it to each, under risk"
            yield Complaint(("risk", name), text, on_key=True)
    if config.fills.tape:
        yield Complaint(("fills", "from"), "tape fills the orders of one strategy; strategies are filled from bars")
    if config.analyzers:
        yield Complaint(("analyzers",), "follow one strategy: leave them out with strategies", on_key=True)


def _desks(config: RunConfig) -> Iterator[Complaint]:
    """What feeds that share an account cannot have."""
    terms, traded = config.terms, config.traded
    for i, name in enumerate(config.desks if len(config.desks) > 1 else ()):
        own, first = terms[name].instrument, traded.instrument
        if own.margin != first.margin or terms[name].margined != traded.margined:
            text = f"{name} is margined otherwise than {traded.name}; one account holds one kind"
            yield Complaint(("trade", i), text)
    yield from _weights(config)
    yield from _legs(config)
    if config.portfolio.rank is not None and STRATEGIES.find(config.strategy.kind).decides_itself():  # type: ignore[attr-defined]
        text = f"puts entries of one close in order; {config.strategy.kind} sends its own in its next: write signals()"
        yield Complaint(("portfolio", "rank"), text)
    if len(config.desks) > 1 and config.broker.funding is not None:
        text = "is of one feed, and several are traded: give each data block instrument: {funding: …}"
        yield Complaint(("broker", "funding"), text)


def _legs(config: RunConfig) -> Iterator[Complaint]:
    """What does not go with legs, which are entered and left together."""
    asked, legs = config.portfolio, config.portfolio.legs
    if not legs:
        return
    if [*legs] != [*config.desks] or len(legs) < 2:
        text = f"must name the feeds of trade, at least two, in their order: {', '.join(config.desks)}"
        yield Complaint(("portfolio", "legs"), text, on_key=True)
    elif next(iter(legs.values())).units not in ("1", "1.0"):
        yield Complaint(("portfolio", "legs", config.desks[0]), "is the first leg, of which the others are ratios: 1")
    if STRATEGIES.find(config.strategy.kind).decides_itself():  # type: ignore[attr-defined]
        text = f"follow signals, and {config.strategy.kind} decides in its own next: write signals()"
        yield Complaint(("portfolio", "legs"), text, on_key=True)
    for name in ("max_positions", "gross", "net", "each", "rank", "weights"):
        if getattr(asked, name) is not None:
            yield Complaint(("portfolio", name), "is of single positions, and legs are one: leave it out", on_key=True)
    text = "is of one position, and legs are left together: say it in an exit"
    if config.risk.max_position is not None:
        yield Complaint(("risk", "max_position"), text, on_key=True)
    for place, name, _ in protection_in(config):
        if name != "time_stop":
            yield Complaint((*place, name), text, on_key=True)


def _weights(config: RunConfig) -> Iterator[Complaint]:
    """What does not go with target weights, or only with them."""
    asked = config.portfolio
    if asked.window is not None and asked.weights != "inverse_volatility":
        yield Complaint(("portfolio", "window"), "goes with weights: inverse_volatility", on_key=True)
    if asked.weights is None:
        if asked.rebalance != Rebalance():
            yield Complaint(("portfolio", "rebalance"), "goes with portfolio.weights", on_key=True)
        return
    if config.strategy != StrategyBlock(kind="Rules", params=declared(STRATEGIES.find("Rules"))):
        text = "says what is traded, and portfolio.weights say what is held: leave out one of the two"
        yield Complaint(("strategy",), text, on_key=True)
    for name in ("stop_loss", "trailing_stop", "take_profit", "time_stop"):
        if getattr(config.risk, name) is not None:
            text = "is of entries, and portfolio.weights hold positions: leave it out, or make the weight 0 then"
            yield Complaint(("risk", name), text, on_key=True)
    if config.sizer != Sizer(percent=10.0):
        text = "sizes entries, and portfolio.weights are sizes themselves: leave it out"
        yield Complaint(("sizer",), text, on_key=True)


def _below_0(config: RunConfig, traded: Terms) -> Iterator[Complaint]:
    """What is a share of a price, which means nothing where prices may be 0 and below."""
    money, why = config.broker, "where prices may be below 0 (negative_prices)"
    if config.sizer.fixed is None and config.sizer.kind is None:
        yield Complaint(("sizer",), f"is a share of the price, which means nothing {why}: give fixed")
    fees = money.fees
    if fees.maker or fees.taker or fees.tiers:
        yield Complaint(("broker", "fees"), f"are shares of the price, which mean nothing {why}: give per_contract")
    if money.slippage.unit == "fraction" and money.slippage.amount:
        text = f"is a share of the price, which means nothing {why}: give ticks, as in 1tick, or a price"
        yield Complaint(("broker", "slippage"), text)
    if money.impact is not None:
        yield Complaint(("broker", "impact"), f"goes by log returns, which mean nothing {why}")
    if money.borrow:
        yield Complaint(("broker", "borrow"), f"is of the notional, which means nothing {why}")
    if config.risk.max_position is not None:
        yield Complaint(
            ("risk", "max_position"), f"is a share of the price, which means nothing {why}: give sizer.fixed"
        )
    if traded.data.params.get("adjust") == "ratio":
        yield Complaint(("data", traded.block, "adjust"), f"ratio means nothing {why}: take difference")
    for place, name, asked in protection_in(config):
        if asked.has_prices:
            yield Complaint((*place, name), f"is a price that must be above 0, {why}: give a distance")
        if any(getattr(one, "unit", "") == "fraction" for one in asked.amounts()):
            text = f"is a share of the price, which means nothing {why}: give a price, ticks or atr"
            yield Complaint((*place, name), text)
    for block in ("entries", "exits") if config.strategy.kind == "Rules" else ():
        for name, rule in (config.strategy.params.get(block) or {}).items():
            for key in ("limit", "stop"):
                if key in rule:
                    text = f"is a price that must be above 0, {why}: trade at market"
                    yield Complaint(("strategy", "params", block, name, key), text)


def _logs_below_0(config: RunConfig) -> Iterator[Complaint]:
    """Indicators that go by logs of prices which may be 0 and below."""
    below = {feed for feed, name in config.feeds.items() if config.data[name].instrument.negative_prices}
    brought = getattr(STRATEGIES.find(config.strategy.kind), "uses", {})
    for name, use in {**brought, **config.indicators}.items():
        cls: Any = INDICATORS.find(use.kind)
        if cls.above_0 and (use.data or config.traded.name) in below:
            where = ("indicators", name) if name in config.indicators else ("strategy", "kind")
            yield Complaint(
                where, f"{use.kind} goes by logs or shares of prices, which may be below 0 (negative_prices)"
            )


def _rolling(config: RunConfig, traded: Terms) -> Iterator[Complaint]:
    """What a continuous series that is traded does not go with."""
    money = config.broker
    feed: Any = FEEDS.find(traded.data.feed)
    if not feed.rolls_over:
        return
    if traded.data.params["adjust"] == "none":
        text = "none leaves the gap between contracts in prices, which a position would earn: trade difference or ratio"
        yield Complaint(("data", traded.block, "adjust"), text)
    if config.fills.tape:
        text = "tape fills at prices of single contracts, which adjusted ones are not: give fills: {from: bars}"
        yield Complaint(("fills", "from"), text)
    if traded.inverse:
        yield Complaint(("data", traded.block, "instrument"), "margin inverse does not go with adjusted prices")
    if money.impact is not None or money.participation is not None or money.slippage.unit == "range":
        text = "slippage by range, impact and participation are of single bars, and what a roll would cost is not known"
        yield Complaint(("broker",), f"{text}: give slippage as a share, a price or in ticks")


def protection_in(config: RunConfig) -> Iterator[tuple[KeyPath, str, Any]]:
    """Where something is said of what protects positions: the place, the key there, and what it says."""
    strategy: Any = STRATEGIES.find(config.strategy.kind)
    for place, said in ((("risk",), config.risk.settings()), (("strategy", "params"), config.strategy.params)):
        for path, name, guards in getattr(strategy, "protection_in", _nothing)(said):
            yield (*place, *path), name, guards


def _nothing(said: Any) -> Iterator[Any]:
    """What a class says of protection that is none of ours."""
    yield from ()


def _protection(config: RunConfig, traded: Terms) -> Iterator[Complaint]:
    for place, name, asked in protection_in(config):
        if any(getattr(one, "unit", "") == "ticks" for one in asked.amounts()) and not traded.tick:
            which = "the traded data block" if len(config.desks) == 1 else f"data.{traded.block}"
            yield Complaint((*place, name), f"is in ticks: set `tick` in {which}")
    strategy: Any = STRATEGIES.find(config.strategy.kind)
    if not hasattr(strategy, "guards_in"):
        return
    settings = {**config.strategy.params, **config.risk.settings()}
    for entry, guards in strategy.guards_in({**strategy.defaults(), **config.strategy.params}, settings):
        what = f"; entry {entry} has none" if entry and "." not in entry else ""
        if config.sizer.risk is not None and guards.stop is None and guards.trail is None:
            text = f"sizes by the distance of the stop: set risk.stop_loss or risk.trailing_stop{what}"
            yield Complaint(("sizer", "risk"), text)
        if guards.break_even is not None and guards.stop is None:
            yield Complaint(("strategy", "params"), f"break_even moves the stop_loss: give one{what}")
