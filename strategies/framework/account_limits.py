"""Limits of a whole account: a session's loss, and the fall from its highest worth."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import backtrader as bt

from ...aggregation.sessions import Session
from ...core.units import Amount, parse_amount
from .hooks import is_ruined

LOSS, DRAWDOWN = "daily_loss", "drawdown"


class AccountLimit:
    """Closes everything when the account has lost too much, measured at closes.

    When it is reached, working orders are cancelled and positions closed at market, which fills at the next open, so
    that more may be lost than the limit.

    Parameters
    ----------
    strategies : sequence of Strategy
        Started; those that share the account.
    most : Amount
        Share of what the account was worth, or account currency.
    """

    reason = ""

    def __init__(self, strategies: Sequence[Any], most: Amount) -> None:
        self.broker = strategies[0].broker
        self._strategies, self._most = strategies, most
        self._step, self.halted = -math.inf, False
        self._leaving: dict[Any, Any] = {}

    def reached(self, step: float) -> bool:
        """Whether too much is lost by this ``step``; closes what is open then. Judged once a step."""
        if step > self._step:
            self._step = step
            self.halted = self.judge(float(self.broker.getvalue()))
            if self.halted:
                self._close_all()
        return self.halted

    def judge(self, worth: float) -> bool:
        """Whether the account, now ``worth`` so much, has lost too much."""
        raise AttributeError("a limit says when it is reached")

    def beyond(self, before: float, worth: float) -> bool:
        """Whether too much was lost since the account was worth ``before``."""
        return before - worth >= self._most.value * (before if self._most.unit == "fraction" else 1.0)

    def _close_all(self) -> None:
        mine = [order for order in self._leaving.values() if order is not None]
        for order in [o for o in self.broker.pending if o is not None and o not in mine]:
            self.broker.cancel(order)
        for strategy in self._strategies:
            strategy._withdraw()
            for data in strategy.datas if strategy.desk is None else [strategy.data]:
                sent = self._leaving.get(data)
                if len(data) and strategy.getposition(data).size and not (sent is not None and sent.alive()):
                    self._leaving[data] = strategy.close(data=data, reason=self.reason)


class LossLimit(AccountLimit):
    """Stands aside, once a session has lost too much, until the next.

    The loss is what the account is worth less than at the last close before the session; a bar belongs to the session
    in which it opens.

    Parameters
    ----------
    strategies : sequence of Strategy
        Started; those that share the account.
    most : Amount
        Share of the worth at the session's start, or account currency.
    session : Session
        What is counted.
    """

    reason = LOSS

    def __init__(self, strategies: Sequence[Any], most: Amount, session: Session) -> None:
        super().__init__(strategies, most)
        self._worth = self._first = float(self.broker.getvalue())
        self._session, self._end = session, -math.inf

    def judge(self, worth: float) -> bool:
        """Whether the session has lost too much by this bar."""
        opened = max(int(one.data.open_time[0]) for one in self._strategies if len(one.data))
        if opened >= self._end:
            self._end, self._first, self.halted = self._session.end(opened), self._worth, False
        self._worth = worth
        return self.halted or self.beyond(self._first, worth)


class DrawdownLimit(AccountLimit):
    """Stands aside for good, once the account has fallen too far from the most that it was worth at a close."""

    reason = DRAWDOWN

    def __init__(self, strategies: Sequence[Any], most: Amount) -> None:
        super().__init__(strategies, most)
        self._peak = float(self.broker.getvalue())

    def judge(self, worth: float) -> bool:
        """Whether the account has fallen too far by this bar."""
        self._peak = max(self._peak, worth)
        return self.halted or self.beyond(self._peak, worth)


def watch_account(strategies: Sequence[Any], settings: Mapping[str, Any]) -> None:
    """Hold ``strategies``, which share an account, to the limits in a run's ``risk`` block, before each decides."""
    for limit in _limits(strategies, settings):
        for strategy in strategies:
            _watch(strategy, limit)


def _limits(strategies: Sequence[Any], settings: Mapping[str, Any]) -> Iterator[AccountLimit]:
    if (loss := settings.get(LOSS)) is not None:
        session = Session.parse(settings.get("session", "1d"), getattr(strategies[0].data, "hours", ""))
        yield LossLimit(strategies, parse_amount(loss), session)
    if (most := settings.get(DRAWDOWN)) is not None:
        yield DrawdownLimit(strategies, parse_amount(most))


def _watch(strategy: Any, limit: AccountLimit) -> None:
    """Ask ``limit`` before the strategy decides, at every bar."""
    for name in ("next", "prenext", "nextstart"):
        if name == "next" or getattr(type(strategy), name) is not getattr(bt.Strategy, name):
            setattr(strategy, name, _unless_reached(strategy, limit, getattr(strategy, name)))
    strategy.wake = lambda: None


def _unless_reached(strategy: Any, limit: AccountLimit, decide: Callable[[], None]) -> Callable[[], None]:
    def hook() -> None:
        if is_ruined(strategy):
            return
        if limit.reached(strategy.lines.datetime[0]):
            strategy._withdraw()  # of what this one has heard only now
        else:
            decide()

    return hook
