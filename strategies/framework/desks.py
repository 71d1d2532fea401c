"""Desks: one strategy class that trades several feeds of a run, each on its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ...core.errors import InputError

NOT_AWAITED = -(1 << 40)
"""Bars needed of a feed that nothing is read of: its first one is not waited for."""


class OwnFeeds(list[Any]):
    """The feeds that the strategy of a desk is given, which says why there are no more."""

    def __init__(self, datas: Sequence[Any], hidden: Sequence[str]) -> None:
        super().__init__(datas)
        self._hidden = hidden

    def __getitem__(self, key: Any) -> Any:
        """A feed, or several.

        Raises
        ------
        InputError
            For one that is traded beside.
        """
        try:
            return super().__getitem__(key)
        except IndexError:
            if not self._hidden:
                raise
            raise InputError(
                f"self.datas[{key}]: `trade` has each of {', '.join((self[0]._name, *self._hidden))} traded by a "
                "strategy of its own, which is given that feed and those that are only read; leave trade out for a "
                "class that trades several"
            ) from None


class Desk(NamedTuple):
    """One strategy on one of the feeds that a run trades.

    Parameters
    ----------
    feed : str
        Name of the feed, which is the first of the strategy's.
    others : tuple of str
        Names of the feeds that strategies of the same class trade beside it.
    """

    feed: str
    others: tuple[str, ...]


def feeds_of(cls: Any, datas: Sequence[Any], desk: Desk) -> list[Any]:
    """The feeds that the strategy of a desk knows, its own first.

    Signals may read those that are traded beside it, whose values are unknown before their first bar. A `next` would
    find the last bar of all there, and is not given them.
    """
    own = next(data for data in datas if data._name == desk.feed)
    hidden = desk.others if cls.decides_itself() else ()
    return [own, *(data for data in datas if data is not own and data._name not in hidden)]


def is_traded_beside(strategy: Any, data: Any) -> bool:
    """Whether another desk trades ``data``."""
    return strategy.desk is not None and data._name in strategy.desk.others


def desks_beside(strategy: Any) -> list[Any]:
    """The strategies of all desks of its class in a run, its own among them; none where it trades no desk."""
    if strategy.desk is None:
        return []
    mine = {strategy.desk.feed, *strategy.desk.others}
    return [one for one in strategy.cerebro.runningstrats if getattr(one, "desk", None) and one.desk.feed in mine]
