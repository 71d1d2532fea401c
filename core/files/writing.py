"""Files written whole: made beside their place, then put there in one step; what a kill left is cleaned by the next."""

from __future__ import annotations

import itertools
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import DataError, SystemFaultError

PART = ".part"
_LONGEST = 80
"""Bytes of a name that its part repeats: a name may be as long as the system allows, its part has to be no longer."""
_FORGOTTEN = 86_400.0
"""Seconds after which a part that cannot be asked whether somebody writes to it is taken for left behind."""


@contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """A temporary file beside ``path`` that takes its name when the block ends without an error.

    A link stays and what it leads to is replaced; a device or a pipe is written to as it is.

    Raises
    ------
    SystemFaultError
        If it cannot be written, with the system's reason.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with replacing(folder / "a.txt") as made:
    ...     _ = made.write_text("whole")
    >>> [p.name for p in folder.iterdir()]
    ['a.txt']
    """
    with telling(path):
        if is_stream(Path(path)):
            yield Path(path)
            return
        place = Path(os.path.realpath(path))
        place.parent.mkdir(parents=True, exist_ok=True)
        clean(place, PART)
        made, handle = begin(place, PART, _make_file)
        try:
            yield made
            if os.name == "nt":  # which renames no file that is open
                os.close(handle)
                handle = -1
            made.replace(place)
        finally:
            with suppress(OSError):
                made.unlink()
            if handle >= 0:
                os.close(handle)


@contextmanager
def telling(path: Path | str) -> Iterator[None]:
    """What the system complains of in the block becomes an error that names ``path``."""
    try:
        yield
    except (BrokenPipeError, DataError):
        raise
    except OSError as err:
        raise SystemFaultError(f"{path}: cannot be written: {why(err)}") from err


def why(err: OSError) -> str:
    """The system's reason in its own words, whoever passed it on.

    >>> why(OSError(28, "Error writing bytes to file. Detail: [errno 28] No space left on device"))
    'No space left on device'
    """
    return os.strerror(err.errno) if err.errno else err.strerror or str(err) or type(err).__name__


def claim(path: Path) -> int | None:
    """Take a file or folder for this process, which has it until the handle is closed or the process ends.

    Returns
    -------
    int or None
        The handle; None where the system or the drive knows no such locks.

    Raises
    ------
    BlockingIOError
        If another process has it.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise
    except OSError:  # some network drives
        os.close(handle)
        return None
    return handle


def sync(path: Path) -> None:
    """Make a file, or the names in a folder, outlast a power cut, where the system can."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def begin(place: Path, ending: str, make: Callable[[Path], None]) -> tuple[Path, int]:
    """Something new beside ``place`` that this process has claimed: where it lies, and its handle (−1 without)."""
    for count in itertools.count():
        made = place.with_name(f"{_stem(place)}{os.getpid()}-{count}{ending}")
        try:
            make(made)
        except FileExistsError:
            if not place.parent.is_dir():
                raise
            continue
        try:
            handle = claim(made)
            # Between the two another process may have taken it for left behind.
            if handle is None or os.path.samestat(os.fstat(handle), made.stat()):
                return made, -1 if handle is None else handle
            os.close(handle)
        except (FileNotFoundError, BlockingIOError):
            continue
        except BaseException:
            remove(made)
            raise
    raise AssertionError


def left(place: Path, ending: str) -> Iterator[Path]:
    """What processes that are gone left beside ``place``, claimed while it is looked at."""
    with suppress(OSError), os.scandir(place.parent) as entries:
        names = [e.name for e in entries if e.name.startswith(_stem(place)) and e.name.endswith(ending)]
        for name in sorted(names):
            with dead(place.with_name(name)) as gone:
                if gone:
                    yield place.with_name(name)


@contextmanager
def dead(path: Path) -> Iterator[bool]:
    """Whether nobody writes to a part any more; nobody begins to in the block."""
    try:
        handle = claim(path)
    except OSError:
        yield False
        return
    try:
        yield handle is not None or time.time() - path.stat().st_mtime > _FORGOTTEN
    finally:
        if handle is not None:
            os.close(handle)


def clean(place: Path, ending: str) -> None:
    """Remove what processes that are gone left beside ``place``."""
    for path in left(place, ending):
        remove(path)


def remove(path: Path) -> None:
    """Remove a file or a folder as far as the system lets us; one interrupt lets it be finished before it goes on."""
    try:
        _remove(path)
    except BaseException:
        _remove(path)
        raise


def _remove(path: Path) -> None:
    with suppress(OSError):  # an interrupt makes rmtree complain in spite of what it is told
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


def _stem(place: Path) -> str:
    return f".{os.fsencode(place.name)[:_LONGEST].decode(errors='ignore')}."


def _make_file(path: Path) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))


def is_stream(path: Path) -> bool:
    """Whether a pipe is there, which would be waited for, or a device, which has no end."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)
