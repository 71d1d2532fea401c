"""What is a user's own in a folder that we write anew: given a second name in the new one, so that none is lost."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from ..errors import DataError
from .exchange import UNABLE
from .writing import is_stream, why

Own = Callable[[Path], Mapping[str, str]]
"""The files that we wrote into a folder, by name: their sha256, or nothing where that is not known."""


def file_digest(path: Path) -> str:
    """sha256 of a file, in lower-case hexadecimal.

    Raises
    ------
    DataError
        If it is a pipe, a device or a folder, or cannot be read.
    FileNotFoundError
        If there is none.
    """
    if is_stream(path):
        raise DataError(f"{path}: is a pipe or a device, where a file is wanted")
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise
    except OSError as err:
        raise DataError(f"{path}: cannot be read: {why(err)}") from None


def carry(old: Path, new: Path, written: Mapping[str, str], top: bool = True) -> list[str]:
    """Give everything in ``old`` that is not ours a second name in ``new``; names of changed files of ours."""
    kept = []
    for path in sorted(old.iterdir()):
        if top and _ours(path, written):
            continue
        if path.stat(follow_symlinks=False).st_dev != old.stat().st_dev:
            raise DataError(
                f"{path}: lies on another drive than its folder, which cannot be replaced; choose another --out"
            )
        target = _free(new / path.name) if top else new / path.name
        if path.is_dir() and not path.is_symlink():
            target.mkdir()
            carry(path, target, written, top=False)
            shutil.copystat(path, target)
        else:
            _second_name(path, target)
        if top and path.name in written:
            kept.append(target.name)
    return kept


def _second_name(path: Path, target: Path) -> None:
    """The same file under another name; a copy where the drive knows one name only."""
    if path.is_symlink():
        target.symlink_to(os.readlink(path))  # noqa: PTH115 (as it is written)
        return
    try:
        target.hardlink_to(path)
    except OSError as err:
        if err.errno not in (errno.EPERM, errno.EMLINK, *UNABLE):
            raise
        shutil.copy2(path, target)


def rescue(old: Path, new: Path, own: Own) -> None:
    """Move what came into ``old``, or was saved anew there, after `carry` looked."""
    with suppress(DataError, OSError):
        _move(old, new, own(old), own(new))


def _move(old: Path, new: Path, written: Mapping[str, str], taken: Mapping[str, str]) -> None:
    known = {entry.inode() for entry in os.scandir(new)}
    for path in sorted(old.iterdir()):
        target = _free(new / path.name) if path.name in taken else new / path.name
        if path.name in written or path.is_symlink() or path.stat().st_ino in known:
            continue
        if path.is_dir() and target.is_dir():
            _move(path, target, {}, {})
        else:
            path.replace(target)


def _ours(path: Path, written: Mapping[str, str]) -> bool:
    """Whether a file is as we wrote it."""
    if path.name not in written or path.is_symlink() or not path.is_file():
        return False
    return not written[path.name] or written[path.name] == file_digest(path)


def _free(target: Path) -> Path:
    """``target``, or a name like it that is not taken.

    >>> _free(Path("no such folder") / "report.html").name
    'report.html'
    """
    made, count = target, 1
    while os.path.lexists(made):
        more = ".edited" if count == 1 else f".edited-{count}"
        made, count = target.with_name(f"{target.stem}{more}{target.suffix}"), count + 1
    return made
