"""The footer of a Parquet file: what the bytes before it mean, which no checksum of Parquet covers."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

_TRAILER = 8
"""Bytes behind a footer: its length, and four letters."""


def footer_digest(path: Path) -> str:
    """sha256 of the footer of a Parquet file, in lower-case hexadecimal."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - _TRAILER, 0))
        length = int.from_bytes(file.read(_TRAILER)[:4], "little") + _TRAILER
        file.seek(max(size - length, 0))
        return hashlib.file_digest(file, "sha256").hexdigest()
