"""One strategy class over several feeds in one Cerebro: a strategy for each, and one that has them decide in order."""

from __future__ import annotations

from typing import Any

import backtrader as bt

from ...configs.models import RunConfig
from ...configs.portfolio_block import Portfolio as Limits
from ...core.errors import InputError
from ...core.plugins.registry import STRATEGIES
from ...strategies.framework.base import Strategy
from ...strategies.framework.desks import Desk
from ...strategies.framework.plan import lines_of
from ...strategies.framework.portfolio import Portfolio
from ...strategies.rule_language.expressions import Expression
from ..recording.own_indicators import made_in_init
from ..recording.recorder import Recorder


class AccountRecorder(Recorder):
    """Notes the account of several desks whenever one of their feeds has a bar, and hears what each of them heard."""

    def __init__(self) -> None:
        super().__init__()
        self._lengths: tuple[int, ...] = ()

    def next(self) -> None:
        """Note the account at the close of this step."""
        feeds = [desk.data for desk in self.strategy.desks]
        before, self._lengths = self._lengths or (0,) * len(feeds), tuple(map(len, feeds))
        fresh = [data for data, old, new in zip(feeds, before, self._lengths, strict=True) if new > old]
        if fresh:
            broker, time = self.strategy.broker, max(self.closed(data) for data in fresh)
            size = broker.getposition(feeds[0]).size
            self._rows.append((time, broker.getvalue(), broker.getcash(), size))

    prenext = nextstart = next

    def gather(self) -> None:
        """Take over the news of the desks: as they came in time, at one time in the order of ``trade``."""
        news = [one for desk in self.strategy.desks for one in desk.analyzers.record.news]
        self.news = sorted(news, key=lambda one: one.time())


class Conductor(bt.Strategy):
    """Called last at every step: has the desks decide in order, and keeps the account's record."""

    params: Any = dict(count=0, most=None, rank=None)

    def __init__(self) -> None:
        self.indicators: dict[str, Any] = {}
        self._addanalyzer(AccountRecorder, _name="account")

    def start(self) -> None:
        """Know the desks, and have the account valued in their order."""
        self.desks = self.cerebro.runningstrats[: self.p.count]
        self._ranks: dict[Any, Any] = {}
        self._portfolio = Portfolio(self.desks, self.p.most, None if self.p.rank is None else self._rank)
        for desk in self.desks:
            self.broker.getposition(desk.data)

    def next(self) -> None:
        """Have them decide."""
        self._portfolio.act()

    prenext = next

    def _rank(self, desk: Any) -> float:
        """The value of the run's ``rank`` at the close of a desk's bar."""
        bar, known = len(desk.data), self._ranks.get(desk)
        if known is None or len(known) < bar:
            whole = all(data.buflen() for data in desk.datas) and self.cerebro._dorunonce
            lines = lines_of(desk, whole=bool(whole))
            known = self._ranks[desk] = Expression(self.p.rank, lines.names).values(lines)
        return float(known[bar - 1])

    @property
    def portfolio_cut(self) -> dict[str, int]:
        """How many orders the portfolio's limits cut or left out, by limit."""
        return dict(self._portfolio.limit.cut) if self._portfolio.limit is not None else {}

    def gather(self) -> Any:
        """What the run did, once it is over; the indicators of the first desk keep their names."""
        for desk in self.desks:
            tail = "" if desk is self.desks[0] else f"@{desk.data._name}"
            self.indicators |= {f"{name}{tail}": made for name, made in (desk.indicators | made_in_init(desk)).items()}
            self._lineiterators[bt.LineIterator.IndType] += desk._lineiterators[bt.LineIterator.IndType]
        record = self.analyzers.account
        record.gather()
        return record


def add_strategies(cerebro: Any, config: RunConfig) -> None:
    """Add the strategy of ``config`` to ``cerebro``: once, or for each of the feeds that it trades.

    Raises
    ------
    InputError
        If it is no class that can trade one of several feeds.
    """
    kind: Any = STRATEGIES.find(config.strategy.kind)
    feeds = config.desks
    if len(feeds) == 1 and config.portfolio == Limits():
        cerebro.addstrategy(kind, **config.strategy.params)
        return
    if not issubclass(kind, Strategy):
        raise InputError(
            f"trade: {kind.__name__} is a plain backtrader strategy, which trades what it will: leave trade out, or "
            "derive it from tapeflow.strategies.base.Strategy"
        )
    for feed in feeds:
        desk = Desk(feed, tuple(other for other in feeds if other != feed))
        cerebro.addstrategy(kind, desk=desk, **config.strategy.params)
    most, rank = config.portfolio.limits, config.portfolio.rank
    cerebro.addstrategy(Conductor, count=len(feeds), most=most, rank=rank)


def record_of(strategy: Any) -> Any:
    """The record of a run whose last strategy was ``strategy``."""
    return strategy.gather() if isinstance(strategy, Conductor) else strategy.analyzers.record
