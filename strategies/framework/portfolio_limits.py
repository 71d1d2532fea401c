"""Limits of the positions that share an account: how many, and how much they are worth one by one and together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...core.lots import whole_lots
from ...core.steps import steps_of
from .limits import AT_ONCE, or_nothing, units_worth, worth_now


@dataclass(frozen=True)
class Cut:
    """An order that a limit cut or left out.

    Parameters
    ----------
    time : int
        Close at which it would have been sent, epoch µs.
    data : str
        Name of the feed.
    side : str
        ``buy`` or ``sell``.
    limit : str
        What limited it: ``max_positions``, ``gross``, ``net`` or ``each``.
    asked, sent : float
        Sizes; NaN was not asked for in figures, 0 was left out.
    """

    time: int
    data: str
    side: str
    limit: str
    asked: float
    sent: float


class PortfolioLimit:
    """Cuts orders of desks to what their positions may come to; what closes or protects a position is left whole.

    An order counts from its sending on: an entry as filled, an exit at market as gone. Shares are of the equity at the
    close at which an order is sent; positions that grow by themselves are left alone.

    Parameters
    ----------
    desks : sequence of Strategy
        Started.
    most : mapping of str to float
        ``max_positions``, and ``gross``, ``net`` and ``each`` as shares of the equity.

    Attributes
    ----------
    cuts : list of Cut
        Orders that were sent for less than was asked, or not at all.
    """

    def __init__(self, desks: Sequence[Any], most: Mapping[str, float]) -> None:
        self._desks, self._most = desks, most
        self.cuts: list[Cut] = []
        for desk in desks:
            desk.buy, desk.sell = self._held(desk, desk.buy, 1.0), self._held(desk, desk.sell, -1.0)
            desk.buy_bracket = self._whole(desk, desk.buy_bracket, 1.0)
            desk.sell_bracket = self._whole(desk, desk.sell_bracket, -1.0)

    def _held(self, desk: Any, send: Callable[..., Any], side: float) -> Callable[..., Any]:
        """``send`` for no more than there is room for; None where there is none."""

        def sent(data: Any = None, size: float | None = None, *args: Any, **kwargs: Any) -> Any:
            asked = desk.getsizing(desk.data, isbuy=side > 0) if size is None else abs(size)
            allowed = self._allowed(desk, asked, side)
            if allowed == asked:
                return send(data, size, *args, **kwargs)
            return send(data, allowed, *args, **{**desk._marked(size), **kwargs}) if allowed else None

        return sent

    def _whole(self, desk: Any, send: Callable[..., Any], side: float) -> Callable[..., Any]:
        """The same for three orders at once, which are all sent or none."""

        def sent(*args: Any, **kwargs: Any) -> Any:
            room, why = self._room(desk, side)
            if room > 0:
                return send(*args, **kwargs)
            self._note(desk, side, why, math.nan, 0.0)
            return [None, None, None]

        return sent

    def _allowed(self, desk: Any, asked: float, side: float) -> float:
        """How much of ``asked`` may be sent, in whole lots; nothing below the smallest notional."""
        held = 0.0 if desk._protection.reverses else desk.position.size
        if not asked or (held * side < 0 and asked <= abs(held)):
            return asked
        room, why = self._room(desk, side)
        if asked <= room:
            return asked
        sent = or_nothing(desk, whole_lots(max(room, 0.0), steps_of(desk.data).lot))
        self._note(desk, side, why, asked, sent)
        return sent

    def _note(self, desk: Any, side: float, why: str, asked: float, sent: float) -> None:
        time, way = int(desk.data.close_time[0]), "buy" if side > 0 else "sell"
        self.cuts.append(Cut(time, desk.data._name, way, why, float(asked), float(sent)))

    def _room(self, desk: Any, side: float) -> tuple[float, str]:
        """How much more may be bought or sold at a desk, and what limits it."""
        aims = self._aims()
        own = aims.pop(desk, 0.0)
        limits = [(self._units(desk, most), why) for most, why in self._shares(aims, side)]
        if (count := self._most.get("max_positions")) is not None and not own:
            limits.append((math.inf if sum(map(bool, aims.values())) < count else 0.0, "max_positions"))
        most, why = min(limits, default=(math.inf, ""))
        return most - side * own, why

    def _shares(self, others: Mapping[Any, float], side: float) -> Iterator[tuple[float, str]]:
        """What a position may be worth on a side beside the ``others``, by each limit."""
        value, asked = float(self._desks[0].broker.getvalue()), self._most
        worth = [math.copysign(worth_now(desk, size), size) for desk, size in others.items() if size]
        if "each" in asked:
            yield asked["each"] * value, "each"
        if "gross" in asked:
            yield asked["gross"] * value - math.fsum(map(abs, worth)), "gross"
        if "net" in asked:
            yield asked["net"] * value - side * math.fsum(worth), "net"

    def _aims(self) -> dict[Any, float]:
        """The size that each desk comes to with the orders that work, protection aside."""
        aims = {desk: float(desk.position.size) for desk in self._desks}
        by_feed = {id(desk.data): desk for desk in self._desks}
        broker = self._desks[0].broker
        for order in (*broker.pending, *broker.submitted):
            desk = None if order is None or order.parent is not None else by_feed.get(id(order.data))
            if desk is not None and (order.exectype in AT_ONCE or order.size * desk.position.size >= 0):
                aims[desk] += order.executed.remsize
        return aims

    def _units(self, desk: Any, worth: float) -> float:
        """The size that is worth so much of account currency; 0 for what is below 0."""
        return units_worth(desk.broker, desk.data, max(worth, 0.0), desk.data.close[0])
