"""Adding files to a catalog: each is read by its feed, cut into days, merged with what is there, and committed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ...core.clock import DAY
from ...core.errors import DataError, ParamError
from ...core.files.signed import read_bounded
from ...core.plugins.registry import FEEDS
from ...core.schema import KLINE_COLUMNS
from ...core.sizes import of_column
from ...core.tape import Tape
from ...store.atlas import Atlas, as_venue
from ...store.layout import ADDED, MANIFEST, CatalogStore, Partition, Series, SourceFile, day_folder
from ...store.merge import DayRows, day_cuts, merge, tape_days
from ...store.names import kind_of, symbol_of, venue_of
from ...store.names import named as by_name
from ...store.read import rows_of
from ...store.shared import count_shared
from ...store.write import Writer, writing
from ..csv_reader.decode import DecodedRows
from ..csv_reader.files import expand
from ..framework.dumps import DumpTape, stamped
from ..framework.feed import Feed
from ..framework.kline_feed import KlineFeed
from ..framework.sort_and_dedup import Batch
from ..framework.tape_feed import TapeFeed


@dataclass
class Added:
    """What became of one file.

    Parameters
    ----------
    path : Path
        The file.
    series : Series
        Where it belongs.
    rows, new, duplicates : int
        Rows it has; of them, those that were not there before, and those that were.
    days : list of int
        The days it has rows of.
    known : bool
        Whether it was in the catalog already, whole.
    counts : dict of str to int
        What its feed counted.
    elsewhere, elsewhere_other : int
        Trades on its days whose ids another day has too, at another time: all of them, and those with another
        price, quantity or side. Both days keep their rows, as a run over the files would.
    """

    path: Path
    series: Series
    rows: int = 0
    new: int = 0
    duplicates: int = 0
    days: list[int] = field(default_factory=list)
    known: bool = False
    counts: dict[str, int] = field(default_factory=dict)
    elsewhere: int = 0
    elsewhere_other: int = 0


def add(
    root: Path | str,
    paths: Sequence[str | Path],
    feed: str,
    params: Mapping[str, Any],
    *,
    symbol: str | None = None,
    venue: str | None = None,
    negative_prices: bool = False,
    tell: Callable[[Added], None] = lambda added: None,
) -> list[Added]:
    """Add files to the catalog in ``root``.

    A file is committed when all of it was read and found right; files before one that is wrong stay added. Files
    that are there already change nothing.

    Parameters
    ----------
    root : Path
        The catalog; made if there is none.
    paths : sequence of paths
        Files; patterns are expanded.
    feed : str
        Class name of the feed that reads them.
    params : mapping
        Its parameters; ``market`` is a mere name where the feed has no such parameter, and when left out the exchange
        that the rows name, the kind of their contracts, or ``spot``.
    symbol, venue : str or None
        What they hold; None takes the symbol from each file's name and the venue from the feed. A symbol in Atlas'
        notation is kept as the venue writes it, and tells the market too.
    negative_prices : bool
        Whether the market may trade at 0 and below; rows at such prices are damage elsewhere, and left out.
    tell : callable
        Called with what became of each file, as it is done.

    Raises
    ------
    DataError
        If a file cannot be read, no symbol is in its name, or a row contradicts one that is there.
    ParamError
        If a parameter of the feed is wrong.
    """
    cls = cast("type[Feed]", FEEDS.find(feed))
    if not cls.needs_path:
        raise ParamError(f"--feed {feed}: reads no files, there is nothing to add")
    files = expand(paths)
    params, named = dict(params), ""
    if symbol and (atlas := Atlas.parse(symbol)) and "market" in cls.params and params.get("market", "auto") == "auto":
        params["market"] = atlas.market
    market = str(params.get("market", "")) if "market" in cls.params else ""
    own = venue or venue_of(cls)
    symbols = {
        path: as_venue(symbol, own, market, by_name(path).symbol) if symbol else symbol_of(path) for path in files
    }
    if "market" not in cls.params:
        named = str(params.pop("market", ""))
    cls(files[:1], **params)
    made, known = [], _Days()
    with writing(Path(root).expanduser()) as writer:
        for path in files:
            series = Series(own, named, symbols[path], "")
            adding = _Adding(writer, cls, path, params, series, negative_prices=negative_prices)
            made.append(adding.run())
            known.count_shared(writer.root, made[-1])
            tell(made[-1])
    return made


class _Days:
    """The days of each series that is added to, read once."""

    def __init__(self) -> None:
        self._days: dict[Series, dict[int, Partition]] = {}

    def count_shared(self, root: Path, added: Added) -> None:
        """Count the trades of a file's days whose ids other days have too."""
        if added.known or not added.days or added.series.interval is not None:
            return
        manifests = CatalogStore(root).days(added.series)
        known = self._days.setdefault(added.series, {})
        known |= {day: Partition.read(path) for day, path in manifests.items() if day not in known or day in added.days}
        own = [known[day] for day in added.days]
        added.elsewhere, added.elsewhere_other = count_shared(known.values(), own)


class _Adding:
    """One file on its way into the catalog."""

    def __init__(
        self,
        writer: Writer,
        cls: type[Feed],
        path: Path,
        params: dict[str, Any],
        series: Series,
        *,
        negative_prices: bool,
    ) -> None:
        self._writer, self._path = writer, path
        self._feed = (_keeping_first_ids(cls) if issubclass(cls, DumpTape) else cls)([path], **params)
        self._feed.negative_prices = negative_prices
        self._feed.identify()
        self._covered = stamped(path)
        kind = "" if issubclass(cls, KlineFeed) else kind_of(cls)
        self._series = replace(series, market=self._market(series.market), kind=kind)
        self._size = cast("float | None", self._feed.p.get("contract_size"))
        if self._feed.p.get("bad_rows") == "quarantine":
            self._feed.quarantine = writer.quarantine(path.name)
        with path.open("rb") as file:
            self._digest = hashlib.file_digest(file, "sha256").hexdigest()
        self._added = Added(path, self._series)

    def _market(self, named: str) -> str:
        """What the feed knows; else the name that the user gives, the exchange in the rows, the kind of contracts."""
        if "market" in self._feed.p:
            return str(self._feed.p["market"])
        contracts = str(self._feed.p.get("contracts", "none"))
        told = self._feed.exchange or (contracts if contracts in ("linear", "inverse") else "")
        return named or told or "spot"

    def run(self) -> Added:
        """Read, merge, commit."""
        if self._is_known():
            return self._added
        try:
            for day, rows in self._days():
                self._take(day, rows)
            self._check_unchanged()
        except BaseException:
            self._writer.discard()
            raise
        self._writer.commit()
        if self._added.days:
            self._writer.added(self._series, self._digest, self._added.days)
        self._added.counts = dict(self._feed.counts)
        return self._added

    def _is_known(self) -> bool:
        """Whether every day of this very file is there, read the same way."""
        kinds = replace(self._series, kind=self._series.kind or "klines_*").folder.as_posix().replace("%2A", "*")
        for note in self._writer.root.glob(f"{kinds}/{ADDED}/{self._digest}"):
            days = re.findall(r"(?m)^\d{4}-\d\d-\d\d$", read_bounded(note).decode(errors="replace"))
            manifests = [note.parent.parent / f"day={day}" / MANIFEST for day in days]
            if manifests and all(m.exists() and self._mine(Partition.read(m)) for m in manifests):
                for manifest in manifests:
                    Partition.read(manifest).check_there()
                rows = sum(mine.rows for m in manifests if (mine := self._mine(Partition.read(m))))
                self._added.series = Series.of(note.parent.parent.relative_to(self._writer.root))
                self._added.known, self._added.rows, self._added.duplicates = True, rows, rows
                return True
        return False

    def _mine(self, partition: Partition) -> SourceFile | None:
        """What a day already has of this file."""
        name = type(self._feed).__name__
        same = (s for s in partition.sources if (s.sha256, s.feed, s.params) == (self._digest, name, self._read_as()))
        return next(same, None)

    def _days(self) -> Iterator[tuple[int, DayRows]]:
        """The file's rows by day."""
        if isinstance(self._feed, KlineFeed):
            yield from self._kline_days(self._feed)
        else:
            yield from tape_days(self._watched(cast("TapeFeed", self._feed)))

    def _watched(self, feed: TapeFeed) -> Iterator[Tape]:
        """The tape; what the file's name promises is dropped when rows do not keep to it."""
        for tape in feed.tapes():
            since, until = self._covered
            if since is not None and until is not None and (tape.time[0] < since or tape.time[-1] >= until):
                self._covered = (None, None)
            yield tape

    def _kline_days(self, feed: KlineFeed) -> Iterator[tuple[int, DayRows]]:
        bars = feed.klines()
        self._series = self._added.series = replace(self._series, kind=f"klines_{bars.spec}")
        self._covered = (None, None)
        names = (*(name for name in KLINE_COLUMNS if bars.carries(name)), *filter(of_column, bars.columns))
        rows = DayRows({name: bars[name] for name in names}, "open_time", "open_time")
        for lo, hi in day_cuts(rows.times):
            yield int(rows.times[lo]) // DAY, rows.take(slice(lo, hi))

    def _take(self, day: int, rows: DayRows) -> None:
        """Merge a day with what is there and stage it, unless nothing changes."""
        self._added.rows += len(rows)
        self._added.days.append(day)
        manifest = self._writer.root / self._series.folder / day_folder(day) / MANIFEST
        old = Partition.read(manifest) if manifest.exists() else None
        if old is not None and self._mine(old):
            self._added.duplicates += len(rows)
            return
        klines = rows.key == "open_time"
        there = None if old is None else rows_of(old, klines=klines)
        merged, duplicates = merge(there, rows, str(self._path), lambda time, key: _origin(old, key))
        self._added.new += len(rows) - duplicates
        self._added.duplicates += duplicates
        mine = self._source(rows)
        sources = [mine, *(s for s in (old.sources if old else ()) if s.sha256 != mine.sha256)]
        self._writer.stage(self._series, day, merged, sources, self._size, old)

    def _read_as(self) -> dict[str, Any]:
        """What decides which rows its feed reads."""
        return {**self._feed.p, **({"negative_prices": True} if self._feed.negative_prices else {})}

    def _source(self, rows: DayRows) -> SourceFile:
        since, until = self._covered
        return SourceFile(
            file=self._path.name,
            bytes=self._path.stat().st_size,
            sha256=self._digest,
            rows=len(rows),
            first_id=int(rows.keys.min()),
            last_id=int(rows.keys.max()),
            feed=type(self._feed).__name__,
            params=self._read_as(),
            covered=None if since is None or until is None else [since, until],
        )

    def _check_unchanged(self) -> None:
        if any(file.sha256 != self._digest for file in self._feed.files):
            raise DataError(f"{self._path}: changed while it was read; add it again")


def _origin(old: Partition | None, key: int) -> str:
    """The file of a day that has ``key``, or all that may have it."""
    sources = old.sources if old else ()
    names = [s.file for s in sources if s.first_id <= key <= s.last_id] or [s.file for s in sources]
    return " or ".join(sorted(names))


def _keeping_first_ids(cls: type[DumpTape]) -> type[Feed]:
    """The same feed, whose tapes tell the raw id of every row where it is another than the row's own.

    Holes at the seams of files are looked for among raw ids, and files that are added later make new seams.
    """

    def batch(self: DumpTape, rows: DecodedRows, time: NDArray[np.int64]) -> Batch:
        made = cls.batch(self, rows, time)
        ids = made.tape.trade_id
        if (made.first == ids).all() and (made.after == ids + 1).all():
            return made
        return replace(made, tape=replace(made.tape, first_id=made.first))

    return cast("type[Feed]", type(cls.__name__, (cls,), {"abstract": True, "batch": batch}))
