"""Two names on one drive swapped in one step, where the system can."""

from __future__ import annotations

import errno
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

UNABLE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP)
"""What a system or a drive answers that cannot swap names."""
_HERE = -100
"""Relative paths begin at the working folder (``AT_FDCWD``)."""
_SWAP = 2
"""``RENAME_EXCHANGE`` of Linux, ``RENAME_SWAP`` of macOS."""


def exchange(one: Path, other: Path) -> None:
    """Swap two names: at every instant each leads to one of the two.

    Raises
    ------
    OSError
        As the system says it; one of `UNABLE` where it cannot.
    """
    call = _call()
    if call is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    import ctypes

    if call(os.fsencode(one), os.fsencode(other)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(other))


@cache
def _call() -> Any:
    """The system's function for it; None where there is none."""
    if os.name == "nt":
        return None
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    if swap := getattr(library, "renamex_np", None) if sys.platform == "darwin" else None:
        return lambda one, other: swap(one, other, ctypes.c_uint(_SWAP))
    if swap := getattr(library, "renameat2", None):
        return lambda one, other: swap(_HERE, one, _HERE, other, ctypes.c_uint(_SWAP))
    return None
