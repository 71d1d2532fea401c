"""A folder in which a lock's run finds every file where it lay, made for as long as it runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import Any

from ...configs.loader import from_mapping
from ...configs.models import RunConfig
from .finder import FileFinder
from .locked_run import LockedFile, LockedRun

_OUTSIDE = "from_elsewhere"
"""Holds files whose places were absolute, where they are not there any more."""


@contextmanager
def staged(lock: LockedRun, finder: FileFinder, settings: Sequence[str] = ()) -> Iterator[RunConfig]:
    """The config of a locked run, whose folder has the files of the run in it; both are there inside the block.

    Parameters
    ----------
    lock : LockedRun
        What ran.
    finder : FileFinder
        Finds its files.
    settings : sequence of str
        ``key=value`` each, as ``--set`` takes them.

    Raises
    ------
    DataError
        Naming a file that is not found, or of which there is another one.
    MistakesError
        If the config is none that this version runs.
    """
    found = {wanted: finder.find(wanted) for wanted in lock.files}
    with TemporaryDirectory(prefix="tapeflow-") as made:
        folder = Path(made).resolve().joinpath(*["in"] * _depth(wanted.path for wanted in found))
        folder.mkdir(parents=True, exist_ok=True)
        moved = not all(_in_place(wanted, path) for wanted, path in found.items())
        for wanted, path in found.items():
            if moved or not PurePath(wanted.path).is_absolute():
                _put(path, folder / _inside(wanted.path), copied=wanted.what != "input")
        raw = _relative(lock.content["config"]) if moved else lock.content["config"]
        notes = tuple(lock.content.get("notes", ()))
        yield from_mapping(raw, folder=folder, origin=str(lock.file), overrides=settings, notes=notes)


def _depth(places: Iterator[str]) -> int:
    """How many folders the places lead up from the YAML's, at most."""
    deepest = 0
    for place in places:
        at = 0
        for part in PurePath(place).parts:
            at += -1 if part == ".." else 1
            deepest = max(deepest, -at)
    return deepest


def _in_place(wanted: LockedFile, path: Path) -> bool:
    """Whether a file that was named by an absolute path still lies there; true of the others, which are put there."""
    place = Path(wanted.path)
    return not place.is_absolute() or place.resolve() == path


def _inside(place: str) -> PurePath:
    """A place as it is from the folder that is made."""
    path = PurePath(place)
    return PurePath(_OUTSIDE, *path.parts[1:]) if path.is_absolute() else path


def _put(path: Path, target: Path, *, copied: bool) -> None:
    """Have a file at ``target`` too; code is copied, since it looks for others beside it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if not copied:
        try:
            target.symlink_to(path)
            return
        except FileExistsError:
            return
        except OSError:  # a system, or a drive, without links
            pass
    shutil.copyfile(path, target)


def _relative(value: Any) -> Any:
    """Absolute paths in a config as they are inside."""
    if isinstance(value, Mapping):
        return {key: _relative(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_relative(inner) for inner in value]
    return _inside(value).as_posix() if isinstance(value, str) and PurePath(value).is_absolute() else value
