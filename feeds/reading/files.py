"""Files of a feed: found, opened, inflated in chunks and digested, each read once from front to back."""

from __future__ import annotations

import glob
import hashlib
import os
import re
import struct
import zipfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from isal import isal_zlib
from isal.igzip_lib import IsalError

from ...core.errors import DataError

CHUNK = 1 << 20
"""Bytes in one chunk of text, about."""
_READ = 1 << 17
_LEAST = 1 << 14
_GZIP, _RAW = 31, -15
_DAMAGED: Any = IsalError
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
        When it was last modified, in ns; only for a file whose digest is not known.
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
        If a file is missing, a pattern matches nothing, or a path is a folder.
    """
    found: dict[Path, None] = {}
    for path in paths:
        found |= dict.fromkeys(_expand_one(str(path)))
    return list(found)


def _expand_one(text: str) -> list[Path]:
    path = Path(text).expanduser()
    if path.is_file():
        return [path]
    if path.is_dir():
        raise DataError(f"{text}: is a folder; name files, as in {text.rstrip('/')}/*.zip")
    if not glob.has_magic(text):
        raise DataError(f"{text}: no such file")
    names = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 (Path.glob takes no absolute pattern)
    hits = [Path(n) for n in names if not n.lower().endswith(_SKIPPED) and Path(n).is_file()]
    if not hits:
        raise DataError(f"{text}: no file matches the pattern")
    return hits


class Source:
    """One file: a stream of its text, and of its digest.

    Parameters
    ----------
    path : Path
        A ``.zip`` that holds one CSV, a ``.csv`` or ``.json``, or one of these with ``.gz``.

    Raises
    ------
    DataError
        If the file is missing, empty, of another kind, or no whole zip.
    """

    endings: ClassVar[tuple[str, ...]] = (".zip", ".csv", ".csv.gz", ".json", ".json.gz")
    says: ClassVar[str] = ".zip, .csv, .csv.gz or .json"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._bytes, self._done = 0, False
        name = path.name.lower()
        self.json = name.endswith((".json", ".json.gz"))
        if not name.endswith(self.endings):
            raise DataError(f"{path}: is no {self.says}")
        try:
            self._stat = path.stat()
        except OSError as err:
            raise DataError(f"{path}: {_why(err)}") from None
        if self._stat.st_size == 0:
            raise DataError(f"{path}: is empty")
        self._member = _only_csv(path) if name.endswith(".zip") else None
        self._gzip = name.endswith(".gz")
        # To digest plain text takes longer than to read it; where nothing is compared, it waits until it is asked for.
        lazy = self._member is None and not self._gzip and _beside(path) is None
        self._hash = None if lazy else hashlib.sha256()

    def chunks(self) -> Iterator[bytes]:
        """The text in chunks of about `CHUNK` bytes; at the end the checksums are compared.

        Raises
        ------
        DataError
            If the file cannot be inflated to its end or a checksum is wrong.
        """
        try:
            with self.path.open("rb") as file:
                yield from _ahead(self._text(file))
                self._finish(file)
        except OSError as err:
            raise DataError(f"{self.path}: {_why(err)}") from None
        except _DAMAGED:
            raise DataError(f"{self.path}: is damaged, it cannot be inflated; fetch it again") from None

    def digest(self) -> InputFile:
        """What the file was; reads the rest of it when the text was not wanted to its end.

        Raises
        ------
        DataError
            If a ``.CHECKSUM`` file beside it wants another digest.
        """
        if self._hash is None:
            return InputFile(self.path, self._stat.st_size, modified=self._stat.st_mtime_ns)
        if not self._done:
            with self.path.open("rb") as file:
                file.seek(self._bytes)
                self._finish(file)
        return InputFile(self.path, self._bytes, self._hash.hexdigest())

    def _text(self, file: BinaryIO) -> Iterator[bytes]:
        if self._member is not None:
            return self._unzip(file, self._member)
        return self._gunzip(file) if self._gzip else iter(lambda: self._read(file, CHUNK), b"")

    def _read(self, file: BinaryIO, size: int) -> bytes:
        data = file.read(size)
        if self._hash is not None:
            self._hash.update(data)
        self._bytes += len(data)
        return data

    def _unzip(self, file: BinaryIO, member: zipfile.ZipInfo) -> Iterator[bytes]:
        self._read(file, member.header_offset)
        header = self._read(file, 30)
        if len(header) < 30:
            raise DataError(f"{self.path}: is cut short; fetch it again")
        self._read(file, sum(struct.unpack("<HH", header[26:30])))
        left, crc, size = member.compress_size, 0, 0
        # what inflates to most of a chunk: a chunk and a little would be handed on in two pieces
        portion = max(_LEAST, min(CHUNK, 7 * CHUNK // 8 * left // max(1, member.file_size)))
        inflate = isal_zlib.decompressobj(_RAW) if member.compress_type == zipfile.ZIP_DEFLATED else None
        while left > 0:
            data = self._read(file, min(portion, left))
            if not data:
                raise DataError(f"{self.path}: is cut short; fetch it again")
            left -= len(data)
            for text in _inflated(inflate, data):
                crc, size = isal_zlib.crc32(text, crc), size + len(text)
                yield text
        if crc != member.CRC or size != member.file_size:
            raise DataError(f"{self.path}: {member.filename} in it is damaged (wrong CRC); fetch it again")

    def _gunzip(self, file: BinaryIO) -> Iterator[bytes]:
        inflate, data = isal_zlib.decompressobj(_GZIP), self._read(file, _READ)
        while data:
            yield from _inflated(inflate, data)
            data = inflate.unused_data if inflate.eof else b""
            data = data or self._read(file, _READ)
            if inflate.eof and data:
                inflate = isal_zlib.decompressobj(_GZIP)
        if not inflate.eof:
            raise DataError(f"{self.path}: is cut short; fetch it again")

    def _finish(self, file: BinaryIO) -> None:
        if self._hash is None:
            return
        while self._read(file, CHUNK):
            pass
        self._done = True
        wanted, found = _wanted(self.path), self._hash.hexdigest()
        if wanted is not None and wanted != found:
            raise DataError(f"{self.path}: sha256 is {found}, its CHECKSUM file wants {wanted}; fetch it again")


def _ahead(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same chunks, the next one read, digested and inflated while the caller works on this one."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, chunks, None)
        while (chunk := coming.result()) is not None:
            coming = pool.submit(next, chunks, None)
            yield chunk


def _inflated(inflate: Any, data: bytes) -> Iterator[bytes]:
    """Text of ``data``, never much more than a chunk at once, however well it was packed."""
    if inflate is None:
        yield data
        return
    text = inflate.decompress(data, CHUNK)
    while text:
        yield text
        text = inflate.decompress(inflate.unconsumed_tail, CHUNK) if not inflate.eof else b""


def _only_csv(path: Path) -> zipfile.ZipInfo:
    """The one CSV of a zip."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if m.filename.lower().endswith(".csv")]
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
