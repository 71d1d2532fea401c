"""Where the events of a config are true, on the bars of the feed that is traded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...backtest.engines.backtrader import genuine, through_backtrader
from ...backtest.engines.compiled.supported import uses_of
from ...backtest.engines.compiled.tables import Tables
from ...backtest.inputs.read import Source, traded_first
from ...configs.models import IndicatorBlock, RunConfig, StrategyBlock
from ...core.plugins.registry import INDICATORS, STRATEGIES
from ...strategies.framework.lines import Lines
from ...strategies.framework.plan import lines_of
from ...strategies.rule_language.expressions import Expression

_NEVER = "close > close"


def masks_of(config: RunConfig, sources: Mapping[str, Source]) -> dict[str, NDArray[np.bool_]]:
    """Where each of ``config.events`` is true, one value a bar of the traded feed.

    Before every feed has warmed up nothing is: a strategy would not be asked there either.

    Raises
    ------
    DataError
        If there are too few bars for the warm-up.
    """
    sources = traded_first(config, dict(sources))
    lines, first = _lines(config, sources)
    made = {name: Expression(text, lines.names).over(lines) for name, text in config.events.items()}
    for mask in made.values():
        mask[:first] = False
    return made


def _lines(config: RunConfig, sources: dict[str, Source]) -> tuple[Lines, int]:
    """Every line by name, and the first bar on which a strategy is asked; by backtrader where only it can make them."""
    uses: dict[str, Any] = {name: use for name, use in uses_of(config).items() if name.isidentifier()}
    if all(str(_level(use)) not in ("next", "lines") for use in uses.values()):
        tables = Tables({name: source.bars for name, source in sources.items()}, uses)
        return tables.lines, tables.first()
    blocks = {
        name: use if isinstance(use, IndicatorBlock) else IndicatorBlock(kind=use.kind, data=use.data, **use.params)
        for name, use in uses.items()
    }
    rules: Any = STRATEGIES.find("Rules")
    params = {**rules.defaults(), "long": {"enter": _NEVER}}
    alone = config.model_copy(update={"strategy": StrategyBlock(kind="Rules", params=params), "indicators": blocks})
    outcome = through_backtrader(genuine(alone), sources)
    feeds = list(sources)
    needed = dict(zip(feeds, outcome.strategy._minperiods, strict=True))
    closes = {name: source.bars["close_time"] for name, source in sources.items()}
    known = max(int(closes[name][count - 1]) for name, count in needed.items())
    return lines_of(outcome.strategy, whole=True), int(np.searchsorted(closes[feeds[0]], known))


def _level(use: Any) -> Any:
    cls: Any = INDICATORS.find(use.kind)
    return cls.level()
