"""Shared cursors: one number says where all lines of a feed are, instead of one in each line."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from backtrader.linebuffer import LineBuffer
from backtrader.lineseries import LineSeries

NEVER: tuple[int, datetime | None] = -2, None


class SharedPosition:
    """The bar that a group of lines is at.

    Parameters
    ----------
    i : int
        From 0; -1 before the first bar.
    """

    __slots__ = ("i",)

    def __init__(self, i: int = -1) -> None:
        self.i = i


def _methods(cursor: SharedPosition) -> dict[str, Any]:
    """What a line asks its own position for, asked of ``cursor``."""

    def getitem(self: Any, ago: int) -> Any:
        return self.array[cursor.i + ago]

    def length(self: Any) -> int:
        return cursor.i + 1

    def get(self: Any, ago: int = 0, size: int = 1) -> Any:
        end = cursor.i + ago + 1
        return self.array[end - size : end]

    def moment(self: Any, ago: int = 0, tz: Any = None, naive: bool = True) -> Any:
        if ago or tz is not None or not naive:
            return LineBuffer.datetime(self, ago, tz, naive)
        bar, known = self.__dict__.get("moment", NEVER)
        if bar != cursor.i:
            known = LineBuffer.datetime(self)
            self.moment = cursor.i, known
        return known

    at = property(lambda self: cursor.i)
    asked = dict(__getitem__=getitem, __len__=length, get=get, datetime=moment)
    return dict(asked, idx=at, _idx=at, lencount=property(length), cursor=cursor)


def _series_methods(cursor: SharedPosition, first: Any) -> dict[str, Any]:
    """The same for a feed or an indicator, which answers as its first line does."""

    def getitem(self: Any, ago: int) -> Any:
        return first.array[cursor.i + ago]

    def length(self: Any) -> int:
        return cursor.i + 1

    return dict(__getitem__=getitem, __len__=length)


def _ordinary(kind: Any) -> bool:
    """Whether ``kind`` is indexed and measured as backtrader does it, and keeps no book of its subclasses."""
    asked = (kind.__getitem__, kind.__len__) == (LineSeries.__getitem__, LineSeries.__len__)
    return asked and not any("__init_subclass__" in base.__dict__ for base in kind.__mro__[:-1])


class Ties:
    """Lines tied to cursors, until `loosen` gives each its own position back."""

    def __init__(self) -> None:
        self._tied: list[tuple[Any, type, SharedPosition]] = []
        self._named: list[tuple[Any, str]] = []
        self._swapped: list[tuple[Any, type]] = []
        self._classes: dict[tuple[type, int], type] = {}

    def line(self, line: Any, cursor: SharedPosition) -> None:
        """Tie one line; one that is tied already stays as it is."""
        base = type(line)
        if hasattr(base, "cursor"):
            return
        self._tied.append((line, base, cursor))
        line.__class__ = self._class(base, cursor)

    def series(self, series: Any, cursor: SharedPosition, **own: Any) -> None:
        """Tie the lines of a feed or an indicator; they become plain attributes too, which are found sooner.

        Its class has ``own`` besides, for as long.
        """
        for line in series.lines.lines:
            self.line(line, cursor)
        for alias in series.getlinealiases():
            if alias not in series.__dict__ and not hasattr(type(series), alias):
                series.__dict__[alias] = getattr(series.lines, alias)
                self._named.append((series, alias))
        base = type(series)
        if _ordinary(base):
            first = series.lines.lines[0]
            space = {**_series_methods(cursor, first), **own, "__module__": base.__module__}
            series.__class__ = type.__new__(type(base), base.__name__, (base,), space)
            self._swapped.append((series, base))

    def loosen(self) -> None:
        """Untie everything; each line stays where its cursor was."""
        for series, base in self._swapped:
            series.__class__ = base
        for series, alias in self._named:
            del series.__dict__[alias]
        for line, base, cursor in self._tied:
            line.__class__ = base
            line._idx, line.lencount = cursor.i, cursor.i + 1
            line.__dict__.pop("moment", None)
        self._tied, self._named, self._swapped = [], [], []

    def _class(self, base: type, cursor: SharedPosition) -> type:
        key = (base, id(cursor))
        if key not in self._classes:
            space = {**_methods(cursor), "__module__": base.__module__}
            # The metaclass's own __new__ would derive lines and parameters anew.
            self._classes[key] = type.__new__(type(base), base.__name__, (base,), space)
        return self._classes[key]
