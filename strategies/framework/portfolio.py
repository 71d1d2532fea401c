"""What the desks of one account do at a step: first everything that leaves, then the entries, then protection."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from .account_limits import watch_account
from .hooks import is_ruined
from .portfolio_limits import PortfolioLimit
from .protection import settings_of

Rank = Callable[[Any], float]


class Portfolio:
    """The desks of a run, in the order in which they come to the account's cash.

    Once every feed with a bar at this close has moved on, desks decide: all that leave, in the order of ``trade``; then
    entries, by rank and in that order, each of which finds what those before it left of the cash; then protection of
    what was filled. A strategy with a ``next`` of its own decides all at once, when its turn in that order has come.

    Parameters
    ----------
    desks : sequence of Strategy
        In the order of ``trade``.
    most : mapping of str to float
        Limits of `PortfolioLimit`.
    rank : callable, optional
        What a desk's entry is worth at this close; the highest comes first, one that is not known last.
    targets : TargetWeights, optional
        What brings positions to their weights, where they have some.
    legs : Legs, optional
        What enters and leaves them together, where they are a spread.
    """

    def __init__(
        self,
        desks: Sequence[Any],
        most: Mapping[str, float],
        rank: Rank | None = None,
        targets: Any = None,
        legs: Any = None,
    ) -> None:
        self._desks, self._rank, self._targets, self.legs = desks, rank, targets, legs
        self.limit = PortfolioLimit(desks, most) if most else None
        watch_account(desks, settings_of(desks[0]))

    def _place(self, desk: Any) -> float:
        """What entries are sorted by, those of one place as they come."""
        rank = math.nan if self._rank is None else self._rank(desk)
        return math.inf if math.isnan(rank) else -rank

    def act(self) -> None:
        """Have the desks that were called at this step decide."""
        called = [desk for desk in self._desks if desk.has_turn()]
        if not called or is_ruined(called[0]):
            return
        fresh = [desk for desk in called if desk._plan is not None and desk._plan.is_new()]
        if self.legs is not None:
            self.legs.act(fresh)
            fresh = []
        for _, enter in sorted(self._wishes(fresh), key=lambda one: self._place(one[0])):
            enter()
        for desk in called:
            desk._protection.settle()

    def _wishes(self, fresh: Sequence[Any]) -> list[tuple[Any, Callable[[], None]]]:
        """Send what leaves; which desks would enter, and what does it."""
        made: list[tuple[Any, Callable[[], None]]] = []
        for desk in fresh:
            if not desk._plan.leave() and (wish := desk._plan.wish()):
                made += [(desk, partial(desk._plan.enter, *wish))]
        if self._targets is not None:
            made += [(desk, partial(self._targets.enter, desk, more)) for desk, more in self._targets.act(fresh)]
        return made
