"""A file that one process has to itself for a moment, while the others wait."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_WAIT, _LOOKS = 0.05, 1_200
"""Seconds between two looks at a lock, and how many, where the system does not wait by itself."""


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """The file at ``path``, made where it is missing, open for reading and writing; no other process has it meanwhile.

    The lock ends with the block, or with the process, however that ends.

    Yields
    ------
    int
        The handle.

    Raises
    ------
    OSError
        If it cannot be opened or written.

    Examples
    --------
    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()) / "list"
    >>> with locked(place) as handle:
    ...     _ = os.write(handle, b"a line")
    >>> place.read_text()
    'a line'
    """
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        try:
            _wait_for(handle)
            if _is_still(handle, path):
                yield handle
                return
        finally:
            os.close(handle)


def _is_still(handle: int, path: Path) -> bool:
    """Whether nobody put another file in its place while this process waited."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _wait_for(handle: int) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        _wait_on_windows(handle)
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError:  # some network drives know no such locks
        fcntl.lockf(handle, fcntl.LOCK_EX)


def _wait_on_windows(handle: int) -> None:
    import msvcrt  # on Windows alone

    far = 1 << 40  # beyond what is written: a locked byte cannot be read
    for _ in range(_LOOKS):
        os.lseek(handle, far, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
        except OSError:
            time.sleep(_WAIT)
        else:
            return
    raise TimeoutError("another process has it")
