"""What a run came to, as things that can be held against those of another run, bit for bit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

import numpy as np
from backtrader.lineseries import LineSeries
from numpy.typing import NDArray

from ..backtest.engines.fast.indicators import lines_of, of
from ..backtest.results.outcome import Outcome
from ..backtest.results.together import Together
from ..core.clock import iso
from ..strategies.framework.nested import feed_of, walk

Floats = NDArray[np.float64]
_ORDER = ("data", "side", "type", "size", "price", "reason", "created_time")
CLOSE_TO = 1e-9
_MOVING = "stop_trail"
"""Kinds of orders whose price follows the market after they were sent."""


@dataclass(frozen=True)
class TracedLine:
    """One line of an indicator.

    Parameters
    ----------
    name : str
        ``vwap.upper1``; by class name, ``SMA.sma``, where the indicator stands inside another or in code alone.
    feed : str
        Whose bars it follows.
    values : ndarray of float64
        One a bar of that feed.
    """

    name: str
    feed: str
    values: Floats


@dataclass(frozen=True)
class Difference:
    """Where one run differs from another.

    Parameters
    ----------
    what : str
        ``line vwap.vwap``, ``order 3``, ``fill 2``, ``equity``.
    bar : int
        Bar of the feed, from 0; -1 where that has no meaning.
    time : int
        Its close, epoch µs.
    was, becomes : str
        In one run and in the other.
    """

    what: str
    bar: int
    time: int
    was: str
    becomes: str
    rounding: bool = False
    """Whether no more than the last digits differ, here and on every bar that was compared."""


@dataclass(frozen=True)
class Trace:
    """What a run came to.

    Parameters
    ----------
    closes : dict of str to ndarray of int64
        Close of every bar of each feed.
    lines : list of TracedLine
        Of every indicator, those that another is made of before it.
    orders, fills : list of tuple
        In the order in which the broker told of them; the last entry is the time, epoch µs.
    account : dict of str to ndarray
        ``time``, ``value``, ``cash`` and ``position`` at every bar of the traded feed.
    minimum : dict of str to int
        Bars each feed needs before the strategy is called.
    """

    closes: dict[str, NDArray[np.int64]]
    lines: list[TracedLine]
    orders: list[tuple[Any, ...]]
    fills: list[tuple[Any, ...]]
    account: dict[str, NDArray[Any]]
    minimum: dict[str, int]
    parts: tuple[Trace, ...] = ()
    """Of each of several strategies, whose lines carry its name."""

    @classmethod
    def of(cls, outcome: Outcome) -> Trace:
        """The trace of a run."""
        if isinstance(outcome, Together):
            return cls.joined({name: cls.of(part) for name, part in outcome.parts.items()})
        strategy, record = outcome.strategy, outcome.record
        closes = {name: source.bars["close_time"] for name, source in outcome.sources.items()}
        return cls(
            closes=closes,
            lines=[*_lines(strategy, closes), *_signals(strategy, closes)],
            orders=[tuple(_plain(row)) for row in record.orders.values()],
            fills=[(f.ref, f.data, f.price, f.opened, f.closed, f.pnl, f.bar, f.time) for f in record.fills],
            account={k: v for k, v in outcome.equity.items() if k != "drawdown"},
            minimum={data._name: int(n) for data, n in zip(strategy.datas, strategy._minperiods, strict=True)},
        )

    @classmethod
    def joined(cls, parts: Mapping[str, Trace]) -> Trace:
        """The traces of several strategies over one market as one."""
        named = [
            replace(part, lines=[replace(line, name=f"{name}.{line.name}") for line in part.lines])
            for name, part in parts.items()
        ]
        first = named[0]
        return cls(
            closes=first.closes,
            lines=[line for part in named for line in part.lines],
            orders=[row for part in named for row in part.orders],
            fills=[row for part in named for row in part.fills],
            account=first.account,
            minimum={feed: max(part.minimum.get(feed, 0) for part in named) for feed in first.closes},
            parts=tuple(named),
        )

    def differences(self, other: Trace, instant: int, *, ended: bool) -> Iterator[Difference]:
        """What both know of the time up to ``instant`` and do not agree on.

        Parameters
        ----------
        other : Trace
            Of a run over the same market up to then.
        instant : int
            Epoch µs, inclusive.
        ended : bool
            Whether the other run ended there, before it could hear of orders that it sent last.
        """
        for part, its_part in zip(self.parts, other.parts, strict=True):
            yield from part.differences(its_part, instant, ended=ended)
        if self.parts:
            return
        for mine, its in zip(self.lines, other.lines, strict=False):
            yield from self._line(mine, its, instant)
        sent, its_sent = self.orders, other.orders
        if ended:
            # Of an order nothing is heard before the next bar of its feed.
            ends = {feed: int(closes[-1]) - 1 if len(closes) else -1 for feed, closes in other.closes.items()}
            known = ([row for row in rows if row[-1] <= ends.get(row[0], instant)] for rows in (sent, its_sent))
            sent, its_sent = known
        yield from _rows("order", sent, its_sent, instant)
        yield from _rows("fill", self.fills, other.fills, instant)
        yield from self._money(other, instant)

    def _line(self, mine: TracedLine, its: TracedLine, instant: int) -> Iterator[Difference]:
        closes = self.closes[mine.feed]
        count = min(int(np.searchsorted(closes, instant, "right")), len(mine.values), len(its.values))
        was, becomes = mine.values[:count], its.values[:count]
        where = np.flatnonzero(~same_bits(was, becomes))
        if len(where):
            far = where[~close_to(was, becomes)[where]]
            i = int(far[0] if len(far) else where[0])
            said = repr(float(was[i])), repr(float(becomes[i]))
            yield Difference(f"line {mine.name}", i, int(closes[i]), *said, rounding=not len(far))

    def _money(self, other: Trace, instant: int) -> Iterator[Difference]:
        """Worth, cash and position; no more than one difference."""
        times = self.account["time"]
        count = min(int(np.searchsorted(times, instant, "right")), len(other.account["time"]))
        for name in ("value", "cash", "position"):
            mine, its = self.account[name][:count], other.account[name][:count]
            where = np.flatnonzero(~same_bits(mine, its))
            if len(where):
                far = where[~close_to(mine, its)[where]]
                i = int(far[0] if len(far) else where[0])
                said = repr(float(mine[i])), repr(float(its[i]))
                yield Difference(f"account's {name}", i, int(times[i]), *said, rounding=not len(far))
                return


def same_bits(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.bool_]:
    """Where two columns hold the same double, or NaN both.

    Examples
    --------
    >>> same_bits(np.array([0.0, np.nan, 1.0]), np.array([-0.0, np.nan, 1.0])).tolist()
    [False, True, True]
    """
    a, b = (np.ascontiguousarray(x, dtype=np.float64) for x in (a, b))
    same: NDArray[np.bool_] = (a.view(np.int64) == b.view(np.int64)) | (np.isnan(a) & np.isnan(b))
    return same


def close_to(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.bool_]:
    """Where two columns differ by rounding at most: by a billionth of the value, or of the column's usual size.

    Examples
    --------
    >>> close_to(np.array([1.0, 2.0, np.nan]), np.array([1.0 + 1e-12, 2.1, np.nan])).tolist()
    [True, False, True]
    """
    a, b = (np.asarray(x, dtype=np.float64) for x in (a, b))
    known = np.abs(a[np.isfinite(a)])
    size = float(np.median(known)) if len(known) else 0.0
    with np.errstate(invalid="ignore"):
        made: NDArray[np.bool_] = np.abs(a - b) <= CLOSE_TO * np.maximum(np.abs(a), size)
    made |= (np.isnan(a) & np.isnan(b)) | (a == b)
    return made


def _lines(strategy: Any, closes: dict[str, NDArray[np.int64]]) -> Iterator[TracedLine]:
    """Every line whose feed is known, its values one a bar."""
    names = {id(made): name for name, made in strategy.indicators.items()}
    for indicator in walk(of(strategy)):
        feed = feed_of(indicator, strategy.datas)
        if feed is None:
            continue
        stem = names.get(id(indicator), type(indicator).__name__)
        aliases = indicator.lines.getlinealiases() if isinstance(indicator, LineSeries) else ()
        for i, line in enumerate(lines_of(indicator)):
            alias = f".{aliases[i]}" if i < len(aliases) else ""
            values = np.array(line.array[: len(closes[feed._name])], dtype=np.float64)
            yield TracedLine(stem + alias, feed._name, values)


def _signals(strategy: Any, closes: dict[str, NDArray[np.int64]]) -> Iterator[TracedLine]:
    """What a strategy that says so for all bars at once says of each, as lines of the first feed."""
    for desk in getattr(strategy, "desks", [strategy]):
        plan = getattr(desk, "_plan", None)
        masks = None if plan is None else plan.masks()
        tail, feed = ("", next(iter(closes))) if desk is strategy else (f"@{desk.data._name}", desk.data._name)
        for name, mask in () if masks is None else masks._asdict().items():
            yield TracedLine(f"signals.{name}{tail}", feed, mask.astype(np.float64))


def _plain(row: dict[str, Any]) -> Iterator[Any]:
    """What an order was when it was sent."""
    moving = str(row["type"]).startswith(_MOVING)
    for key in _ORDER:
        value = row[key]
        yield None if key == "price" and (moving or value != value) else value


def _rows(
    what: str, mine: Sequence[tuple[Any, ...]], its: Sequence[tuple[Any, ...]], last: int
) -> Iterator[Difference]:
    """The first row up to ``last`` on which both do not agree."""
    both = zip_longest(*([row for row in rows if row[-1] <= last] for rows in (mine, its)))
    for i, (a, b) in enumerate(both, 1):
        if a != b:
            yield Difference(f"{what} {i}", -1, (a or b)[-1], _told(what, a), _told(what, b), rounding=_nearly(a, b))
            return


def _nearly(a: tuple[Any, ...] | None, b: tuple[Any, ...] | None) -> bool:
    """Whether two rows differ in the last digits of numbers alone."""
    if a is None or b is None:
        return False
    return all(
        x == y
        or (isinstance(x, float) and isinstance(y, float) and abs(x - y) <= CLOSE_TO * max(abs(x), abs(y)))
        or (x != x and y != y)
        for x, y in zip(a, b, strict=True)
    )


def _told(what: str, row: tuple[Any, ...] | None) -> str:
    """A row of orders or fills in words."""
    if row is None:
        return f"no {what}"
    if what == "fill":
        return f"a fill of {row[3] + row[4]:+g} {row[1]} at {row[2]!r}"
    price = "" if row[4] is None else f" at {row[4]!r}"
    return f"{row[1]} {row[3]!r} {row[0]}, {row[2]}{price}, of {iso(row[6])}"
