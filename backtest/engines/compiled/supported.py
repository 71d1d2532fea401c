"""What the compiled engine cannot do exactly, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import FunctionType
from typing import Any

from ....configs.models import RunConfig
from ....configs.portfolio_block import Portfolio
from ....core.distances import Measure
from ....core.lots import DEFAULT_LOT, decimals
from ....core.plugins.registry import INDICATORS, STRATEGIES
from ....strategies.framework.base import Strategy, Use
from ....strategies.framework.guards import SETTINGS
from ....strategies.framework.protection import periods_in, settings_in
from ....strategies.rules import Rules
from ...broker import costs
from ...broker.choice import kind_of
from .lots import MOST_DECIMALS
from .market import unusable

MOST_IMPACT = 1000
"""A window of impact longer than this is sooner worked out for the bars that need it than for all."""
RUN = (
    "name", "data", "trade", "indicators", "strategy", "broker", "sizer", "risk", "plugins", "seed", "engine", "verify",
    "sweep", "fills", "events", "trade_from", "research", "portfolio",
)  # fmt: skip
"""Keys of a run that are compiled, or of no concern."""


def unsupported_reason(config: RunConfig, sources: Mapping[str, Any] | None = None) -> str:
    """Why the compiled engine cannot run ``config`` exactly; empty when it can.

    Parameters
    ----------
    config : RunConfig
        The run.
    sources : mapping of str to Source, optional
        What was read for it, where that is known.

    Examples
    --------
    >>> from tapeflow.configs.loader import from_mapping
    >>> data = {"main": {"feed": "SyntheticTape"}}
    >>> unsupported_reason(from_mapping({"name": "x", "data": data, "strategy": {"kind": "DeltaMomentum"}}))
    'strategy DeltaMomentum decides in Python, in its own next; only signals() is compiled'
    """
    return next(_reasons(config, sources), "")


def uses_of(config: RunConfig) -> dict[str, Any]:
    """The indicators of a run by name: those the strategy brings, and those of the YAML, which may replace them.

    Besides, the average true ranges that distances of protection ask for, under names that rules cannot say.
    """
    own = {**getattr(STRATEGIES.find(config.strategy.kind), "uses", {}), **config.indicators}
    periods = periods_in(measures_of(config))
    return own | {title_of_range(period): Use("talib.ATR", {"timeperiod": period}) for period in periods}


def title_of_range(period: int) -> str:
    """What a run calls an average true range of its own."""
    return f"atr({period})"


def is_named(indicator: str) -> bool:
    """Whether an indicator has a name that rules can say."""
    return indicator.isidentifier()


def settings_of(config: RunConfig) -> dict[str, Any]:
    """What protects positions and limits losses: the strategy's own parameters, and before them the risk block."""
    strategy: Any = STRATEGIES.find(config.strategy.kind)
    own = {**getattr(strategy, "defaults", dict)(), **config.strategy.params}
    return settings_in(strategy, own, config.risk.settings())


def measures_of(config: RunConfig) -> list[Measure]:
    """The distances of protection that a run asks for."""
    strategy: Any = STRATEGIES.find(config.strategy.kind)
    asked = getattr(strategy, "measures_in", None)
    return [] if asked is None else list(asked({**strategy.defaults(), **config.strategy.params}, settings_of(config)))


def _reasons(config: RunConfig, sources: Mapping[str, Any] | None) -> Iterator[str]:
    yield from _of_account(config)
    if config.sizer.kind is not None:
        yield f"sizer {config.sizer.kind} is asked in Python at each order"
    if config.fills.tape:
        yield "fills: tape needs backtrader's orders"
    strategy: Any = STRATEGIES.find(config.strategy.kind)
    params = {**config.strategy.params, **config.risk.settings()}
    yield from _of_strategy(strategy, params)
    yield from _of_costs(config)
    if config.traded.instrument.negative_prices:
        yield "prices below 0 (negative_prices) are traded by backtrader's broker"
    yield from _beyond("", config, dict.fromkeys(RUN))
    desks = [config.terms[name] for name in config.desks]
    for terms in desks:
        if decimals(terms.lot or DEFAULT_LOT) > MOST_DECIMALS:
            yield f"a lot of {terms.lot} has more decimals than a double"
    if any(getattr(one, "unit", "") == "ticks" for one in measures_of(config)):
        for terms in desks:
            if not terms.tick:
                yield f"protection in ticks, but data.{terms.block} has no tick"
    for name, use in uses_of(config).items():
        yield from _of_indicator(name, use)
    for name, source in (sources or {}).items():
        if name in config.desks and (why := unusable(source.bars)):
            yield why if len(config.desks) == 1 else f"{name}: {why}"


def _of_account(config: RunConfig) -> Iterator[str]:
    """What of desks that share an account only backtrader can do."""
    portfolio, several = config.portfolio, len(config.desks) > 1
    if not several and portfolio == Portfolio() and config.risk.drawdown is None:
        return
    what = "several desks" if several else "portfolio" if portfolio != Portfolio() else "risk.drawdown"
    for key in ("legs", "weights"):
        if getattr(portfolio, key):
            yield f"portfolio.{key} is worked out with backtrader's strategies"
    if config.traded.margined:
        yield f"margin with {what} is kept by backtrader's broker"
    if kind_of(config) is not None:
        yield f"costs that are not shares of notional, with {what}, are worked out by backtrader's broker"


def _of_strategy(strategy: Any, params: Mapping[str, Any]) -> Iterator[str]:
    """What of a strategy's class and parameters only backtrader can do."""
    kind = strategy.__name__
    if not issubclass(strategy, Strategy):
        yield f"strategy {kind} is a plain backtrader strategy; only a subclass of ours with signals() is compiled"
        return
    own = _own(strategy)
    if "next" in own:
        yield f"strategy {kind} decides in Python, in its own next; only signals() is compiled"
    elif strategy.signals is Strategy.signals:
        yield f"strategy {kind} has no signals()"
    elif own:
        yield f"strategy {kind} has its own {own[0]}"
    elif strategy.planned_by not in (Strategy.planned_by, Rules.planned_by):
        yield f"strategy {kind} has its own planned_by"
    if why := strategy.only_in_backtrader(params):
        yield why
    for name, default in Strategy.defaults().items():
        value = params.get(name, strategy.defaults()[name])
        if name not in SETTINGS and value != default:
            yield f"{name} is not compiled"


def _own(strategy: Any) -> list[str]:
    """What an author's classes replace of what backtrader calls; `Rules` says itself what of it is not compiled."""
    ours = [strategy.__mro__.index(base) for base in (Rules, Strategy) if issubclass(strategy, base)]
    bases = strategy.__mro__[: min(ours)]
    own = [(name, made) for base in bases for name, made in base.__dict__.items() if name != "signals"]
    return [name for name, made in own if isinstance(made, FunctionType | property) and hasattr(Strategy, name)]


def _of_costs(config: RunConfig) -> Iterator[str]:
    """What of costs and sizes only backtrader's broker can do."""
    asked = getattr(costs, "not_compiled", None)
    if asked is not None and (why := asked(config)):
        yield str(why)
    impact = config.traded.impact
    if impact is not None and impact.window > MOST_IMPACT:
        asked = config.traded.asked_by("impact")
        yield f"{asked} over more than {MOST_IMPACT} bars is worked out by backtrader's broker"


def _beyond(path: str, block: Any, known: Mapping[str, Any]) -> Iterator[str]:
    """Keys of a block that are not at their defaults and not among those known."""
    for name, field in type(block).model_fields.items():
        value = getattr(block, name)
        if name not in known:
            if value != field.get_default(call_default_factory=True):
                yield f"{path}{name} is not compiled"
        elif known[name]:
            yield from _beyond(f"{path}{name}.", value, dict.fromkeys(known[name]))


def _of_indicator(name: str, use: Use) -> Iterator[str]:
    cls: Any = INDICATORS.find(use.kind)
    if (level := str(cls.level())) in ("next", "lines"):
        yield f"indicator {name} ({use.kind}) is computed by backtrader, bar by bar ({level})"
