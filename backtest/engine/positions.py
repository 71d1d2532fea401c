"""Positions whose time of last change is asked of their feeds, not written down at every bar."""

from __future__ import annotations

from collections import defaultdict
from typing import Any


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
        if "datetime" in self.__dict__:
            return self.__dict__["datetime"]
        raise AttributeError("a position that never was has no time")

    def write(self: Any, value: Any) -> None:
        self.__dict__["datetime"] = value

    base = type(position)
    position.__class__ = type(base.__name__, (base,), {"datetime": property(read, write), "plain": base})
    return position


def _timed(position: Any, data: Any) -> Any:
    if position.size:
        position.datetime = position.datetime
        position.adjbase = data.close[0]
    position.__class__ = type(position).plain
    return position


def restore(broker: Any) -> None:
    """Give a broker positions of its own kind back, as they would be."""
    if isinstance(broker.positions, Positions):
        made = {data: _timed(position, data) for data, position in broker.positions.items()}
        broker.positions = defaultdict(broker.positions.default_factory, made)
