"""A run of a Cerebro that somebody else set up, as what one of ours comes to."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ...configs.broker_block import Broker
from ...configs.data_block import Data
from ...configs.models import RunConfig, StrategyBlock
from ...core.counting import counted
from ...core.errors import InputError
from ...core.files.keeping import file_digest
from ...core.lines import BarData
from ...core.plugins.code import belongs_to, code_of
from ...strategies.framework.nested import feed_of
from ..engines.fast import FastCerebro, what_ran
from ..inputs.read import Source
from ..recording.analyzers import plain as plain_analysis
from ..recording.ledger import Terms
from ..recording.own_indicators import plain
from ..recording.recorder import Recorder
from ..recording.round_trips import RoundTrip
from ..results import account_figures
from ..results.code_behind import package_versions, place
from ..results.far_prices import far_prices
from ..results.lock import listed_inputs, machine, readers, versions
from ..results.outcome import Outcome
from ..results.run_warnings import damaged_rows, ends, notes, remarks
from .facts import costs_nothing, fills, set_up, unknown_terms
from .feed_bars import bars_of

RECORD = "tapeflow.record"
"""What the recorder is called among the analyzers."""


@dataclass(eq=False)
class OwnFeed:
    """What stands for the reader of a feed whose files nobody told."""

    counts: dict[str, int] = field(default_factory=dict)
    files: Sequence[Any] = ()


class OwnOutcome(Outcome):
    """A run in memory: what a plain Cerebro knows is taken over, what it does not know is said."""

    @classmethod
    def of(cls, strategy: Any, name: str = "") -> OwnOutcome:
        """The run of a strategy whose Cerebro was recorded.

        Parameters
        ----------
        strategy : backtrader.Strategy
            As ``cerebro.run()`` gave it.
        name : str
            Of the run; the strategy's class when left out.

        Raises
        ------
        InputError
            If it was not recorded, or its bars are gone.
        """
        record = recorded(strategy)
        record.names = feed_names(strategy.datas)
        sources = {}
        for data in strategy.datas:
            feed = getattr(data, "read_by", None) or OwnFeed()
            sources[record.names[id(data)]] = Source(feed, bars_of(data, record.names[id(data)]))
        engine, why = what_ran(strategy.cerebro)
        why = why if isinstance(strategy.cerebro, FastCerebro) else "a Cerebro of backtrader's own ran it"
        return cls(_config(strategy, name, record.names), sources, strategy, record, engine, why)

    @property
    def feeds(self) -> dict[str, Any]:
        """backtrader's feeds by the names they have in the result."""
        return {self.record.names[id(data)]: data for data in self.strategy.datas}

    @cached_property
    def trips(self) -> list[RoundTrip]:
        """Finished round trips; what one was entered with counts the contract's multiplier."""
        made = super().trips
        for trip in made:
            trip.multiplier = self.worth_terms[trip.data].multiplier
        return made

    @cached_property
    def worth_terms(self) -> dict[str, Terms]:
        """What a size of each feed is worth at a price, by its multiplier."""
        broker = self.strategy.broker
        return {name: Terms(float(broker.getcommissioninfo(data).p.mult)) for name, data in self.feeds.items()}

    @property
    def account(self) -> dict[str, Any]:
        """Nothing: what holding cost is in the cash."""
        return {}

    def followed(self, indicator: Any) -> str:
        """The name of the feed whose bars an indicator follows; empty where that is not to be found."""
        feed = feed_of(indicator, self.strategy.datas)
        return self.record.names[id(feed)] if feed is not None else ""

    def analyses(self) -> dict[str, Any]:
        """What the script's own analyzers found, by their names."""
        names = [name for name in self.strategy.analyzers.getnames() if name != RECORD]
        return {name: plain_analysis(self.strategy.analyzers.getbyname(name).get_analysis()) for name in names}

    def warnings(self) -> list[str]:
        """What a reader should know before believing the figures."""
        made = [*notes(self.sources), *remarks(self), *damaged_rows(self.sources)]
        made += far_prices(self.sources, self.record.fills)
        if (others := len(self.strategy.cerebro.runningstrats) - 1) > 0:
            made.append(
                f"{counted(others, 'other strategy', 'other strategies')} shared the account: orders and round trips "
                f"are those of {self.config.strategy.kind}, value and cash of all"
            )
        if self._was_paid_in():
            made.append("cash was added or taken away during the run, and counts as profit or loss")
        if lacking := account_figures.refused(self.record.orders):
            made.append(f"{counted(lacking, 'order was', 'orders were')} refused for lack of cash or margin")
        if costs_nothing(self.strategy):
            made.append("no commission is set: the figures are before fees")
        return made + ends(self)

    def _was_paid_in(self) -> bool:
        broker = self.strategy.broker
        shares = getattr(broker, "_fundshares", None)
        return shares is not None and shares != broker.startingcash / broker.p.fundstartval

    def assumptions(self) -> list[str]:
        """How fills, costs and time were taken, in words, and what is not known."""
        plain_feeds = {name: data for name, data in self.feeds.items() if not isinstance(data, BarData)}
        terms = [unknown_terms(data, name) for name, data in self.feeds.items()]
        return [
            *fills(self.strategy),
            *filter(None, terms),
            *(f"{name}: stamps are taken for closes, in UTC." for name in plain_feeds),
            *(f"{n}: what was read is not on record." for n, s in self.sources.items() if isinstance(s.feed, OwnFeed)),
            f"The Sharpe ratio uses no risk-free rate and a year of {self._year()}.",
        ]

    def lock(self) -> dict[str, Any]:
        """Content of run.lock: what is known; a script cannot be run again from it."""
        code = _code_of(self.strategy)
        here = Path().resolve()
        return {
            "name": self.config.name,
            "engine": self.engine,
            "versions": versions() | package_versions(code.packages),
            "platform": machine(),
            "inputs": listed_inputs({name: feed.files for name, feed in readers(self.sources).items()}, here),
            "data": {name: self._described(name, data) for name, data in self.feeds.items()},
            "plugins": [{"path": place(path, here), "sha256": file_digest(path)} for path in code.files],
            "cerebro": set_up(self.strategy, self.record.names),
        }

    def _described(self, name: str, data: Any) -> dict[str, Any]:
        source = self.sources[name]
        levels = source.bars.levels
        feed = type(data) if isinstance(source.feed, OwnFeed) else type(source.feed)
        return {
            "feed": "BarData" if isinstance(data, BarData) and feed is type(data) else feed.__name__,
            "spec": source.bars.spec,
            "bars": len(source.bars),
            "tick": levels.tick if levels is not None else getattr(data, "tick", None),
            "row_size": levels.row_size if levels is not None else source.bars.row_size,
            "counts": {k: int(v) for k, v in source.feed.counts.items()},
        }


def recorded(strategy: Any) -> Recorder:
    """The record of a finished strategy.

    Raises
    ------
    InputError
        If it is none, or nothing was recorded.
    """
    if isinstance(strategy, list | tuple):
        raise InputError("result: is given all strategies; take one, as in tf.result(cerebro.run()[0])")
    if not hasattr(strategy, "analyzers"):
        kind = type(strategy).__name__
        raise InputError(f"result: must be a strategy as cerebro.run() gives (got {kind})")
    if not hasattr(strategy, "datas"):
        raise InputError("result: an optimisation gives no strategies back: Cerebro(optreturn=False)")
    record = strategy.analyzers.getbyname(RECORD) if RECORD in strategy.analyzers.getnames() else None
    if record is None:
        raise InputError("result: nothing was recorded; call tf.record(cerebro) before cerebro.run()")
    return record  # type: ignore[no-any-return]


def feed_names(datas: Sequence[Any]) -> dict[int, str]:
    """A name for each feed, by its id: its own, of a path the file's, else ``data0``, ``data1``, …; each once."""
    made: dict[int, str] = {}
    for number, data in enumerate(datas):
        own = str(data._name or f"data{number}")
        is_path = isinstance(data.p.dataname, str) and own == data.p.dataname
        base = Path(own).name if is_path else own
        name, again = base, 2
        while name in made.values():
            name, again = f"{base}-{again}", again + 1
        made[id(data)] = name
    return made


def _config(strategy: Any, name: str, names: Mapping[int, str]) -> RunConfig:
    """What a run's config can say of the Cerebro: its feeds, its strategy, its cash."""
    kind = type(strategy).__name__
    params = {key: plain(value) for key, value in strategy.p._getkwargs().items()}
    blocks = {names[id(data)]: Data(feed=type(data).__name__) for data in strategy.datas}
    cash = float(getattr(strategy.broker, "startingcash", 0.0))
    return RunConfig(
        name=name or kind,
        data=blocks,
        strategy=StrategyBlock(kind=kind, params=params),
        broker=Broker.model_construct(cash=cash),
    )


def _code_of(strategy: Any) -> Any:
    """Sources of the user's that the strategy and its indicators are made of."""
    indicators = [type(value) for value in vars(strategy).values()]
    modules = (sys.modules.get(base.__module__) for cls in (type(strategy), *indicators) for base in cls.__mro__)
    files = (getattr(module, "__file__", None) for module in modules)
    return code_of([*dict.fromkeys(Path(file).resolve() for file in files if file and belongs_to(file) == "own")])
