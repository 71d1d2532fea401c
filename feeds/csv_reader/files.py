"""Files of a feed: found, opened, inflated in chunks and digested, each read once from front to back."""

from __future__ import annotations

import glob
import hashlib
import os
import re
import zipfile
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from isal import igzip
from isal.igzip_lib import IsalError

from ...core.errors import DataError, FormatError
from .streams import Member, Raw, as_gzip, inflated, unzstd

CHUNK = 1 << 20
"""Bytes in one chunk of text, at most."""
_DAMAGED: Any = (igzip.BadGzipFile, IsalError)
T = TypeVar("T")
_AS_IN = "`… > trades.csv`, and name that"
_ZIP, _GZIP, _ZSTD = b"PK\x03\x04", b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_SKIPPED = (".checksum", ".quarantine.csv")


@dataclass(frozen=True)
class InputFile:
    """A file that was read: what ``run.lock`` says of it.

    Parameters
    ----------
    path : Path
        Where it lies.
    bytes : int
        Its size on disk.
    known : str
        Its digest, where reading made one; else it is made when it is first asked for.
    modified : int
        When it was last modified, in ns.
    """

    path: Path
    bytes: int
    known: str = ""
    modified: int = 0

    @cached_property
    def sha256(self) -> str:
        """Digest of the file as it lies on disk, in lower-case hexadecimal.

        Raises
        ------
        DataError
            If the file is another one by now than was read.
        """
        if self.known:
            return self.known
        try:
            with self.path.open("rb") as file:
                made = hashlib.file_digest(file, "sha256").hexdigest()
                now = os.fstat(file.fileno())
        except OSError as err:
            raise DataError(f"{self.path}: {_why(err)}") from None
        if (now.st_size, now.st_mtime_ns) != (self.bytes, self.modified):
            raise DataError(f"{self.path}: changed since it was read; run it again")
        return made


def expand(paths: Iterable[str | Path]) -> list[Path]:
    """The files that ``paths`` name; patterns with ``*``, ``?`` and ``[]`` are expanded, ``**`` goes into folders.

    Raises
    ------
    DataError
        If a file is missing, a pattern matches nothing, or a path is a folder, a pipe or a device.
    """
    found: dict[Path, None] = {}
    for path in paths:
        found |= dict.fromkeys(_expand_one(str(path)))
    return list(found)


def read_once(path: Path) -> str:
    """Why what ``path`` names cannot be read, standard input, a pipe or a device; empty where it is none."""
    if path.is_file() or path.is_dir() or (path.name != "-" and not path.exists()):
        return ""
    text = "-" if path.name == "-" else str(path)
    what = "standard input" if text in ("-", "/dev/stdin", "/dev/fd/0") else "a pipe or a device"
    return f"{text}: is {what}, and files are read more than once: save it to a file, as in {_AS_IN}"


def _expand_one(text: str) -> list[Path]:
    path = Path(text).expanduser()
    if path.is_file():
        return [path]
    if wrong := read_once(path):
        raise DataError(wrong)
    if path.is_dir():
        raise DataError(f"{text}: is a folder; name files, as in {text.rstrip('/')}/*.zip")
    if not glob.has_magic(text):
        raise DataError(f"{text}: no such file")
    names = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 (Path.glob takes no absolute pattern)
    hits = [Path(n) for n in names if not n.lower().endswith(_SKIPPED) and Path(n).is_file()]
    if not hits:
        raise DataError(f"{text}: no file matches the pattern")
    return hits


class FileReader:
    """One file: a stream of its text, and of its digest.

    Parameters
    ----------
    path : Path
        A ``.zip`` that holds one CSV, a ``.csv`` or ``.json``, or one of these with ``.gz`` or ``.zst``; how it is
        packed its first bytes say.

    Raises
    ------
    DataError
        If the file is missing, empty, of another kind, or no whole zip.
    """

    endings: ClassVar[tuple[str, ...]] = (".zip", ".csv", ".json")
    members: ClassVar[tuple[str, ...]] = (".csv",)
    says: ClassVar[str] = ".zip, .csv or .json, or one of these with .gz or .zst"

    def __init__(self, path: Path) -> None:
        self.path = path
        name = unpacked_name(path)
        self.json = name.endswith(".json")
        if not name.endswith(self.endings):
            raise FormatError(f"{path}: is no {self.says}")
        try:
            self._stat = path.stat()
        except OSError as err:
            raise DataError(f"{path}: {_why(err)}") from None
        if self._stat.st_size == 0:
            raise DataError(f"{path}: is empty")
        self.begins = _first_bytes(path)
        """Its first bytes, which tell how it is packed whatever its name says."""
        zipped = self.begins.startswith(_ZIP) or name.endswith(".zip")
        self._member = _only_csv(path, self.members) if zipped else None
        self._gzip, self._zstd = self.begins.startswith(_GZIP), self.begins.startswith(_ZSTD)
        # Where nothing is compared, the digest waits until it is asked for: it takes as long as a sixth of inflating.
        self._hash = None if _beside(path) is None else hashlib.sha256()
        self._known = ""

    @property
    def packed(self) -> bool:
        """Whether the text has to be inflated."""
        return self._gzip or self._zstd or self._member is not None

    def chunks(self) -> Iterator[bytes]:
        """The text in chunks of at most `CHUNK` bytes; at the end the checksums are compared.

        Raises
        ------
        DataError
            If the file cannot be inflated to its end or a checksum is wrong.
        """
        yield from ahead(self._chunks())

    def _chunks(self) -> Generator[bytes, None, None]:
        with self.opened() as text:
            yield from iter(partial(text.read, CHUNK), b"")

    @contextmanager
    def opened(self) -> Iterator[Any]:
        """The text as a binary file, to be read to its end, where the checksums are compared.

        Raises
        ------
        DataError
            If the file cannot be inflated to its end or a checksum is wrong.
        """
        try:
            with self.path.open("rb", buffering=0) as file:
                raw = Raw(file, self._hash)
                yield self._text(raw)
                self._finish(raw)
        except EOFError:
            raise DataError(f"{self.path}: is cut short; fetch it again") from None
        except _DAMAGED:
            raise DataError(f"{self.path}: is damaged, it cannot be inflated; fetch it again") from None
        except OSError as err:
            raise DataError(f"{self.path}: {_why(err)}") from None

    def _text(self, raw: Raw) -> Any:
        if self._member is None:
            return inflated(raw) if self._gzip else unzstd(raw) if self._zstd else raw
        packed = Member(raw, self._member, self.path)
        if self._member.compress_type == zipfile.ZIP_STORED:
            return packed
        return inflated(as_gzip(packed, self._member))

    def _finish(self, raw: Raw) -> None:
        """Digest what stands behind the text too, and compare."""
        if self._hash is None:
            return
        while raw.read(CHUNK):
            pass
        self._compare(self._hash.hexdigest())

    def _compare(self, found: str) -> None:
        wanted, self._known = _wanted(self.path), found
        if wanted is not None and wanted != found:
            raise DataError(f"{self.path}: sha256 is {found}, its CHECKSUM file wants {wanted}; fetch it again")

    def digest(self) -> InputFile:
        """What the file was, however much of its text was wanted.

        Raises
        ------
        DataError
            If a ``.CHECKSUM`` file beside it wants another digest.
        """
        if self._hash is not None and not self._known:
            with self.path.open("rb") as file:
                self._compare(hashlib.file_digest(file, "sha256").hexdigest())
        return InputFile(self.path, self._stat.st_size, self._known, self._stat.st_mtime_ns)


def ahead(items: Generator[T, None, None]) -> Iterator[T]:
    """The same items, each made in a thread while the one before it is used."""
    nothing: Any = object()
    ask: Callable[[], Any] = lambda: next(items, nothing)  # noqa: E731
    with closing(items):
        thread = ThreadPoolExecutor(1)
        coming = thread.submit(ask)
        try:
            while (item := coming.result()) is not nothing:
                coming = thread.submit(ask)
                yield item
        finally:
            # Who is left half read is ended by the collector of garbage, at times within a thread that just begins and
            # holds a lock that joining would wait for: the last item is waited for, the thread is not.
            wait([coming])
            thread.shutdown(wait=False)


def unpacked_name(path: Path) -> str:
    """A file's name in lower case, without the ending that says how it is packed.

    >>> unpacked_name(Path("A.csv.gz")), unpacked_name(Path("a.jsonl.zst"))
    ('a.csv', 'a.jsonl')
    """
    return path.name.lower().removesuffix(".gz").removesuffix(".zst")


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(8)
    except OSError as err:
        raise DataError(f"{path}: {_why(err)}") from None


def _only_csv(path: Path, endings: tuple[str, ...]) -> zipfile.ZipInfo:
    """The one CSV of a zip."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if m.filename.lower().endswith(endings)]
    except (zipfile.BadZipFile, EOFError, ValueError) as err:
        raise DataError(f"{path}: is no whole zip file ({str(err).lower()}); fetch it again") from None
    except OSError as err:
        raise DataError(f"{path}: {_why(err)}") from None
    members = [m for m in members if not m.filename.startswith("__MACOSX/")]
    if len(members) != 1:
        raise DataError(f"{path}: holds {len(members)} CSV files; a dump holds exactly one")
    if members[0].compress_type not in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED) or members[0].flag_bits & 1:
        raise DataError(f"{path}: is encrypted or packed by another method than deflate")
    return members[0]


def _beside(path: Path) -> Path | None:
    """The ``.CHECKSUM`` file beside ``path``, where there is one."""
    beside = path.with_name(path.name + ".CHECKSUM")
    return beside if beside.is_file() else None


def _wanted(path: Path) -> str | None:
    """The digest that a ``.CHECKSUM`` file beside ``path`` wants: of the line that names it, or of its only line."""
    beside = _beside(path)
    if beside is None:
        return None
    lines = [line.split() for line in beside.read_text(errors="replace").splitlines() if line.strip()]
    named = [w for w in lines if len(w) == 2 and w[1].lstrip("*") == path.name]
    chosen = named[0] if named else lines[0] if len(lines) == 1 else [""]
    if not re.fullmatch(r"[0-9a-fA-F]{64}", chosen[0]):
        raise DataError(f"{beside}: holds no sha256 of {path.name}; a line is 64 hexadecimal digits and the file name")
    return chosen[0].lower()


def _why(err: OSError) -> str:
    return (err.strerror or str(err)).lower() if not isinstance(err, FileNotFoundError) else "no such file"
