"""The names a rule may use: columns of feeds, and indicators' lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .errors import nearest


@dataclass(frozen=True)
class Names:
    """What an expression may refer to.

    Parameters
    ----------
    columns : tuple of str
        Columns of the traded feed, by their own names.
    lines : mapping of str to tuple of str
        Each indicator's lines, main line first; a bare indicator name is its first line.
    feeds : mapping of str to tuple of str
        Columns of every feed, the traded one first.
    reads : mapping of str to str
        The feed that each indicator reads.
    """

    columns: tuple[str, ...] = ()
    lines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    feeds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    reads: Mapping[str, str] = field(default_factory=dict)

    def find(self, path: Sequence[str]) -> tuple[str, str]:
        """What a name with dots refers to: ``name.line``, ``feed.column``, ``feed.name`` or ``feed.name.line``.

        Returns
        -------
        (str, str)
            Indicator and line, or feed and column; the traded feed is called "".

        Raises
        ------
        LookupError
            With what is wrong, what is allowed and the nearest name.

        Examples
        --------
        >>> names = Names(("close",), {"vwap": ("vwap",)}, {"fast": ("close",), "slow": ("close",)}, {"vwap": "slow"})
        >>> names.find(["slow", "close"]), names.find(["slow", "vwap"]), names.find(["fast", "close"])
        (('slow', 'close'), ('vwap', 'vwap'), ('', 'close'))
        """
        owner, rest = path[0], path[1:]
        if owner in self.lines:
            return self._line(owner, rest)
        if owner not in self.feeds:
            what = "indicator or feed" if self.feeds else "indicator"
            raise LookupError(_unknown(what, owner, (*self.lines, *self.feeds)))
        return self._of_feed(owner, rest)

    def _line(self, owner: str, rest: Sequence[str]) -> tuple[str, str]:
        line = rest[0] if rest else self.lines[owner][0]
        if len(rest) > 1 or line not in self.lines[owner]:
            raise LookupError(_unknown(f"line of {owner}", ".".join(rest), self.lines[owner]))
        return owner, line

    def _of_feed(self, feed: str, rest: Sequence[str]) -> tuple[str, str]:
        columns = self.feeds[feed]
        if len(rest) == 1 and rest[0] in columns:
            return ("" if feed == next(iter(self.feeds)) else feed), rest[0]
        own = tuple(name for name, read in self.reads.items() if read == feed)
        if rest[0] in own:
            return self._line(rest[0], rest[1:])
        if rest[0] in self.reads:
            said = f"'{rest[0]}' has the bars of {self.reads[rest[0]]}; for those of {feed} add an indicator"
            raise LookupError(f"{said} with data: {feed}")
        raise LookupError(_unknown(f"column or indicator of {feed}", ".".join(rest), (*own, *columns)))


def _unknown(what: str, name: str, allowed: Sequence[str]) -> str:
    near = nearest(name, allowed)
    hint = f", did you mean '{near}'?" if near else ""
    return f"unknown {what} '{name}'{hint} (allowed: {', '.join(allowed)})"


FUNCTIONS = (
    *("abs", "sqrt", "log", "sign", "min", "max", "clip", "where", "known"),
    *("prev", "change"),
    *("highest", "lowest", "sum", "mean", "std", "zscore", "median", "percentile", "count"),
    *("cross", "crossover", "crossunder", "since", "when"),
    *("time", "weekday", "between", "session", "elapsed"),
)
"""Functions an expression may call; nothing else may take these names."""
