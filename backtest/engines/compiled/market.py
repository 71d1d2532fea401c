"""The bars of a run's feeds as compiled code reads them: the same for all runs over the same bars."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ....core.bars import Bars
from ....core.clock import day_numbers
from ....core.kernels import njit_no_refcount
from ....core.trading import shut
from .state import Floats

PRICES = ("open", "high", "low", "close")


def unusable(bars: Bars) -> str:
    """Why the compiled broker cannot trade these bars; empty when it can."""
    for name in PRICES:
        if bad := _bad(bars[name]):
            return f"bar {bad} has no {name} above 0"
    return ""


@njit_no_refcount
def _bad(prices: Floats) -> int:
    """Number of the first price, from 1, that is none or not above 0; 0 for none."""
    good = True
    for price in prices:  # to the end in any case, so that it goes by several at once
        good &= (price > 0.0) & (price < np.inf)
    if good:
        return 0
    for i in range(len(prices)):
        if not 0.0 < prices[i] < np.inf:
            return i + 1
    return 0


def read_only(column: NDArray[np.float64]) -> Floats:
    """A column that cannot be written to, always: compiled code is made anew for arrays that can."""
    made = np.ascontiguousarray(column, dtype=np.float64).view()
    made.flags.writeable = False
    return made


class Market:
    """The bars of a run's feeds.

    Parameters
    ----------
    feeds : mapping of str to Bars
        The traded feed first.
    beside : collection of str
        Which of the others are traded beside it: their bars are no news of its own.

    Attributes
    ----------
    traded : str
        Name of the traded feed.
    bars : Bars
        Of the traded feed.
    feeds : dict of str to Bars
        By feed; here and below the traded one is called "".
    names : dict of str to str
        What the run calls each.
    """

    def __init__(self, feeds: Mapping[str, Bars], beside: Collection[str] = ()) -> None:
        self.traded, *_ = feeds
        self.beside = frozenset(beside)
        titles = ["" if name == self.traded else name for name in feeds]
        self.bars = feeds[self.traded]
        self.feeds = dict(zip(titles, feeds.values(), strict=True))
        self.names = dict(zip(titles, feeds, strict=True))
        self._known: dict[str, Floats] = {}
        self._shut: dict[str, NDArray[np.bool_]] = {}

    def share(self, known: dict[str, Floats]) -> None:
        """Take the day numbers of closes from what is ``known`` by the run's names, and add to it what is not."""
        self._known = known

    @cached_property
    def stamps(self) -> dict[str, Floats]:
        """Day numbers of the bars' closes, by feed; strictly increasing."""
        for name, bars in self.feeds.items():
            if self.names[name] not in self._known:
                self._known[self.names[name]] = day_numbers(bars["close_time"])
        return {name: self._known[self.names[name]] for name in self.feeds}

    @cached_property
    def prices(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Open, high, low and close of the traded feed, which nobody can write to."""
        opened, high, low, close = (read_only(self.bars[name]) for name in PRICES)
        return opened, high, low, close

    @cached_property
    def unusable(self) -> str:
        """Why the compiled broker cannot trade the traded feed; empty when it can."""
        return unusable(self.bars)

    def shut(self, empty_bars: str) -> NDArray[np.bool_]:
        """In which bars of the traded feed orders wait (`core.trading.shut`)."""
        if empty_bars not in self._shut:
            self._shut[empty_bars] = shut(self.bars, empty_bars)
        return self._shut[empty_bars]

    @cached_property
    def foreign(self) -> NDArray[np.bool_]:
        """Whether a bar of another feed alone comes before each bar of the traded one, and after its last; (n + 1,)."""
        made = np.zeros(len(self.bars) + 1, dtype=bool)
        if len(self.feeds) == 1 + len(self.beside):
            return made
        own = self.stamps[""]
        for feed, stamps in self.stamps.items():
            if feed and feed not in self.beside:
                at = np.searchsorted(own, stamps, side="left")
                alone = (at == len(own)) | (own[np.minimum(at, len(own) - 1)] != stamps)
                made[at[alone]] = True
        return made
