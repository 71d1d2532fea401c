"""Files that plugins open while they work: what a result depended on besides its inputs.

Python tells of every file that is opened through it, and of databases of sqlite. What other C libraries open by
themselves it does not see: a class names such files in ``reads``.
"""

from __future__ import annotations

import linecache
import os
import sys
import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import unquote, urlsplit

from ..errors import PluginError
from .code import belongs_to

_BORDERS = (
    "/core/plugins/registry.py",
    "/backtest/inputs/read.py",
    "/backtest/engines/backtrader.py",
    "/backtest/runner.py",
)
"""Ends of our names of files below whose frames the caller's own code stands, which is no plugin."""
_KEPT = (".kernel",)
"""Machine code that is kept."""
_OPENING = ("open", "sqlite3.connect")
_APART = ("/proc/", "/sys/", "/dev/", "/etc/", *(f"{os.path.realpath(folder)}/" for folder in zoneinfo.TZPATH))
"""What the machine is. Zones are read once a process, by whoever first asks, so that they would tell runs apart."""


Place = tuple[str, int]
Stamp = tuple[int, int] | None


class Seen:
    """Files that were opened in a stretch of work, as one run, each with the plugins' sources that were at work then.

    Attributes
    ----------
    opened, written : dict of str to set of str
        For reading, and to be made; no sources where it was we who made a file.
    places : dict of tuple to set of str
        Files for reading by the function of a plugin that opened them: its source, and its first line.
    """

    def __init__(self) -> None:
        self.opened: dict[str, set[str]] = {}
        self.written: dict[str, set[str]] = {}
        self.places: dict[Place, set[str]] = {}

    def of(self, sources: set[str]) -> set[str]:
        """Files opened at the wish of plugins in ``sources``, and of nobody that could be told, but for those made."""
        made = {path for path, causes in self.written.items() if not causes or causes & sources}
        return {path for path, causes in self.opened.items() if path not in made and (not causes or causes & sources)}


_lasting = Seen()
"""What was opened outside of any run, or by a module while it was imported, which no later run does again."""
_under_way: list[Seen] = []
_before: dict[Place, dict[str, set[str]]] = {}
"""What earlier runs opened, by the place in a plugin that did, which may have kept what it read; with the sources."""
_stamps: dict[str, Stamp] = {}
"""Time and size of the files that may be kept, as they were when they were opened last."""
_packages: set[str] = set()
"""Folders of installed plugins."""
_whose: dict[str, tuple[str, str]] = {}
_watching = False


def watch() -> None:
    """Begin to watch; once a process, for Python has no way to end it."""
    global _watching
    if not _watching:
        _watching = True
        sys.addaudithook(_hear)


def watch_package(folder: Path) -> None:
    """Take what an installed plugin below ``folder`` opens for opened by a plugin too."""
    _packages.add(f"{os.path.realpath(folder)}{os.sep}")
    _whose.clear()


@contextmanager
def seeing(seen: Seen) -> Iterator[None]:
    """What is opened in the block belongs to ``seen``."""
    _under_way.append(seen)
    try:
        yield
    finally:
        _under_way.remove(seen)
        for place, paths in seen.places.items():
            kept = {path: seen.opened[path] for path in paths & seen.of({place[0]})}
            _before.setdefault(place, {}).update(kept)


def anything_opened() -> bool:
    """Whether plugins have opened a file at all."""
    return bool(_lasting.opened or _before or (_under_way and _under_way[-1].opened))


def opened_by(sources: set[str], *, ran: bool) -> list[Path]:
    """Files that were opened at the wish of the plugins in ``sources``, and of nobody that could be told.

    Of what runs opened, that of the innermost one that is under way. Where that is over, as ``ran`` says, of earlier
    ones too what a function of a plugin opened that opened nothing now: it may have kept what it read.

    Raises
    ------
    PluginError
        If a file that may have been kept was changed since it was read.
    """
    found = kept = _lasting.of(sources)
    if _under_way:
        now = _under_way[-1]
        found = kept | now.of(sources)
    if _under_way and ran:
        places = (read for place, read in _before.items() if place not in now.places)
        kept = kept | {path for read in places for path, causes in read.items() if causes & sources}
        kept -= now.of(sources)
        found |= kept
    for path in sorted(kept) if ran else ():
        if not path.endswith(".py") and path in _stamps and _stamps[path] != _stamp(path):
            raise PluginError(f"{path}: was changed since a plugin read it in this process; begin a new one")
    return sorted(path for path in map(Path, found) if path.is_file())


def _stamp(path: str) -> Stamp:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _hear(event: str, args: tuple[Any, ...]) -> None:
    if event not in _OPENING or isinstance(args[0], int):
        return
    try:
        name = os.fsdecode(args[0])
        if event == "open":
            _note(name, args[1], args[2])
        else:
            database = _database(name)
            _note(database, "r" if Path(database).exists() else "w", 0)
    except (TypeError, ValueError, RecursionError):
        return


def _note(name: str, mode: Any, flags: Any) -> None:
    writes = any(c in mode for c in "wax+") if isinstance(mode, str) else bool((flags or 0) & os.O_ACCMODE)
    causes, importing, place = _causes(sys._getframe(2))
    if causes is None and not writes:
        return
    path = os.path.realpath(name)
    if writes:
        for seen in _under_way or (_lasting,):
            if path not in seen.opened:
                seen.written.setdefault(path, set()).update(causes or ())
        return
    if path.startswith(_APART) or belongs_to(path) != "own":
        return
    path = _source(path)
    # a folder is opened to be walked or removed, which reads nothing of it
    if path and causes is not None and not Path(path).is_dir():
        lasts = importing or path.endswith(".py") or not _under_way
        _stamps[path] = _stamp(path)
        for seen in (_lasting,) if lasts else _under_way:
            seen.opened.setdefault(path, set()).update(causes)
            if place is not None and not lasts:
                seen.places.setdefault(place, set()).add(path)


def _database(name: str) -> str:
    """The file of a database, which may be named by a URI."""
    return unquote(urlsplit(name).path) if name.startswith("file:") else name


def _source(name: str) -> str:
    """``name``, or the source of the compiled Python that it is; empty for what a compiler keeps."""
    path = Path(name)
    if path.suffix in _KEPT:
        return ""
    compiled = path.parent.name == "__pycache__" and path.suffix == ".pyc"
    return str(path.parents[1] / f"{path.name.partition('.')[0]}.py") if compiled else name


def _causes(frame: FrameType | None) -> tuple[set[str] | None, bool, Place | None]:
    """Sources of plugins on the way to ``frame``, whether one of them is being imported, and the innermost function.

    None for the sources where it is our own code alone that opens a file, or where a line of Python is read to be shown
    in a traceback.
    """
    found: set[str] = set()
    ours = importing = False
    place = None
    while frame is not None:
        file = frame.f_code.co_filename
        if file == linecache.__file__:
            return None, False, None
        whose, path = _whose.get(file) or _whose.setdefault(file, _judged(file))
        if whose == "own":
            found.add(path)
            place = place or (path, frame.f_code.co_firstlineno)
            importing = importing or frame.f_code.co_name == "<module>"
        elif whose == "ours":
            ours = True
            if file.endswith(_BORDERS):
                break
        frame = frame.f_back
    return (found if found or not ours else None), importing, place


def _judged(file: str) -> tuple[str, str]:
    path = file if file.startswith("<") else os.path.realpath(file)
    package = next((folder for folder in _packages if path.startswith(folder)), "")
    return ("own", package) if package else (belongs_to(path), path)
