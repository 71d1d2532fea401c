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
from ...backtest.engines.compiled.market import Market
from ...backtest.engines.compiled.run import follow_config
from ...backtest.engines.compiled.supported import uses_of
from ...backtest.engines.compiled.tables import Tables, compute
from ...backtest.engines.fast.choice import STOCK
from ...backtest.inputs.line_cache import Computed, LineCache
from ...backtest.inputs.read import Source
from ...backtest.inputs.requested_indicators import RequestedIndicator, asked
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

    @cached_property
    def market(self) -> Market:
        """The bars, as compiled runs read them."""
        return Market({name: source.bars for name, source in self.sources.items()})

    def shelf(self, config: RunConfig) -> LineCache:
        """What ``config``, one of the runs over these bars, has in common with the others."""
        if config.fills.tape and self._shelf.markets is None:
            spool = mkdtemp(prefix="tapeflow-", dir=self._folder)
            weakref.finalize(self, shutil.rmtree, spool, ignore_errors=True)
            self._shelf.markets = TapeMarkets(config, self.sources, Path(spool))
        return self._shelf

    def unsupported_reason(self, config: RunConfig) -> str:
        """Why compiled code cannot run ``config`` over these bars; empty when it can."""
        return unsupported_reason(config) or self.market.unusable

    def outcome(self, config: RunConfig) -> Figures:
        """A run that compiled code can do."""
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
