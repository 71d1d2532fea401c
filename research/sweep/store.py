"""Bars in one file that processes map instead of copying."""

from __future__ import annotations

import mmap
import pickle
import struct
from pathlib import Path
from typing import Any

ALIGNED = 64
"""Where a column begins, in bytes: no processor asks for more."""
_HEAD = struct.Struct("<QQ")


def put(value: Any, path: Path) -> None:
    """Write ``value`` with its arrays laid out plainly behind it.

    Parameters
    ----------
    value : object
        Whatever pickles; arrays in it are not copied into the pickle.
    path : Path
        The file to make. It is read by processes of the run that wrote it, and by nobody else.
    """
    arrays: list[pickle.PickleBuffer] = []
    body = pickle.dumps(value, protocol=5, buffer_callback=arrays.append)
    parts = [array.raw() for array in arrays]
    spans: list[tuple[int, int]] = []
    at = 0
    for part in parts:
        spans.append((at, part.nbytes))
        at = _aligned(at + part.nbytes)
    head = pickle.dumps((body, spans), protocol=5)
    start = _aligned(_HEAD.size + len(head))
    with path.open("wb") as file:
        file.write(_HEAD.pack(len(head), start))
        file.write(head)
        for (offset, _), part in zip(spans, parts, strict=True):
            file.seek(start + offset)
            file.write(part)
        file.truncate(max(start + at, start + 1))


def get(path: Path) -> Any:
    """What `put` wrote; its arrays are the file's own pages, which all processes share.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> file = Path(tempfile.mkdtemp()) / "bars"
    >>> put({"close": np.array([1.0, 2.0])}, file)
    >>> get(file)["close"].tolist()
    [1.0, 2.0]
    """
    with path.open("rb") as file:
        # A private mapping: an array that may be written to is copied page by page where it is, and only there.
        pages = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
    size, start = _HEAD.unpack_from(pages)
    body, spans = pickle.loads(pages[_HEAD.size : _HEAD.size + size])  # noqa: S301  (our own file)
    return pickle.loads(body, buffers=[pages[start + at : start + at + n] for at, n in spans])  # noqa: S301


def _aligned(size: int) -> int:
    return -(-size // ALIGNED) * ALIGNED
