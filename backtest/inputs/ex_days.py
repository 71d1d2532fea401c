"""Who may trade a stock that pays dividends: what reads prices on its own would take an ex-day's drop for a signal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ...configs.models import RunConfig
from ...core.errors import InputError
from ...core.plugins.registry import INDICATORS, STRATEGIES
from ...core.schema import DIVIDEND
from ...strategies.framework.base import Strategy


def check_readers(config: RunConfig, sources: Mapping[str, Any]) -> None:
    """Refuse a run with dividends in which somebody reads traded prices beside adjusted ones.

    Raises
    ------
    InputError
        Naming the strategy or the indicator, and what to do.
    """
    paid = [name for name, source in sources.items() if np.any(source.bars.columns.get(DIVIDEND, 0.0))]
    for text in _wrong(config) if paid else ():
        raise InputError(f"{paid[0]} pays dividends, and {text}")


def _wrong(config: RunConfig) -> Iterator[str]:
    strategy: Any = STRATEGIES.find(config.strategy.kind)
    kind = strategy.__name__
    signals = getattr(strategy, "signals", Strategy.signals) is not Strategy.signals
    if not signals and not getattr(strategy, "reads_adjusted", False):
        yield (
            f"strategy {kind} decides in its own next, where self.data.close is the traded price beside indicators "
            "of adjusted ones: write signals(), or read self.data.adjusted_close and say reads_adjusted = True"
        )
    uses = {**getattr(strategy, "uses", {}), **config.indicators}
    for name, use in uses.items():
        cls: Any = INDICATORS.find(use.kind)
        if cls.level() in ("next", "lines"):
            yield (
                f"indicator {name} ({use.kind}) reads lines of the feed itself, which are traded prices: one with step "
                "or vec reads adjusted ones"
            )
