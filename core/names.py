"""The names a rule may use: columns of feeds, and indicators' lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

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
        Columns of each further feed.
    clocks : mapping of str to str
        The feed of each indicator that does not follow the traded one.
    traded : str
        Name of the traded feed.
    values : mapping of str to float
        Numbers by name.
    hours : str
        The trading hours of the traded feed, as `core.hours.parse_hours` reads them; empty where it has none.
    state : bool
        Whether the words of `STATE` may be read.
    expressions : mapping of str to str
        Expressions by name.
    desks : mapping of str to Names
        The same for each feed that the strategy trades beside this one, and for this one; empty where it trades one.
    """

    columns: tuple[str, ...] = ()
    lines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    feeds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    clocks: Mapping[str, str] = field(default_factory=dict)
    traded: str = ""
    values: Mapping[str, float] = field(default_factory=dict)
    hours: str = ""
    state: bool = False
    expressions: Mapping[str, str] = field(default_factory=dict)
    desks: Mapping[str, Names] = field(default_factory=dict, repr=False, compare=False)

    def feed_of(self, owner: str) -> str:
        """The feed whose bars an indicator, or a feed itself, follows; "" for the traded one."""
        feed = owner if owner in self.feeds else self.clocks.get(owner, "")
        return feed if feed in self.feeds else ""

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
        >>> names = Names(("close",), {"vwap": ("vwap",)}, {"slow": ("close",)}, {"vwap": "slow"}, "fast")
        >>> names.find(["slow", "close"]), names.find(["slow", "vwap"]), names.find(["fast", "close"])
        (('slow', 'close'), ('vwap', 'vwap'), ('', 'close'))
        """
        owner, rest = path[0], path[1:]
        if owner in self.lines:
            return self._line(owner, rest)
        if owner not in self.feeds and owner != self.traded:
            feeds = tuple(name for name in (self.traded, *self.feeds) if name)
            what = "indicator or feed" if self.feeds else "indicator"
            raise LookupError(_unknown(what, owner, (*self.lines, *feeds)))
        return self._of_feed(owner, rest)

    def _line(self, owner: str, rest: Sequence[str]) -> tuple[str, str]:
        line = rest[0] if rest else self.lines[owner][0]
        if len(rest) > 1 or line not in self.lines[owner]:
            raise LookupError(_unknown(f"line of {owner}", ".".join(rest), self.lines[owner]))
        return owner, line

    def _of_feed(self, feed: str, rest: Sequence[str]) -> tuple[str, str]:
        other = "" if feed == self.traded else feed
        columns = self.feeds[feed] if other else self.columns
        if len(rest) == 1 and rest[0] in columns:
            return other, rest[0]
        own = tuple(name for name in self.lines if self.feed_of(name) == other)
        if rest[0] in own:
            return self._line(rest[0], rest[1:])
        if rest[0] in self.lines:
            its = self.feed_of(rest[0]) or self.traded
            said = f"'{rest[0]}' has the bars of {its}; for those of {feed} add an indicator with data: {feed}"
            raise LookupError(said)
        raise LookupError(_unknown(f"column or indicator of {feed}", ".".join(rest), (*own, *columns)))


def beside(each: Mapping[str, Names]) -> dict[str, Names]:
    """What rules may refer to on each of several feeds that are traded together, so that one may look at the others."""
    made: dict[str, Names] = {}
    made |= {feed: replace(names, desks=made) for feed, names in each.items()}
    return made


def _unknown(what: str, name: str, allowed: Sequence[str]) -> str:
    near = nearest(name, allowed)
    hint = f", did you mean '{near}'?" if near else ""
    return f"unknown {what} '{name}'{hint} (allowed: {', '.join(allowed)})"


FUNCTIONS = (
    *("abs", "sqrt", "log", "sign", "min", "max", "clip", "where", "known"),
    *("prev", "change"),
    *("highest", "lowest", "sum", "mean", "std", "var", "cov", "zscore", "median", "percentile", "count"),
    *("cross", "crossover", "crossunder", "since", "when"),
    *("time", "weekday", "between", "session", "elapsed", "remaining"),
    *("rank", "mean_of", "of"),
)
"""Functions an expression may call."""

STATE = ("position", "entry_price", "bars_held", "pnl", "peak", "drawdown")
"""What rules call the state of the position that they hold; nothing else may be called so."""


def state_taken(name: str) -> str:
    """What to say of something that is called as a word of `STATE` is."""
    return f"'{name}' is what rules call the state of their position; take another name"


RESERVED = ("abs", "sqrt", "log", "sign", "min", "max", "time", "weekday")
"""Of these the plainest, and those that stand without brackets: no indicator may be called so."""
