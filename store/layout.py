"""The layout of a catalog: what lies where, the manifest of every day, and how a series is found by name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from ..core.clock import DAY, iso, parse_time
from ..core.errors import DataError, unknown
from ..core.files.keeping import file_digest
from ..core.files.signed import read_bounded
from .atlas import Atlas
from .footer import footer_digest

SCHEMA = 4
"""Version of files and manifests; from 2 on a manifest has a digest of itself, from 3 on one of the file's footer, from
4 on the names of its series."""
KEYS = ("venue", "market", "symbol", "kind")
MANIFEST = "_manifest.json"
LOCK = ".lock"
STAGING = ".staging"
ADDED = ".added"
QUARANTINE = ".quarantine"
_KLINES = "klines_"


@dataclass(frozen=True, order=True)
class Series:
    """One thing that was recorded: the folders ``venue=…/market=…/symbol=…/kind=…``.

    Parameters
    ----------
    venue, market, symbol : str
        Such as ``binance``, ``spot``, ``BTCUSDT``.
    kind : str
        ``aggTrades``, ``trades`` or ``klines_`` and their interval.

    Examples
    --------
    >>> series = Series("binance", "spot", "1000SHIB/USDT", "klines_1m")
    >>> series.folder.as_posix(), series.interval
    ('venue=binance/market=spot/symbol=1000SHIB%2FUSDT/kind=klines_1m', '1m')
    >>> Series.of(series.folder) == series
    True
    """

    venue: str
    market: str
    symbol: str
    kind: str

    @property
    def folder(self) -> Path:
        """Where it lies below the catalog."""
        return Path(*(f"{key}={quote(getattr(self, key), safe='')}" for key in KEYS))

    @property
    def interval(self) -> str | None:
        """Length of a kline; None for trades."""
        return self.kind.removeprefix(_KLINES) if self.kind.startswith(_KLINES) else None

    @classmethod
    def of(cls, folder: Path) -> Series:
        """The series of a folder below the catalog."""
        return cls(*(unquote(part.partition("=")[2]) for part in folder.parts))

    def __str__(self) -> str:
        return " ".join(getattr(self, key) for key in KEYS)


@dataclass(frozen=True)
class SourceFile:
    """A file that rows of one day came from.

    Parameters
    ----------
    file, bytes, sha256
        Its name without folders, size and digest.
    rows, first_id, last_id : int
        What it has of the day.
    feed, params
        How it was read.
    covered : list of two int, or None
        From when to when (epoch µs) it holds every trade, where that is known.
    """

    file: str
    bytes: int
    sha256: str
    rows: int
    first_id: int
    last_id: int
    feed: str
    params: dict[str, Any]
    covered: list[int] | None = None


@dataclass(frozen=True)
class Partition:
    """The manifest of one day of a series.

    Parameters
    ----------
    folder : Path
        Where manifest and file lie.
    file, bytes, sha256
        The Parquet file beside the manifest.
    rows : int
        Trades or klines in it.
    min_time, max_time : int
        Of its rows, epoch µs; of klines the open times.
    first_id, last_id : int
        Lowest and highest id; −1 without ids.
    begins, ends : int
        Raw id that the first row begins with, and the one that the row behind the last has to begin with; −1
        without ids.
    holes, missing : int
        Places inside the day where ids (of klines: intervals) are missing, and how many are.
    sources : tuple of SourceFile
        Where the rows came from, ordered by digest.
    footer : str
        sha256 of the file's footer, which no checksum of Parquet covers; nothing in manifests of before.
    series : Series or None
        What it is a day of; None in manifests of before.
    """

    folder: Path
    file: str
    bytes: int
    sha256: str
    rows: int
    min_time: int
    max_time: int
    first_id: int
    last_id: int
    begins: int
    ends: int
    holes: int
    missing: int
    sources: tuple[SourceFile, ...] = field(default=())
    footer: str = ""
    series: Series | None = None

    @property
    def day(self) -> int:
        """Its day, counted from 1970-01-01."""
        return self.min_time // DAY

    @property
    def path(self) -> Path:
        """The Parquet file."""
        return self.folder / self.file

    def text(self) -> str:
        """What the manifest holds."""
        made = {"schema": SCHEMA, **asdict(self)}
        del made["folder"]
        return json.dumps({**made, "digest": _digest(made)}, indent=1, ensure_ascii=False) + "\n"

    def check_there(self) -> None:
        """Look whether its file lies where it should, as large as it should be.

        Raises
        ------
        DataError
            If it does not.
        """
        try:
            size = self.path.stat().st_size
        except OSError:
            raise DataError(self.damaged("it is missing")) from None
        if size != self.bytes:
            raise DataError(self.damaged(f"it has {size} bytes, its manifest says {self.bytes}"))

    def check_footer(self) -> None:
        """Compare the footer of its file, which says what the bytes before it mean, with the manifest.

        Raises
        ------
        DataError
            If a byte of it changed.
        """
        whole = not self.footer
        found = file_digest(self.path) if whole else footer_digest(self.path)
        if found != (self.sha256 if whole else self.footer):
            raise DataError(self.damaged("its sha256 is not that in its manifest"))

    def damaged(self, how: str) -> str:
        """What is wrong with its file, and what to do."""
        files = ", ".join(source.file for source in self.sources)
        return f"{self.path}: is damaged, {how}; remove its folder and add {files} again"

    @classmethod
    def read(cls, path: Path) -> Partition:
        """From a manifest.

        Raises
        ------
        DataError
            If it cannot be read, or a later version of tapeflow made it.
        """
        try:
            made = json.loads(read_bounded(path))
            digest, schema = made.pop("digest", None), made["schema"]
            if schema <= SCHEMA and digest != (_digest(made) if schema > 1 else None):
                raise ValueError("its digest is another")
            if made.pop("schema") > SCHEMA:
                raise DataError(f"{path}: has schema {schema}, this version reads up to {SCHEMA}; install a newer one")
            sources = tuple(SourceFile(**source) for source in made.pop("sources"))
            names = made.pop("series", None)
            series = names and Series(**names)
            read = cls(folder=path.parent, sources=sources, series=series, **made)
            if path.parent.name != day_folder(read.day):
                raise ValueError(f"it is that of {day_text(read.day)}")
            if series and path.parts[-len(KEYS) - 2 : -2] != series.folder.parts:
                raise ValueError(f"it is that of {series}, copied to the folder of another series")
            return read
        except FileNotFoundError:
            raise
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as err:
            raise DataError(
                f"{path}: is damaged ({type(err).__name__}: {str(err)[:200]}); remove its folder and add the day again"
            ) from None


def _digest(made: Mapping[str, Any]) -> str:
    """sha256 of what a manifest says."""
    return hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()


def day_text(day: int) -> str:
    """A day in UTC as folders call it.

    >>> day_text(19_723)
    '2024-01-01'
    """
    return iso(day * DAY)[:10]


def day_folder(day: int) -> str:
    """The folder of a day below its series."""
    return f"day={day_text(day)}"


class CatalogStore:
    """A catalog as it lies on disk, to read from.

    Parameters
    ----------
    root : Path
        Its folder.

    Raises
    ------
    DataError
        If there is no such folder.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root).expanduser()
        if not self.root.is_dir():
            what = "is a file, a catalog is a folder" if self.root.exists() else "no such catalog"
            raise DataError(f"{self.root}: {what}; `tapeflow data add` makes one")

    def series(self) -> list[Series]:
        """Every series, in the order of its names."""
        pattern = "/".join(f"{key}=*" for key in KEYS)
        return sorted(Series.of(path.relative_to(self.root)) for path in self.root.glob(pattern) if path.is_dir())

    def days(self, series: Series) -> dict[int, Path]:
        """The manifests of a series by day, the first day first."""
        found = (self.root / series.folder).glob(f"day=*/{MANIFEST}")
        return dict(sorted((parse_time(path.parent.name[4:]) // DAY, path) for path in found))

    def partitions(self, series: Series) -> Iterator[Partition]:
        """The manifests of a series, read; the first day first."""
        return map(Partition.read, self.days(series).values())

    def find(self, wanted: Mapping[str, str | None], *, klines: bool | None = None) -> Series:
        """The one series that ``wanted`` describes.

        Parameters
        ----------
        wanted : mapping of str to str or None
            Values of `KEYS`; what is None or left out may be anything.
        klines : bool or None
            Whether it has to be klines, has to be trades, or may be either.

        Raises
        ------
        DataError
            If none fits, with what there is and the nearest name, or several do.
        """
        left = [s for s in self.series() if klines is None or (s.interval is not None) == klines]
        if not left:
            what = {None: "nothing", True: "no klines", False: "no trades"}[klines]
            raise DataError(f"{self.root}: the catalog holds {what}; `tapeflow data add` adds some")
        atlas = Atlas.parse(wanted.get("symbol"))
        if atlas is not None:
            fitting = [s for s in left if s.symbol in atlas.names and atlas.fits(s.market)]
            if not fitting:
                known = ", ".join(sorted({f"{s.market} {s.symbol}" for s in left}))
                raise DataError(
                    f"{self.root}: holds no {wanted['symbol']}, which venues call "
                    f"{' or '.join(atlas.names)} (there are {known})"
                )
            left, wanted = fitting, {**wanted, "symbol": None}
        for key in ("symbol", "kind", "market", "venue"):
            value = wanted.get(key)
            allowed = {getattr(s, key) for s in left}
            if value is not None and value not in allowed:
                raise DataError(f"{self.root}: {unknown(key, value, allowed)}")
            left = [s for s in left if value in (None, getattr(s, key))]
        if len(left) > 1:
            key = next(k for k in ("symbol", "kind", "market", "venue") if len({getattr(s, k) for s in left}) > 1)
            found = ", ".join(sorted({getattr(s, key) for s in left}))
            raise DataError(f"{self.root}: {len(left)} series fit; give {key} (allowed: {found})")
        return left[0]
