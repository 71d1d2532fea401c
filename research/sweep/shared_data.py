"""What runs over the same bars have in common: computed once, used by each."""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from ...backtest.engines.compiled import unsupported_reason
from ...backtest.engines.compiled.desk_cache import DeskCache
from ...backtest.engines.compiled.desks_run import is_shared
from ...backtest.engines.compiled.market import Market, unusable
from ...backtest.engines.compiled.run import follow_config, through_desks
from ...backtest.engines.compiled.supported import uses_of
from ...backtest.engines.compiled.tables import Tables, compute
from ...backtest.engines.fast.choice import STOCK
from ...backtest.inputs.line_cache import Computed, LineCache
from ...backtest.inputs.read import Source, traded_first
from ...backtest.inputs.requested_indicators import RequestedIndicator, asked
from ...backtest.results.outcome import Outcome
from ...backtest.tape_fills.trade_store import TapeMarkets
from ...configs.models import RunConfig
from .figures import Figures

COMPILED = "compiled"


class Known:
    """What is known of some bars, for the runs of a sweep over them.

    Parameters
    ----------
    sources : mapping of str to Source
        The bars of each feed.
    given : mapping of str to Computed, optional
        Indicators that another process computed over them.
    folder : Path, optional
        Where the tape behind them is spooled, for runs that go back to it.
    """

    def __init__(
        self, sources: Mapping[str, Source], given: Mapping[str, Computed] | None = None, folder: Path | None = None
    ) -> None:
        self.sources = dict(sources)
        self._shelf, self._folder = LineCache(given), folder
        self._asked: dict[str, str] = {}

    @cached_property
    def desks(self) -> DeskCache:
        """What runs of several desks have in common."""
        return DeskCache({name: source.bars for name, source in self.sources.items()})

    @cached_property
    def market(self) -> Market:
        """The bars, as compiled runs read them."""
        return Market({name: source.bars for name, source in self.sources.items()})

    def shelf(self, config: RunConfig) -> LineCache:
        """What ``config``, one of the runs over these bars, has in common with the others."""
        if config.traded.name != self.market.traded and not config.fills.tape:
            return LineCache()  # lines are known by their feed, and that of those kept is the first
        if config.fills.tape and self._shelf.markets is None:
            spool = mkdtemp(prefix="tapeflow-", dir=self._folder)
            weakref.finalize(self, shutil.rmtree, spool, ignore_errors=True)
            self._shelf.markets = TapeMarkets(config, self.sources, Path(spool))
        return self._shelf

    def unsupported_reason(self, config: RunConfig) -> str:
        """Why compiled code cannot run ``config`` over these bars; empty when it can."""
        if not is_shared(config) and config.traded.name != self.market.traded:
            return "another feed is traded than by the runs beside it"
        return unsupported_reason(config) or next(filter(None, map(self._unusable, config.desks)), "")

    def _unusable(self, feed: str) -> str:
        """Why compiled code cannot trade a feed; empty when it can."""
        if feed not in self._asked:
            self._asked[feed] = unusable(self.sources[feed].bars)
        return self._asked[feed]

    def outcome(self, config: RunConfig) -> Outcome:
        """A run that compiled code can do."""
        if is_shared(config):
            return through_desks(config, traded_first(config, self.sources), self.desks)
        tables = Tables(self.market, uses_of(config), self._shelf)
        record: Any = follow_config(config, self.market.traded, tables)
        return Figures(config, self.sources, None, record, COMPILED)

    def figures(self, config: RunConfig) -> dict[str, Any]:
        """Its figures."""
        return self.outcome(config).figures()

    def untouched(self, configs: Iterable[RunConfig]) -> dict[str, Computed]:
        """The indicators that all of several runs have, those left out that only backtrader can compute."""
        keys: set[str] | None = None
        plan: list[RequestedIndicator] = []
        for config in configs:
            if config.engine != STOCK:
                plan = asked(uses_of(config), self.market.traded)
                own = {one.key for one in plan}
                keys = own if keys is None else keys & own
        return self._computed([one for one in plan if one.key in (keys or ())])

    def _computed(self, plan: list[RequestedIndicator]) -> dict[str, Computed]:
        made: dict[str, Computed] = {}
        for one in plan:
            if one.shareable and all(name in made for name, _ in one.reads):
                try:
                    made[one.name] = compute(one, self.market, made, self._shelf)
                except MemoryError:
                    raise
                except Exception:  # noqa: S112  (every run that asks for it says so in its own row)
                    continue
        return {one.key: made[one.name] for one in plan if one.name in made}
