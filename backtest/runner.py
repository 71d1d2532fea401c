"""Runs one config: feeds to bars, bars to lines, lines through backtrader, results to a folder."""

from __future__ import annotations

import glob
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from warnings import catch_warnings, filterwarnings

from ..configs.fills_block import Fills
from ..configs.models import RunConfig
from ..core.bars import Bars
from ..core.errors import DataError
from ..core.lines import bar_data
from ..core.meter import METER
from ..core.registry import FEEDS, INDICATORS, STRATEGIES
from ..core.schema import SEQUENCE_COLUMNS
from ..strategies.base import Use
from .brokers.choice import broker_for
from .compiled import by_engine, verified
from .folder import save
from .hours import following, session_in
from .ours import check_place
from .record import Recorder
from .result import Outcome, Result
from .shelf import Shelf
from .sizers import add_sizer

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
        As `load_config` gives it; a ``sweep`` in it is left out.
    out : Path
        The folder to make; what an earlier run wrote there is replaced, everything else in it stays.
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
    config = config.model_copy(update={"sweep": None})
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
    try:
        feed: Any = FEEDS.find(block.feed)(config.paths(name), **block.params)
    except DataError as err:
        raise DataError(f"data.{name}: {err}{_elsewhere(block.path, config.paths(name))}") from None
    if aside is not None:
        feed.quarantine = aside / f"{name}.quarantine.csv"
    specs = block.kinds(name)
    kinds = list(specs.values()) if feed.gives == "bars" else [spec or "1m" for spec in specs.values()]
    made = feed.bars_of(kinds, **wanted(config, name))
    for own, bars in zip(specs, made, strict=True):
        if not len(bars):
            raise DataError(f"data.{own}: no bars between the times asked for")
    return {own: Source(feed, bars) for own, bars in zip(specs, made, strict=True)}


def _elsewhere(written: Sequence[str], meant: Sequence[str]) -> str:
    """A hint for who wrote paths from where the command runs and not from where the YAML lies."""
    wrong = any(_leads_somewhere(path) and not _leads_somewhere(own) for path, own in zip(written, meant, strict=True))
    return "; a relative path begins at the folder of the YAML" if wrong else ""


def _leads_somewhere(path: str) -> bool:
    return bool(path) and any(glob.iglob(path))  # noqa: PTH207 (Path.glob takes no absolute pattern)


def wanted(config: RunConfig, name: str) -> dict[str, Any]:
    """What the feed of data block ``name`` is asked for; runs that ask the same of equal blocks read the same bars."""
    block = config.data[name]
    wish: dict[str, Any] = {"row_size": block.row_size, "start": block.start, "end": block.end}
    feed: Any = FEEDS.find(block.feed)
    if feed.gives == "bars":
        return {**wish, "gaps": block.gaps}
    if wish["row_size"] is None and (block.levels_by_size or "levels" in _inputs(config)):
        wish["row_size"] = "auto"
    if _wants_sequence(config):
        wish["sequence"] = True
    edges = None if block.size_edges is None else tuple(block.size_edges)
    if block.levels_by_size:
        wish["levels_by_size"] = True
    return {**wish, "size_edges": edges, "tick": block.tick}


def _inputs(config: RunConfig) -> set[Any]:
    """What the run's indicators read of their feeds, whatever their parameters."""
    kinds = [b.kind for b in config.indicators.values()]
    kinds += [use.kind for use in getattr(STRATEGIES.find(config.strategy.kind), "uses", {}).values()]
    return {name for kind in kinds for name in getattr(INDICATORS.find(kind), "inputs", ())}


def _wants_sequence(config: RunConfig) -> bool:
    """Whether an indicator reads what the order of the rows tells, or a parameter names such a column."""
    told = f"{config.strategy.params} {[block.params for block in config.indicators.values()]}"
    return not SEQUENCE_COLUMNS.keys().isdisjoint(_inputs(config).union(re.findall(r"\w+", told)))


def simulate(config: RunConfig, sources: dict[str, Source], shelf: Shelf | None = None) -> Outcome:
    """Run the strategy of ``config`` over bars that were read; nothing is written.

    ``engine: auto`` takes compiled code where that is exact and says why not elsewhere. What runs before it computed
    over the same bars may be on a ``shelf``, which saves time and changes nothing.
    """
    outcome, why_not = by_engine(config, sources)
    if outcome is None:
        outcome = (_from_tape if config.fills.tape else through_backtrader)(config, sources, shelf=shelf)
        outcome.engine_reason += f"; not compiled: {why_not}" if why_not else ""
    if config.verify:
        outcome.verified = verified(outcome)
    return outcome


def _from_tape(config: RunConfig, sources: dict[str, Source], *, shelf: Shelf | None) -> Outcome:
    from .fills import run_tape

    made: Outcome = run_tape(config, sources, shelf)
    return made


def through_backtrader(
    config: RunConfig,
    sources: dict[str, Source],
    prepare: Callable[[Any], None] | None = None,
    *,
    shelf: Shelf | None = None,
) -> Outcome:
    """Run the strategy of ``config`` through backtrader; ``prepare`` may do something to the broker before."""
    from .engine import make_cerebro, what_ran

    cerebro = make_cerebro(config.engine)
    cerebro.shelf = shelf
    for name, source in sources.items():
        block = config.data[config.feeds[name]]
        terms = dict(tick=block.tick, lot=block.step, min_notional=block.min_notional)
        knows = getattr(source.feed, "knows_prices", True)
        cerebro.adddata(bar_data(source.bars, name, knows_prices=knows, **terms), name=name)
    cerebro.broker = broker_for(config)
    cerebro.broker.cerebro = cerebro
    if prepare is not None:
        prepare(cerebro.broker)
    cerebro.indicator_blocks = _in_their_hours(config, sources)
    cerebro.risk_block = config.risk.settings()
    if "session" in cerebro.risk_block:
        first = next(iter(sources.values())).bars
        cerebro.risk_block["session"] = session_in(cerebro.risk_block["session"], first.spec)
    add_sizer(cerebro, config)
    cerebro.addanalyzer(Recorder, _name="record")
    cerebro.addstrategy(STRATEGIES.find(config.strategy.kind), **config.strategy.params)
    traded = cerebro.datas[0]
    METER.follow(lambda: len(traded), len(next(iter(sources.values())).bars))
    with _backtraders_clock():
        strategy = cerebro.run()[0]
    engine, why = what_ran(cerebro)
    return Outcome(config, sources, strategy, strategy.analyzers.record, engine, why)


def _in_their_hours(config: RunConfig, sources: Mapping[str, Source]) -> dict[str, Use]:
    """The run's indicators, and those of its strategy that count days of trading hours because their feed has some."""
    uses: dict[str, Use] = {
        name: Use(block.kind, block.params, block.data or "") for name, block in config.indicators.items()
    }
    first, own = next(iter(sources)), getattr(STRATEGIES.find(config.strategy.kind), "uses", {})
    made = dict(uses)
    for name, use in {**own, **uses}.items():
        source = sources.get(use.data or first)
        params = None if source is None else following(INDICATORS.find(use.kind), use.params, source.bars.spec)
        if params is not None and params != dict(use.params):
            made[name] = Use(use.kind, params, use.data)
    return made


@contextmanager
def _backtraders_clock() -> Iterator[None]:
    """Let backtrader read its clock as it does, which Python warns of from 3.12 on, where warnings are errors too."""
    with catch_warnings():
        filterwarnings("ignore", r"datetime\.datetime\.utcnow", DeprecationWarning, r"backtrader\.")
        yield


def genuine(config: RunConfig) -> RunConfig:
    """``config`` for backtrader itself and fills from bars, whose strategy and lines can be looked into."""
    engine = "stock" if config.engine == "stock" else "backtrader"
    return config.model_copy(update={"engine": engine, "fills": Fills(), "verify": False})
