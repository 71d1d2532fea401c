"""The feeds of a run: files to bars, one pass for each data block."""

from __future__ import annotations

import glob
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...configs.actions_block import Actions
from ...configs.models import RunConfig
from ...core.bars import Bars
from ...core.dollars import in_usd
from ...core.errors import DataError, FormatError
from ...core.plugins.registry import FEEDS, INDICATORS, STRATEGIES
from ...core.schema import SEQUENCE_COLUMNS
from ...feeds.framework.actions import CorporateActions, read_actions
from ...feeds.sniffing.instead import told_instead

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
    with told_instead(config.paths(name)):
        try:
            feed: Any = FEEDS.find(block.feed)(config.paths(name), **block.params)
        except DataError as err:
            kind = FormatError if isinstance(err, FormatError) else DataError
            raise kind(f"data.{name}: {err}{_elsewhere(block.path, config.paths(name))}") from None
        if aside is not None:
            feed.quarantine = aside / f"{name}.quarantine.csv"
        feed.lenient_units = True
        feed.negative_prices = block.instrument.negative_prices
        if block.actions is not None:
            feed.adjust_for(_actions(config, block.actions, feed.p.get("symbol")))
        specs = block.kinds(name)
        kinds = list(specs.values()) if feed.gives == "bars" else [spec or "1m" for spec in specs.values()]
        made = feed.bars_of(kinds, **wanted(config, name))
    for own, bars in zip(specs, made, strict=True):
        if not len(bars):
            raise DataError(f"data.{own}: no bars between the times asked for")
    if feed.actions is not None:
        feed.files = [*feed.files, *feed.actions.files]
    return {own: Source(feed, bars) for own, bars in zip(specs, made, strict=True)}


def read_all(config: RunConfig, say: Progress, *, aside: Path | None = None) -> dict[str, Source]:
    """Every data block of ``config`` by `read`, with what quote currencies are worth where ``usd`` says it."""
    sources: dict[str, Source] = {}
    for name in config.data:
        sources |= read(config, name, say, aside=aside)
    return {name: _priced(config.data[config.feeds[name]].usd, source, sources) for name, source in sources.items()}


def _priced(usd: float | str | None, source: Source, sources: Mapping[str, Source]) -> Source:
    if usd is None:
        return source
    prices = sources[usd].bars if isinstance(usd, str) else usd
    return replace(source, bars=in_usd(source.bars, prices, str(usd)))


def traded_first(config: RunConfig, sources: Mapping[str, Source]) -> dict[str, Source]:
    """What was read for ``config``, the traded feed before the others."""
    return {name: sources[name] for name in config.feeds if name in sources}


def _actions(config: RunConfig, asked: Actions, symbol: str | None) -> CorporateActions:
    """The splits and dividends that a data block asks for."""
    return read_actions([config.folder / path for path in asked.path], asked.symbol or symbol, asked.timezone)


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
    strategies: list[Any] = [STRATEGIES.find(block.kind) for block in config.kinds]
    kinds += [use.kind for one in strategies for use in getattr(one, "uses", {}).values()]
    return {name for kind in kinds for name in getattr(INDICATORS.find(kind), "inputs", ())}


def _wants_sequence(config: RunConfig) -> bool:
    """Whether an indicator reads what the order of the rows tells, or a parameter names such a column."""
    told = f"{[block.params for block in config.kinds]} {[block.params for block in config.indicators.values()]}"
    return not SEQUENCE_COLUMNS.keys().isdisjoint(_inputs(config).union(re.findall(r"\w+", told)))
