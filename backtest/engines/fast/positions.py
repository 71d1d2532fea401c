"""Positions whose time of last change is asked of their feeds, not written down at every bar."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from backtrader.position import Position
from backtrader.utils.dateintern import num2date

from ...broker.base import WholePosition

KNOWN = (Position, WholePosition)
"""Kinds that have nothing but a size, a price, and what came of the last change."""


class Positions(defaultdict[Any, Any]):
    """The positions of a lazy broker, made as they are asked for."""

    broker: Any

    def __missing__(self, data: Any) -> Any:
        self.broker.fresh()  # before the newcomer, whose feed may have no price yet, is added up
        factory: Any = self.default_factory
        made = self[data] = timeless(factory(), data)
        return made


def timeless(position: Any, data: Any) -> Any:
    """``position`` in ``data``, asking the feed for the time while it is open."""

    def read(self: Any) -> Any:
        if self.size:
            return data.datetime.datetime()
        if "datetime" not in self.__dict__:
            raise AttributeError("a position that never was has no time")
        closed = self.__dict__["datetime"]
        return num2date(closed, tz=data.lines.datetime._tz) if isinstance(closed, float) else closed

    def write(self: Any, value: Any) -> None:
        self.__dict__["datetime"] = value

    base = type(position)
    position.__class__ = type(base.__name__, (base,), {"datetime": property(read, write), "plain": base})
    return position


def is_known(position: Any) -> bool:
    """Whether a timeless ``position`` is of a kind that `trial` and `settle` know the inside of."""
    return type(position).plain in KNOWN


def trial(position: Any) -> Any:
    """A copy of a ``position``, to try a change on."""
    kind = getattr(type(position), "plain", None)
    if kind not in KNOWN:
        return position.clone()
    made: Any = object.__new__(kind)
    made.size, made.price = position.size, position.price
    return made


def settle(position: Any, tried: Any, size: float, price: float, time: float) -> None:
    """Change ``position`` by ``size``, or to what it became on trial where that is known, at ``time`` in float days."""
    if tried is None:
        position.update(size, price, time)
    else:
        position.__dict__.update(tried.__dict__, datetime=time)


def _timed(position: Any, data: Any) -> Any:
    if position.size:
        position.adjbase = data.close[0]
    if position.size or "datetime" in position.__dict__:
        position.datetime = position.datetime
    position.__class__ = type(position).plain
    return position


def restore(broker: Any) -> None:
    """Give a broker positions of its own kind back, as they would be."""
    if isinstance(broker.positions, Positions):
        made = {data: _timed(position, data) for data, position in broker.positions.items()}
        broker.positions = defaultdict(broker.positions.default_factory, made)
