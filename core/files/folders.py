"""Folders written whole: made beside their place and exchanged for what stands there, whose other files are kept."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import DataError
from . import exchange as swap
from .keeping import Own, carry, rescue
from .writing import PART, begin, dead, left, remove, sync, telling

WORK = ".tapeflow"
"""Ending of the folder in which a folder is made."""
_NEW, _OLD, _LINK = "new", "old", "link"


@contextmanager
def replacing_folder(out: Path, own: Own) -> Iterator[tuple[Path, list[str]]]:
    """A folder to fill, which takes the place of ``out`` when the block ends without an error.

    Whatever in ``out`` we did not write, or somebody changed since, is there afterwards too: under its own name, or as
    ``NAME.edited`` where the new folder has a file of that name. Where the drive cannot exchange two folders, ``out``
    is a link to the folder, and the link is what is replaced.

    Parameters
    ----------
    out : Path
        The place.
    own : callable
        Tells which files of a folder are ours.

    Yields
    ------
    made : Path
        The folder to fill.
    kept : list of str
        When the block has ended: names of files of ours that somebody changed, as they are called now.

    Raises
    ------
    DataError
        If it cannot be written, with the system's reason.
    """
    with telling(out):
        place = Path(os.path.abspath(out))  # noqa: PTH100 (resolve would follow the link that stands for a folder)
        inside = _stands_in(place)
        place.parent.mkdir(parents=True, exist_ok=True)
        recover(place, own)
        work, handle = begin(place, WORK, Path.mkdir)
        try:
            made = work / _NEW
            kept: list[str] = []
            made.mkdir()
            _note(work, made)
            yield made, kept
            kept += _put(work, place, own)
            if inside:
                os.chdir(place)
        finally:
            _settle(work, place, own)
            if handle >= 0:
                os.close(handle)
            for other in left(place, WORK):
                _settle(other, place, own)


def recover(out: Path, own: Own) -> None:
    """Clean what killed processes left of ``out``, and put back what they had not put back."""
    for work in left(out, WORK):
        _settle(work, out, own)
    if out.is_dir():
        for path in [p for p in out.iterdir() if _is_part(p)]:
            with dead(path) as gone:
                if gone:
                    remove(path)


def _settle(work: Path, place: Path, own: Own) -> None:
    """Remove a folder of work, at whatever point that ended; what belongs in ``place`` goes there first."""
    made, old = work / _NEW, work / _OLD
    if not os.path.lexists(place) and old.is_dir():
        old.rename(place)
    elif _leads_into(place, work):
        if old.is_dir():
            rescue(old, place, own)
            remove(old)
        return
    elif made.is_dir() and place.is_dir() and not (work / _mark(made)).exists():
        rescue(made, place, own)
    remove(work)


def is_empty(out: Path) -> bool:
    """Whether nothing is in a folder but what processes that are gone left."""
    return all(_is_part(path) for path in out.iterdir())


def check_place(out: Path, what: str, lock: str) -> None:
    """Refuse a place that holds something other than ``what``, which is known by its file ``lock``.

    Raises
    ------
    DataError
        If ``out`` is a file, a link of somebody's, or a folder with other things in it.
    """
    with telling(out):
        place = Path(os.path.abspath(out))  # noqa: PTH100 (resolve would follow the link)
        if place.is_symlink() and not _is_pointer(place):
            raise DataError(f"{out} is a link to {os.readlink(place)}; give --out the folder itself")  # noqa: PTH115
        if os.path.ismount(place):
            raise DataError(f"{out}: a drive begins here, which cannot be replaced; name a folder in it")
        base = next(p for p in (place, *place.parents) if os.path.lexists(p))
        if not base.is_dir():
            raise DataError(f"{base if base != place else out} is a file; --out wants a folder")
        if not os.access(place.parent if base == place else base, os.W_OK | os.X_OK):
            raise OSError(_refusal(base), os.strerror(_refusal(base)))
        if place.is_dir() and not (place / lock).exists() and not is_empty(place):
            raise DataError(f"{out} holds something other than a {what}; choose another --out")


def _put(work: Path, place: Path, own: Own) -> list[str]:
    """Put the new folder in its place; names of changed files that were kept."""
    made, kept = work / _NEW, []
    there = place.is_dir() and any(place.iterdir())
    if there:
        old = place.resolve()
        shutil.copymode(old, made)
        kept = carry(old, made, own(old))
        for path in made.iterdir():
            if path.is_file() and not path.is_symlink():
                sync(path)
        sync(made)
    if place.is_symlink():
        _point(work, place)
        rescue(old, made, own)
    elif there and _exchanged(made, place):
        pass
    elif there:
        place.rename(work / _OLD)
        _point(work, place)
    elif _can_exchange(work) or os.name == "nt":
        if os.name == "nt" and place.is_dir():
            place.rmdir()
        made.rename(place)
    else:
        if place.is_dir():
            place.rmdir()
        _point(work, place)
    with suppress(OSError):
        sync(place.parent)
    return kept


def _exchanged(made: Path, place: Path) -> bool:
    """Exchange the two in one step; False where the drive cannot."""
    try:
        swap.exchange(made, place)
    except OSError as err:
        if err.errno in (errno.EBUSY, errno.EXDEV):
            raise DataError(f"{place}: a drive begins here, which cannot be replaced; name a folder in it") from None
        if err.errno not in swap.UNABLE:
            raise
        return False
    return True


def _can_exchange(work: Path) -> bool:
    one, other = work / "one", work / "other"
    one.mkdir()
    other.mkdir()
    able = _exchanged(one, other)
    one.rmdir()
    other.rmdir()
    return able


def _point(work: Path, place: Path) -> None:
    """Make ``place`` a link to the new folder, in one step."""
    link = work / _LINK
    link.symlink_to(Path(work.name) / _NEW, target_is_directory=True)
    link.replace(place)


def _is_part(path: Path) -> bool:
    return path.name.startswith(".") and path.name.endswith(PART)


def free_folder(parent: Path, name: str) -> Path:
    """``parent/name``, or the first of ``name-2``, ``name-3``, … that is not there yet.

    Examples
    --------
    >>> free_folder(Path("no such folder"), "demo").name
    'demo'
    """
    folder, count = parent / name, 1
    while folder.exists():
        count += 1
        folder = parent / f"{name}-{count}"
    return folder


def _refusal(base: Path) -> int:
    """Why nothing can be made in a folder: the drive, or its rights."""
    flags = getattr(os, "statvfs", None)
    return errno.EROFS if flags and flags(base).f_flag & getattr(os, "ST_RDONLY", 0) else errno.EACCES


def _is_pointer(place: Path) -> bool:
    to = Path(os.readlink(place))  # noqa: PTH115 (one step)
    return to.name == _NEW and to.parent.suffix == WORK and len(to.parts) == 2


def _leads_into(place: Path, work: Path) -> bool:
    return place.is_symlink() and place.resolve() == (work / _NEW).resolve()


def _note(work: Path, made: Path) -> None:
    """Remember which folder is the new one, for whoever finds both after a kill."""
    (work / _mark(made)).touch()


def _mark(made: Path) -> str:
    return f"made-{made.stat().st_ino}"


def _stands_in(place: Path) -> bool:
    """Whether the working folder is ``place`` or inside it."""
    try:
        return Path.cwd().is_relative_to(place.resolve())
    except OSError:
        return False
