"""Standard output, which may be closed, full, or a pipe that nobody reads."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ..core.errors import SystemFaultError


@contextmanager
def standard_output() -> Iterator[None]:
    """What the block prints is written when it ends, or an error says why it cannot be.

    Raises
    ------
    SystemFaultError
        If standard output is closed, or its drive is full.
    """
    if sys.stdout is None:
        # A file that is opened next would be standard output otherwise.
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8")
    try:
        yield
        sys.stdout.flush()
    except SystemFaultError:
        raise
    except BrokenPipeError:
        _silence()
        raise
    except OSError as err:
        if err.filename is not None or not _printed(err):
            raise
        _silence()
        raise SystemFaultError(f"standard output: cannot be written: {os.strerror(err.errno or 0)}") from err


def _printed(err: OSError) -> bool:
    """Whether it was printing that failed."""
    files = {frame.f_code.co_filename for frame, _ in traceback.walk_tb(err.__traceback__)}
    printers = [sys.modules.get(name) for name in ("click.utils", "rich.console")]
    last = traceback.extract_tb(err.__traceback__)[-1].filename
    return last == __file__ or any(module is not None and module.__file__ in files for module in printers)


def _silence() -> None:
    """Let nothing be written any more: Python would try again at its end, and complain."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
