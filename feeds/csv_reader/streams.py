"""Streams of bytes: a file that is digested as it is read, and the member of a zip as a gzip file of its own."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from isal import igzip, isal_zlib

from ...core.errors import DataError
from ...core.progress import METER

_GZIP_HEAD = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
"""Deflate, nothing said of time, name or system."""
_LOCAL_HEAD, _LENGTHS = 30, 26
_PACKED = 1 << 17
"""Packed bytes that are read at once."""


class Raw(io.RawIOBase):
    """The bytes of a file as they lie on disk.

    Parameters
    ----------
    file : binary file
        Unbuffered.
    digest : hash or None
        Takes all that is read.
    """

    def __init__(self, file: Any, digest: Any) -> None:
        super().__init__()
        self._file, self._digest = file, digest

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, into: Any, /) -> int:
        """Fill what is given as far as there is something; gives how many bytes."""
        n: int = self._file.readinto(into)
        if self._digest is not None:
            self._digest.update(memoryview(into)[:n])
        METER.bytes += n
        return n

    def exactly(self, size: int) -> bytes:
        """``size`` bytes, fewer only at the end."""
        made = b""
        while len(made) < size and (part := self.read(size - len(made))):
            made += part
        return made


class Member(io.RawIOBase):
    """The bytes of one member of a zip, packed as they are; when they are not, its checksum is compared.

    Parameters
    ----------
    raw : Raw
        The zip, from its beginning.
    member : ZipInfo
        Which one.
    path : Path
        The zip, for complaints.
    """

    def __init__(self, raw: Raw, member: zipfile.ZipInfo, path: Path) -> None:
        super().__init__()
        self._raw, self._member, self._path = raw, member, path
        self._left, self._crc = member.compress_size, 0
        raw.exactly(member.header_offset)
        head = raw.exactly(_LOCAL_HEAD)
        if len(head) < _LOCAL_HEAD:
            raise self._cut_short()
        raw.exactly(sum(struct.unpack("<HH", head[_LENGTHS:])))

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, into: Any, /) -> int:
        """Fill what is given as far as there is something; gives how many bytes."""
        part = memoryview(into)[: self._left]
        n = self._raw.readinto(part)
        if not n and self._left:
            raise self._cut_short()
        self._left -= n
        if self._member.compress_type == zipfile.ZIP_STORED:
            self._crc = isal_zlib.crc32(part[:n], self._crc)
            if not self._left and self._crc != self._member.CRC:
                name = self._member.filename
                raise DataError(f"{self._path}: {name} in it is damaged (wrong CRC); fetch it again")
        return n

    def _cut_short(self) -> DataError:
        return DataError(f"{self._path}: is cut short; fetch it again")


class _Chain(io.RawIOBase):
    """Streams one behind the other."""

    def __init__(self, parts: Sequence[Any]) -> None:
        super().__init__()
        self._parts = list(parts)

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, into: Any, /) -> int:
        """Fill what is given as far as there is something; gives how many bytes."""
        while self._parts:
            n: int = self._parts[0].readinto(into)
            if n:
                return n
            self._parts.pop(0)
        return 0


def as_gzip(packed: Member, member: zipfile.ZipInfo) -> Any:
    """A deflated member of a zip as a gzip file, whose reader compares size and checksum as it inflates."""
    tail = struct.pack("<LL", member.CRC, member.file_size & 0xFFFFFFFF)
    return _Chain([io.BytesIO(_GZIP_HEAD), packed, io.BytesIO(tail)])


def inflated(stream: Any) -> Any:
    """The text of a gzip file, of one part or several.

    The reader that is behind isal's files inflates into what it is given; a file of isal's makes bytes of it first,
    and to copy them takes a fifth of the time to inflate.
    """
    reader = getattr(isal_zlib, "_GzipReader", None)
    return igzip.IGzipFile(fileobj=stream, mode="rb") if reader is None else reader(stream, _PACKED)


def unzstd(stream: Any) -> Any:
    """The text of a zstd file."""
    import pyarrow as pa

    return pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), "zstd")
