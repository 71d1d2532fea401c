"""What a run's YAML may hold. Frozen; unknown keys are refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, PrivateAttr

from .analyzer_block import AnalyzerBlock
from .broker_block import Broker
from .data_block import Data, feed_specs, traded_feeds
from .fills_block import Fills
from .portfolio_block import Portfolio
from .research_block import Research
from .risk_block import Risk
from .sizer_block import Sizer
from .strategies_block import OWN, StrategyEntry, capitals
from .sweep_block import Sweep
from .terms import Terms
from .values import Event, Model, Name, Time, TradeNames


class IndicatorBlock(Model):
    """One indicator. Keys beyond these are its parameters."""

    model_config = ConfigDict(extra="allow")

    kind: str = Field(description="class name of the indicator, talib.NAME, or module:Class")
    data: str | None = Field(default=None, description="name of the data block it reads; the first when left out")

    @property
    def params(self) -> dict[str, Any]:
        """The indicator's parameters, every default included."""
        return dict(self.model_extra or {})


class StrategyBlock(Model):
    """The strategy and its parameters."""

    kind: str = Field(description="class name of the strategy, or module:Class")
    params: dict[str, Any] = Field(default={}, description="the strategy's parameters")


@dataclass(frozen=True)
class Given:
    """What a config was made from; two configs with the same values are equal, whatever they were made from."""

    raw: Mapping[str, Any] = field(compare=False)


class RunConfig(Model):
    """A run: feeds, indicators, a strategy, a broker, a sizer.

    The first feed is the traded one, unless ``trade`` names others. `load_config` makes it from a file, `from_mapping`
    from plain types.
    """

    name: Name = Field(description="the run's name; the file's own when left out")
    data: dict[str, Data] = Field(min_length=1, description="feeds by name; the first is traded")
    trade: TradeNames = Field(
        default=[],
        description="feeds that the strategy trades, each as if alone, from one account; of a block its finest; the "
        "first feed when left out",
    )
    trade_from: Time | None = Field(
        default=None,
        description="first instant at which anything is decided: the bars before it warm indicators up, and the "
        "account and all figures begin flat there; the first bar when left out",
    )
    indicators: dict[str, IndicatorBlock] = Field(default={}, description="indicators by the name rules call them")
    strategy: StrategyBlock = Field(
        default=StrategyBlock(kind="Rules"),
        description="what trades; left out where portfolio.weights say what is held, or events alone are studied",
    )
    strategies: dict[Name, StrategyEntry] = Field(
        default={}, description="several strategies in place of one, each with money and positions of its own"
    )
    broker: Broker = Broker()
    fills: Fills = Fills()
    sizer: Sizer = Sizer(percent=10.0)
    risk: Risk = Risk()
    analyzers: list[AnalyzerBlock] = Field(
        default=[], description="analyzers of backtrader's, or of plugins, into result.json"
    )
    portfolio: Portfolio = Portfolio()
    benchmark: str | None = Field(
        default=None, description="the feed that the run is set beside, bought and held; the traded one when left out"
    )
    plugins: list[str] = Field(default=[], description="modules, or files and folders relative to this YAML")
    seed: Annotated[int, Field(ge=0)] = Field(default=0, description="of everything random")
    engine: Literal["auto", "stock", "backtrader", "compiled"] = "auto"
    verify: bool = Field(default=False, description="run plain backtrader too and compare the two, bit for bit")
    sweep: Sweep | None = None
    research: Research | None = Field(
        default=None, description="how `tapeflow research` splits the data, and what it chooses by"
    )
    events: dict[Event, str] = Field(
        default={}, description="expressions by name; `tapeflow events` studies what price did after each was true"
    )

    _given: Given = PrivateAttr(default_factory=lambda: Given({}))
    _folder: Path = PrivateAttr(default=Path())
    _plugin_files: tuple[Path, ...] = PrivateAttr(default=())
    _notes: tuple[str, ...] = PrivateAttr(default=())

    @property
    def feeds(self) -> dict[str, str]:
        """The data block behind each feed, by the feed's name; the first feed is traded."""
        every = {feed: name for name, block in self.data.items() for feed in feed_specs(name, block.bars)}
        first, *_ = self.desks
        return {first: every[first], **every}

    @property
    def desks(self) -> tuple[str, ...]:
        """The feeds that the strategy trades, in the order of ``trade``; one where that is left out."""
        bars = {name: block.bars for name, block in self.data.items()}
        asked = [entry.trade or self.trade for entry in self.strategies.values()] or [self.trade]
        return tuple(dict.fromkeys(feed for trade in asked for feed in traded_feeds(trade, bars)))

    @property
    def terms(self) -> dict[str, Terms]:
        """What trading each feed is, by the feed's name."""
        first, *_ = feeds = self.feeds
        return {feed: Terms(feed, name, self.data[name], self.broker, feed == first) for feed, name in feeds.items()}

    @property
    def traded(self) -> Terms:
        """The terms of the instrument that is traded; of the first, where several are."""
        first, *_ = self.terms.values()
        return first

    @property
    def parts(self) -> dict[str, RunConfig]:
        """The run of each of several strategies alone, with its own money; empty where there is one."""
        money = capitals(self.strategies, self.broker.cash)
        return {name: self._part(name, entry, money[name]) for name, entry in self.strategies.items()}

    def _part(self, name: str, entry: StrategyEntry, cash: float) -> RunConfig:
        own = {key: value for key in OWN if (value := getattr(entry, key))}
        if entry.sizer is None and own.get("portfolio", self.portfolio).weights is not None:
            own["sizer"] = Sizer(percent=10.0)
        money = self.broker.model_copy(update={"cash": cash})
        given: dict[str, Any] = {
            "name": name,
            "strategies": {},
            "sweep": None,
            "research": None,
            "events": {},
            "broker": money,
        }
        strategy = StrategyBlock(kind=entry.kind, params=entry.params)
        return self.model_copy(update={**given, "strategy": strategy, **own})

    @property
    def kinds(self) -> list[StrategyBlock]:
        """Every strategy of the run."""
        return [part.strategy for part in self.parts.values()] or [self.strategy]

    @property
    def folder(self) -> Path:
        """Where relative paths begin: the folder of the YAML."""
        return self._folder

    @property
    def given(self) -> Mapping[str, Any]:
        """What the YAML and its overrides hold, no default spelled out; empty for a config that came from neither."""
        return self._given.raw

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the run should know of how its feeds were chosen."""
        return self._notes

    @property
    def plugin_files(self) -> tuple[Path, ...]:
        """Sources that ``plugins`` loaded."""
        return self._plugin_files

    def paths(self, name: str) -> list[str]:
        """Paths of data block ``name`` with the YAML's folder before the relative ones; patterns stay patterns."""
        return [str(self._folder / p) for p in self.data[name].path]

    def resolved(self) -> dict[str, Any]:
        """Every key with its value, defaults spelled out, as plain YAML types.

        `from_mapping` of it gives a config that resolves to the same. A run without a sweep has no such key.
        """
        without = {
            name
            for name in ("sweep", "research", "events", "trade", "trade_from", "analyzers", "strategies", "benchmark")
            if not getattr(self, name)
        }
        without |= {"strategy"} if self.strategies else set()
        without |= {"portfolio"} if self.portfolio == Portfolio() else set()
        made: dict[str, Any] = _plain(self.model_dump(mode="python", by_alias=True, exclude=without))
        return made


def _plain(value: Any) -> Any:
    """Tuples as lists and numbers as Python's, so that any YAML writer takes them."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value.item() if hasattr(value, "item") else value
