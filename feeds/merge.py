"""Merge: several venues of one instrument as one tape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..aggregation.bars import Aggregator, BarSpec, Covered
from ..core.bars import Bars
from ..core.clock import iso, parse_interval
from ..core.errors import DataError, TapeflowError
from ..core.params import Bound, Text, resolve
from ..core.plugins.registry import FEEDS
from ..core.schema import Quality
from ..core.tape import Tape
from .framework.feed import Feed
from .framework.tape_feed import TapeFeed, without_returns_below_0
from .framework.window import Instant, Window, instant

Integers = NDArray[np.int64]
_OWN = ("feed", "path", "name", "rate")
_SUMS = ("volume", "taker_buy_volume", "taker_sell_volume")


@dataclass(frozen=True)
class VenueList:
    """Bound of a parameter that lists feeds of trades, each as in a run's YAML with ``name`` and ``rate`` besides.

    Examples
    --------
    >>> VenueList().check([{"feed": "KrakenTrades", "path": "a.json", "rate": -1}])
    'item 1 rate must be a number above 0, or a feed of prices (got -1)'
    """

    def check(self, value: Any) -> str:
        """Empty when ``value`` is legal, else what a legal one is."""
        if not isinstance(value, list | tuple) or not value:
            return f"must be {self.describe()}"
        names: set[str] = set()
        for i, item in enumerate(value, 1):
            if wrong := _check_venue(item):
                return f"item {i} {wrong}"
            name = item.get("name")
            if name is not None and (not isinstance(name, str) or not name.isidentifier() or name in names):
                return f"item {i} name must be a word of letters, digits and _ that no other venue has (got {name!r})"
            names.add(name or "")
        return ""

    def describe(self) -> str:
        """What a legal value is, in words."""
        return "a list of feeds, as in [{feed: KrakenTrades, path: kraken.json, name: kraken, rate: 1}]"

    def schema(self) -> dict[str, Any]:
        """JSON Schema of a legal value."""
        keys = {"feed": {"type": "string"}, "name": {"type": "string"}, "rate": {"type": ["number", "object"]}}
        return {"type": "array", "minItems": 1, "items": {"type": "object", "required": ["feed"], "properties": keys}}


def _check_venue(item: Any) -> str:
    if not isinstance(item, Mapping) or not isinstance(item.get("feed"), str):
        return "must be a mapping with the key feed"
    rate = item.get("rate", 1.0)
    if not isinstance(rate, Mapping) and Bound(0, open_low=True).check(rate):
        return f"rate must be a number above 0, or a feed of prices (got {rate!r})"
    try:
        for part, wanted in ((item, "tape"), (rate, "")):
            if isinstance(part, Mapping):
                cls: Any = FEEDS.find(str(part.get("feed")))
                resolve(cls.__name__, _params(part), cls.params, cls.bounds)
                if wanted and cls.gives != wanted:
                    return f"feed {cls.__name__} gives bars; only tapes can be merged"
    except TapeflowError as err:
        return str(err)
    return ""


def _params(item: Mapping[str, Any]) -> dict[str, Any]:
    """The feed's own parameters in a venue's block."""
    return {k: v for k, v in item.items() if k not in _OWN}


class _Rate:
    """What one unit of a venue's quote currency is worth in that of the merged tape.

    Parameters
    ----------
    feed : Feed or None
        Prices, of which the close of the last bar before a trade counts; None for a fixed rate.
    factor : float
        The fixed rate.
    """

    def __init__(self, feed: Feed | None, factor: float) -> None:
        self.feed, self._factor = feed, factor
        self._times: Integers | None = None
        self._closes = np.empty(0)

    def at(self, time: Integers) -> NDArray[np.float64] | float:
        """The rate at each time; a bar counts from its close on."""
        if self.feed is None:
            return self._factor
        if self._times is None:
            bars: Bars = self.feed.bars()
            self._times, self._closes = bars["close_time"], bars["close"]
        rows = np.searchsorted(self._times, time, "right") - 1
        if len(rows) and rows[0] < 0:
            raise DataError(f"{self.feed.source}: no rate before {iso(int(time[0]))}; its bars begin too late")
        made: NDArray[np.float64] = self._closes[rows]
        return made

    def says(self) -> str:
        """What is done to prices, in words."""
        if self.feed is not None:
            return f"× close of {self.feed.source}"
        return "1:1" if self._factor == 1 else f"× {self._factor:g}"


@dataclass
class _Venue:
    """One venue: its feed and its rate."""

    name: str
    feed: TapeFeed
    rate: _Rate

    def tapes(self, window: Window, start: int | None, end: int | None) -> Iterator[Tape]:
        """The trades within a window in the common quote currency, without ids."""
        for tape in window.cut(self.feed._tapes_between(start, end)):
            rate = self.rate.at(tape.time)
            notional = None if tape.notional is None else tape.notional * rate
            ids = np.full(len(tape), -1, np.int64)
            if len(tape):
                yield replace(tape, price=tape.price * rate, notional=notional, trade_id=ids, first_id=None)


class Merge(TapeFeed):
    """Several venues of one instrument as one tape, interleaved by time.

    Rows of one instant come in the order in which the venues are listed. Prices and notional are turned into one
    quote currency by each venue's ``rate``. Time bars carry the sums of every venue (``volume_<name>``,
    ``taker_buy_volume_<name>``, ``taker_sell_volume_<name>``) and ``silent_venues``.

    Parameters
    ----------
    paths : path, default="."
        The folder in which the venues' paths begin; in a YAML it is relative to the YAML.
    feeds : list of dict
        One block a venue: ``feed``, ``path``, the feed's own parameters, ``name`` (default the feed's, numbered where
        it comes twice) and ``rate`` (default 1): a number, or a block with ``feed`` and ``path`` of bars or trades
        whose last close is the rate.
    silence : str, default="5m"
        A venue without a trade for this long, and for at least one bar, is silent: bars closed meanwhile count it in
        ``silent_venues`` and are flagged ``PARTIAL``. So is a venue before its first trade.

    Raises
    ------
    DataError
        For a file that cannot be read; for a trade before the first rate.
    ParamError
        For a parameter out of bounds, of the venues too.

    Notes
    -----
    A venue that falls silent changes no bar that was closed: whether it is silent follows from what came before.
    Ids of different venues do not go together, so the merged rows have none; flags of each venue's own rows stay.
    Bars that are not time bars carry no sums by venue.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "a.csv").write_text("time,price,quantity,side\\n1700000041,100,1,buy\\n1700000043,102,1,sell\\n")
    >>> _ = (folder / "b.csv").write_text("time,price,quantity,side\\n1700000042,50,3,buy\\n")
    >>> venues = [{"feed": "CsvTape", "path": "a.csv", "name": "a"}]
    >>> venues += [{"feed": "CsvTape", "path": "b.csv", "name": "b", "rate": 2}]
    >>> bars = Merge(folder, feeds=venues).bars("1m")
    >>> [bars[c].tolist() for c in ("close", "high", "volume", "volume_a", "volume_b")]
    [[102.0], [102.0], [5.0], [2.0], [3.0]]
    >>> bars.notes
    ('venues in one quote currency: a 1:1, b × 2',)
    """

    made_of_feeds = True
    params = {"feeds": [], "silence": "5m"}
    why_no_actions = "has the trades of several venues; say them of a feed of one"
    bounds = {"feeds": VenueList(), "silence": Text(parse_interval, "an interval such as 5m")}

    def __init__(self, paths: str | Path | Sequence[str | Path] = ".", **params: Any) -> None:
        super().__init__(paths, **params)

    @classmethod
    def extra_columns(cls, params: Mapping[str, Any]) -> tuple[str, ...]:
        """The columns beyond the canonical ones that time bars have under ``params``."""
        names = _names(params.get("feeds", []))
        return (*(f"{total}_{name}" for name in names for total in _SUMS), "silent_venues")

    def _expand(self, paths: list[str | Path]) -> list[Path]:
        if len(paths) != 1 or not Path(paths[0]).expanduser().is_dir():
            raise DataError(f"Merge: path is one folder, in which the venues' paths begin (got {paths[0]})")
        if not self.p["feeds"]:
            raise DataError("Merge: has no feeds; list the venues under feeds")
        folder = Path(paths[0]).expanduser()
        self.venues: list[_Venue] = []
        for name, item in zip(_names(self.p["feeds"]), self.p["feeds"], strict=True):
            rate = item.get("rate", 1.0)
            worth = _Rate(_open(folder, rate), 1.0) if isinstance(rate, Mapping) else _Rate(None, float(rate))
            feed: Any = _open(folder, item)
            self.venues.append(_Venue(name, feed, worth))
        return [path for venue in self.venues for path in venue.feed.paths]

    @property
    def source(self) -> str:
        """Where the data come from, for errors and reports."""
        return " + ".join(venue.feed.source for venue in self.venues)

    def tapes(self) -> Iterator[Tape]:
        """Batches in time order, in bounded memory; fills `files` and `counts`."""
        return (tape for tape, _ in self._merged([Window(None, None) for _ in self.venues], None, None))

    def covered(self) -> Covered:
        """From when to when every venue is known to be complete."""
        return _common([venue.feed.covered() for venue in self.venues])

    def bars_of(
        self,
        specs: Sequence[str | BarSpec],
        *,
        row_size: float | str | None = None,
        size_edges: Sequence[float | str] | None = None,
        start: Instant = None,
        end: Instant = None,
        tick: float | None = None,
        sequence: bool = False,
        levels_by_size: bool = False,
    ) -> list[Bars]:
        """Bars of several kinds from one pass over all venues; see the base class."""
        since, until = instant(start), instant(end)
        windows = [Window(since, until) for _ in self.venues]
        kinds = [spec if isinstance(spec, BarSpec) else BarSpec.parse(spec) for spec in specs]
        timed = [kind for kind in kinds if not getattr(kind, "measure", "")]
        whole = Aggregator(
            kinds,
            row_size=row_size,
            tick=tick,
            size_edges=size_edges,
            sequence=sequence,
            levels_by_size=levels_by_size,
            source=self.source,
        )
        parts = [
            Aggregator(timed, size_edges=size_edges, source=venue.name, may_be_outside=True) for venue in self.venues
        ]
        for tape, venue in self._merged(windows, since, until):
            whole.push(tape, venue)
            for i, part in enumerate(parts if timed else ()):
                part.push(tape.take(venue == i))
        if not any(window.rows for window in windows):
            raise DataError(f"{self.source}: no trades in the time asked for")
        known = [w.covered(v.feed.covered()) for w, v in zip(windows, self.venues, strict=True)]
        made = [replace(bars, notes=(*bars.notes, self._note())) for bars in whole.finish(_common(known))]
        if self.negative_prices:
            made = [without_returns_below_0(bars) for bars in made]
        if whole.outside:
            self.counts["outside_hours"] = whole.outside
        by_venue = [part.finish() for part in parts]
        return [
            self._with_venues(bars, [own[timed.index(kind)] for own in by_venue]) if kind in timed else bars
            for bars, kind in zip(made, kinds, strict=True)
        ]

    def _note(self) -> str:
        return "venues in one quote currency: " + ", ".join(f"{v.name} {v.rate.says()}" for v in self.venues)

    def _with_venues(self, bars: Bars, parts: list[Bars]) -> Bars:
        """``bars`` with the sums of each venue, and with silent venues counted and flagged; a night is no silence."""
        opens, spent = bars["open_time"], BarSpec.parse(bars.spec).grid.elapsed(bars["close_time"])
        made: dict[str, NDArray[Any]] = {}
        silent = np.zeros(len(bars), np.int64)
        for venue, part in zip(self.venues, parts, strict=True):
            at = np.searchsorted(opens, part["open_time"])
            for name in _SUMS:
                made[f"{name}_{venue.name}"] = np.zeros(len(bars))
                made[f"{name}_{venue.name}"][at] = part[name]
            traded = made[f"volume_{venue.name}"] > 0
            last = np.maximum.accumulate(np.where(traded, spent, -(2**62)))
            silent += (spent - last >= parse_interval(self.p["silence"])) & ~traded
        flags = np.where(silent > 0, int(Quality.PARTIAL), 0)
        return bars.assign(**made, silent_venues=silent.astype(np.float64), quality=bars["quality"] | flags)

    def _merged(self, windows: list[Window], start: int | None, end: int | None) -> Iterator[tuple[Tape, Integers]]:
        """Batches in time order, and the venue of each row."""
        self.files, self.counts = [], Counter(rows=0)
        for v in self.venues:
            aside = self.quarantine
            v.feed.negative_prices = self.negative_prices
            v.feed.quarantine = None if aside is None else aside.with_name(f"{v.name}.{aside.name}")
        streams = [v.tapes(w, start, end) for v, w in zip(self.venues, windows, strict=True)]
        for tape, venue in interleaved(streams):
            self.counts["rows"] += len(tape)
            yield tape, venue
        for venue_ in self.venues:
            self.files += [*venue_.feed.files, *(venue_.rate.feed.files if venue_.rate.feed else ())]
            for name, count in venue_.feed.counts.items():
                self.counts[name] += 0 if name == "rows" else count


def _names(feeds: Sequence[Mapping[str, Any]]) -> list[str]:
    """The venues' names, as given or by their feeds.

    >>> _names([{"feed": "CsvTape"}, {"feed": "CsvTape"}, {"feed": "CsvTape", "name": "okx"}])
    ['CsvTape', 'CsvTape2', 'okx']
    """
    seen, made = Counter[str](), []
    for item in feeds:
        seen[item["feed"]] += 1
        number = str(seen[item["feed"]]) if seen[item["feed"]] > 1 else ""
        made.append(item.get("name") or f"{item['feed']}{number}")
    return made


def _open(folder: Path, item: Mapping[str, Any]) -> Feed:
    """The feed of a block, its paths below ``folder``."""
    cls: Any = FEEDS.find(item["feed"])
    given = item.get("path", [])
    paths = [str(folder / p) for p in ([given] if isinstance(given, str | Path) else given)]
    feed: Feed = cls(paths, **_params(item))
    return feed


def _common(known: list[Covered]) -> Covered:
    """The time in which all are complete."""
    since, until = [s for s, _ in known], [u for _, u in known]
    return (
        None if None in since else max(s for s in since if s is not None),
        None if None in until else min(u for u in until if u is not None),
    )


def interleaved(streams: Sequence[Iterator[Tape]]) -> Iterator[tuple[Tape, Integers]]:
    """Tapes in time order as one, and the stream of each row; of one instant the first stream comes first.

    Holds one batch of each stream, more only where a batch lies within one instant. The outcome does not depend on
    how the streams are cut into batches.

    Examples
    --------
    >>> a = Tape.of(time=[1, 3], price=[1.0, 1.0], quantity=[1.0, 1.0], side=[1, 1])
    >>> b = Tape.of(time=[2, 3], price=[2.0, 2.0], quantity=[1.0, 1.0], side=[1, 1])
    >>> [(tape.time.tolist(), stream.tolist()) for tape, stream in interleaved([iter([a]), iter([b])])]
    [([1, 2], [0, 1]), ([3, 3], [0, 1])]
    """
    held: list[list[Tape]] = [[] for _ in streams]
    open_ = [_pull(stream, parts) for stream, parts in zip(streams, held, strict=True)]
    while any(held):
        ends = [int(parts[-1].time[-1]) for parts, more in zip(held, open_, strict=True) if parts and more]
        until = min(ends) if ends else None
        tape, stream = _take(held, until)
        if len(tape):
            yield tape, stream
        for i, parts in enumerate(held):
            if open_[i] and (not parts or int(parts[-1].time[-1]) == until):
                open_[i] = _pull(streams[i], parts)


def _pull(stream: Iterator[Tape], parts: list[Tape]) -> bool:
    """Take the next batch of ``stream``; false when there is none."""
    for tape in stream:
        if len(tape):
            parts.append(tape)
            return True
    return False


def _take(held: list[list[Tape]], until: int | None) -> tuple[Tape, Integers]:
    """What is held before ``until``, in order; None takes all."""
    chosen, streams = [], []
    for i, parts in enumerate(held):
        kept = []
        for tape in parts:
            at = len(tape) if until is None else int(np.searchsorted(tape.time, until, "left"))
            if at:
                chosen.append(tape[:at])
                streams.append(np.full(at, i, np.int64))
            if at < len(tape):
                kept.append(tape[at:])
        held[i] = kept
    if not chosen:
        return Tape.of(time=[], price=[], quantity=[], side=[]), np.empty(0, np.int64)
    tape, stream = Tape.join(chosen), np.concatenate(streams)
    order = np.argsort(tape.time, kind="stable")
    return tape.take(order), stream[order]
