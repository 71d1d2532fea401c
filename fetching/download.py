"""Files of a public archive, fetched: each verified, put in its place in one step, and resumed where it stopped."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from .archive import ArchiveRequest, Dump
from .http import FetchError, Http, NotFound, Refused, Stopped, Transient
from .transfer import Fetched, Unwatched, Watch, claimed, digest, guarded, put, side_by_side, write_whole

_PIECE = 1 << 16


def download(
    wish: ArchiveRequest, folder: Path, http: Http, *, jobs: int = 4, refresh: bool = False, watch: Watch | None = None
) -> list[Fetched]:
    """Have every file of ``wish`` below ``folder``.

    Parameters
    ----------
    jobs : int
        Files at a time.
    refresh : bool
        Whether to ask for the checksums of files that are there too: the archive replaces some, years later.

    Returns
    -------
    list of Fetched
        One for each file, in the order of their names.

    Raises
    ------
    DataError
        If ``folder`` cannot be written, or another process downloads into it.
    """
    watch = watch or Unwatched()
    dumps = wish.dumps(lambda d: _begun(folder / d.place), lambda d: (folder / d.place).is_file())

    def work(dump: Dump) -> tuple[Fetched | None, Sequence[Dump]]:
        made = guarded(OneFile(http, dump.url, folder / dump.place, watch).get, folder / dump.place, dump.url, refresh)
        return (None, dump.instead) if made.state == "missing" and dump.instead else (made, ())

    with claimed({(folder / dump.place).parent for dump in dumps}):
        return side_by_side(dumps, work, http.stop, jobs=jobs, watch=watch)


class OneFile:
    """A file and its ``.CHECKSUM``, from a site to a place.

    What has come so far is in ``.part`` beside the place, with the version it is of in ``.part.etag``.

    Parameters
    ----------
    http : Http
        The site.
    url : str
        Path on it.
    path : Path
        The place.
    watch : Watch
        Told of every piece.
    """

    def __init__(self, http: Http, url: str, path: Path, watch: Watch) -> None:
        self._http, self._url, self._path, self._watch = http, url, path, watch
        self._part = path.with_name(f"{path.name}.part")
        self._etag = path.with_name(f"{path.name}.part.etag")
        self._checksum = path.with_name(f"{path.name}.CHECKSUM")
        self._hash, self._size, self._received = hashlib.sha256(), 0, 0

    def get(self, refresh: bool = False) -> Fetched:
        """Have the file; nothing is asked of the site when it is there and is what its ``.CHECKSUM`` wants."""
        found = digest(self._path)
        if not found or refresh or found != self._recorded():
            try:
                text: bytes = self._http.get(f"{self._url}.CHECKSUM", self._parse).value
            except NotFound:
                return self._absent()
            if found != (wanted := _sha256(text, self._path.name)):
                self._obtain(wanted)
                write_whole(self._checksum, text)
                return self._result("fetched", wanted)
            write_whole(self._checksum, text)
        self._drop()
        return self._result("present", found)

    def _recorded(self) -> str:
        try:
            return _sha256(self._checksum.read_bytes(), self._path.name)
        except (OSError, ValueError):
            return ""

    def _parse(self, text: bytes) -> bytes:
        _sha256(text, self._path.name)
        return text

    def _absent(self) -> Fetched:
        url = self._http.site + self._url
        if self._http.exists(self._url):
            raise FetchError(f"{url}: there is no .CHECKSUM of it, it cannot be verified")
        return Fetched(self._path, url, "missing")

    def _result(self, state: str, sha256: str) -> Fetched:
        return Fetched(self._path, self._http.site + self._url, state, self._path.stat().st_size, sha256)

    def _obtain(self, wanted: str) -> None:
        """Fetch until the digest is right; when it is wrong, once more from nothing."""
        found = ""
        self._recall()
        for _ in range(2):
            self._http.persist(self._url, lambda: self._pull(wanted), lambda: self._received)
            if (found := self._hash.hexdigest()) == wanted:
                put(self._part, self._path)
                self._drop()
                return
            self._drop()
        raise FetchError(f"{self._http.site}{self._url}: sha256 is {found}, its CHECKSUM wants {wanted}, twice")

    def _recall(self) -> None:
        """Take up what an earlier run has left."""
        with suppress(FileNotFoundError), self._part.open("rb") as file:
            self._hash = hashlib.file_digest(file, "sha256")
            self._size = file.tell()

    def _drop(self) -> None:
        self._hash, self._size = hashlib.sha256(), 0
        self._part.unlink(missing_ok=True)
        self._etag.unlink(missing_ok=True)

    def _pull(self, wanted: str) -> None:
        """One try at the rest of the file."""
        if self._size and self._hash.hexdigest() == wanted:
            return
        headers = {"Range": f"bytes={self._size}-"} if self._size else {}
        if self._size and (etag := self._known_etag()):
            headers["If-Range"] = etag
        try:
            with self._http.open(self._url, headers) as response, self._open(response) as file:
                self._receive(response, file)
        except NotFound:
            raise FetchError(f"{self._http.site}{self._url}: its CHECKSUM is there, it is not") from None
        except Refused as err:
            if err.status != 416:
                raise
            self._drop()
            raise Transient("what was here already is no part of it") from None

    def _known_etag(self) -> str:
        with suppress(OSError, UnicodeDecodeError):
            return self._etag.read_text(encoding="ascii").strip()
        return ""

    def _open(self, response: Any) -> BinaryIO:
        """The part, to go on with or from nothing, as the site chose."""
        if response.status == 206 and _starts_at(response.headers.get("Content-Range", "")) == self._size:
            return self._part.open("ab", buffering=0)
        self._hash, self._size = hashlib.sha256(), 0
        self._part.parent.mkdir(parents=True, exist_ok=True)
        # Emptied before the tag is written: a part never stands beside the tag of another version.
        file = self._part.open("wb", buffering=0)
        etag = response.headers.get("ETag", "")
        weak = etag.startswith("W/") or not etag.isascii()
        self._etag.write_text("" if weak else etag, encoding="ascii")
        return file

    def _receive(self, response: Any, file: BinaryIO) -> None:
        length = response.headers.get("Content-Length", "")
        self._watch.begin(self._path.name, self._size, self._size + int(length) if length.isdecimal() else None)
        for piece in response.stream(_PIECE, decode_content=False):
            file.write(piece)
            self._hash.update(piece)
            self._size += len(piece)
            self._received += len(piece)
            self._watch.advance(self._path.name, len(piece))
            if self._http.stop.is_set():
                raise Stopped


def _begun(path: Path) -> bool:
    return path.is_file() or path.with_name(f"{path.name}.part").is_file()


def _sha256(text: bytes, name: str) -> str:
    """The digest in a ``.CHECKSUM`` file of ``name``."""
    hit = re.fullmatch(r"([0-9a-fA-F]{64})[ \t]+\*?(\S+)\s*", text.decode("utf-8", "replace"))
    if not hit or hit[2] != name:
        raise ValueError(f"holds no sha256 of {name}")
    return hit[1].lower()


def _starts_at(content_range: str) -> int:
    hit = re.match(r"bytes (\d+)-", content_range)
    return int(hit[1]) if hit else -1
