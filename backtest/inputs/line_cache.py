"""What runs over the same bars have in common: indicators' lines, and the tape behind the bars."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

ROOM = 256 << 20
"""Bytes of lines that are kept; those not used for the longest go first."""


class Computed(NamedTuple):
    """An indicator over some bars.

    Parameters
    ----------
    names : tuple of str
        Its lines.
    table : ndarray of float64, (lines, bars)
        Their values.
    warmup : int
        The bar, from 1, that has the first value.
    """

    names: tuple[str, ...]
    table: NDArray[np.float64]
    warmup: int


class LineCache:
    """The lines of indicators over some bars, by the key of `requested_indicators.RequestedIndicator`.

    Parameters
    ----------
    given : mapping of str to Computed, optional
        What another process computed over these bars; it is kept whatever happens.
    room : int
        Bytes of further lines that are kept.

    Attributes
    ----------
    markets : mapping of str to Market or None
        The prints behind each feed, where runs are to share them.

    Examples
    --------
    >>> shelf = LineCache()
    >>> made = shelf.lines("mean", lambda: Computed(("mean",), np.zeros((1, 3)), 2))
    >>> shelf.lines("mean", lambda: None) is made, "mean" in shelf
    (True, True)
    """

    def __init__(self, given: Mapping[str, Computed] | None = None, room: int | None = None) -> None:
        self._given = dict(given or {})
        self._made: OrderedDict[str, Computed] = OrderedDict()
        self._room, self._bytes = ROOM if room is None else room, 0
        self.markets: Any = None

    def lines(self, key: str, make: Callable[[], Computed]) -> Computed:
        """The indicator known by ``key``, made now if it is new."""
        if key in self._given:
            return self._given[key]
        if key in self._made:
            self._made.move_to_end(key)
            return self._made[key]
        made = self._made[key] = make()
        self._bytes += made.table.nbytes
        while self._bytes > self._room and len(self._made) > 1:
            _, oldest = self._made.popitem(last=False)
            self._bytes -= oldest.table.nbytes
        return made

    def __contains__(self, key: str) -> bool:
        return key in self._given or key in self._made

    def __getitem__(self, key: str) -> Computed:
        return self._given[key] if key in self._given else self._made[key]
