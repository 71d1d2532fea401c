"""One config through backtrader: a Cerebro with its feeds, broker, sizer and strategy, made and run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from warnings import catch_warnings, filterwarnings

from ...configs.fills_block import Fills
from ...configs.models import RunConfig
from ...core.lines import bar_data
from ...core.progress import METER
from ...strategies.framework.base import Use
from ..broker.choice import broker_for
from ..broker.settings import seal
from ..broker.sizers import add_sizer
from ..inputs.line_cache import LineCache
from ..inputs.read import Source
from ..recording.analyzers import add_analyzers
from ..recording.recorder import Recorder
from ..results.outcome import Outcome
from .desks import add_strategies, record_of
from .fast import make_cerebro, what_ran


def through_backtrader(
    config: RunConfig,
    sources: dict[str, Source],
    prepare: Callable[[Any], None] | None = None,
    *,
    shelf: LineCache | None = None,
    unfolds: bool = False,
) -> Outcome:
    """Run the strategy of ``config`` through backtrader; ``prepare`` may do something to the broker before.

    Where it ``unfolds``, every feed hands over one bar at a time and knows none that is to come.
    """
    cerebro = make_cerebro(config.engine)
    cerebro.shelf = shelf
    for name, source in sources.items():
        own = config.terms[name]
        terms = dict(tick=own.tick, lot=own.lot, min_notional=own.min_notional)
        knows = getattr(source.feed, "knows_prices", True)
        cerebro.adddata(bar_data(source.bars, name, knows_prices=knows, unfolds=unfolds, **terms), name=name)
    cerebro.broker = broker_for(config, sources)
    cerebro.broker.cerebro = cerebro
    if prepare is not None:
        prepare(cerebro.broker)
    seal(cerebro.broker)
    cerebro.indicator_blocks = {
        name: Use(block.kind, block.params, block.data or "") for name, block in config.indicators.items()
    }
    cerebro.trade_from = config.trade_from
    cerebro.risk_block = config.risk.settings()
    add_sizer(cerebro, config)
    cerebro.addanalyzer(Recorder, _name="record")
    add_analyzers(cerebro, config)
    add_strategies(cerebro, config)
    traded = cerebro.datas[0]
    METER.follow(lambda: len(traded), len(sources[config.traded.name].bars))
    with _backtraders_clock():
        *_, strategy = cerebro.run(runonce=False, preload=False) if unfolds else cerebro.run()
    engine, why = what_ran(cerebro)
    return Outcome(config, sources, strategy, record_of(strategy), engine, why)


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
