"""Runs one config: feeds to bars, bars to lines, lines through backtrader, results to a folder."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..configs.data_block import feed_specs
from ..configs.models import RunConfig
from ..core.bars import Bars
from ..core.errors import DataError
from ..core.lines import bar_data
from ..core.registry import FEEDS, INDICATORS, STRATEGIES
from ..core.schema import SEQUENCE_COLUMNS
from ..strategies.base import Use
from .broker import make_broker
from .costs import costs_of
from .engine import make_cerebro, what_ran
from .folder import check_place, save
from .record import Recorder
from .result import Outcome, Result
from .sizers import FixedAmount, PercentOfEquity

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Source:
    """One feed, read.

    Parameters
    ----------
    feed : Feed
        The reader, with its files and counts; one for all feeds of a data block.
    bars : Bars
        What it gave.
    """

    feed: Any
    bars: Bars


def run(config: RunConfig, out: Path, *, report: bool = True, progress: Progress | None = None) -> Result:
    """Run ``config`` and write its result folder.

    Parameters
    ----------
    config : RunConfig
        As `load_config` gives it.
    out : Path
        The folder to make; one that holds an earlier run is replaced.
    report : bool
        Whether to write report.html too.
    progress : callable, optional
        Told in a few words what is being done.

    Returns
    -------
    Result
        The summary and the folder.

    Raises
    ------
    TapeflowError
        If data, columns or parameters are wrong; nothing is written then.
    """
    check_place(out)
    say = progress or (lambda text: None)
    with TemporaryDirectory(prefix="tapeflow-") as aside:
        sources: dict[str, Source] = {}
        for name in config.data:
            sources |= read(config, name, say, aside=Path(aside))
        say("running")
        outcome = simulate(config, sources)
        say("writing results")
        return save(outcome, out, report=report, aside=Path(aside))


def read(config: RunConfig, name: str, say: Progress, *, aside: Path | None = None) -> dict[str, Source]:
    """Open data block ``name`` and turn it, in one pass, into the bars of each of its feeds.

    Parameters
    ----------
    config : RunConfig
        The run.
    name : str
        The data block.
    say : callable
        Told what is being read.
    aside : Path, optional
        Folder for lines that cannot be read, where the feed is asked to quarantine them.
    """
    block = config.data[name]
    say(f"reading {name}")
    feed: Any = FEEDS.find(block.feed)(config.paths(name), **block.params)
    if aside is not None:
        feed.quarantine = aside / f"{name}.quarantine.csv"
    wish: dict[str, Any] = {"row_size": block.row_size, "start": block.start, "end": block.end}
    specs = feed_specs(name, block.bars)
    if feed.gives == "bars":
        made = feed.bars_of(list(specs.values()), gaps=block.gaps, **wish)
    else:
        if wish["row_size"] is None and "levels" in _inputs(config):
            wish["row_size"] = "auto"
        if _wants_sequence(config):
            wish["sequence"] = True
        kinds = [spec or "1m" for spec in specs.values()]
        made = feed.bars_of(kinds, size_edges=tuple(block.size_edges), tick=block.tick, **wish)
    for own, bars in zip(specs, made, strict=True):
        if not len(bars):
            raise DataError(f"data.{own}: no bars between the times asked for")
    return {own: Source(feed, bars) for own, bars in zip(specs, made, strict=True)}


def _inputs(config: RunConfig) -> set[Any]:
    """What the run's indicators read of their feeds, whatever their parameters."""
    kinds = [b.kind for b in config.indicators.values()]
    kinds += [use.kind for use in getattr(STRATEGIES.find(config.strategy.kind), "uses", {}).values()]
    return {name for kind in kinds for name in getattr(INDICATORS.find(kind), "inputs", ())}


def _wants_sequence(config: RunConfig) -> bool:
    """Whether an indicator reads what the order of the rows tells, or a parameter names such a column."""
    told = f"{config.strategy.params} {[block.params for block in config.indicators.values()]}"
    return not SEQUENCE_COLUMNS.keys().isdisjoint(_inputs(config).union(re.findall(r"\w+", told)))


def simulate(config: RunConfig, sources: dict[str, Source]) -> Outcome:
    """Run the strategy of ``config`` over bars that were read; nothing is written."""
    if config.engine == "compiled":
        from .compiled import run_compiled

        return run_compiled(config, sources)
    cerebro = make_cerebro(config.engine)
    for name, source in sources.items():
        block = config.data[config.feeds[name]]
        cerebro.adddata(
            bar_data(source.bars, name, tick=block.tick, lot=block.lot, min_notional=block.min_notional), name=name
        )
    cerebro.broker = make_broker(config.broker.cash, *costs_of(config))
    cerebro.broker.cerebro = cerebro
    cerebro.indicator_blocks = {
        name: Use(block.kind, block.params, block.data or "") for name, block in config.indicators.items()
    }
    _add_sizer(cerebro, config)
    cerebro.addanalyzer(Recorder, _name="record")
    cerebro.addstrategy(STRATEGIES.find(config.strategy.kind), **config.strategy.params)
    strategy = cerebro.run()[0]
    engine, why = what_ran(cerebro)
    return Outcome(config, sources, strategy, strategy.analyzers.record, engine, why)


def genuine(config: RunConfig) -> RunConfig:
    """``config`` for backtrader itself, whose strategy and lines can be looked into."""
    return config.model_copy(update={"engine": "auto"}) if config.engine == "compiled" else config


def _add_sizer(cerebro: Any, config: RunConfig) -> None:
    if config.sizer.fixed is not None:
        cerebro.addsizer(FixedAmount, size=config.sizer.fixed)
    else:
        cerebro.addsizer(PercentOfEquity, percent=config.sizer.percent)
