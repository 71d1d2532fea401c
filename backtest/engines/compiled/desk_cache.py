"""What runs of several desks over the same bars have in common."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ....configs.models import RunConfig
from ....core.bars import Bars
from ....strategies.framework.guards import SETTINGS
from ...inputs.line_cache import LineCache
from .market import Market
from .setup import RuleSignals
from .state import Floats
from .tables import Tables
from .timeline import Timeline


class DeskCache:
    """Bars laid out, lines of indicators and signals, by the desk that they are of.

    Parameters
    ----------
    feeds : mapping of str to Bars
        The bars of every feed.

    Attributes
    ----------
    signals_made : int
        How often the rules of a desk were asked over all bars, which what is kept here saves.
    """

    def __init__(self, feeds: Mapping[str, Bars]) -> None:
        self.feeds, self.signals_made = feeds, 0
        self._shelves: dict[str, LineCache] = {}
        self._stamps: dict[str, Floats] = {}
        self._markets: dict[tuple[str, frozenset[str]], Market] = {}
        self._lines: dict[tuple[str, ...], Timeline] = {}
        self._signals: dict[str, tuple[Any, RuleSignals, tuple[str, ...] | None]] = {}

    def tables(self, config: RunConfig, feed: str, uses: Mapping[str, Any]) -> Tables:
        """The columns and lines of the desk on ``feed``."""
        beside = frozenset(config.desks) - {feed}
        if (feed, beside) not in self._markets:
            others = {name: bars for name, bars in self.feeds.items() if name != feed}
            market = self._markets[feed, beside] = Market({feed: self.feeds[feed], **others}, beside)
            market.share(self._stamps)
        return Tables(self._markets[feed, beside], uses, self._shelves.setdefault(feed, LineCache()))

    def timeline(self, config: RunConfig, tables: Mapping[str, Tables]) -> Timeline:
        """The steps of a run."""
        if config.desks not in self._lines:
            markets = [own.market for own in tables.values()]
            first = markets[0]
            others = [stamps for name, stamps in first.stamps.items() if name and name not in first.beside]
            closes = [market.bars["close_time"] for market in markets]
            self._lines[config.desks] = Timeline.of([market.stamps[""] for market in markets], closes, others)
        return self._lines[config.desks]

    def signals(self, config: RunConfig, feed: str, tables: Tables, ask: Callable[[], Any]) -> tuple[Any, RuleSignals]:
        """What the rules of the desk on ``feed`` say, asked anew where they are others, or look at other desks."""
        blocks = {name: block.model_dump(mode="python") for name, block in config.indicators.items()}
        protection = {name: value for name, value in config.risk.settings().items() if name in SETTINGS}
        key = json.dumps([feed, config.strategy.model_dump(mode="python"), blocks, protection], default=repr)
        answers, said, desks = self._signals.get(key, (None, None, ()))
        if said is None or desks not in (None, config.desks):
            self.signals_made += 1
            answers = ask()
            said = RuleSignals.of(answers)
            self._signals[key] = answers, said, config.desks if tables.looked else None
        return answers, said
