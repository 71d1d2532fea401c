"""The trades of a tape that one side took."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..aggregation.cutters import Covered
from ..core.tape import Tape
from .framework.tape_feed import TapeFeed


class OneSide(TapeFeed):
    """A tape of which the trades of one aggressor are left.

    Parameters
    ----------
    feed : TapeFeed
        The whole tape.
    side : {1, -1}
        Whose trades are wanted: those of buyers or those of sellers.

    Raises
    ------
    DataError
        As the whole tape has it.

    Examples
    --------
    >>> from tapeflow.feeds.synthetic import SyntheticTape
    >>> bought = OneSide(SyntheticTape(seed=1), 1)
    >>> {int(side) for tape in bought.tapes() for side in tape.side}
    {1}
    """

    abstract = True
    needs_path = False

    def __init__(self, feed: Any, side: int) -> None:
        super().__init__()
        self._feed, self._side = feed, side
        self.tick = feed.tick

    @property
    def source(self) -> str:
        """Where the data come from, for errors and reports."""
        made: str = self._feed.source
        return made

    def covered(self) -> Covered:
        """From when to when the whole tape is known to hold every trade."""
        made: Covered = self._feed.covered()
        return made

    def tapes(self) -> Iterator[Tape]:
        """Batches in time order, in bounded memory."""
        return self._tapes_between(None, None)

    def without_rows(self) -> str:
        """What to say of a tape that gave no row."""
        return "no trades of that side"

    def _tapes_between(self, start: int | None, end: int | None) -> Iterator[Tape]:
        for tape in self._feed._tapes_between(start, end):
            taken = np.flatnonzero(tape.side == self._side)
            if len(taken):
                yield tape.take(taken)
