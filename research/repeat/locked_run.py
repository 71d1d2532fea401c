"""A ``run.lock`` as it is read back: what ran, on which files, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...backtest.results.own_files import LOCK, lock_file, read_lock
from ...core.errors import DataError

PARTS = {"inputs": "input", "plugins": "plugin", "reads": "file that a plugin read"}
"""Where a lock lists files, and what one of them is."""


@dataclass(frozen=True)
class LockedFile:
    """A file that a run depended on.

    Parameters
    ----------
    what : str
        An input, a plugin, or a file that a plugin read.
    path : str
        Its place, from the folder of the YAML.
    sha256 : str
        Its digest.
    size : int or None
        Bytes, where the lock has them.
    """

    what: str
    path: str
    sha256: str
    size: int | None = None

    def __str__(self) -> str:
        return f"{self.what} {self.path}"


@dataclass(frozen=True)
class LockedRun:
    """The content of a lock.

    Parameters
    ----------
    file : Path
        Where it was read.
    content : mapping
        All of it.
    """

    file: Path
    content: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> LockedRun:
        """The lock at ``path``, or that of the result folder there.

        Raises
        ------
        DataError
            If there is none, a byte of it changed, or it is not that of a finished run.
        """
        file = lock_file(path)
        if not (content := read_lock(path)):
            raise DataError(f"{file}: no such file; a run leaves {LOCK} in its folder")
        blocks = {"config": dict, "outputs": dict, "versions": dict, "platform": dict} | dict.fromkeys(PARTS, list)
        for key, kind in blocks.items():
            if not isinstance(content.get(key), kind):
                raise DataError(f"{file}: not the lock of a run: it has no '{key}'; one is made by `tapeflow run`")
        return cls(file, content)

    @property
    def files(self) -> list[LockedFile]:
        """Everything that has to be there before it can run again, each file once."""
        made = [
            LockedFile(what, str(one["path"]), str(one["sha256"]), one.get("bytes"))
            for part, what in PARTS.items()
            for one in self.content[part]
        ]
        return [*dict.fromkeys(made)]
