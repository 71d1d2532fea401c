"""Several files at a time: what became of each, who is told, and names given only to what is whole."""

from __future__ import annotations

import hashlib
import os
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ..core.errors import DataError
from ..core.files.writing import claim, sync
from .http import FetchError

Task = TypeVar("Task")
STATES = ("fetched", "present", "missing", "failed")


@dataclass(frozen=True)
class Fetched:
    """What became of one file.

    Parameters
    ----------
    path : Path
        Where it lies, or would.
    url : str
        Where it comes from.
    state : str
        One of `STATES`: ``present`` was there and is right, ``missing`` is not at the source.
    bytes : int
        Its size.
    sha256 : str
        Its digest.
    why : str
        Of ``failed``: the complaint. Else a remark, or empty.
    """

    path: Path
    url: str
    state: str
    bytes: int = 0
    sha256: str = ""
    why: str = ""


class Watch(Protocol):
    """Who is told how far things are, from several threads at once."""

    def expect(self, count: int) -> None:
        """``count`` more files are to come."""

    def begin(self, name: str, done: int, total: int | None) -> None:
        """``name`` goes on from ``done`` of ``total`` units; None when the total is not known."""

    def advance(self, name: str, count: int) -> None:
        """``count`` more units of ``name`` are here."""

    def end(self, result: Fetched) -> None:
        """A file is done with."""


class Unwatched:
    """A `Watch` that nobody looks at."""

    def expect(self, count: int) -> None:
        """Nothing."""

    def begin(self, name: str, done: int, total: int | None) -> None:
        """Nothing."""

    def advance(self, name: str, count: int) -> None:
        """Nothing."""

    def end(self, result: Fetched) -> None:
        """Nothing."""


def guarded(get: Callable[..., Fetched], path: Path, url: str, *args: Any) -> Fetched:
    """``get(*args)``, with what goes wrong told in its result."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return get(*args)
    except FetchError as err:
        return Fetched(path, url, "failed", why=str(err))
    except OSError as err:
        return Fetched(path, url, "failed", why=f"{path}: cannot be written: {(err.strerror or str(err)).lower()}")


def side_by_side(
    tasks: Sequence[Task],
    work: Callable[[Task], tuple[Fetched | None, Sequence[Task]]],
    stop: threading.Event,
    *,
    jobs: int,
    watch: Watch,
) -> list[Fetched]:
    """The results of ``work`` over ``tasks`` and the tasks these lead to, by name of file.

    The threads are daemons: an interrupted download does not wait for a silent server.
    """
    waiting: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[Fetched | None, Sequence[Task]] | BaseException] = queue.SimpleQueue()
    threads = [threading.Thread(target=_serve, args=(waiting, work, done), daemon=True) for _ in range(jobs)]
    for task in tasks:
        waiting.put(task)
    watch.expect(len(tasks))
    for thread in threads:
        thread.start()
    try:
        made = _collect(waiting, done, len(tasks), watch)
    except BaseException:
        stop.set()
        raise
    finally:
        for _ in threads:
            waiting.put(None)
        for thread in threads:
            thread.join(0.5 / jobs)
    return sorted(made, key=lambda result: result.path.as_posix())


def _collect(waiting: Any, done: Any, left: int, watch: Watch) -> list[Fetched]:
    """Results until none is left, handing out the tasks that they lead to."""
    made: list[Fetched] = []
    while left:
        answer = done.get()
        if isinstance(answer, BaseException):
            raise answer
        result, more = answer
        for task in more:
            waiting.put(task)
        left += len(more) - 1
        if result is None:
            watch.expect(len(more) - 1)
        else:
            watch.end(result)
            made.append(result)
    return made


def _serve(waiting: Any, work: Callable[[Any], Any], done: Any) -> None:
    while (task := waiting.get()) is not None:
        try:
            done.put(work(task))
        except BaseException as err:
            done.put(err)
            return


@contextmanager
def claimed(folders: Iterable[Path]) -> Iterator[None]:
    """Folders that no other download writes to meanwhile; a killed one gives them up.

    Raises
    ------
    DataError
        If another process has one, or it cannot be made.
    """
    held: list[int] = []
    try:
        for folder in sorted(folders):
            held += _claim(folder)
        yield
    finally:
        for handle in held:
            os.close(handle)


def _claim(folder: Path) -> list[int]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise DataError(f"{folder}: cannot be made: {(err.strerror or str(err)).lower()}") from None
    try:
        handle = claim(folder)
    except BlockingIOError:
        raise DataError(f"{folder}: another download is writing there; wait for it") from None
    return [] if handle is None else [handle]


def digest(path: Path) -> str:
    """sha256 of a file; empty when there is none."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return ""


def write_whole(path: Path, text: bytes) -> None:
    """Write a small file in one step; nothing is done when it says the same already."""
    if path.is_file() and path.read_bytes() == text:
        return
    made = path.with_name(f".{path.name}.new")
    made.write_bytes(text)
    put(made, path)


def put(made: Path, path: Path) -> None:
    """Give a finished file its name; after a power failure there is the old one or this one."""
    sync(made)
    made.replace(path)
    with suppress(OSError):
        sync(path.parent)
