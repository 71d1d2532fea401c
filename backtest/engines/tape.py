"""A run whose orders the tape fills: once for each assumption, and again for what the edge survives."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ...configs.models import RunConfig
from ..inputs.line_cache import LineCache
from ..tape_fills.band import Band
from ..tape_fills.break_even import Survival, survival
from ..tape_fills.broker import from_tape
from ..tape_fills.fill_model import ASSUMPTIONS, HEADLINE, Extra, FillModel
from ..tape_fills.trade_store import TapeMarkets
from .backtrader import through_backtrader


def run_tape(config: RunConfig, sources: Mapping[str, Any], shelf: LineCache | None = None) -> Any:
    """Run ``config`` over bars that were read, filling its orders from the tape behind them; nothing is kept of it.

    Parameters
    ----------
    config : RunConfig
        The run.
    sources : mapping of str to Source
        What was read for it.
    shelf : LineCache, optional
        What other runs over the same bars have in common with this one.

    Returns
    -------
    Outcome
        Of the middle assumption, with the `Band` of all of them.

    Raises
    ------
    DataError
        If a feed that orders go to is made of klines.
    """
    shelf = LineCache() if shelf is None else shelf
    if shelf.markets is not None:
        return _with_band(config, sources, shelf)
    with TemporaryDirectory(prefix="tapeflow-fills-") as folder:
        shelf.markets = TapeMarkets(config, sources, Path(folder))
        try:
            return _with_band(config, sources, shelf)
        finally:
            shelf.markets = None


def _with_band(config: RunConfig, sources: Mapping[str, Any], shelf: LineCache) -> Any:
    tick = shelf.markets[config.traded.name].prints.tick
    outcomes = {name: _outcome(config, sources, shelf, FillModel.of(config, name)) for name in ASSUMPTIONS}
    made = outcomes[HEADLINE]
    found = _survival(config, sources, shelf, made, tick) if config.fills.survival else None
    made.band = Band(outcomes, found, tick)
    return made


def _outcome(config: RunConfig, sources: Mapping[str, Any], shelf: LineCache, terms: FillModel) -> Any:
    def prepare(broker: Any) -> None:
        from_tape(broker, shelf.markets, terms)

    return through_backtrader(config, dict(sources), prepare, shelf=shelf)


def _survival(config: RunConfig, sources: Mapping[str, Any], shelf: LineCache, made: Any, tick: float) -> Survival:
    """What the edge of ``made`` survives."""

    def profit(extra: Extra) -> float:
        again = _outcome(config, sources, shelf, FillModel.of(config, HEADLINE, extra))
        return float(again.record.equity[1][-1]) - float(config.broker.cash)

    fills = made.strategy.broker.desk.executions
    volume = math.fsum(abs(fill.size) for fill in fills)
    notional = math.fsum(abs(fill.size) * fill.price for fill in fills)
    return survival(profit, float(made.record.equity[1][-1]) - float(config.broker.cash), volume, notional, tick)
