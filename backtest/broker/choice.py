"""The broker that a config asks for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ...configs.broker_block import Funding
from ...configs.models import RunConfig
from ...configs.terms import Terms
from ...core.plugins.registry import FEEDS
from ...feeds.funding import read_funding
from ..inputs.read import Source
from .base import Broker, Fees, make_broker
from .carry import CarryBroker, ConstantRate, Rates
from .contracts import Contract, Inverse
from .costly import CostlyBroker
from .costs import FillTerms, costs_of, fill_terms
from .fees import InverseSchedule, Schedule, Turnover
from .liquidation import LiquidatingBroker
from .margin import MarginBroker
from .volume import lacks_volume


def broker_for(config: RunConfig, sources: Mapping[str, Source] | None = None) -> Broker:
    """A broker with the money, costs and instruments of ``config``; the plainest that has them.

    Parameters
    ----------
    config : RunConfig
        The run.
    sources : mapping of str to Source, optional
        What was read for it, where orders on a feed that tells too little are to be refused.

    Raises
    ------
    TapeflowError
        If slippage is in ticks and the tick of a traded feed is not known, or funding cannot be read.
    """
    kind = kind_of(config)
    costs, traded = costs_of(config.traded), config.traded
    if kind is None:
        made: Any = make_broker(config.broker.cash, *costs[:-1], lot=traded.lot)
    else:
        made = kind(
            cash=config.broker.cash, slip_perc=costs.slip_share, slip_fixed=costs.slip_price, slip_open=True,
            slip_match=True, slip_out=True,
        )  # fmt: skip
        made.terms = fill_terms(traded)
        made.negative_prices = traded.instrument.negative_prices
        made.contracts = contracts_of(config)
    made.empty_bars, made.inside = config.fills.empty_bars, config.fills.inside
    made.refusals = refusals(config, sources or {})
    if len(config.terms) > 1:
        made.by_feed = {
            name: FillTerms() if name in made.refusals else fill_terms(terms) for name, terms in config.terms.items()
        }
    for name, fees in _fees(config, kind).items():
        made.addcommissioninfo(fees, name=name)
    if kind is not None and issubclass(kind, CarryBroker):
        made.funding, made.borrow = funding_of(config), config.broker.borrow
    if kind is not None and issubclass(kind, MarginBroker):
        made.inverse = traded.inverse
    return made  # type: ignore[no-any-return]


def kind_of(config: RunConfig) -> Any:
    """The class of broker that a config needs; None for the plain one."""
    if config.traded.margined:
        return LiquidatingBroker
    if config.broker.borrow or funded(config) or paying(config) or rolling(config):
        return CarryBroker
    account = (terms for terms in config.terms.values() if _fits(terms, config.traded))
    return CostlyBroker if any(map(is_costly, account)) else None


def _fits(terms: Terms, traded: Terms) -> bool:
    """Whether the account of ``traded`` can hold ``terms``; one without margin lends nothing."""
    return terms.instrument.margin == traded.instrument.margin and (traded.margined or not terms.margined)


def is_costly(terms: Terms) -> bool:
    """Whether trading under ``terms`` costs more than shares of notional."""
    fees = terms.fees
    sized = terms.impact is not None or terms.participation is not None or terms.slippage.unit == "range"
    return bool(sized or fees.tiers or fees.per_contract or fees.minimum)


def refusals(config: RunConfig, sources: Mapping[str, Source]) -> dict[str, str]:
    """Why no order can be sent on a feed, by its name: what its data block does not tell of it."""
    made: dict[str, str] = {}
    for name, terms in config.terms.items():
        if not _fits(terms, config.traded):
            made[name] = f"{name}: is margined otherwise than the traded feed; one account holds one kind"
        elif terms.slippage.unit == "ticks" and terms.slippage.amount and not terms.tick:
            made[name] = f"{name}: {terms.asked_by('slippage')} is in ticks: set `tick` in data.{terms.block}"
        elif name in sources and (why := lacks_volume(terms, sources[name].bars)):
            made[name] = why
    return made


def contracts_of(config: RunConfig) -> dict[str, Contract]:
    """What each feed that the account can hold trades, by the feed's name."""
    return {name: _contract(terms) for name, terms in config.terms.items() if _fits(terms, config.traded)}


def _contract(terms: Terms) -> Contract:
    given, size = terms.instrument, terms.contract
    own: Any = Inverse if terms.inverse else Contract
    counted = given.margin != "spot" and not math.isnan(size)
    return own(  # type: ignore[no-any-return]
        size=size if counted else 1.0,
        paid=given.margin == "spot",
        leverage=given.leverage,
        brackets=tuple(given.table),
        liquidation_fee=given.liquidation_fee,
        isolated=given.collateral == "isolated",
    )


def _fees(config: RunConfig, kind: Any) -> dict[str | None, Fees]:
    """The fees of the traded feed, which hold for all that have no others, and those of the others by name."""
    contracts, shared = contracts_of(config), Turnover()
    made: dict[str | None, Fees] = {}
    for name, contract in contracts.items():
        terms = config.terms[name]
        plain = kind is None or (kind is CostlyBroker and not is_costly(terms))
        fees = _plain_fees(terms) if plain else _schedule(terms, contract, shared)
        first = made.setdefault(None, fees)
        if first is not fees and (type(fees), fees.p._getkwargs()) != (type(first), first.p._getkwargs()):
            made[name] = fees
    return made


def _plain_fees(terms: Terms) -> Fees:
    return Fees(maker=terms.fees.maker, taker=terms.fees.taker, lot=terms.lot)


def _schedule(terms: Terms, contract: Contract, shared: Turnover) -> Schedule:
    """Fees with tiers; what goes by the broker's schedule shares its volume."""
    kind: Any = InverseSchedule if contract.inverse else Schedule
    fees = terms.fees
    return kind(  # type: ignore[no-any-return]
        maker=fees.maker,
        taker=fees.taker,
        tiers=tuple((tier.volume, tier.maker, tier.taker) for tier in fees.tiers),
        per_contract=fees.per_contract,
        minimum=fees.minimum,
        contract=contract,
        turnover=shared if terms.data.fees is None else None,
        lot=terms.lot,
    )


def funding_of(config: RunConfig) -> dict[str, Rates]:
    """The funding rates that feeds pay, by the feed's name."""
    asked = {name: terms.funding for name, terms in config.terms.items() if terms.funding is not None}
    # feeds of one block share what is read
    known = {id(block): rates_of(config, block) for block in {id(block): block for block in asked.values()}.values()}
    return {name: known[id(block)] for name, block in asked.items()}


def funded(config: RunConfig) -> dict[str, Funding]:
    """The funding blocks of a config by the data block that they are for."""
    return {terms.block: terms.funding for terms in config.terms.values() if terms.funding is not None}


def paying(config: RunConfig) -> bool:
    """Whether a feed's corporate actions are told, so that dividends may fall due."""
    return any(block.actions is not None for block in config.data.values())


def rolling(config: RunConfig) -> bool:
    """Whether a feed goes from contract to contract, which costs whoever holds a position."""
    return any(FEEDS.find(block.feed).rolls_over for block in config.data.values())  # type: ignore[attr-defined]


def rates_of(config: RunConfig, asked: Funding) -> Any:
    """The rates that a block of funding asks for, read from its files where it names some."""
    if asked.rate is not None:
        return ConstantRate(asked.rate, asked.interval)
    return read_funding([config.folder / path for path in asked.path])
