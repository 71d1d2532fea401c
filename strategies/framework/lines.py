"""Lines: columns of feeds and lines of indicators as whole arrays, by the names that rules use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError, unknown
from ...core.names import Names

Floats = NDArray[np.float64]
Ref = tuple[str, str]
"""What a name refers to: (indicator, line), (feed, column), or ("", column) for a column of the first feed."""


class Lines:
    """Whole arrays over the bars of the first feed.

    ``lines["close"]`` is a column of the first feed, ``lines["vwap"]`` the main line of an indicator,
    ``lines["vwap.upper2"]`` any line, ``lines["slow.close"]`` a column of another feed and
    ``lines["slow.vwap"]`` an indicator's over it; ``lines.close`` and ``lines.vwap`` are the same. What belongs
    to another feed shows, at each bar, its last bar that has closed by then. NaN is what is not known yet: a
    warm-up, or no bar of the other feed so far.

    The arrays are float64, one value a bar, and cannot be written to. They hold all bars, so it is on the
    author to use for value i nothing after bar i; ``tapeflow check`` finds what does.

    Parameters
    ----------
    names : Names
        What there is.
    read : callable
        Gives what a `Ref` stands for, one value a bar of its own feed.
    closes : mapping of str to ndarray of float64 or int64
        When the bars of each feed close, epoch µs; the first feed is called "".
    desk : callable, optional
        Gives the lines of the strategy's desk on another feed, where it trades several.

    Examples
    --------
    >>> lines = Lines.of(close=[1.0, 3.0, 2.0], vwap=[2.0, 2.0, 2.0])
    >>> (lines.close > lines["vwap"]).tolist(), len(lines)
    ([False, True, False], 3)
    >>> lines["vwpa"]
    Traceback (most recent call last):
    ...
    tapeflow.core.errors.InputError: unknown line 'vwpa', did you mean 'vwap'? (allowed: close, vwap)
    """

    def __init__(
        self,
        names: Names,
        read: Callable[[Ref], Floats],
        closes: Mapping[str, NDArray[Any]],
        desk: Callable[[str], Lines] | None = None,
    ) -> None:
        self.names = names
        self._read, self._closes, self._desk = read, closes, desk
        self._told: dict[str, Floats] = {}
        self._own: dict[Ref, Floats] = {}
        self._made: dict[Ref, Floats] = {}
        self._at: dict[str, NDArray[np.int64]] = {}

    @classmethod
    def of(cls, **columns: Any) -> Lines:
        """Lines of a single feed from plain columns, to try `Strategy.signals` on."""
        arrays = {name: np.asarray(column, dtype=np.float64) for name, column in columns.items()}
        bars = max((len(column) for column in arrays.values()), default=0)
        parts = [name.partition(".") for name in arrays]
        owners = {owner: tuple(line for own, dot, line in parts if dot and own == owner) for owner, _, _ in parts}
        names = Names(tuple(o for o, lines in owners.items() if not lines), {o: v for o, v in owners.items() if v})
        return cls(names, lambda ref: arrays[".".join(ref).lstrip(".")], {"": np.arange(float(bars))})

    def __len__(self) -> int:
        return len(self._closes[""])

    def __getitem__(self, name: str) -> Floats:
        return self.column(self._ref(name))

    def __getattr__(self, name: str) -> Floats:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except InputError as err:
            raise AttributeError(str(err)) from None

    def column(self, ref: Ref) -> Floats:
        """What ``ref`` stands for, one value a bar of the first feed."""
        if ref not in self._made:
            own, feed = self.own(ref), self.names.feed_of(ref[0])
            made = self.lifted(own, feed) if feed else own.view()
            made.flags.writeable = False
            self._made[ref] = made
        return self._made[ref]

    def own(self, ref: Ref) -> Floats:
        """What ``ref`` stands for, one value a bar of its own feed."""
        if ref not in self._own:
            self._own[ref] = np.asarray(self._read(ref), dtype=np.float64)
        return self._own[ref]

    def lifted(self, values: Floats, feed: str) -> Floats:
        """Values of the bars of ``feed`` at those of the first: of its last bar that has closed by then; NaN before."""
        return _taken(values, self._places(feed))

    def beside(self, feed: str, said: str, make: Callable[[Lines], Any]) -> Floats:
        """What ``make`` gives of the lines of the desk on ``feed``, once for each ``said``, as `lifted` shows it."""
        if self._desk is None:
            raise InputError(f"nothing is traded on {feed}")
        desk = self._desk(feed)
        if said not in desk._told:
            made = make(desk) if len(desk) else np.nan
            desk._told[said] = np.broadcast_to(np.asarray(made, dtype=np.float64), (len(desk),))
        return self.lifted(desk._told[said], feed)

    def _places(self, feed: str) -> NDArray[np.int64]:
        """The last bar of ``feed`` that has closed at each bar of the first; −1 before there is one."""
        if feed not in self._at:
            self._at[feed] = np.searchsorted(self._closes[feed], self._closes[""], side="right") - 1
        return self._at[feed]

    def _ref(self, name: str) -> Ref:
        names = self.names
        if "." not in name and name not in names.lines:
            if name in names.columns:
                return "", name
            raise InputError(unknown("line", name, (*names.lines, *names.columns)))
        try:
            return names.find(name.split("."))
        except LookupError as err:
            raise InputError(f"'{name}': {err.args[0]}") from None


def _taken(own: Floats, at: NDArray[np.int64]) -> Floats:
    """``own`` at each place; NaN where it is before the first."""
    if not len(own):
        return np.full(len(at), np.nan)
    return np.where(at >= 0, own[np.maximum(at, 0)], np.nan)
