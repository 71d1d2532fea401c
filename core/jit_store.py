"""The folder where machine code is kept: a file a kernel, named by what it was made of."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import time
from functools import cache
from pathlib import Path

MOST = 512 * 2**20
"""Bytes that the folder may hold."""

UNUSED = 90 * 86_400
"""Seconds after which a kernel that nobody asked for goes."""

_DAY = 86_400
_DIGEST = 32


@cache
def folder() -> Path:
    """Where this user's machine code is kept: ``TAPEFLOW_KERNELS``, or the system's place for caches."""
    given = os.environ.get("TAPEFLOW_KERNELS")
    if given:
        return Path(given).expanduser().absolute()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "tapeflow" / "kernels"


def _path(name: str) -> Path:
    return folder() / f"{name}.kernel"


def read(name: str) -> bytes | None:
    """What is kept under a name; None where nothing is, or where a part of it is missing or changed."""
    path = _path(name)
    try:
        with path.open("rb") as file:
            digest, kept = file.read(_DIGEST), file.read()
            used = os.fstat(file.fileno()).st_mtime
    except OSError:
        return None
    if hashlib.sha256(kept).digest() != digest:
        return None
    if time.time() - used > _DAY:
        with contextlib.suppress(OSError):
            os.utime(path)
    return kept


def write(name: str, data: bytes) -> None:
    """Keep ``data`` under a name; where nothing can be written it is made again the next time."""
    path = _path(name)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(hashlib.sha256(data).digest() + data)
        part.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        return
    _tidy_daily()


@cache
def _tidy_daily() -> None:
    """Tidy the folder where nobody has since yesterday, once a process."""
    stamp = folder() / "tidied.kernel"
    with contextlib.suppress(OSError):
        if not stamp.exists() or time.time() - stamp.stat().st_mtime > _DAY:
            stamp.touch()
            tidy()


def tidy() -> None:
    """Remove what was not used for `UNUSED` seconds or was left half written, then the longest unused beyond `MOST`."""
    now, kept = time.time(), []
    for path in folder().glob("*-*"):
        with contextlib.suppress(OSError):
            stat = path.stat()
            age = now - stat.st_mtime
            if age > UNUSED or (path.suffix == ".part" and age > _DAY):
                path.unlink()
            else:
                kept.append((stat.st_mtime, stat.st_size, path))
    room = MOST
    for _, size, path in sorted(kept, reverse=True):
        room -= size
        if room < 0:
            with contextlib.suppress(OSError):
                path.unlink()
