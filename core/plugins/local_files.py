"""Plugins that are loaded by their paths: what their modules are called, and whether files are as they were read."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

_LOCAL = "tapeflow_local_"
"""How the names of their modules begin."""
ASKED: set[str] = set()
"""Modules of those that the run at hand names."""
_read: dict[str, dict[Path, str]] = {}
"""Of each module the files that it was made of, those beside it that it imports included, with their digests."""


def local_name(path: Path) -> str:
    """What the module of a file is called that is loaded by its path."""
    digest = hashlib.sha256(str(path.parent).encode()).hexdigest()[:8]
    return f"{_LOCAL}{digest}.{path.parent.name}.{path.stem}"


def is_past(cls: type) -> bool:
    """Whether a class is of a file that another run named, and not the one at hand."""
    return cls.__module__.startswith(_LOCAL) and cls.__module__ not in ASKED


def place_of(module: str) -> str:
    """Where a class of ``module`` stands, for people: the file that was loaded by its path, else the module."""
    file = getattr(sys.modules.get(module), "__file__", None) if module.startswith(_LOCAL) else None
    return str(file or module)


def remember(name: str, path: Path) -> None:
    """Note what module ``name``, loaded from ``path``, was made of."""
    _read[name] = {file: _digest(file) for file in (path, *_beside(path))}


def give_up_changed(name: str) -> bool:
    """Whether a file that a module was made of is another now; if so it, and what changed, is imported anew."""
    changed = {path for path, digest in _read.get(name, {}).items() if _digest(path) != digest}
    if not changed:
        return False
    for other in [name, *(other for other, path in _files() if path in changed)]:
        sys.modules.pop(other, None)
    return True


def _beside(path: Path) -> list[Path]:
    """Modules from the folder of a plugin that were imported by their own names."""
    return [file for _, file in _files() if file.parent == path.parent and file != path]


def _files() -> list[tuple[str, Path]]:
    """Modules that were imported by their own names, with their files; none is brought to load what it loads late."""
    found = [(name, getattr(module, "__dict__", {}).get("__file__")) for name, module in list(sys.modules.items())]
    return [(name, Path(file)) for name, file in found if isinstance(file, str) and not name.startswith(_LOCAL)]


def _digest(path: Path) -> str:
    """Of a file as it is now; empty where it is gone."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
