"""The broker that a config asks for."""

from __future__ import annotations

import math
from typing import Any

from ...configs.models import RunConfig
from ...core.plugins.registry import FEEDS
from ...feeds.funding import read_funding
from .base import Broker, Fees, make_broker
from .carry import CarryBroker, ConstantRate, Rates
from .contracts import Contract, Inverse
from .costly import CostlyBroker
from .costs import costs_of
from .fees import InverseSchedule, Schedule
from .impact import SquareRoot
from .liquidation import LiquidatingBroker
from .margin import MarginBroker


def broker_for(config: RunConfig) -> Broker:
    """A broker with the money, costs and instruments of ``config``; the plainest that has them.

    Raises
    ------
    TapeflowError
        If slippage is in ticks and the tick is not known, or funding cannot be read.
    """
    kind = kind_of(config)
    costs, traded = costs_of(config), config.traded
    if kind is None:
        plain = make_broker(config.broker.cash, *costs[:-1], lot=traded.lot)
        plain.empty_bars = config.fills.empty_bars
        return plain
    money = config.broker
    made: Any = kind(
        cash=money.cash, slip_perc=costs.slip_share, slip_fixed=costs.slip_price, slip_open=True, slip_match=True,
        slip_out=True,
    )  # fmt: skip
    made.range_share = money.slippage.amount if money.slippage.unit == "range" else 0.0
    made.impact = None if money.impact is None else SquareRoot(money.impact.coefficient, money.impact.window)
    made.participation = money.participation
    made.negative_prices = traded.instrument.negative_prices
    made.contracts, made.empty_bars = contracts_of(config), config.fills.empty_bars
    made.addcommissioninfo(_fees(config))
    if issubclass(kind, CarryBroker):
        made.funding, made.own_funding, made.borrow = funding_of(config), own_funding_of(config), money.borrow
    if issubclass(kind, MarginBroker):
        made.inverse = traded.inverse
    return made  # type: ignore[no-any-return]


def kind_of(config: RunConfig) -> Any:
    """The class of broker that a config needs; None for the plain one."""
    money, instrument = config.broker, config.traded.instrument
    fees = money.fees
    if instrument.margined:
        return LiquidatingBroker
    if money.borrow or funded(config) or paying(config) or rolling(config):
        return CarryBroker
    sized = money.impact is not None or money.participation is not None or money.slippage.unit == "range"
    return CostlyBroker if sized or fees.tiers or fees.per_contract or fees.minimum else None


def contracts_of(config: RunConfig) -> dict[str, Contract]:
    """What each feed that the account can hold trades, by the feed's name."""
    first = config.traded.instrument.margin
    blocks = {feed: config.data[name] for feed, name in config.feeds.items()}
    return {feed: _contract(block) for feed, block in blocks.items() if block.instrument.margin == first}


def _contract(block: Any) -> Contract:
    given, size = block.instrument, block.contract
    own: Any = Inverse if given.margin == "inverse" else Contract
    counted = given.margin != "spot" and not math.isnan(size)
    return own(  # type: ignore[no-any-return]
        size=size if counted else 1.0,
        paid=given.margin == "spot",
        leverage=given.leverage,
        brackets=tuple(given.table),
        liquidation_fee=given.liquidation_fee,
        isolated=given.collateral == "isolated",
    )


def _fees(config: RunConfig) -> Fees:
    fees, traded = config.broker.fees, next(iter(contracts_of(config).values()))
    kind: Any = InverseSchedule if traded.inverse else Schedule
    return kind(  # type: ignore[no-any-return]
        maker=fees.maker,
        taker=fees.taker,
        tiers=tuple((tier.volume, tier.maker, tier.taker) for tier in fees.tiers),
        per_contract=fees.per_contract,
        minimum=fees.minimum,
        contract=traded,
        lot=config.traded.lot,
    )


def funding_of(config: RunConfig) -> Rates | None:
    """The funding rates that a config asks for; None where it asks for none."""
    asked = config.broker.funding
    return None if asked is None else rates_of(config, asked)


def own_funding_of(config: RunConfig) -> dict[str, Rates]:
    """The funding rates of instruments that have their own, by the names of their feeds."""
    asked = {name: block.instrument.funding for name, block in config.data.items()}
    made = {name: rates_of(config, funding) for name, funding in asked.items() if funding is not None}
    return {feed: made[name] for feed, name in config.feeds.items() if name in made}


def funded(config: RunConfig) -> dict[str, Any]:
    """The funding blocks of a config by the data block that they are for."""
    first, *_ = config.data
    given = {name: block.instrument.funding for name, block in config.data.items()}
    made = {first: config.broker.funding, **{name: funding for name, funding in given.items() if funding is not None}}
    return {name: funding for name, funding in made.items() if funding is not None}


def paying(config: RunConfig) -> bool:
    """Whether a feed's corporate actions are told, so that dividends may fall due."""
    return any(block.actions is not None for block in config.data.values())


def rolling(config: RunConfig) -> bool:
    """Whether a feed goes from contract to contract, which costs whoever holds a position."""
    return any(FEEDS.find(block.feed).rolls_over for block in config.data.values())  # type: ignore[attr-defined]


def rates_of(config: RunConfig, asked: Any) -> Any:
    """The rates that a block of funding asks for, read from its files where it names some."""
    if asked.rate is not None:
        return ConstantRate(asked.rate, asked.interval)
    return read_funding([config.folder / path for path in asked.path])
