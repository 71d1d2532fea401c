"""A file of lines of which each carries the digest of all before it: what is changed in it afterwards is found."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ...core.errors import DataError
from ...core.files.locked import locked
from ...core.files.writing import is_stream, telling, why

START = "0" * 64
"""What stands for the digest before the first line."""
_DIGEST = 64
_PIECE = 1 << 24
"""Bytes that are read at a time."""


class BrokenChainError(DataError):
    """A line was changed, moved or taken out since it was written."""


class Link(NamedTuple):
    """One line.

    Parameters
    ----------
    number : int
        From 1.
    digest : str
        sha256 of the digest before and of the entry: stands for everything up to here.
    entry : dict
        What it says.
    """

    number: int
    digest: str
    entry: dict[str, Any]


class Chain:
    """The chained lines of a file, of which each is read once.

    Parameters
    ----------
    path : Path
        The file; it need not be there.
    seen : callable, optional
        Told of every line, once.
    reset : callable, optional
        Called before lines come again, because another file stands there or a shorter one.

    Examples
    --------
    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()) / "ledger"
    >>> [link.number for link in Chain(place).append(lambda: [{"kind": "run"}, {"kind": "point"}])]
    [1, 2]
    >>> kinds = []
    >>> Chain(place, lambda link: kinds.append(link.entry["kind"])).refresh()
    >>> kinds
    ['run', 'point']
    """

    def __init__(
        self, path: Path, seen: Callable[[Link], object] | None = None, reset: Callable[[], object] | None = None
    ) -> None:
        self.path = path
        self._seen, self._reset = seen or (lambda link: None), reset or (lambda: None)
        self._begin()

    def _begin(self) -> None:
        self._at, self._count, self.head, self.unfinished = 0, 0, START, 0
        self._file: tuple[int, int] | None = None

    def refresh(self) -> None:
        """Read the lines that were not read yet; one that is not finished is none.

        Raises
        ------
        BrokenChainError
            Naming the first line that is not as it was written.
        DataError
            If the file cannot be read.
        """
        if is_stream(self.path):
            raise DataError(f"{self.path}: is a pipe or a device, where a file is wanted; remove it")
        try:
            handle = os.open(self.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except FileNotFoundError:
            self._again()
            return
        except OSError as err:
            raise DataError(f"{self.path}: cannot be read: {why(err)}") from None
        try:
            self._read(handle)
        finally:
            os.close(handle)

    def _again(self) -> None:
        if self._at:
            self._reset()
        self._begin()

    def _read(self, handle: int) -> None:
        facts = os.fstat(handle)
        own = (facts.st_dev, facts.st_ino)
        if self._file is not None and (own != self._file or facts.st_size < self._at):
            self._again()
        self._file = own
        os.lseek(handle, self._at, os.SEEK_SET)
        rest = b""
        while piece := os.read(handle, _PIECE):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                self._follow(line)
        self.unfinished = len(rest)

    def _follow(self, line: bytes) -> Link:
        digest, gap, text = line[:_DIGEST], line[_DIGEST : _DIGEST + 1], line[_DIGEST + 1 :]
        if gap != b" " or digest != chained(self.head, text).encode():
            raise BrokenChainError(
                f"{self.path}: line {self._count + 1} is not as it was written, or lines before it were changed, moved "
                "or taken out"
            )
        self._at, self._count, self.head = self._at + len(line) + 1, self._count + 1, digest.decode()
        link = Link(self._count, self.head, json.loads(text))
        self._seen(link)
        return link

    def append(self, make: Callable[[], Iterable[Mapping[str, Any]]]) -> list[Link]:
        """Add lines; many processes may, each after the other.

        Parameters
        ----------
        make : callable
            Gives the entries, once every line that others added has been seen.

        Raises
        ------
        BrokenChainError
            If a line is not as it was written; nothing is added then.
        SystemFaultError
            If the file cannot be written.
        """
        with telling(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with locked(self.path) as handle:
                self._read(handle)
                return self._add(handle, make())

    def _add(self, handle: int, entries: Iterable[Mapping[str, Any]]) -> list[Link]:
        # What a killed process did not finish writing is taken away.
        os.ftruncate(handle, self._at)
        head, lines = self.head, []
        for entry in entries:
            text = json.dumps(entry, separators=(",", ":")).encode()
            head = chained(head, text)
            lines.append(f"{head} ".encode() + text)
        os.lseek(handle, self._at, os.SEEK_SET)
        _write(handle, b"".join(line + b"\n" for line in lines))
        return [self._follow(line) for line in lines]


def chained(before: str, text: bytes) -> str:
    """The digest of a line after the one whose digest is ``before``."""
    return hashlib.sha256(before.encode() + b"\n" + text).hexdigest()


def _write(handle: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(handle, view) :]
