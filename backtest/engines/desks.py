"""One strategy class over several feeds in one Cerebro: a strategy for each, and one that has them decide in order."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import backtrader as bt

from ...aggregation.sessions import Session
from ...configs.models import RunConfig
from ...configs.portfolio_block import Portfolio as Limits
from ...core.errors import InputError
from ...core.plugins.registry import STRATEGIES
from ...strategies.framework.base import Strategy
from ...strategies.framework.desks import Desk
from ...strategies.framework.legs import Legs
from ...strategies.framework.plan import lines_of
from ...strategies.framework.portfolio import Portfolio
from ...strategies.framework.portfolio_limits import Cut
from ...strategies.framework.target_weights import TargetWeights
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


class Told:
    """What an expression is worth at the close of a desk's bar.

    Parameters
    ----------
    cerebro : Cerebro
        That runs.
    text : str
        The expression, of names as rules have them.
    """

    def __init__(self, cerebro: Any, text: str) -> None:
        self._cerebro, self._text = cerebro, text
        self._known: dict[Any, Any] = {}

    def __call__(self, desk: Any) -> float:
        """Its value."""
        bar, known = len(desk.data), self._known.get(desk)
        if known is None or len(known) < bar:
            whole = all(data.buflen() for data in desk.datas) and self._cerebro._dorunonce
            lines = lines_of(desk, whole=bool(whole))
            known = self._known[desk] = Expression(self._text, lines.names).values(lines)
        return float(known[bar - 1])


class Conductor(bt.Strategy):
    """Called last at every step: has the desks decide in order, and keeps the account's record."""

    params: Any = dict(count=0, portfolio=None)

    def __init__(self) -> None:
        self.indicators: dict[str, Any] = {}
        self._addanalyzer(AccountRecorder, _name="account")

    def start(self) -> None:
        """Know the desks, and have the account valued in their order."""
        self.desks = self.cerebro.runningstrats[: self.p.count]
        asked = self.p.portfolio
        rank = None if asked.rank is None else Told(self.cerebro, asked.rank)
        self._portfolio = Portfolio(self.desks, asked.limits, rank, self._targets(), self._legs())
        for desk in self.desks:
            self.broker.getposition(desk.data)

    def _legs(self) -> Legs | None:
        """What enters and leaves the desks together, where they are the legs of a spread."""
        asked = self.p.portfolio.legs
        if not asked:
            return None
        by_name = {desk.data._name: desk for desk in self.desks[1:]}
        ratios = {desk: Told(self.cerebro, asked[name].ratio) for name, desk in by_name.items()}
        return Legs(self.desks, ratios, {desk for name, desk in by_name.items() if asked[name].value is not None})

    def _hours(self) -> str:
        return str(getattr(self.desks[0].data, "hours", ""))

    def next(self) -> None:
        """Have them decide."""
        self._portfolio.act()

    prenext = next

    def _targets(self) -> TargetWeights | None:
        """What holds positions at the weights that the run asks for."""
        asked = self.p.portfolio
        if asked.weights is None:
            return None
        told, session = Told(self.cerebro, asked.weighing), Session.parse(asked.rebalance.every, self._hours())

        def weights() -> dict[Any, float]:
            each = {desk: told(desk) for desk in self.desks if len(desk.data)}
            known = {desk: weight for desk, weight in each.items() if not math.isnan(weight)}
            whole = math.fsum(known.values()) if asked.shared else 1.0
            return {desk: weight / whole for desk, weight in known.items()}

        return TargetWeights(self.desks, weights, session, asked.rebalance.band or 0.0, shared=asked.shared)

    @property
    def portfolio_cut(self) -> dict[str, int]:
        """How many orders the portfolio's limits cut or left out, by limit."""
        return dict(Counter(one.limit for one in self.portfolio_cuts))

    @property
    def portfolio_cuts(self) -> list[Cut]:
        """Which orders they were."""
        return self._portfolio.limit.cuts if self._portfolio.limit is not None else []

    @property
    def legs(self) -> dict[str, int]:
        """How many spreads were entered, missed and broken; empty where there are none."""
        legs = self._portfolio.legs
        return {} if legs is None else {name: legs.counts[name] for name in ("entered", "missed", "broken")}

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
    cerebro.addstrategy(Conductor, count=len(feeds), portfolio=config.portfolio)


def record_of(strategy: Any) -> Any:
    """The record of a run whose last strategy was ``strategy``."""
    return strategy.gather() if isinstance(strategy, Conductor) else strategy.analyzers.record
